"""``lunet study``: a matrix of trainings through nnU-Net's own commands, and what they compare to."""
