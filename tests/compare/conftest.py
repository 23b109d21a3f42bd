"""Results to compare, and the page that shows them."""

import pytest
from made_results import both, make

__all__ = ["make", "three"]


@pytest.fixture
def three(make):
    """Three models on three cases: exact, one voxel off, and far off; two labels of one cube each."""
    made = make()
    for index in range(3):
        made.reference(f"case_{index}", both(index))
    made.trained("UNetTrainer", {f"case_{index}": both(index, shift=1) for index in range(3)})
    made.trained("LUnetTrainer_w8", {f"case_{index}": both(index) for index in range(3)})
    made.trained("nnUNetTrainer", {f"case_{index}": both(index, shift=2) for index in range(3)})
    return made
