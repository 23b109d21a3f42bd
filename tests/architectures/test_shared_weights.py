import copy

import pytest
import torch
from conftest import image, make_network
from torch import nn

from nnunet_lunet.architectures.lean_unet import LeanUNet
from nnunet_lunet.architectures.shapes import StateDictMismatchError
from nnunet_lunet.architectures.shared_weights import SharedWeightsUNet


def shared(features=4, **options):
    return make_network(features, cls=SharedWeightsUNet, **options)


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def places(network):
    """Convolutions at the same place within their level, all levels that share it."""
    encoder = [stage[-1].convs for stage in network.encoder.stages]
    yield [convs[0].conv for convs in encoder[1:]]
    yield [convs[1].conv for convs in encoder]
    yield list(network.decoder.transpconvs)
    for index in range(2):
        yield [stage.convs[index].conv for stage in network.decoder.stages]


def is_shared(network):
    same_weight = all(len({id(conv.weight) for conv in convs}) == 1 for convs in places(network))
    return same_weight and all(len({id(conv.bias) for conv in convs}) == 1 for convs in places(network))


def norms(network):
    return [module for module in network.modules() if isinstance(module, nn.InstanceNorm2d | nn.InstanceNorm3d)]


def test_parameters_counted_by_hand():
    stem, conv, after_skip, up = 1 * 4 * 9 + 4, 4 * 4 * 9 + 4, 8 * 4 * 9 + 4, 4 * 4 * 4 + 4
    norm, head = 2 * 4, 4 * 3 + 3
    # Encoder: stem, first and second convolutions; decoder: transposed, first and second ones.
    once = stem + conv + conv + up + after_skip + conv
    for n_stages in (3, 5):
        levels = 2 * n_stages - 1
        expected = once + 2 * levels * norm + (n_stages - 1) * head
        assert parameters(shared(dim=2, n_stages=n_stages)) == expected


def test_six_stages_have_a_fifth_of_the_flat_networks_parameters():
    flat = make_network(32, n_stages=6)
    assert 5 < parameters(flat) / parameters(shared(32, n_stages=6)) < 5.2


@pytest.mark.parametrize("cls", [LeanUNet, SharedWeightsUNet])
def test_levels_share_one_parameter_object_and_no_norm(cls):
    network = make_network(4, cls=cls, n_stages=4)
    assert is_shared(network) is (cls is SharedWeightsUNet)
    assert len(norms(network)) == len({id(norm.weight) for norm in norms(network)}) == 14
    heads = list(network.decoder.seg_layers)
    assert len({id(head.weight) for head in heads}) == len(heads) == 3


def test_it_computes_what_a_flat_network_with_those_weights_computes():
    network = shared()
    flat = make_network(4)
    flat.load_state_dict(network.state_dict())
    x = image()
    assert torch.equal(network(x), flat(x))


def test_kernels_of_another_size_share_among_themselves():
    network = SharedWeightsUNet(
        1, 4, 4, nn.Conv3d, [[1, 3, 3], [1, 3, 3], [3, 3, 3], [3, 3, 3]],
        [[1, 1, 1], [1, 2, 2], [1, 2, 2], [2, 2, 2]], 2, 3, 2, conv_bias=True,
    )  # fmt: skip
    convs = [stage[-1].convs for stage in network.encoder.stages]
    assert convs[0][1].conv.weight is convs[1][1].conv.weight
    assert convs[2][1].conv.weight is convs[3][1].conv.weight is not convs[0][1].conv.weight
    assert convs[2][0].conv.weight is convs[3][0].conv.weight
    low, middle, high = network.decoder.transpconvs
    assert middle.weight is high.weight is not low.weight


def test_the_stem_keeps_its_own_weights_even_where_they_would_fit():
    network = shared(4, channels=4)
    stem = network.encoder.stages[0][-1].convs[0].conv
    assert stem.weight.shape == network.encoder.stages[1][-1].convs[0].conv.weight.shape
    assert stem.weight is not network.encoder.stages[1][-1].convs[0].conv.weight


@pytest.mark.parametrize("optimizer_class", [torch.optim.SGD, torch.optim.AdamW])
def test_after_a_step_levels_still_have_the_same_weights_and_different_norms(optimizer_class):
    network = shared(4, n_stages=4, deep_supervision=True).train()
    before = copy.deepcopy(network.state_dict())
    optimizer = optimizer_class(network.parameters(), 0.1)
    taken = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert len({id(parameter) for parameter in taken}) == len(taken)
    sum(output.square().mean() for output in network(image())).backward()
    optimizer.step()
    after = network.state_dict()
    assert not any(torch.equal(before[key], after[key]) for key in after if key.endswith("weight"))
    assert is_shared(network)
    weights = [norm.weight.detach() for norm in norms(network)]
    assert not any(torch.equal(one, other) for i, one in enumerate(weights) for other in weights[:i])


def test_copies_and_moved_networks_share_too():
    network = shared()
    twin = copy.deepcopy(network)
    assert is_shared(twin) and is_shared(twin.half())
    assert twin.decoder.transpconvs[0].weight is not network.decoder.transpconvs[0].weight


def test_its_state_dict_survives_a_file_and_takes_it_to_another_width(tmp_path):
    donor, network = shared(3), shared(8)
    torch.save(donor.state_dict(), tmp_path / "weights.pth")
    network.load_state_dict(torch.load(tmp_path / "weights.pth", weights_only=True))
    x = image()
    assert torch.equal(network(x), donor(x))
    assert is_shared(network) and parameters(network) == parameters(donor)
    # A stranger's copy has a tensor of its own for each name.
    network.load_state_dict({key: tensor.clone() for key, tensor in shared(5).state_dict().items()})
    assert is_shared(network)


def test_weights_that_differ_between_levels_are_refused_and_change_nothing():
    network = shared()
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(StateDictMismatchError, match=r"encoder.stages.1.*one weight for both"):
        network.load_state_dict(make_network(4).state_dict())
    assert all(torch.equal(before[key], tensor) for key, tensor in network.state_dict().items())


def test_nan_weights_of_one_tensor_are_the_same_weights():
    network = shared()
    state = {key: torch.full_like(tensor, torch.nan) for key, tensor in network.state_dict().items()}
    network.load_state_dict(state)
    assert all(tensor.isnan().all() for tensor in network.state_dict().values())


@pytest.mark.parametrize(("features", "profile"), [([4, 8, 16], None), (4, "doubling"), (4, "linear")])
def test_widths_that_are_not_flat_are_refused(features, profile):
    with pytest.raises(ValueError, match="are not flat"):
        shared(features, profile=profile)
