"""Trained models and real images, where nnU-Net's own folders have them: the same logits, and stock's label maps."""

import os
import re
from pathlib import Path

import pytest
import torch

from nnunet_lunet.host import networks
from nnunet_lunet.inference import cases, engines, segmentation
from nnunet_lunet.inference.predictor import Predictor


def models():
    """The first model of each data set and configuration that has images, with two of these."""
    found: dict[tuple[str, str], tuple[Path, Path]] = {}
    results, raw = (Path(os.environ.get(name, "/nowhere")) for name in ("nnUNet_results", "nnUNet_raw"))
    for fold in sorted(results.glob("Dataset*/*__*__*/fold_0/checkpoint_final.pth")):
        model = fold.parents[1]
        images = raw / model.parent.name / "imagesTr"
        if images.is_dir() and re.match("(LUnet|UNet|nnUNet)", model.name):
            found.setdefault((model.parent.name, model.name.rpartition("__")[2]), (model, images))
    return [pytest.param(*each, id=" ".join(key)) for key, each in found.items()]


@pytest.mark.skipif(not models(), reason="no trained models in nnUNet_results with images in nnUNet_raw")
@pytest.mark.parametrize(("model", "images"), models())
def test_real_images(model, images, stock):
    reference = stock(model, ("0",), single=False)
    found = cases.of_folder(images, reference.dataset_json["file_ending"], Path(), None)[:2]
    loaded = [cases.load(case, reference) for case in found]
    half = [reference.predict_logits_from_preprocessed_data(case.image).float() for case in loaded]
    stock(model, ("0",))
    single = [reference.predict_logits_from_preprocessed_data(case.image) for case in loaded]
    for engine in (name for name, row in engines.ENGINES.items() if row.is_installed):
        ours = Predictor(
            engines.Settings(engine, "cpu", "f32", torch.get_num_threads()), perform_everything_on_device=False
        )
        networks.initialize(ours, model, ["0"], "checkpoint_final.pth")
        for case, theirs, exact in zip(loaded, half, single, strict=True):
            got = ours.predict_logits_from_preprocessed_data(case.image)
            assert (got - exact).abs().max() < 1e-3
            maps = [segmentation.segment(logits, case.properties, ours) for logits in (got, theirs)]
            assert (maps[0] == maps[1]).mean() >= 0.9999
