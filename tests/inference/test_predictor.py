"""The same logits as stock nnU-Net's, by every engine."""

import pytest
import torch
from conftest import RESENC

from nnunet_lunet.host import networks
from nnunet_lunet.inference import engines, predictor
from nnunet_lunet.inference.predictor import Predictor

HERE = [name for name, engine in engines.ENGINES.items() if engine.is_installed]


def ours(model, folds=("0",), engine="torch", precision="f32", **options):
    made = Predictor(engines.Settings(engine, "cpu", precision, 1), perform_everything_on_device=False, **options)
    networks.initialize(made, model, folds, "checkpoint_final.pth")
    return made


def image(model, edges):
    channels = 2 if "902" in str(model) else 1
    return torch.randn(channels, *edges, generator=torch.Generator().manual_seed(1))


def edges(configuration, patch):
    """Two windows, of each of two slices in 2D; along one axis fewer voxels than a window has."""
    return [2, patch[0] - 3, patch[1] + 9] if configuration == "2d" else [patch[0] - 3, patch[1], patch[2] + 9]


@pytest.mark.parametrize(
    ("data", "configuration", "plans", "tolerance"),
    # Where a norm has few voxels, networks that were not trained magnify rounding, that of PyTorch too.
    [("tiny", "3d_fullres", "nnUNetPlans", 1e-3), ("tiny", "2d", "nnUNetPlans", 1e-3),
     ("hard", "3d_fullres", "nnUNetPlans", 5e-2), ("hard", "3d_fullres", RESENC, 5e-2)],
)  # fmt: skip
def test_logits_of_one_fold_and_of_two_of_different_widths(request, made, stock, data, configuration, plans, tolerance):
    nnunet = request.getfixturevalue(data)
    with nnunet.active():
        model = made(nnunet, configuration, plans)
        for folds in (("0",), ("1",), ("0", "1")):
            # In three dimensions it is eight times the work, and the same code.
            mirrored = {"use_mirroring": configuration == "2d"}
            reference = stock(model, folds, **mirrored)
            given = image(model, edges(configuration, reference.configuration_manager.patch_size))
            expected = reference.predict_logits_from_preprocessed_data(given)
            assert expected.std() > 1
            for engine in HERE:
                got = ours(model, folds, engine, **mirrored).predict_logits_from_preprocessed_data(given)
                assert got.shape == expected.shape and got.dtype == torch.float32
                assert (got - expected).abs().max() < tolerance, engine
                assert (got.argmax(0) == expected.argmax(0)).float().mean() >= 0.9999, engine


@pytest.mark.parametrize("options", [{"use_mirroring": False}, {"tile_step_size": 0.9}, {"use_gaussian": False}])
def test_options_mean_what_they_mean_in_nnunet(tiny, made, stock, options):
    with tiny.active():
        model = made(tiny, "2d")
        given = image(model, (2, 70, 60))
        expected = stock(model, **options).predict_logits_from_preprocessed_data(given)
        plain = stock(model).predict_logits_from_preprocessed_data(given)
        got = ours(model, **options).predict_logits_from_preprocessed_data(given)
    assert (got - expected).abs().max() < 1e-4 < (plain - expected).abs().max()


@pytest.mark.parametrize("voxels", [1, 2**20])
def test_how_many_images_are_computed_at_a_time_does_not_matter(tiny, made, monkeypatch, voxels):
    with tiny.active():
        model = ours(made(tiny, "2d"))
        given = image("", (5, 70, 60))
        expected = model.predict_logits_from_preprocessed_data(given)
        sizes, (run,) = set(), model.network.runs

        def counted(images):
            sizes.add(len(images))
            return run(images)

        monkeypatch.setattr(model.network, "runs", [counted])
        monkeypatch.setattr(predictor, "BATCH_VOXELS", voxels)
        got = model.predict_logits_from_preprocessed_data(given)
    assert (got - expected).abs().max() < 1e-4
    assert sizes == {1} if voxels == 1 else max(sizes) > 16


def test_sums_are_single_precision(tiny, made, stock):
    """Stock's own are half, which its logits cannot be nearer to than they are to the exact ones."""
    with tiny.active():
        model = made(tiny, "2d")
        given = image(model, (2, 70, 60))
        half = stock(model, single=False).predict_logits_from_preprocessed_data(given)
        single = stock(model).predict_logits_from_preprocessed_data(given)
        got = ours(model).predict_logits_from_preprocessed_data(given)
    assert (got - single).abs().max() < (half - single).abs().max() / 20


@pytest.mark.skipif(not engines.has_bf16(), reason="the processor has no bf16")
@pytest.mark.parametrize("engine", [name for name in HERE if "bf16" in engines.ENGINES[name].precisions])
def test_bf16_is_near_and_is_not_f32(tiny, made, engine):
    with tiny.active():
        model = made(tiny, "3d_fullres")
        given = image(model, ours(model).configuration_manager.patch_size)
        exact, short = (
            ours(model, engine=engine, precision=precision).predict_logits_from_preprocessed_data(given)
            for precision in ("f32", "bf16")
        )
    difference = (exact - short).abs().mean() / exact.std()
    assert 1e-4 < difference < 0.05


def test_values_that_are_not_finite_are_no_segmentation(tiny, made):
    with tiny.active():
        model = ours(made(tiny, "2d"))
    given = image("", (1, 64, 64))
    given[0, 0, 3, 3] = torch.inf
    with pytest.raises(ValueError, match="not finite"):
        model.predict_logits_from_preprocessed_data(given)
