"""Tables of the reference, from ``nnunet_lunet.info`` and from the command line itself: one function each.

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
from nnunet_lunet.trainers import names

Row = dict[str, str]
INFO = info.tables()


def trainers() -> list[Row]:
    """The families of trainers."""
    return [
        {"name starts with": code(row["name"]), "widths": row["profile"], "trains": row["about"]}
        for row in INFO["trainers"]
    ]


def options() -> list[Row]:
    """The options of a trainer's name."""
    return [
        {
            "option": re.sub(r"_\S+", lambda spelled: code(spelled[0]), row["name"]),
            "meaning": row["about"],
            "largest": f"{row['largest']:,}" if row["largest"] else "",
            "trainers": "all" if len(row["trainers"]) == len(names.FAMILIES) else ", ".join(map(code, row["trainers"])),
        }
        for row in INFO["options"]
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
        for row in INFO["presets"]
    ]


def _channels(arch_kwargs: dict[str, Any]) -> str:
    """``flat 16``, or one number a stage."""
    features = arch_kwargs.get("features_per_stage")
    if features is None:
        return "as planned"
    if isinstance(features, int):
        return f"{arch_kwargs.get('width_profile') or 'flat'} {features}"
    return ", ".join(map(str, features))


#: What an importance is a score of, in words.
LOOKS_AT = {
    "activation": "the map behind the nonlinearity",
    "change": "what the next layer sees, and the loss' gradient",
    "nothing": "nothing",
}


def importances() -> list[Row]:
    """What a channel's importance can be."""
    return [
        {
            "option": f"`_{row['name']}`{' (default)' if row['default'] else ''}",
            "importance of a channel": row["about"],
            "looks at": LOOKS_AT[row["of"]],
            "normalised": "by layer" if row["by_layer"] else "no",
        }
        for row in INFO["importances"]
    ]


def strategies() -> list[Row]:
    """Which channel goes."""
    return [
        {
            "option": f"`_{row['name']}`{' (default)' if row['default'] else ''}",
            "what leaves": row["about"],
            "ranked by, unless named": code(row["importance"]),
        }
        for row in INFO["strategies"]
    ]


def profiles() -> list[Row]:
    """How channels grow from stage to stage."""
    return [
        {
            "profile": code(row["name"]),
            "channels": row["about"],
            "five stages from 8": ", ".join(str(8 * factor) for factor in row["first_five_stages"]),
        }
        for row in INFO["profiles"]
    ]


def networks() -> list[Row]:
    """The classes that plans can name."""
    return [
        {
            "class": code(row["name"]),
            "what it is": row["about"],
            "can be pruned": "yes" if row["prunable"] else "no",
            "nnU-Net's twin": code(row["stock"].rpartition(".")[2]) if row["stock"] else "none",
            "in `nnunet_lunet.architectures`": code(row["class"].removeprefix("nnunet_lunet.architectures.")),
        }
        for row in INFO["networks"]
    ]


def engines() -> list[Row]:
    """What computes the network in prediction."""
    return [
        {
            "`--engine`": code(row["name"]),
            "computes with": row["about"],
            "`--precision`": ", ".join(map(code, row["precisions"])),
            "`-device`": ", ".join(map(code, row["devices"])),
            "extra": code(row["extra"]) if row["extra"] else "",
        }
        for row in INFO["engines"]
    ]


def metrics() -> list[Row]:
    """What ``lunet compare`` scores."""
    return [
        {
            "metric": row["about"],
            "in the files": code(row["name"]),
            "better": "more" if row["more_is_better"] else "less",
        }
        for row in INFO["metrics"]
    ]


def study_keys() -> list[Row]:
    """Keys of a study's file, those below another with a dot."""
    models: dict[str, Any] = {
        "": request.Study, "networks[]": request.NetworkEntry, "predict": request.Predict,
        "executor": request.Executor, "executor.local": request.LocalOptions,
    }  # fmt: skip
    rows = []
    for place, model in models.items():
        meaning = _parameters(inspect.getdoc(model) or "")
        for key, field in model.model_fields.items():
            default = "required" if field.is_required() else code(json.dumps(field.default, default=lambda _: "local"))
            rows.append({
                "key": code(f"{place}.{key}".lstrip(".")), "meaning": meaning.get(key, ""),
                "if not given": "" if field.default is None else default,
            })  # fmt: skip
    return rows


def _parameters(text: str) -> dict[str, str]:
    """``:param name: …`` of a docstring, as Markdown."""
    found = re.findall(r"^:param (\w+): (.*?)(?=\n:|\Z)", text, re.MULTILINE | re.DOTALL)
    plain = {name: re.sub(r":\w+:`([^`]+)`", r"`\1`", " ".join(said.split())) for name, said in found}
    return {name: said.replace("``", "`") for name, said in plain.items()}


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
    "engines": engines,
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
