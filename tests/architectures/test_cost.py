"""Costs of a network small enough to count by hand."""

import pytest
from conftest import make_network
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.experiment_planning.experiment_planners.residual_unets.residual_encoder_unet_planners import (
    ResEncUNetPlanner,
)
from torch import nn

from nnunet_lunet.architectures import cost
from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet


def test_a_network_of_two_levels_counted_by_hand():
    network = make_network(4, dim=2, n_stages=2)
    first, second, norm = 1 * 4 * 9 + 4, 4 * 4 * 9 + 4, 2 * 4
    up, after_skip, head = 4 * 4 * 4 + 4, 8 * 4 * 9 + 4, 4 * 3 + 3
    encoder = (first + second + 2 * norm) + (2 * second + 2 * norm)
    assert cost.parameters(network) == encoder + up + after_skip + second + 2 * norm + head == 1055

    full, half = 8 * 8, 4 * 4
    weights_at_full = 1 * 4 * 9 + 4 * 4 * 9 + 8 * 4 * 9 + 4 * 4 * 9 + 4 * 3
    at_half = 2 * 4 * 4 * 9 + 4 * 4 * 4  # the transposed convolution multiplies each of its inputs
    assert cost.multiply_adds(network, 1, (8, 8)) == weights_at_full * full + at_half * half == 45_568

    values = (2 + 1 + 2) * 4 * full + 3 * full + 2 * 4 * half
    assert cost.training_memory(network, (8, 8), 6) == pytest.approx(values * 6 / (85e6 * 12) * 8)
    assert all(tensor.device.type == "cpu" for tensor in network.parameters())


@pytest.mark.parametrize(
    ("planner", "reference"),
    [(ExperimentPlanner, cost.REFERENCE_PLAIN), (ResEncUNetPlanner, cost.REFERENCE_RESIDUAL)],
)
def test_the_memory_estimate_is_that_of_the_installed_planners(tiny, planner, reference):
    with tiny.active():
        own = planner(tiny.dataset_id)
    assert reference == {
        2: (own.UNet_reference_val_2d, own.UNet_reference_val_corresp_bs_2d),
        3: (own.UNet_reference_val_3d, own.UNet_reference_val_corresp_bs_3d),
    }
    assert own.UNet_reference_val_corresp_GB == cost.REFERENCE_GB


def test_residual_encoders_are_measured_against_their_own_reference():
    plain, residual = make_network(4), make_network(4, cls=LeanResidualEncoderUNet)
    for network, values in ((plain, 560e6), (residual, 680e6)):
        maps = network.compute_conv_feature_map_size((16, 16, 16))
        assert cost.training_memory(network, (16, 16, 16), 2) == pytest.approx(maps / values * 8)


def test_a_network_that_does_not_count_its_feature_maps_is_refused():
    with pytest.raises(ValueError, match="Conv2d has no compute_conv_feature_map_size"):
        cost.training_memory(nn.Conv2d(1, 1, 3), (8, 8), 1)
