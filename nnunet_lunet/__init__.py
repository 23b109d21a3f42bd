"""Lean U-Nets for nnU-Net v2. Imports nothing: it is loaded at every start of Python by the start-up line."""
