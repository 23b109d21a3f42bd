"""Every network class that plans may name, by the stock commands; and what cannot be, in one line."""

import json
import re

import pytest
import torch
from conftest import batch
from torch import nn

from nnunet_lunet.architectures.mednext import MedNeXt
from nnunet_lunet.architectures.nested import UNetPlusPlus
from nnunet_lunet.architectures.no_skip import NoSkipUNet
from nnunet_lunet.architectures.shared_weights import SharedWeightsUNet
from nnunet_lunet.errors import UserError


@pytest.fixture(scope="module")
def plans_of(tiny):
    """Plans of the tiny data set that name a class, with the stages of its 2d configuration made to fit MedNeXt."""

    def write(cls):
        def change(plans):
            architecture = plans["configurations"]["2d"]["architecture"]
            architecture["network_class_name"] = f"{cls.__module__}.{cls.__name__}"
            if cls is MedNeXt:
                stages = {"n_stages": 5, "strides": [[1, 1]] + [[2, 2]] * 4, "features_per_stage": [32] * 5}
                architecture["arch_kwargs"] |= stages
                plans["configurations"]["2d"] |= {"patch_size": [32, 32]}
            else:
                architecture["arch_kwargs"]["pool"] = "max"

        tiny.edit_plans(cls.__name__, change)
        return cls.__name__

    return write


def test_shared_weights_train_and_predict_by_the_stock_commands(tiny, plans_of, tmp_path):
    name, plans = "LUnetTrainer_w4_1epochs_1iters", plans_of(SharedWeightsUNet)
    tiny.train(name, configuration="2d", plans=plans)
    final = torch.load(tiny.fold(name, 0, "2d", plans) / "checkpoint_final.pth", weights_only=True)["network_weights"]
    shared = re.compile(r"decoder.stages.\d.convs.1.conv.weight")
    first, *others = (tensor for key, tensor in final.items() if shared.fullmatch(key))
    assert others and all(torch.equal(first, other) for other in others)
    tiny.predict(name, tmp_path, configuration="2d", plans=plans)
    assert len(list(tmp_path.glob("unseen_*.nii.gz"))) == 2


@pytest.mark.parametrize("cls", [NoSkipUNet, UNetPlusPlus])
def test_it_loses_channels_while_it_trains_and_predicts_by_the_stock_commands(tiny, plans_of, tmp_path, cls):
    name, plans = "LUnetPruningTrainer_w4_keep60_drop_taylor_2epochs_1iters", plans_of(cls)
    tiny.train(name, configuration="2d", plans=plans)
    fold = tiny.fold(name, 0, "2d", plans)
    epochs = json.loads((fold / "pruning_history.json").read_text())["epochs"]
    assert sum(epochs[1]["channels_per_level"]) < sum(epochs[0]["channels_per_level"])
    final = torch.load(fold / "checkpoint_final.pth", weights_only=True)["network_weights"]
    for layer, count in epochs[1]["channels_per_layer"].items():
        assert final[f"{layer}.weight"].shape[0] == count
    tiny.predict(name, tmp_path, configuration="2d", plans=plans)
    assert len(list(tmp_path.glob("unseen_*.nii.gz"))) == 2


def test_mednext_trains_and_continues_as_the_plans_have_it(tiny, plans_of, tmp_path):
    pytest.importorskip("monai")
    plans = plans_of(MedNeXt)
    with tiny.active():
        trainer = tiny.trainer("UNetTrainer", "2d", plans)
        trainer.initialize()
        before = {key: tensor.clone() for key, tensor in trainer.network.state_dict().items()}
        trainer.train_step(batch(trainer, seed=0))
        trainer.network.eval()
        expected = trainer.validation_step(batch(trainer, seed=1))
        assert any(not torch.equal(before[key], tensor) for key, tensor in trainer.network.state_dict().items())
        trainer.save_checkpoint(str(tmp_path / "checkpoint.pth"))
        again = tiny.trainer("UNetTrainer", "2d", plans)
        again.load_checkpoint(str(tmp_path / "checkpoint.pth"))
        again.network.eval()
        assert again.validation_step(batch(again, seed=1))["loss"] == expected["loss"]


@pytest.mark.parametrize(
    ("cls", "trainer", "widths"),
    [
        (NoSkipUNet, "LUnetTrainer_w4", [4, 4, 4]),
        (NoSkipUNet, "UNetTrainer_w4", [4, 8, 16]),
        (UNetPlusPlus, "LUnetTrainer_w4_linear", [4, 8, 12]),
        (UNetPlusPlus, "UNetTrainer", [32, 64, 128]),
        (SharedWeightsUNet, "LUnetTrainer", [32, 32, 32]),
    ],
)
def test_the_trainers_name_sets_the_widths_of_every_class(tiny, plans_of, cls, trainer, widths):
    with tiny.active():
        built = tiny.trainer(trainer, "2d", plans_of(cls))
        built.initialize()
    assert type(built.network) is cls and built.network.encoder.output_channels[:3] == widths
    assert any(isinstance(module, nn.MaxPool2d) for module in built.network.modules())


@pytest.mark.parametrize(
    ("cls", "trainer", "says"),
    [
        (SharedWeightsUNet, "UNetTrainer", "not flat.*use LUnetTrainer"),
        (SharedWeightsUNet, "UNetTrainer_w4", "not flat.*use LUnetTrainer"),
        (SharedWeightsUNet, "LUnetTrainer_linear", "not flat.*use LUnetTrainer"),
        (MedNeXt, "LUnetTrainer", "widths of its size.*use UNetTrainer without a width"),
        (MedNeXt, "UNetTrainer_w8", "widths of its size.*use UNetTrainer without a width"),
    ],
)
def test_widths_that_a_network_cannot_have_are_refused_in_one_line(tiny, plans_of, cls, trainer, says):
    plans = plans_of(cls)
    with tiny.active(), pytest.raises(UserError, match=f"plans '{plans}', {trainer}: .*{says}") as refused:
        tiny.trainer(trainer, "2d", plans).initialize()
    assert "\n" not in str(refused.value)


def test_pruning_what_shares_weights_is_refused_before_training(tiny, plans_of):
    def flat(plans):
        plans["configurations"]["2d"]["architecture"]["arch_kwargs"] |= {"features_per_stage": 4}

    tiny.edit_plans("Flat", flat, source=plans_of(SharedWeightsUNet))
    with tiny.active(), pytest.raises(UserError, match="SharedWeightsUNet cannot be pruned"):
        tiny.trainer("LUnetPruningTrainer_keep50", "2d", "Flat").initialize()


def test_pruning_mednext_is_refused_before_training(tiny, plans_of):
    pytest.importorskip("monai")
    with tiny.active(), pytest.raises(UserError, match="MedNeXt cannot be pruned"):
        tiny.trainer("LUnetPruningTrainer_keep50", "2d", plans_of(MedNeXt)).initialize()
