"""What ``lunet plan`` does: each function writes one plans file and returns what there is to say about it."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from nnunet_lunet.host import command_lines, folders
from nnunet_lunet.planning import apply, limits, planner, plans_file, presets
from nnunet_lunet.planning.plans_file import PlansFile

#: How far apart networks "with as many parameters" may be.
_FAIR = 0.1
_COSTS = ("parameters", "multiply_adds")


def from_preset(
    dataset: str, preset: str, plans: str, configurations: Sequence[str] | None = None, overwrite: bool = False
) -> list[str]:
    """Write the plans of a preset beside the plans that they are made from.

    :param preset: name or file, see :func:`nnunet_lunet.planning.presets.load`
    :param configurations: to take over; None for all
    :raises UserError: preset and plans do not fit, or other plans of that name are there
    """
    chosen = presets.load(preset)
    source = plans_file.read(dataset, plans)
    changes, lines = {}, []
    for name in plans_file.together(source, configurations):
        before = source.configuration(name)
        changes[name] = apply.change(before, chosen)
        now = limits.costs(source, name, changes[name], _COSTS)
        lines.append(f"{name}: {_costs(now)}; {plans}: {_costs(limits.costs(source, name, {}, _COSTS))}")
        if (patch := changes[name]["patch_size"]) != before["patch_size"]:
            levels = changes[name]["architecture"]["arch_kwargs"]["n_stages"]
            lines.append(
                f"{name}: patch {_size(before['patch_size'])} becomes {_size(patch)}, as {levels} levels need it"
            )
    return lines + _write(source, chosen.name, changes, overwrite)


def from_match(
    dataset: str,
    preset: str,
    plans: str,
    configurations: Sequence[str] | None = None,
    overwrite: bool = False,
    by: presets.MatchedCost = "parameters",
) -> list[str]:
    """Write the plans of the doubling U-Net that costs about as much as a preset.

    :param by: the cost that is to be equal
    :raises UserError: as :func:`from_preset`
    """
    chosen = presets.load(preset)
    source = plans_file.read(dataset, plans)
    changes, lines = {}, []
    for name in plans_file.together(source, configurations):
        lean = apply.change(source.configuration(name), chosen)
        wanted = limits.costs(source, name, lean, [by])[by]
        width, changes[name], found = limits.matched(source, name, wanted, by)
        lines.append(
            f"{name}: {chosen.name} has {limits.show(by, wanted)}, the U-Net that doubles from {width} has "
            f"{limits.show(by, found)} ({(found - wanted) / wanted:+.1%})"
        )
        if abs(found - wanted) > _FAIR * wanted:
            instead = f"--max-params {found}" if by == "parameters" else f"--max-gmacs {found * 1e-9:.4g}"
            lines.append(
                f"{name}: that is the nearest there is, but more than {_FAIR:.0%} apart and so no fair baseline; "
                f"a flat network can come near that U-Net instead: lunet plan {instead}"
            )
    return lines + _write(source, presets.match_name(chosen, by), changes, overwrite)


def from_limits(
    dataset: str,
    wanted: Mapping[str, float],
    plans: str,
    configurations: Sequence[str] | None = None,
    overwrite: bool = False,
) -> list[str]:
    """Write the plans of the widest flat network that exceeds no limit.

    :param wanted: limits by the kinds of :data:`nnunet_lunet.planning.limits.KINDS`
    :raises UserError: nothing fits, or other plans of that name are there
    """
    source = plans_file.read(dataset, plans)
    changes, lines = {}, []
    for name in plans_file.together(source, configurations):
        found = limits.widest(source, name, wanted)
        changes[name] = found.changes
        below = [
            f"{limits.show(kind, found.costs[kind])} ({(limit - found.costs[kind]) / limit:.1%} below the limit)"
            for kind, limit in wanted.items()
        ]
        wider = [limits.show(kind, found.next_costs[kind]) for kind in found.bound_by]
        bound = f"; width {found.width + 1} would take {' and '.join(wider)}" if wider else "; no wider one was tried"
        lines.append(f"{name}: width {found.width}, {', '.join(below)}{bound}")
    if "gigabytes" in wanted:
        lines.append("GB: nnU-Net's estimate of training with the planned patch and batch")
    return lines + _write(source, f"LUnetMax{_limits_name(wanted)}", changes, overwrite)


def from_planner(
    dataset: str, name: str, gpu_gb: float | None = None, width: int | None = None, overwrite: bool = False
) -> list[str]:
    """Plan from the fingerprint, see :func:`nnunet_lunet.planning.planner.plan`; None is the planner's default."""
    gpu_gb = planner.GPU_GB if gpu_gb is None else gpu_gb
    width = planner.WIDTH if width is None else width
    plans = planner.plan(dataset, name, gpu_gb, width, overwrite)
    lines = []
    for key in plans.content["configurations"]:
        configuration = plans.configuration(key)
        found = limits.costs(plans, key, {}, ["parameters", "gigabytes"])
        lines.append(
            f"{key}: patch {_size(configuration['patch_size'])}, batch {configuration['batch_size']}, "
            f"{', '.join(limits.show(kind, value) for kind, value in found.items())} by nnU-Net's estimate"
        )
    return lines + _what_next(plans)


def _write(source: PlansFile, start: str, changes: Mapping[str, Mapping[str, Any]], overwrite: bool) -> list[str]:
    content = plans_file.derive(source, presets.derived_name(start, source.name), changes)
    written = plans_file.write(source.folder, content, overwrite)
    lines = _what_next(PlansFile(source.folder, content, source.dataset))
    return lines if written else [*lines, "These plans were there already; nothing was written."]


def _what_next(plans: PlansFile) -> list[str]:
    missing: dict[str, str] = {}
    for name in plans.content["configurations"]:
        folder = plans.configuration(name)["data_identifier"]
        if not (plans.folder / folder).is_dir():
            missing.setdefault(folder, name)  # a cascade has the data of the configuration that it inherits from
    lines = [f"Plans: {plans.folder / plans.name}.json; use them with -p {plans.name}"]
    if missing:
        number = folders.dataset_number(plans.folder.name)
        lines.append(f"First: {shlex.join(command_lines.preprocess(number, plans.name, missing.values()))}")
    return lines


def _costs(found: Mapping[str, float]) -> str:
    return ", ".join(limits.show(kind, value) for kind, value in found.items())


def _size(edges: Sequence[int]) -> str:
    return "×".join(map(str, edges))


def _limits_name(wanted: Mapping[str, float]) -> str:
    parts = []
    for kind, limit in wanted.items():
        factor, unit = limits.KINDS[kind]
        value = limit * factor
        size, letter = next(pair for pair in ((1e6, "M"), (1e3, "k"), (0, "")) if value >= pair[0])
        # Twelve digits: other limits have another name.
        shown = f"{value / (size or 1):.12g}{letter}".replace("+", "")
        parts.append(shown.replace(".", "p") + unit.replace("parameters", "Params"))
    return "_".join(parts)
