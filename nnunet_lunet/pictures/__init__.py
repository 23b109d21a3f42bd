"""Colours, slices, and label maps drawn over images."""
