"""Results as nnU-Net writes them."""

from made_results import make

__all__ = ["make"]
