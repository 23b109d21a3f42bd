"""The widest network under limits and the U-Net of equal size, against trying every width."""

import pytest
from conftest import RESENC
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

from nnunet_lunet.architectures import cost, widths
from nnunet_lunet.errors import UserError
from nnunet_lunet.planning import apply, limits, plans_file, presets, request, tasks

ALL = ("parameters", "multiply_adds", "gigabytes")


def costs_at(plans, name, width, profile="flat", kinds=ALL):
    changes = apply.change(plans.configuration(name), presets.of_widths(width, profile))
    return limits.costs(plans, name, changes, kinds)


@pytest.mark.parametrize(
    ("source", "configuration", "factors"),
    [
        ("nnUNetPlans", "3d_fullres", (1.01, 9, 9)),
        ("nnUNetPlans", "2d", (9, 1.01, 9)),
        ("nnUNetPlans", "2d", (9, 9, 1.01)),
        (RESENC, "2d", (1.1, 1.01, 1.01)),
    ],
)
def test_the_widest_network_fits_and_one_channel_more_does_not(planned, source, configuration, factors):
    plans = plans_file.read("903", source)
    by_width = {width: costs_at(plans, configuration, width) for width in range(1, 8)}
    wanted = {kind: factor * by_width[5][kind] for kind, factor in zip(ALL, factors, strict=True)}
    fitting = [width for width, costs in by_width.items() if all(costs[kind] <= wanted[kind] for kind in ALL)]
    found = limits.widest(plans, configuration, wanted)
    assert found.width == max(fitting) == 5
    assert found.changes["architecture"]["arch_kwargs"]["features_per_stage"] == [5] * 4
    assert (found.costs, found.next_costs) == (by_width[5], by_width[6])
    assert found.bound_by == [kind for kind, factor in zip(ALL, factors, strict=True) if factor < 9]


def test_a_limit_that_is_met_exactly_is_kept(planned):
    plans = plans_file.read("903")
    exact = costs_at(plans, "2d", 7)
    for kind in ALL:
        assert limits.widest(plans, "2d", {kind: exact[kind]}).width == 7


def test_the_search_ends_where_no_limit_is_near(planned):
    found = limits.widest(plans_file.read("903"), "2d", {"parameters": 1e12})
    assert (found.width, found.bound_by) == (limits.WIDTHS[-1], [])


def test_memory_is_the_planners_own_estimate(planned):
    own = ExperimentPlanner("903", 8, plans_name="Uncapped")
    own.max_dataset_covered = 1e9  # nothing but memory decides on the batch
    own.plan_experiment()
    plans = plans_file.read("903", "Uncapped")
    for name in ("2d", "3d_fullres"):
        batch = plans.configuration(name)["batch_size"]
        memory = limits.costs(plans, name, {}, ["gigabytes"])["gigabytes"]
        assert batch > 7 and abs(memory - 8) <= 0.5 * memory / batch  # it rounds to whole batches


def test_nothing_fits_and_the_smallest_figures_are_told(planned):
    plans = plans_file.read("903")
    smallest = costs_at(plans, "3d_fullres", 1)
    with pytest.raises(UserError) as error:
        limits.widest(plans, "3d_fullres", {"parameters": 100, "gigabytes": 9})
    message = str(error.value)
    assert (
        f"one channel a stage, takes {smallest['parameters']:,} parameters, {smallest['gigabytes']:.3g} GB" in message
    )
    assert message.endswith("above the limit of 100 parameters")
    before = sorted(planned.preprocessed.iterdir())
    with pytest.raises(UserError, match="configuration 2d"):
        tasks.from_limits("903", {"parameters": 100}, "nnUNetPlans")
    assert sorted(planned.preprocessed.iterdir()) == before


def nearest_of(plans, kind, candidates):
    """A cost of flat 16, those of the U-Nets that double from each width, and the width that comes nearest."""
    target, *around = (
        costs_at(plans, "3d_fullres", width, profile, [kind])[kind]
        for width, profile in [(16, "flat"), *((width, "doubling") for width in candidates)]
    )
    counts = dict(zip(candidates, around, strict=True))
    return target, counts, min(counts, key=lambda width: abs(counts[width] - target))


def test_the_matched_unet_by_multiply_adds_is_the_nearest_of_all_that_double(planned):
    plans = plans_file.read("903")
    lines = tasks.from_match("903", "LUnet16", "nnUNetPlans", ["3d_fullres"], by="multiply_adds")
    written = PlansManager(str(planned.preprocessed / "UNetMatchMultiplyAddsLUnet16Plans.json"))
    kwargs = written.get_configuration("3d_fullres").network_arch_init_kwargs
    target, _, nearest = nearest_of(plans, "multiply_adds", range(8, 17))
    assert 8 < nearest < 16  # by parameters it is 4
    assert kwargs["features_per_stage"] == widths.resolve(nearest, "doubling", 4, dim=3)
    assert lines[0].startswith(
        f"3d_fullres: LUnet16 has {target * 1e-9:.3g} GMACs, the U-Net that doubles from {nearest}"
    )


@pytest.mark.parametrize("source", ["nnUNetPlans", RESENC])
def test_the_matched_unet_is_the_nearest_of_all_that_double(planned, source):
    plans = plans_file.read("903", source)
    lines = tasks.from_match("903", "LUnet16", source, ["3d_fullres"])
    written = PlansManager(str(planned.preprocessed / f"{presets.derived_name('UNetMatchLUnet16', source)}.json"))
    kwargs = written.get_configuration("3d_fullres").network_arch_init_kwargs
    target, counts, nearest = nearest_of(plans, "parameters", range(1, 10))
    assert kwargs["features_per_stage"] == widths.resolve(nearest, "doubling", 4, dim=3)
    difference = (counts[nearest] - target) / target
    assert lines[0] == (
        f"3d_fullres: LUnet16 has {target:,} parameters, the U-Net that doubles from {nearest} has "
        f"{counts[nearest]:,} parameters ({difference:+.1%})"
    )
    assert cost.parameters(plans.network("3d_fullres", {})) > 10 * target


def test_limits_are_in_the_plans_name_and_each_configuration_has_its_own_width(planned):
    lines = tasks.from_limits(
        "903", {"parameters": 200_000, "multiply_adds": 20.5e9, "gigabytes": 4}, "nnUNetPlans", ["2d", "3d_fullres"]
    )
    name = "LUnetMax200kParams_20p5GMACs_4GBPlans"
    assert lines[-2].endswith(f"use them with -p {name}")
    written = PlansManager(str(planned.preprocessed / f"{name}.json"))
    first = {key: written.get_configuration(key).network_arch_init_kwargs["features_per_stage"][0] for key in
             ("2d", "3d_fullres")}  # fmt: skip
    assert first["2d"] > first["3d_fullres"]
    assert lines[1].startswith(f"3d_fullres: width {first['3d_fullres']}, ")
    assert "below the limit" in lines[1] and f"width {first['3d_fullres'] + 1} would take" in lines[1]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"--max-params": "200k"}, {"parameters": 200_000}),
        ({"--max-params": "1.5M", "--max-gmacs": "20"}, {"parameters": 1_500_000, "multiply_adds": 20e9}),
        ({"--max-memory": "4GB", "--max-gmacs": None}, {"gigabytes": 4}),
        ({"--max-params": "200K", "--max-memory": "500mb"}, {"parameters": 200_000, "gigabytes": 0.5}),
        ({"--max-memory": "500 MB"}, {"gigabytes": 0.5}),
    ],
)
def test_limits_have_units(given, wanted):
    assert request.limits(given) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("option", "text"),
    [("--max-params", text) for text in ("0", "-5", "many", "5GB", "٣", "", "1e3", "9" * 400)]
    + [("--max-gmacs", "20G"), ("--max-memory", "4TB"), ("--max-memory", "inf")],
)
def test_anything_else_is_no_limit(option, text):
    with pytest.raises(UserError, match=option):
        request.limits({option: text})
