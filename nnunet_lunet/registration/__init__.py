"""How stock nnU-Net finds this package."""
