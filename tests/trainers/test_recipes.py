"""Recipes by name: what the Lean Unet paper's has, in nnU-Net's own steps."""

import numpy as np
import pytest
import torch
from conftest import batch
from torch import nn

from nnunet_lunet.planning import apply, presets
from nnunet_lunet.trainers import by_name
from nnunet_lunet.trainers.by_recipe import SoftDice

NAMES = [
    ("LUnetTrainer_w4_paper_5epochs", 1e-2),
    ("UNetTrainer_w2_paperLarge_5epochs", 1e-3),
    ("LUnetPruningTrainer_w4_keep50_paper_5epochs", 1e-2),
]


@pytest.mark.parametrize(("name", "learning_rate"), NAMES)
def test_adam_at_a_constant_learning_rate_without_weight_decay(tiny, name, learning_rate):
    with tiny.active():
        trainer = tiny.trainer(name, "2d")
        trainer.initialize()
    assert type(trainer.optimizer) is torch.optim.Adam
    assert trainer.optimizer.param_groups[0]["weight_decay"] == 0
    for epoch in range(trainer.num_epochs):
        trainer.lr_scheduler.step(epoch)
        assert trainer.optimizer.param_groups[0]["lr"] == learning_rate


def test_a_class_has_another_learning_rate_where_it_says_so(tiny):
    with tiny.active() as patch:
        patch.setattr(by_name.find("LUnetTrainer_w4_paper"), "learning_rate", 3e-3)
        trainer = tiny.trainer("LUnetTrainer_w4_paper", "2d")
        trainer.initialize()
    assert trainer.optimizer.param_groups[0]["lr"] == 3e-3


@pytest.mark.parametrize("name", [name for name, _ in NAMES])
def test_no_deep_supervision(tiny, name):
    with tiny.active():
        trainer = tiny.trainer(name, "2d")
        trainer.initialize()
        output = trainer.network(torch.zeros(2, 1, *trainer.configuration_manager.patch_size))
    assert isinstance(output, torch.Tensor)
    assert trainer._get_deep_supervision_scales() is None


def dice(probabilities, truth, counts=1):
    """2 Σ p·t / Σ (p + t) of each channel, over batch and space; nothing is added to either sum."""
    over = [0, *range(2, truth.ndim)]
    both, either = ((counts * each).sum(over) for each in (probabilities * truth, probabilities + truth))
    return 2 * both / either


def test_the_loss_is_soft_dice_of_the_foreground_alone(tiny):
    with tiny.active():
        trainer = tiny.trainer("LUnetTrainer_w4_paper", "2d")
        trainer.initialize()
    logits = torch.randn(2, 3, 8, 6)
    # Neither of the two is in all cases, and an average over cases would not be one over the batch.
    labels = torch.randint(0, 3, (2, 1, 8, 6))
    labels[0][labels[0] == 1] = 0
    truth = nn.functional.one_hot(labels[:, 0], 3).movedim(-1, 1)
    expected = -dice(logits.softmax(1), truth)[1:].mean()
    assert trainer.loss(logits, labels) == pytest.approx(float(expected), abs=1e-6)
    one = slice(0, 1)
    absent = -dice(logits[one].softmax(1), truth[one])[2] / 2
    assert trainer.loss(logits[one], labels[one]) == pytest.approx(float(absent), abs=1e-6)


def test_a_class_that_the_batch_lacks_has_no_gradient_and_no_nan():
    logits = torch.randn(2, 3, 8, 6, requires_grad=True)
    loss = SoftDice(False, None)(logits, torch.zeros(2, 1, 8, 6))
    loss.backward()
    assert loss == 0 and logits.grad is not None and not logits.grad.any()


def test_voxels_to_ignore_do_not_count():
    logits = torch.randn(2, 3, 8, 6)
    labels = torch.randint(0, 4, (2, 1, 8, 6))
    counts = labels != 3
    truth = nn.functional.one_hot(labels[:, 0], 4).movedim(-1, 1)[:, :3]
    expected = -dice(logits.softmax(1), truth, counts)[1:].mean()
    assert SoftDice(False, 3)(logits, labels) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("ignored", [False, True])
def test_every_region_counts_and_may_overlap(ignored):
    logits = torch.randn(2, 2, 8, 6)
    regions = torch.randint(0, 2, (2, 3, 8, 6))
    counts = regions[:, 2:] == 0 if ignored else torch.ones(2, 1, 8, 6)
    expected = -dice(logits.sigmoid(), regions[:, :2], counts).mean()
    target = regions if ignored else regions[:, :2]
    assert SoftDice(True, 3 if ignored else None)(logits, target) == pytest.approx(float(expected), abs=1e-6)


def crops(tiny, name, configuration):
    """Batches of nnU-Net's loader, and the image that each of their patches was cut from."""
    with tiny.active(nnUNet_n_proc_DA="0"):
        trainer = tiny.trainer(name, configuration)
        trainer.initialize()
        loader, _ = trainer.get_dataloaders()
        dataset, _ = trainer.get_tr_and_val_datasets()
        for given in (next(loader) for _ in range(4)):
            for patch, key in zip(given["data"], given["keys"], strict=True):
                yield trainer, patch[0].numpy(), np.asarray(dataset.load_case(key)[0][0])


def displacements(patch, image):
    """From where in the patch to where in the image (or its slice), of all voxels whose value is there once."""
    places = {float(value): place for place, value in np.ndenumerate(image)}
    values, counts = np.unique(image, return_counts=True)
    once = set(values[counts == 1].tolist())
    found = [(at, places[float(value)]) for at, value in np.ndenumerate(patch) if float(value) in once]
    assert found
    return {tuple(there[-len(here) :][i] - here[i] for i in range(len(here))) for here, there in found}


@pytest.mark.parametrize("configuration", ["2d", "3d_fullres"])
def test_a_training_batch_is_cut_out_of_the_images_and_not_changed(tiny, configuration):
    for trainer, patch, image in crops(tiny, "LUnetTrainer_w4_paper", configuration):
        assert patch.shape == tuple(trainer.configuration_manager.patch_size)
        assert np.isin(patch, [0, *np.unique(image)]).all()
        # Neither turned nor scaled nor mirrored.
        assert len(displacements(patch, image)) == 1
        assert trainer.inference_allowed_mirroring_axes is None


def test_other_recipes_change_the_images(tiny):
    unchanged = [
        np.isin(patch, [0, *np.unique(image)]).all() for _, patch, image in crops(tiny, "LUnetTrainer_w4", "2d")
    ]
    assert not all(unchanged)


def test_it_goes_on_from_a_checkpoint(tiny, tmp_path):
    name = "LUnetTrainer_w4_paper_4epochs"
    with tiny.active():
        trainer = tiny.trainer(name, "2d")
        trainer.initialize()
        trainer.train_step(batch(trainer, seed=0))
        trainer.current_epoch = 2
        trainer.save_checkpoint(str(tmp_path / "checkpoint.pth"))
        again = tiny.trainer(name, "2d")
        again.load_checkpoint(str(tmp_path / "checkpoint.pth"))
    assert type(again.optimizer) is torch.optim.Adam
    assert {int(state["step"]) for state in again.optimizer.state.values()} == {1}
    again.lr_scheduler.step(again.current_epoch)
    assert again.optimizer.param_groups[0]["lr"] == 1e-2


@pytest.fixture(scope="module")
def plans_of(tiny):
    """The tiny data set's plans with one of the paper's networks in 2D."""

    def write(preset):
        def change(plans):
            configuration = plans["configurations"]["2d"]
            configuration |= apply.change(configuration, presets.load(preset))

        tiny.edit_plans(f"{preset}Plans", change)
        return f"{preset}Plans"

    return write


@pytest.mark.parametrize(
    ("preset", "name"),
    [
        ("lunetpp_small_2f", "UNetTrainer_paper_1epochs_2iters"),
        ("unet_small_4f", "LUnetPruningTrainer_paper_keep50_3epochs_2iters"),
    ],
)
def test_the_papers_networks_train_by_its_recipe_and_predict(tiny, plans_of, tmp_path, preset, name):
    plans = plans_of(preset)
    tiny.train(name, configuration="2d", plans=plans)
    final = torch.load(tiny.fold(name, 0, "2d", plans) / "checkpoint_final.pth", weights_only=True)
    assert final["inference_allowed_mirroring_axes"] is None
    assert all(torch.isfinite(weight).all() for weight in final["network_weights"].values())
    tiny.predict(name, tmp_path, configuration="2d", plans=plans)
    assert len(list(tmp_path.glob("unseen_*.nii.gz"))) == 2


def test_pruning_leaves_the_dropout_where_it_was(tiny, plans_of):
    with tiny.active():
        trainer = tiny.trainer("LUnetPruningTrainer_paper_keep50_3epochs_1iters", "2d", plans_of("unet_small_4f"))
        trainer.initialize()

        def blocks():
            return [module.all_modules for module in trainer.bare_network.modules() if hasattr(module, "all_modules")]

        def order():
            return [[type(layer).__name__ for layer in block] for block in blocks()]

        before, channels = order(), sum(block[0].out_channels for block in blocks())
        for epoch in range(2):
            trainer.current_epoch = epoch
            trainer.on_train_epoch_start()
            trainer.train_step(batch(trainer, seed=epoch))
            trainer.statistics.end_of_epoch()
    removed = len(trainer.history.epochs[-1].removed)
    assert removed > 0 and sum(block[0].out_channels for block in blocks()) == channels - removed
    assert order() == before
    assert before[0] == ["Conv2d", "ReLU", "BatchNorm2d", "Dropout2d"]
    assert before[-1] == ["Conv2d", "ReLU", "BatchNorm2d"]
