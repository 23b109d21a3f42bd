import torch
from conftest import image, make_network

from nnunet_lunet.architectures.additive import AdditiveUNet
from nnunet_lunet.architectures.no_skip import NoSkipUNet


def test_without_its_skips_it_is_the_network_without_skips():
    network, other = make_network(4, cls=AdditiveUNet), make_network(4, cls=NoSkipUNet)
    other.load_state_dict(network.state_dict())
    x = image()
    *upper, bottleneck = network.encoder(x)
    nothing = [torch.zeros_like(skip) for skip in upper]
    assert torch.equal(network.decoder([*nothing, bottleneck]), other(x))
    assert not torch.equal(network(x), other(x))
