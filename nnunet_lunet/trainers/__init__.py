"""What nnU-Net calls: trainers found by name, and the checkpoints they write."""
