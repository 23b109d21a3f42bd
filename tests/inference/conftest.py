"""Models that were not trained, with logits as large as those of trained ones; and stock nnU-Net beside them."""

import io
import shutil
import warnings
from contextlib import redirect_stdout

import pytest
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

TRAINER = "LUnetPruningTrainer_w6_keep50_2epochs"
NARROW = "UNetTrainer_w4"


@pytest.fixture(autouse=True)
def _threads():
    """A prediction takes all cores; the tests after it do not."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def made():
    """``made(nnunet, configuration)``: a model folder with two folds, the second of which has other widths."""
    folders = {}

    def make(nnunet, configuration, plans="nnUNetPlans"):
        folder = nnunet.model(TRAINER, configuration, plans)
        if folder not in folders:
            with nnunet.active(), redirect_stdout(io.StringIO()):
                for fold, name in enumerate((TRAINER, NARROW)):
                    _save(nnunet, name, configuration, plans, folder / f"fold_{fold}" / "checkpoint_final.pth", fold)
            for file, name in ((f"{plans}.json", "plans.json"), ("dataset.json", "dataset.json")):
                shutil.copyfile(nnunet.preprocessed / file, folder / name)
            folders[folder] = folder
        return folder

    return make


def _save(nnunet, name, configuration, plans, file, seed):
    torch.manual_seed(seed)
    trainer = nnunet.trainer(name, configuration, plans)
    trainer.initialize()
    with torch.no_grad():
        for tensor in trainer.network.parameters():
            if tensor.ndim == 1:
                tensor += 0.3 * torch.randn_like(tensor)
        trainer.network.eval()
        patch = torch.randn(1, trainer.num_input_channels, *trainer.configuration_manager.patch_size)
        size = trainer.network(patch)[0].std()
        for head in trainer.network.decoder.seg_layers:
            head.weight *= 5 / size
    file.parent.mkdir(parents=True, exist_ok=True)
    trainer.save_checkpoint(str(file))
    checkpoint = torch.load(file, weights_only=False)
    axes = tuple(range(len(trainer.configuration_manager.patch_size)))
    torch.save(checkpoint | {"trainer_name": TRAINER, "inference_allowed_mirroring_axes": axes}, file)


@pytest.fixture
def stock(monkeypatch):
    """``stock(model, folds)``: nnU-Net's own predictor; its sums, rounded to half precision otherwise, in single."""

    def make(model, folds=(0,), single=True, **options):
        if single:
            monkeypatch.setattr(torch, "half", torch.float)
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            predictor = nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False, **options)
            predictor.initialize_from_trained_model_folder(str(model), folds, "checkpoint_final.pth")
        return predictor

    return make
