import numpy as np
import pytest
import torch
from conftest import image, make_network

from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet
from nnunet_lunet.pruning import groups
from nnunet_lunet.pruning.importance import ImportanceStatistics
from nnunet_lunet.pruning.scores import IMPORTANCES


def seen(network, layer, batches):
    """Activations and gradients of one layer, recorded by a hook of the test's own."""
    pairs = []

    def record(module, inputs, output):
        activation = output.detach().clone()
        output.register_hook(lambda gradient: pairs.append((activation, gradient.clone())))

    handle = network.get_submodule(layer).register_forward_hook(record)
    for x in batches:
        network(x).square().sum().backward()
    handle.remove()
    return pairs


BY_HAND = {
    "l2": lambda a, g: np.sqrt((a**2).sum()),
    "l1": lambda a, g: np.abs(a).sum(),
    "taylor": lambda a, g: abs((a * g).sum()),
    "fisher": lambda a, g: (a * g).sum() ** 2,
}


@pytest.mark.parametrize("kind", IMPORTANCES)
@pytest.mark.parametrize("cls", [LeanUNet, LeanResidualEncoderUNet])
@pytest.mark.parametrize("dim", [2, 3])
def test_it_is_what_the_formula_says(kind, dim, cls):
    network = make_network([3, 4, 5], dim=dim, cls=cls).train()
    found = groups.find_groups(network)
    statistics = ImportanceStatistics(network, found, kind)
    batches = [torch.randn(2, 1, *[16] * dim), torch.randn(1, 1, *[16] * dim)]
    after_norm = IMPORTANCES[kind].needs_gradient
    pairs = seen(network, found[3].name.removesuffix(".conv") if after_norm else found[3].name, batches)
    statistics.end_of_epoch()
    values = [
        [BY_HAND[kind](a.numpy(), g.numpy()) for a, g in zip(*sample, strict=True)]
        for pair in pairs
        for sample in zip(*pair, strict=True)
    ]
    mean = np.mean(values, axis=0)
    expected = mean / np.sqrt((mean**2).sum())
    assert np.allclose(statistics.normalised()[found[3].name], expected, rtol=1e-3)


def test_validation_and_closed_hooks_add_nothing():
    network = make_network(3)
    statistics = ImportanceStatistics(network, groups.find_groups(network), "l2")
    network.eval()(image())
    statistics.end_of_epoch()
    assert all(np.isnan(scores).all() for scores in statistics.normalised().values())
    statistics.close()
    network.train()(image())
    statistics.end_of_epoch()
    assert all(np.isnan(scores).all() for scores in statistics.normalised().values())


def test_without_gradients_taylor_has_no_number():
    network = make_network(3).train()
    statistics = ImportanceStatistics(network, groups.find_groups(network), "taylor")
    with torch.no_grad():
        network(image())
    statistics.end_of_epoch()
    assert all(np.isnan(scores).all() for scores in statistics.normalised().values())


@pytest.mark.parametrize("kind", IMPORTANCES)
@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_every_layer_of_a_residual_encoder_has_an_importance(kind, norm):
    network = make_network(3, cls=LeanResidualEncoderUNet, norm=norm).train()
    statistics = ImportanceStatistics(network, groups.find_groups(network), kind)
    network(torch.randn(2, 1, 16, 16, 16)).square().mean().backward()
    statistics.end_of_epoch()
    assert all(np.isfinite(scores).all() for scores in statistics.normalised().values())


def test_a_step_whose_gradient_overflows_does_not_count():
    torch.manual_seed(0)
    network = make_network(3).train()
    found = groups.find_groups(network)
    x = torch.randn(2, 1, 16, 16, 16)
    scores = []
    for overflows in (False, True):
        statistics = ImportanceStatistics(network, found, "taylor")
        network(x).square().mean().backward()
        if overflows:
            (network(x).square().mean() * torch.inf).backward()
        statistics.end_of_epoch()
        statistics.close()
        scores.append(statistics.normalised())
    assert all(np.allclose(scores[0][group.name], scores[1][group.name], rtol=1e-4) for group in found)


def test_coupled_layers_are_averaged():
    network = make_network(3, cls=LeanResidualEncoderUNet).train()
    found = groups.find_groups(network)
    alone = [groups.Group((layer,), 3, 0) for group in found for layer in group.layers]
    together, apart = (ImportanceStatistics(network, each, "l2") for each in (found, alone))
    network(image())
    together.end_of_epoch()
    apart.end_of_epoch()
    for group in found:
        expected = np.mean([apart.normalised()[layer] for layer in group.layers], axis=0)
        assert np.allclose(together.normalised()[group.name], expected)


def test_one_channel_that_is_not_a_number_leaves_the_others_their_importance():
    network = make_network(3, cls=LeanUNet).train()
    found = groups.find_groups(network)
    statistics = ImportanceStatistics(network, found, "l2")
    network.get_submodule(found[0].name).weight.data[1] = torch.nan
    network(image())
    statistics.end_of_epoch()
    scores = statistics.normalised()[found[0].name]
    assert np.isnan(scores[1]) and np.isfinite(scores[[0, 2]]).all()


def test_saved_and_restored_it_goes_on():
    network = make_network(3).train()
    found = groups.find_groups(network)
    first, through = (ImportanceStatistics(network, found, "l2") for _ in range(2))
    network(image())
    first.end_of_epoch()
    through.end_of_epoch()
    restored = ImportanceStatistics(network, found, "l2")
    restored.load_state_dict(first.state_dict())
    network(image())
    through.end_of_epoch()
    restored.end_of_epoch()
    for name, scores in through.normalised().items():
        assert np.array_equal(scores, restored.normalised()[name])
    with pytest.raises(ValueError, match="other layers or widths"):
        restored.load_state_dict(
            ImportanceStatistics(other := make_network(4), groups.find_groups(other), "l2").state_dict()
        )
