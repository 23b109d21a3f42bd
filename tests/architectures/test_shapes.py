"""The law: whatever fits together loads and computes what its donor computes; whatever does not changes nothing."""

import copy

import pytest
import torch
import torch.distributed as dist
from conftest import image, make_network
from torch.nn.parallel import DistributedDataParallel

from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet
from nnunet_lunet.architectures.shapes import StateDictMismatchError

NETWORKS = [
    pytest.param({"cls": cls, "dim": dim, "norm": norm}, id=f"{cls.__name__}-{dim}d-{norm}")
    for cls in (LeanUNet, LeanResidualEncoderUNet)
    for dim in (2, 3)
    for norm in ("instance", "batch")
]


@pytest.mark.parametrize("kind", NETWORKS)
def test_one_network_computes_what_each_of_its_donors_computes(kind):
    # A residual block has a projection on its skip where widths change, so donors change width at the same places.
    donors = [make_network(features, **kind) for features in ([5, 7, 6], [4, 3, 9], [8, 16, 32], [5, 7, 6])]
    network = make_network([8, 16, 32], **kind)
    x = image(kind["dim"])
    for donor in donors:
        network.load_state_dict(donor.state_dict())
        assert torch.equal(network(x), donor(x))


def narrowed(network, stage="encoder.stages.1.0.convs", kept=(0, 2)):
    """State dict with only some channels between the two convolutions of one stage, and the same function."""
    state = {key: value.clone() for key, value in network.state_dict().items()}
    kept = torch.tensor(kept)
    for key in state:
        layer = key.removeprefix("decoder.")  # the decoder holds the encoder too
        if layer.startswith(f"{stage}.0."):
            state[key] = state[key][kept]
        if layer in (f"{stage}.1.conv.weight", f"{stage}.1.all_modules.0.weight"):
            state[key] = state[key][:, kept]
    return state


def test_layers_of_one_stage_may_differ_in_width():
    donor = make_network(4).double()
    silenced = copy.deepcopy(donor)
    norm = silenced.encoder.stages[1][0].convs[0].norm
    norm.weight.data[[1, 3]] = norm.bias.data[[1, 3]] = 0
    network = make_network(4).double()
    network.load_state_dict(narrowed(donor))
    x = image().double()
    assert network.encoder.stages[1][0].convs[0].conv.out_channels == 2
    assert torch.allclose(network(x), silenced(x), rtol=0, atol=1e-10)


def test_a_network_that_changed_shape_trains():
    network = make_network(8)
    network.load_state_dict(make_network(3).state_dict())
    network.train()(image()).square().mean().backward()
    network.decoder.deep_supervision = True
    sum(output.square().mean() for output in network(image())).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_in_a_compile_wrapper():
    donor = make_network(3)
    network = make_network(8)
    compiled = torch.compile(network)
    assert isinstance(compiled, torch.nn.Module)
    compiled.load_state_dict({f"_orig_mod.{k}": v for k, v in donor.state_dict().items()})
    x = image()
    assert torch.equal(network(x), donor(x))


def test_in_a_ddp_wrapper(tmp_path):
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    try:
        donor = make_network(3)
        network = make_network(8)
        wrapped = DistributedDataParallel(network)
        wrapped.load_state_dict({f"module.{key}": value for key, value in donor.state_dict().items()})
        x = image()
        assert torch.equal(network(x), donor(x))
    finally:
        dist.destroy_process_group()


def test_dtype_and_requires_grad_stay():
    network = make_network(8).half().requires_grad_(False)
    network.load_state_dict(make_network(3).state_dict())
    assert {p.dtype for p in network.parameters()} == {torch.float16}
    assert not any(p.requires_grad for p in network.parameters())


def test_loaded_inside_inference_mode_it_can_be_loaded_again_outside():
    network, donor = make_network(8), make_network(3)
    with torch.inference_mode():
        network.load_state_dict(donor.state_dict())
    network.load_state_dict(make_network(5).state_dict())
    network.load_state_dict(donor.state_dict())
    network(image()).sum().backward()


def test_weights_of_the_same_shape_keep_the_parameter_objects():
    network = make_network(4)
    before = [id(parameter) for parameter in network.parameters()]
    network.load_state_dict(make_network(4).state_dict())
    assert [id(parameter) for parameter in network.parameters()] == before


def test_a_copy_follows_its_own_state_dict():
    network = make_network(8)
    twin = copy.deepcopy(network)
    twin.load_state_dict(make_network(3).state_dict())
    assert twin.encoder.stages[0][0].convs[0].conv.out_channels == 3
    assert network.encoder.stages[0][0].convs[0].conv.out_channels == 8


def without(state, layer):
    return {key: value for key, value in state.items() if not key.startswith(layer)}


def misfit():
    """The second convolution of a stage expects four channels, the first gives two."""
    donor = make_network(4)
    return {**narrowed(donor), **{k: v for k, v in donor.state_dict().items() if ".1.0.convs.1." in k}}


def one_name_differs():
    state = make_network(4).state_dict()
    return {**state, "encoder.stages.0.0.convs.0.all_modules.0.weight": torch.zeros(3, 1, 3, 3, 3)}


def half_a_norm():
    state = narrowed(make_network(4))
    for key in state:
        if key.endswith(("encoder.stages.1.0.convs.0.norm.bias", "encoder.stages.1.0.convs.0.all_modules.1.bias")):
            state[key] = torch.zeros(4)
    return state


def residual_sum_of_two_widths():
    donor = make_network(4, cls=LeanResidualEncoderUNet)
    state = {key: value.clone() for key, value in donor.state_dict().items()}
    for key in state:
        if "encoder.stages.2.blocks.1.conv2." in key:
            state[key] = state[key][:3]
    return state


@pytest.mark.parametrize(
    ("state_dict", "layer", "cls"),
    [
        pytest.param(misfit, "encoder.stages.1.0.convs.1.conv", LeanUNet, id="inputs do not match what feeds it"),
        pytest.param(half_a_norm, "encoder.stages.1.0.convs.0.norm", LeanUNet, id="weight and bias differ"),
        pytest.param(one_name_differs, "encoder.stages.0.0.convs.0", LeanUNet, id="one layer, two shapes"),
        pytest.param(lambda: without(make_network(3).state_dict(), "decoder.transpconvs.0"), "decoder.transpconvs.0",
                     LeanUNet, id="missing layer"),
        pytest.param(lambda: make_network(3, n_stages=4).state_dict(), "encoder.stages.3", LeanUNet, id="deeper"),
        pytest.param(lambda: make_network(3, channels=2).state_dict(), "encoder.stages.0.0.convs.0.conv", LeanUNet,
                     id="input channels"),
        pytest.param(lambda: make_network(3, classes=5).state_dict(), "decoder.seg_layers", LeanUNet, id="classes"),
        pytest.param(lambda: make_network(3, cls=LeanResidualEncoderUNet).state_dict(), "encoder.stages.0", LeanUNet,
                     id="another architecture"),
        pytest.param(lambda: make_network(3, dim=2).state_dict(), "encoder.stages.0.0.convs.0.conv", LeanUNet,
                     id="2d into 3d"),
        pytest.param(residual_sum_of_two_widths, "encoder.stages.2.blocks.1", LeanResidualEncoderUNet,
                     id="residual sum"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_and_changes_nothing(state_dict, layer, cls):
    network = make_network(4, cls=cls)
    before = copy.deepcopy(network.state_dict())
    objects = [id(parameter) for parameter in network.parameters()]
    with pytest.raises(StateDictMismatchError) as error:
        network.load_state_dict(state_dict())
    assert layer in str(error.value) and "\n" not in str(error.value)
    after = network.state_dict()
    assert list(before) == list(after) and all(torch.equal(before[key], after[key]) for key in before)
    assert [id(parameter) for parameter in network.parameters()] == objects
