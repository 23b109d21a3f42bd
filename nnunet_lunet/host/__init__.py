"""nnU-Net seen from here: its folders, checkpoints, results, label maps and commands."""
