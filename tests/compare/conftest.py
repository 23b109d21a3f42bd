"""Results to compare, and the page that shows them."""

import pytest
from conftest import Nnunet
from made_results import NAME, Made, both


@pytest.fixture
def make(tmp_path):
    """Makes :class:`Made`; this process sees its folders."""
    root = tmp_path / "of a lab"
    with Nnunet(root, NAME).active():
        yield lambda **options: Made(root, **options)


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
