"""MONAI's network, and that the adapter changes nothing but its outward form."""

import builtins

import pytest
import torch
from conftest import make_network
from torch import nn

from nnunet_lunet.architectures.mednext import MedNeXt
from nnunet_lunet.errors import UserError
from nnunet_lunet.pruning import groups


def mednext(**options):
    pytest.importorskip("monai")
    torch.manual_seed(0)
    return make_network([32, 64, 128, 256, 320], cls=MedNeXt, n_stages=5, **options)


def layers(*parts):
    return [module for part in parts for module in part.modules() if not list(module.children())]


@pytest.mark.parametrize(("dim", "size", "kernel"), [(3, "S", 3), (2, "S", 5), (2, "B", 3)])
def test_it_computes_what_monais_network_computes(dim, size, kernel):
    network = mednext(dim=dim, size=size, kernel_size=kernel, channels=2, deep_supervision=True)
    from monai.networks.nets.mednext import create_mednext

    # The same, layer by layer: nothing in it depends on training but the number of outputs.
    theirs = create_mednext(size, dim, 2, 3, kernel, deep_supervision=True).train()
    encoder = [theirs.stem, theirs.enc_stages, theirs.bottleneck, theirs.down_blocks]
    decoder = [theirs.out_blocks[1:], theirs.out_0, theirs.dec_stages, theirs.up_blocks]
    for mine, other in zip(layers(network), layers(*encoder, *decoder), strict=True):
        other.load_state_dict(mine.state_dict())
    x = torch.randn(1, 2, *[32] * dim)
    outputs, expected = network(x), theirs(x)
    assert len(expected) == 5 and len(outputs) == 4
    for level, (output, wanted) in enumerate(zip(outputs, expected[:4], strict=True)):
        assert output.shape == (1, 3, *[32 // 2**level] * dim)
        assert torch.equal(output, wanted)
    network.decoder.deep_supervision = False
    assert torch.equal(network(x), outputs[0])


def test_the_small_one_has_the_papers_parameters():
    assert sum(parameter.numel() for parameter in mednext().parameters()) == pytest.approx(5.6e6, rel=0.01)


def test_all_heads_learn_from_deep_supervision():
    network = mednext(dim=2, deep_supervision=True).train()
    sum(output.square().mean() for output in network(torch.randn(2, 1, 32, 32))).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("deep_supervision", [True, False])
def test_the_planners_estimate_counts_what_convolutions_really_give(deep_supervision):
    network = mednext(dim=2, deep_supervision=deep_supervision)
    counted = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(lambda module, inputs, output: counted.append(output.numel()))
    network(torch.randn(1, 1, 32, 48))
    assert network.compute_conv_feature_map_size((32, 48)) == sum(counted)


def test_nnunets_initialisation_is_not_for_it():
    torch.manual_seed(0)
    network = mednext(dim=2)
    # Kaiming's would be 2 ** 0.5 / 32 ** 0.5; PyTorch's own is uniform and within 1 / 32 ** 0.5.
    assert network.encoder.stages[0][0].conv2.weight.abs().max() <= 32**-0.5


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"profile": "flat"}, "use UNetTrainer without a width"),
        ({"size": "XL"}, "one of S, B, M, L"),
        ({"kernel_size": 4}, "odd"),
        ({"strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2], [2, 2, 2], [2, 2, 2]]}, r"strides 1, 2, 2, 2, 2"),
        ({"strides": [1, 2, 2, 2]}, r"strides 1, 2, 2, 2, 2"),
    ],
)
def test_what_it_cannot_be_is_refused(options, says):
    with pytest.raises(ValueError, match=says):
        make_network(32, cls=MedNeXt, n_stages=5, **options)


def test_without_monai_one_line_says_what_to_install(monkeypatch):
    importer = builtins.__import__

    def absent(name, *rest):
        if name.startswith("monai"):
            raise ModuleNotFoundError(name)
        return importer(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(UserError, match=r"pip install '\.\[mednext\]' in the folder"):
        make_network(32, cls=MedNeXt, n_stages=5)


def test_it_cannot_be_pruned():
    with pytest.raises(UserError, match="MedNeXt cannot be pruned: its convolutions are of several groups"):
        groups.find_groups(mednext(dim=2))
