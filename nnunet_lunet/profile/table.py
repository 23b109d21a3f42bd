"""A profile in the terminal."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from nnunet_lunet import numbers
from nnunet_lunet.profile import measure, record

_HEADINGS = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds",
    "activation_bytes": "activations",
    "weights_bytes": "on disk",
    "seconds_per_training_step": "seconds,\nstep",
    "seconds_per_inference_patch": "seconds,\npatch",
    "peak_training_bytes": "memory,\nstep",
    "peak_inference_bytes": "memory,\npatch",
}
_MEASURED = (*record.TIMES, "peak_training_bytes", "peak_inference_bytes")


def tables(profile: record.Profile) -> list[Table]:
    """What was counted and what was measured, one row a network; below each cost its ratio to the first network."""
    counted = [cost for cost in record.COSTS if cost not in _MEASURED]
    patches = [f"patch {'×'.join(map(str, each.patch_size))}" for each in profile.networks]
    found = [_table(profile, counted, "counted", patches)]
    if profile.rounds:
        inputs = [f"{patch}, batch {each.batch_size}" for patch, each in zip(patches, profile.networks, strict=True)]
        found.append(_table(profile, _MEASURED, f"measured on {profile.machine['device']}", inputs))
    found[-1].caption = _caption(profile)
    return found


def _table(profile: record.Profile, costs: Sequence[str], title: str, inputs: Sequence[str]) -> Table:
    """:param inputs: of each network; in its row, or in the title if all are the same"""
    alike = len(set(inputs)) == 1
    listing = Table(title=f"{title}: {inputs[0]}" if alike else title, show_lines=True)
    listing.add_column("network", overflow="fold", min_width=20)
    for cost in costs:
        listing.add_column(_HEADINGS[cost], justify="right", no_wrap=True)
    for network, given in zip(profile.networks, inputs, strict=True):
        ratios = (numbers.times(record.ratio(network, profile.networks[0], cost)) for cost in costs)
        entries = [Text(f"{_entry(network, cost)}\n{times}") for cost, times in zip(costs, ratios, strict=True)]
        listing.add_row(Text("\n".join(filter(None, [network.name, "" if alike else given, network.note]))), *entries)
    return listing


def _caption(profile: record.Profile) -> str:
    lines = ["×: ratio to the first network. Activations: kept for the backward pass, single precision."]
    if profile.rounds:
        lines.append(
            f"Seconds: median, and below it quartiles, of {profile.rounds} rounds in turn, on random numbers without "
            "data loading; ratio: median over the rounds. A step: one batch."
        )
        process = [each.process_bytes for each in profile.networks if each.process_bytes]
        lines.append(
            "Memory: peak resident set of a process for each network, above the "
            f"{numbers.scaled(max(process), 'B')} that Python and libraries take; noisy."
            if process
            else "Memory: peak of torch's allocator."
        )
    return "\n".join(lines)


def _entry(network: record.NetworkProfile, cost: str) -> str:
    found = record.value(network, cost)
    if isinstance(found, measure.Distribution):
        quartiles = [numbers.significant(quartile) for quartile in (found.low_quartile, found.high_quartile)]
        return f"{numbers.significant(found.median)}\n{'–'.join(quartiles)}"
    if cost.endswith("_bytes"):
        return numbers.scaled(found, "B")
    return numbers.scaled(found) if cost == "multiply_adds" else numbers.whole(found)
