import shutil
import tempfile
from pathlib import Path

import doc_shell
import pytest
from conftest import Nnunet

from nnunet_lunet.datasets import synthetic


@pytest.fixture(scope="session")
def hippocampus(tmp_path_factory):
    """nnU-Net's folders with a planned, preprocessed data set 4 of ten synthetic cases, and one to predict."""
    nnunet = Nnunet(tmp_path_factory.mktemp("hippocampus"), "Dataset004_Hippocampus")
    for folder in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        (nnunet.root / folder).mkdir()
    task = nnunet.root / "Task04_Hippocampus"
    with pytest.MonkeyPatch.context() as patch:
        # A fifth of the voxels, so that pages take seconds.
        patch.setattr(synthetic, "EDGE", 20)
        synthetic.write_msd(task, n_cases=10, seed=1)
    shutil.copyfile(task / "imagesTr" / "phantom_000.nii.gz", task / "imagesTs" / "unseen_000.nii.gz")
    nnunet.call("nnUNetv2_convert_MSD_dataset", "-i", task, "-np", "1")
    shutil.rmtree(task)
    nnunet.call("nnUNetv2_plan_and_preprocess", "-d", 4, "-c", "2d", "3d_fullres", "-np", 1, 1, "-npfp", 1)
    return nnunet.root


@pytest.fixture(scope="session")
def shell(hippocampus):
    """Runs pages; see :mod:`doc_shell`."""
    # Sockets need a short path.
    with tempfile.TemporaryDirectory() as folder, doc_shell.shell(Path(folder), hippocampus) as made:
        yield made
