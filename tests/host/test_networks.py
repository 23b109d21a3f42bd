"""What the network of a trained fold costs."""

import shutil

import pytest
from conftest import known, make_network

from nnunet_lunet.architectures import cost, feature_maps
from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet
from nnunet_lunet.architectures.shared_weights import SharedWeightsUNet
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import networks


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("deep_supervision", [False, True])
def test_channels_per_level_are_those_of_encoder_and_decoder(dim, deep_supervision):
    # Two convolutions of 4 and of 8 channels on the way down and up, two of 16 at the bottleneck; no heads.
    network = make_network(4, dim=dim, profile="doubling", deep_supervision=deep_supervision)
    assert feature_maps.channels_per_level(network, [8] * dim) == [4 * 4, 4 * 8, 2 * 16]


def test_channels_of_residual_blocks_and_of_shared_convolutions_count_where_they_run():
    residual = make_network(4, cls=LeanResidualEncoderUNet, convs=1)
    # Stem, two convolutions of a block, one of the decoder; below, a 1x1x1 convolution on the skip only where needed.
    assert feature_maps.channels_per_level(residual, [8] * 3) == [4 * 4, 3 * 4, 2 * 4]
    shared = make_network(4, cls=SharedWeightsUNet)
    assert len(feature_maps.channels_per_level(shared, [8] * 3)) == 3


def test_a_pruned_fold_costs_what_its_own_weights_cost(tiny, tmp_path):
    trainer = "LUnetPruningTrainer_w4_keep50_3epochs_1iters"
    tiny.train(trainer)
    fold = tiny.fold(trainer)
    with tiny.active():
        found = networks.cost_of_fold(fold)
        loaded = tiny.trainer(trainer)
        loaded.load_checkpoint(str(fold / "checkpoint_final.pth"))
    last = loaded.history.epochs[-1]
    assert found.parameters == last.parameters == cost.parameters(loaded.bare_network)
    assert found.channels_per_level == last.channels_per_level
    assert found.activation_bytes == cost.activation_memory(
        loaded.bare_network, 1, loaded.configuration_manager.patch_size
    )
    assert found.parameters < loaded.history.epochs[0].parameters
    # Training also computes the lower heads.
    assert 0 < known(found.multiply_adds) < last.multiply_adds

    with tiny.active():
        (fold / "checkpoint_cut.pth").write_bytes((fold / "checkpoint_final.pth").read_bytes()[:1000])
        for name in ("checkpoint_cut.pth", "checkpoint_none.pth"):
            with pytest.raises(UserError, match=name):
                networks.cost_of_fold(fold, name)
        alone = tmp_path / "elsewhere" / "fold_0"
        shutil.copytree(fold, alone)
        with pytest.raises(UserError, match=r"plans\.json and dataset\.json in the folder above") as error:
            networks.cost_of_fold(alone)
        assert "\n" not in str(error.value)
