"""``lunet info``: the tables of what can be named, for people, documentation and other programs. No torch."""

from typing import Any

from rich.table import Table
from rich.text import Text

from nnunet_lunet.architectures import registry, widths
from nnunet_lunet.compare.metrics import METRICS
from nnunet_lunet.inference import engines
from nnunet_lunet.planning import presets
from nnunet_lunet.pruning import scores, strategies
from nnunet_lunet.trainers import names


def tables() -> dict[str, list[dict[str, Any]]]:
    """Every table, by its name: rows of plain data, each with a ``name`` and an ``about``."""
    return {
        "trainers": [
            {"name": name, "about": family.about, "profile": family.profile} for name, family in names.FAMILIES.items()
        ],
        "options": [
            {"name": option.usage, "about": option.about, "largest": option.largest, "trainers": list(option.families)}
            for option in names.OPTIONS
        ],
        "profiles": [
            {"name": name, "about": profile.about, "first_five_stages": [profile.factor(stage) for stage in range(5)]}
            for name, profile in widths.PROFILES.items()
        ],
        "importances": [
            {
                "name": name,
                "about": each.about,
                "default": name == strategies.STRATEGIES[strategies.DEFAULT].importance,
                "of": each.of,
                "by_layer": each.by_layer,
                "cost": each.cost,
            }
            for name, each in scores.IMPORTANCES.items()
        ],
        "strategies": [
            {
                "name": name,
                "about": strategy.about,
                "importance": strategy.importance,
                "default": name == strategies.DEFAULT,
            }
            for name, strategy in strategies.STRATEGIES.items()
        ],
        "networks": [
            {"name": name, "about": each.about, "class": each.path, "stock": each.stock, "prunable": each.is_prunable}
            for name, each in registry.NETWORKS.items()
        ],
        "presets": [_preset(presets.load(name)) for name in presets.names()],
        "engines": [
            {
                "name": name,
                "about": engine.about,
                "precisions": list(engine.precisions),
                "devices": list(engine.devices),
                "extra": engine.package,
            }
            for name, engine in engines.ENGINES.items()
        ],
        "metrics": [
            {"name": name, "about": metric.heading, "more_is_better": metric.more_is_better}
            for name, metric in METRICS.items()
        ],
    }


def _preset(preset: presets.Preset) -> dict[str, Any]:
    own = {"network_class": preset.network_class, "arch_kwargs": preset.arch_kwargs}
    return {"name": preset.name, "about": preset.purpose, "source": preset.source, **own}


def shown(rows: list[dict[str, Any]], title: str) -> Table:
    """One table for a terminal: names and what they stand for."""
    table = Table("name", "about", title=title, title_justify="left", show_lines=False)
    for row in rows:
        table.add_row(Text(str(row["name"]), overflow="fold"), Text(str(row["about"])))
    return table
