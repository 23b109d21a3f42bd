"""Tables of the reference, read from the package: one function each, which says where its rows come from.

A row is a dictionary of columns, cells are Markdown. No torch.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import typer

from nnunet_lunet import info
from nnunet_lunet.cli.app import app
from nnunet_lunet.study import request

Row = dict[str, str]
FOUND = info.tables()


def trainers() -> list[Row]:
    """The families of trainer names."""
    return [
        {"name starts with": code(row["name"]), "widths": row["profile"], "what it trains": row["about"]}
        for row in FOUND["trainers"]
    ]


def options() -> list[Row]:
    """The grammar's options."""
    families = [row["name"] for row in FOUND["trainers"]]
    return [
        {
            "option": re.sub(r"_\S+", lambda spelled: f"`{spelled[0]}`", row["name"]),
            "meaning": row["about"],
            "largest": f"{row['largest']:,}" if row["largest"] else "",
            "trainers": "all" if row["trainers"] == families else ", ".join(map(code, row["trainers"])),
        }
        for row in FOUND["options"]
    ]


def presets() -> list[Row]:
    """The files of ``plans/``."""
    return [
        {
            "preset": f"[`{row['name']}`](../../plans/{row['name']}.json)",
            "purpose": row["about"],
            "network": code(row["network_class"].rpartition(".")[2]) if row["network_class"] else "the plans' own",
            "channels": _channels(row["arch_kwargs"]),
            "source": row["source"],
        }
        for row in FOUND["presets"]
    ]


def _channels(arch_kwargs: dict[str, Any]) -> str:
    """``flat 16`` or a list of one number a stage."""
    features, profile = arch_kwargs.get("features_per_stage"), arch_kwargs.get("width_profile")
    if features is None:
        return "as planned"
    return f"{profile or 'flat'} {features}" if isinstance(features, int) else ", ".join(map(str, features))


def importances() -> list[Row]:
    """What a channel's importance can be."""
    return _of_options("importances", "importance")


def strategies() -> list[Row]:
    """Which channel goes."""
    return _of_options("strategies", "what leaves")


def _of_options(table: str, heading: str) -> list[Row]:
    return [
        {"option": f"`_{row['name']}`" + " (default)" * row["default"], heading: row["about"]} for row in FOUND[table]
    ]


def profiles() -> list[Row]:
    """How channels grow from stage to stage."""
    return [
        {
            "profile": code(row["name"]),
            "channels": row["about"],
            "five stages of width 8": ", ".join(str(8 * factor) for factor in row["first_five_stages"]),
        }
        for row in FOUND["profiles"]
    ]


def networks() -> list[Row]:
    """The classes that plans can name."""
    return [
        {
            "class": code(row["name"]),
            "what it is": row["about"],
            "import path for plans and presets": code(row["class"]),
            "nnU-Net's twin": code(row["stock"].rpartition(".")[2]) if row["stock"] else "none",
            "can be pruned": "yes" if row["prunable"] else "no",
        }
        for row in FOUND["networks"]
    ]


def metrics() -> list[Row]:
    """What ``lunet compare`` scores."""
    return [
        {
            "metric": row["about"],
            "in the files": code(row["name"]),
            "better": "more" if row["more_is_better"] else "less",
        }
        for row in FOUND["metrics"]
    ]


def study_keys() -> list[Row]:
    """Keys of a study's file, those below another with a dot."""
    inside = {"networks[]": request.NetworkEntry, "predict": request.Predict, "executor": request.Executor,
              "executor.local": request.LocalOptions}  # fmt: skip
    rows = []
    models: dict[str, Any] = {"": request.Study, **inside}
    for place, model in models.items():
        meaning = parameters(inspect.getdoc(model) or "")
        for key, field in model.model_fields.items():
            default = "required" if field.is_required() else code(json.dumps(field.default, default=lambda _: "local"))
            rows.append({
                "key": code(f"{place}.{key}".lstrip(".")), "meaning": meaning.get(key, ""),
                "default": "" if field.default is None else default,
            })  # fmt: skip
    return rows


def commands() -> str:
    """Every registered command as typer itself describes it: a section each."""
    group: Any = typer.main.get_command(app)
    return "\n".join(_command(name, command) for name, command in group.commands.items() if not command.hidden)


def _command(name: str, command: Any) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    usage = " ".join(["lunet", name, *command.collect_usage_pieces(context)])
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    rows = [{"option": code(spelled), "": escaped(said)} for spelled, said in filter(None, records)]
    help_text = escaped(inspect.cleandoc(command.help))
    return f"## lunet {name}\n\n{help_text}\n\n```text\n{usage}\n```\n\n{markdown(rows)}\n"


#: What may stand in ``<!-- table: NAME -->``.
TABLES: dict[str, Callable[[], list[Row] | str]] = {
    "trainers": trainers,
    "options": options,
    "presets": presets,
    "importances": importances,
    "strategies": strategies,
    "profiles": profiles,
    "networks": networks,
    "metrics": metrics,
    "study_keys": study_keys,
    "commands": commands,
}


def render(name: str) -> str:
    """Markdown of a table.

    :raises KeyError: no table of that name
    """
    content = TABLES[name]()
    return content if isinstance(content, str) else markdown(content)


def markdown(rows: list[Row]) -> str:
    """A table with the keys of the first row as its head."""

    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    head = list(rows[0])
    return "\n".join([line(head), line("---" for _ in head), *(line(row.values()) for row in rows)])


def code(text: str) -> str:
    return f"`{text}`"


def escaped(text: str) -> str:
    """Plain text of the command line, whose brackets and stars are not Markdown."""
    return re.sub(r"([\[\]<>*])", r"\\\1", text)


def parameters(text: str) -> dict[str, str]:
    """``:param name: …`` of a docstring."""
    found = re.findall(r"^:param (\w+): (.*?)(?=\n:|\Z)", text, re.MULTILINE | re.DOTALL)
    return {name: as_markdown(" ".join(said.split())) for name, said in found}


def as_markdown(text: str) -> str:
    """Sphinx's roles and double backticks as code."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)
    return text.replace("``", "`")
