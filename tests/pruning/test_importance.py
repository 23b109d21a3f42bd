"""What an importance measures, against formulas and restatements written here, and the laws it must keep."""

from functools import partial

import numpy as np
import pytest
import torch
from conftest import image, make_network
from scipy.stats import spearmanr
from torch import nn

from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet
from nnunet_lunet.pruning import groups, places
from nnunet_lunet.pruning.importance import ImportanceStatistics
from nnunet_lunet.pruning.scores import ACTIVATION, CHANGE, IMPORTANCES, NOTHING

MEASURED = [name for name, kind in IMPORTANCES.items() if kind.of != NOTHING]
PAPER = {"norm": "batch", "nonlin": nn.ReLU, "nonlin_first": True, "pool": "max"}


def collect(network, found, kind, batches, loss=lambda y: y.square().sum(), scales=None, **options):
    """Importances after training steps on the batches."""
    statistics = ImportanceStatistics(network, found, kind, **options)
    for index, x in enumerate(batches):
        scale = scales[index] if scales else 1.0
        statistics.begin_step(len(x))
        (loss(network(x)) * scale).backward()
        statistics.end_step(scale)
    statistics.end_of_epoch()
    statistics.close()
    network.zero_grad()
    return statistics.importance(np.random.default_rng(0))


def seen(network, place, batches):
    """Activations and gradients at one place, recorded by a hook of the test's own."""
    pairs = []

    def record(module, inputs, output):
        activation, passed_on = output.detach().clone(), output.clone()
        passed_on.register_hook(lambda gradient: pairs.append((activation, gradient.clone())))
        return passed_on

    handle = network.get_submodule(place).register_forward_hook(record)
    for x in batches:
        network(x).square().sum().backward()
    handle.remove()
    return pairs


BY_HAND = {
    "l2": lambda a, g: np.sqrt((a**2).sum()),
    "l1": lambda a, g: np.abs(a).sum(),
    "taylor": lambda a, g: abs((a * g).sum()),
    "fisher": lambda a, g: (a * g).sum() ** 2,
    "fisherMacs": lambda a, g: (a * g).sum() ** 2,
    "fisherMemory": lambda a, g: (a * g).sum() ** 2,
}


@pytest.mark.parametrize("kind", MEASURED)
@pytest.mark.parametrize("cls", [LeanUNet, LeanResidualEncoderUNet])
@pytest.mark.parametrize("dim", [2, 3])
def test_it_is_what_the_formula_says(kind, dim, cls):
    network = make_network([3, 4, 5], dim=dim, cls=cls).train()
    group = groups.find_groups(network)[1]  # a residual block's inner convolution is coupled to nothing
    assert len(group.layers) == 1
    place = places.after_nonlinearity if IMPORTANCES[kind].of == ACTIVATION else places.behind_block
    batches = [torch.randn(2, 1, *[16] * dim), torch.randn(1, 1, *[16] * dim)]
    pairs = seen(network, place(network, group.name), batches)
    values = [
        [BY_HAND[kind](a.numpy(), g.numpy()) for a, g in zip(*sample, strict=True)]
        for pair in pairs
        for sample in zip(*pair, strict=True)
    ]
    mean = np.mean(values, axis=0)
    found = collect(network, [group], kind, batches)[group.name]
    assert np.allclose(found, mean / np.sqrt((mean**2).sum()) if IMPORTANCES[kind].by_layer else mean, rtol=1e-3)


@pytest.mark.parametrize("kind", IMPORTANCES)
def test_normalisation_is_an_option_of_its_own(kind):
    network = make_network(3).train()
    found, batches = groups.find_groups(network), [image()]
    raw, by_layer = (collect(network, found, kind, batches, by_layer=choice) for choice in (False, True))
    for group in found:
        expected = raw[group.name] / np.sqrt((raw[group.name] ** 2).sum())
        assert np.allclose(by_layer[group.name], expected)
    published = collect(network, found, kind, batches)
    expected = by_layer if IMPORTANCES[kind].by_layer else raw
    assert all(np.array_equal(published[name], expected[name]) for name in published)


def stamp_restated(network, layers, batches):
    """STAMP's ranking on a U-Net of (convolution, ReLU, batch norm): plain loops, nothing of the package.

    Per batch the mean over samples of the L2 norm of what the ReLU leaves, summed over batches, over the layer's root
    of summed squares.
    """
    sums: dict[str, np.ndarray] = {}
    for x in batches:
        kept: dict[str, torch.Tensor] = {}

        def keep(layer, kept, module, inputs, output):
            kept[layer] = output.detach().clone()

        handles = [network.get_submodule(layer).register_forward_hook(partial(keep, layer, kept)) for layer in layers]
        network(x)
        for handle in handles:
            handle.remove()
        for layer, output in kept.items():
            norms = output.clamp(min=0).flatten(2).norm(dim=2).mean(0).numpy()
            sums[layer] = sums.get(layer, 0) + norms
    return {layer: values / np.sqrt((values**2).sum()) for layer, values in sums.items()}


def test_on_the_papers_unet_l2_is_stamp():
    torch.manual_seed(0)
    network = make_network(4, dim=2, n_stages=5, profile="doubling", **PAPER).train()
    found = groups.find_groups(network)
    batches = [torch.randn(2, 1, 64, 64) for _ in range(3)]
    expected = stamp_restated(network, [group.name for group in found], batches)
    importance = collect(network, found, "l2", batches)
    ours, theirs = (np.concatenate([each[group.name] for group in found]) for each in (importance, expected))
    assert len(ours) > 350 and np.allclose(ours, theirs, rtol=1e-4)
    assert set(np.argsort(ours)[:16]) == set(np.argsort(theirs)[:16])


@pytest.mark.parametrize("kind", MEASURED)
@pytest.mark.parametrize("block", ["nnunet", "paper"])
def test_a_dead_channel_is_the_least_important_of_all(kind, block):
    torch.manual_seed(0)
    network = make_network(8, dim=2, n_stages=4, **(PAPER if block == "paper" else {})).train()
    found = groups.find_groups(network)
    parent = network.get_submodule(found[4].name.rpartition(".")[0])
    with torch.no_grad():
        if block == "paper":
            parent.conv.weight[5], parent.conv.bias[5] = 0, -1  # nothing is left behind the ReLU
        parent.norm.weight[5], parent.norm.bias[5] = 0, 0
    importance = collect(network, found, kind, [torch.randn(2, 1, 32, 32)])
    least = min((value, name, i) for name, values in importance.items() for i, value in enumerate(values))
    assert least[1:] == (found[4].name, 5) and least[0] == 0


@pytest.mark.parametrize("kind", MEASURED)
def test_what_the_norm_takes_away_changes_no_importance(kind):
    torch.manual_seed(0)
    network = make_network(8, dim=2, n_stages=4).train()
    for module in network.modules():
        if isinstance(module, nn.InstanceNorm2d):
            module.eps = 1e-12
    found, batches = groups.find_groups(network), [torch.randn(4, 1, 64, 64)]
    before, output = collect(network, found, kind, batches), network(batches[0]).detach()
    with torch.no_grad():
        scaled, shifted = (network.get_submodule(found[index].name) for index in (0, 1))
        scaled.weight[3] *= 0.05
        scaled.bias[3] *= 0.05
        shifted.bias[5] += 30
    after = collect(network, found, kind, batches)
    assert (network(batches[0]) - output).abs().max() < 1e-3 * output.abs().max()
    for name, values in before.items():
        assert np.allclose(values, after[name], rtol=0.02, atol=1e-3 * values.max())


@pytest.mark.parametrize("kind", ["taylor", "fisher"])
def test_coupled_convolutions_are_summed_before_they_are_scored(kind):
    """Against the derivative of the loss by a factor on the channel wherever it is given, by finite differences."""
    torch.manual_seed(0)
    network = make_network(3, dim=2, cls=LeanResidualEncoderUNet, convs=2).double().train()
    stream = max(groups.find_groups(network), key=lambda group: len(group.layers))
    assert len(stream.layers) > 3
    x, step = torch.randn(1, 1, 32, 32, dtype=torch.float64), 1e-5

    def loss_with(factor, channel):
        def scale(module, inputs, output):
            scaled = output.clone()
            scaled[:, channel] *= factor
            return scaled

        modules = [network.get_submodule(places.behind_block(network, layer)) for layer in stream.layers]
        handles = [module.register_forward_hook(scale) for module in modules]
        value = network(x).square().sum().item()
        for handle in handles:
            handle.remove()
        return value

    slopes = np.array([(loss_with(1 + step, c) - loss_with(1 - step, c)) / (2 * step) for c in range(3)])
    expected = abs(slopes) if kind == "taylor" else slopes**2
    found = collect(network, [stream], kind, [x], by_layer=False)[stream.name]
    assert np.allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("kind", ["taylor", "fisher", "fisherMacs"])
def test_the_loss_scale_of_mixed_precision_is_taken_out(kind):
    torch.manual_seed(0)
    network = make_network(4, dim=2).train()
    found, batches = groups.find_groups(network), [torch.randn(2, 1, 16, 16) for _ in range(4)]
    plain = collect(network, found, kind, batches)
    scaled = collect(network, found, kind, batches, scales=[65536.0, 32768.0, 8192.0, 8192.0])
    assert all(np.allclose(plain[name], scaled[name], rtol=1e-3) for name in plain)


@pytest.mark.parametrize("kind", ["l2", "taylor"])
def test_a_step_that_the_optimiser_skipped_does_not_count(kind):
    torch.manual_seed(0)
    network = make_network(3).train()
    found, x = groups.find_groups(network), image()
    expected = collect(network, found, kind, [x])
    statistics = ImportanceStatistics(network, found, kind)
    for other, factor in ((image(), torch.inf), (x, 1)):
        statistics.begin_step(1)
        (network(other).square().sum() * factor).backward()
        statistics.end_step(counts=factor == 1)
    statistics.end_of_epoch()
    found_now = statistics.importance(np.random.default_rng(0))
    assert all(np.allclose(expected[name], found_now[name], rtol=1e-4) for name in expected)


def test_a_sample_whose_gradient_is_not_finite_does_not_count():
    torch.manual_seed(0)
    network = make_network(3).train()
    found, x = groups.find_groups(network), torch.randn(2, 1, 16, 16, 16)
    alone = collect(network, found, "taylor", [x[:1]])
    weights = torch.tensor([1.0, torch.inf]).reshape(2, 1, 1, 1, 1)
    both = collect(network, found, "taylor", [x], loss=lambda y: (y.square() * weights).sum())
    assert all(np.allclose(alone[name], both[name], rtol=1e-3) for name in alone)


@pytest.mark.parametrize("kind", MEASURED)
def test_what_runs_outside_of_a_step_adds_nothing(kind):
    network = make_network(3).train()
    statistics = ImportanceStatistics(network, groups.find_groups(network), kind)
    network(image()).sum().backward()
    statistics.end_of_epoch()
    assert all(np.isnan(values).all() for values in statistics.importance(np.random.default_rng(0)).values())
    statistics.close()
    statistics.begin_step(1)
    network(image()).sum().backward()
    assert not any(sums.any() for sums in statistics._step.values())
    assert all(probe.grad is None for probe in statistics._probes.values())


def test_without_gradients_taylor_has_no_number():
    network = make_network(3).train()
    statistics = ImportanceStatistics(network, groups.find_groups(network), "taylor")
    statistics.begin_step(1)
    with torch.no_grad():
        network(image())
    statistics.end_step()
    statistics.end_of_epoch()
    assert all(np.isnan(values).all() for values in statistics.importance(np.random.default_rng(0)).values())


@pytest.mark.parametrize("kind", IMPORTANCES)
@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_every_layer_of_a_residual_encoder_has_an_importance(kind, norm):
    network = make_network(3, cls=LeanResidualEncoderUNet, norm=norm).train()
    importance = collect(network, groups.find_groups(network), kind, [torch.randn(2, 1, 16, 16, 16)])
    assert all(np.isfinite(values).all() for values in importance.values())


@pytest.mark.parametrize("kind", MEASURED)
@pytest.mark.parametrize("cls", [LeanUNet, LeanResidualEncoderUNet])
def test_statistics_do_not_change_what_is_trained(kind, cls):
    torch.manual_seed(0)
    network, x = make_network(3, cls=cls).train(), torch.randn(2, 1, 16, 16, 16)
    found, gradients = groups.find_groups(network), []
    for watched in (False, True):
        statistics = ImportanceStatistics(network, found, kind) if watched else None
        if statistics:
            statistics.begin_step(2)
        network.zero_grad()
        network(x).square().mean().backward()
        gradients.append([parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None])
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))


@pytest.mark.parametrize("kind", IMPORTANCES)
@pytest.mark.parametrize("cls", [LeanUNet, LeanResidualEncoderUNet])
def test_under_compilation_it_is_one_graph_with_the_same_numbers(kind, cls):
    torch.manual_seed(0)
    network, x = make_network(3, dim=2, cls=cls).train(), torch.randn(2, 1, 16, 16)
    found = groups.find_groups(network)
    expected = collect(network, found, kind, [x, x])
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    statistics = ImportanceStatistics(network, found, kind)
    compiled = torch.compile(network, backend="aot_eager")
    for _ in range(2):
        statistics.begin_step(2)
        compiled(x).square().sum().backward()
        statistics.end_step()
    statistics.end_of_epoch()
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
    assert not torch._dynamo.utils.counters["graph_break"]
    now = statistics.importance(np.random.default_rng(0))
    assert all(np.allclose(now[name], expected[name], rtol=1e-3, atol=1e-6) for name in expected)
    torch._dynamo.reset()


def test_a_cost_divides():
    network = make_network(3).train()
    found = groups.find_groups(network)
    statistics = ImportanceStatistics(network, found, "fisherMacs")
    statistics.begin_step(1)
    network(image()).square().sum().backward()
    statistics.end_step()
    statistics.end_of_epoch()
    rng, costs = np.random.default_rng(0), {group.name: 1.0 + index for index, group in enumerate(found)}
    plain, divided = statistics.importance(rng), statistics.importance(rng, costs)
    assert all(np.allclose(divided[name] * costs[name], plain[name]) for name in plain)


def test_no_information_is_the_same_noise_for_every_layer_and_new_each_time():
    network = make_network([64, 128], n_stages=2, dim=2)
    found = groups.find_groups(network)
    statistics, rng = ImportanceStatistics(network, found, "none", by_layer=False), np.random.default_rng(0)
    first, second = statistics.importance(rng), statistics.importance(rng)
    assert all(abs(values.mean() - 1) < 0.15 and 0.15 < values.std() < 0.45 for values in first.values())
    assert all(abs(spearmanr(first[name], second[name])[0]) < 0.4 for name in first)
    assert not network._forward_hooks and not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize("kind", ["l2", "taylor"])
def test_one_channel_that_is_not_a_number_leaves_the_others_of_its_layer(kind):
    network = make_network(3, cls=LeanUNet).train()
    found = groups.find_groups(network)
    statistics = ImportanceStatistics(network, found, kind)
    statistics.begin_step(1)
    network(image()).square().sum().backward()
    statistics.end_step()
    statistics.end_of_epoch()
    statistics._total[statistics._watched[found[0].name][0]][1] = torch.nan
    values = statistics.importance(np.random.default_rng(0))[found[0].name]
    assert np.isnan(values[1]) and np.isfinite(values[[0, 2]]).all()


@pytest.mark.parametrize("kind", MEASURED)
def test_saved_and_restored_it_goes_on(kind):
    network, x = make_network(3).train(), image()
    found = groups.find_groups(network)

    def step(statistics):
        statistics.begin_step(1)
        network(x).square().sum().backward()
        statistics.end_step()
        statistics.end_of_epoch()

    first = ImportanceStatistics(network, found, kind)
    step(first)
    state = first.state_dict()
    step(first)
    first.close()
    restored = ImportanceStatistics(network, found, kind)
    restored.load_state_dict(state)
    step(restored)
    expected, now = (each.importance(np.random.default_rng(0)) for each in (first, restored))
    assert all(np.array_equal(expected[name], now[name]) for name in expected)
    other = make_network(4)
    with pytest.raises(ValueError, match="other layers or widths"):
        restored.load_state_dict(ImportanceStatistics(other, groups.find_groups(other), kind).state_dict())


def test_every_importance_is_of_something_known():
    assert {kind.of for kind in IMPORTANCES.values()} <= {ACTIVATION, CHANGE, NOTHING}
    with pytest.raises(ValueError, match="use one of l2"):
        ImportanceStatistics(make_network(3), [], "l3")
