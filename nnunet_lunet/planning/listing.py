"""``lunet plan --list``: the presets, and with a dataset what each would have there."""

from rich.table import Table

from nnunet_lunet import numbers
from nnunet_lunet.errors import UserError
from nnunet_lunet.planning import presets


def table(dataset: str | None, plans: str) -> Table:
    """All presets with what they are for; with a dataset, also their parameters in each of its configurations.

    :raises UserError: no such dataset or plans
    """
    listing = Table()
    listing.add_column("preset", no_wrap=True)
    counts = _parameters(listing, dataset, plans) if dataset is not None else {}
    listing.add_column("what it is for")
    for name in presets.names():
        preset = presets.load(name)
        listing.add_row(name, *counts.get(name, []), preset.purpose)
    return listing


def _parameters(listing: Table, dataset: str, plans: str) -> dict[str, list[str]]:
    """Adds a column for each configuration; returns what stands in them, by preset."""
    # torch is not needed to list presets alone.
    from nnunet_lunet.planning import apply, limits, plans_file

    source = plans_file.read(dataset, plans)
    listing.title = f"parameters with {plans} of {source.folder.name}"
    configurations = list(source.content["configurations"])
    for configuration in configurations:
        listing.add_column(configuration, justify="right")
    counts: dict[str, list[str]] = {name: [] for name in presets.names()}
    reasons = set()
    for name, row in counts.items():
        for configuration in configurations:
            try:
                changes = apply.change(source.configuration(configuration), presets.load(name))
                found = limits.costs(source, configuration, changes, ["parameters"])
                row.append(numbers.whole(found["parameters"]))
            except UserError as error:
                row.append("–")
                reasons.add(str(error))
    if reasons:
        listing.caption = "–: " + "; ".join(sorted(reasons))
    return counts
