"""Tables of the reference, read from the package: one function each, which says where its rows come from.

A row is a dictionary of columns, cells are Markdown. No torch: docstrings are read from the source.
"""

import ast
import importlib.util
import inspect
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer

from nnunet_lunet.architectures import registry, widths
from nnunet_lunet.cli.app import app
from nnunet_lunet.compare import record
from nnunet_lunet.planning import presets as preset_files
from nnunet_lunet.pruning.names import IMPORTANCES, STRATEGIES
from nnunet_lunet.study import request
from nnunet_lunet.trainers import names

Row = dict[str, str]


def trainers() -> list[Row]:
    """The families, by what their classes say of themselves."""
    classes = {"LUnetTrainer": "lunet", "UNetTrainer": "lunet", "LUnetPruningTrainer": "pruning"}
    return [
        {
            "name starts with": f"`{family}`",
            "widths": profile,
            "what it does": first_line(docstring(f"nnunet_lunet.trainers.{classes[family]}", family)),
        }
        for family, profile in names.FAMILIES.items()
    ]


def options() -> list[Row]:
    """The grammar's options, explained by the fields that they set."""
    meaning = parameters(inspect.getdoc(names.TrainerOptions) or "")
    return [
        {
            "option": re.sub(r"_\S+", lambda spelled: f"`{spelled[0]}`", option.usage),
            "meaning": meaning[option.sets],
            "largest": f"{option.largest:,}" if option.largest else "",
            "trainers": "all" if len(option.families) == len(names.FAMILIES) else ", ".join(map(code, option.families)),
        }
        for option in names._OPTIONS
    ]


def presets() -> list[Row]:
    """The files of ``plans/``."""
    found = [(name, preset_files.load(name)) for name in preset_files.names()]
    return [
        {
            "preset": f"[`{name}`](../../plans/{name}.json)",
            "purpose": preset.purpose,
            "network": code(preset.network_class.rpartition(".")[2]) if preset.network_class else "the plans' own",
            "channels": _channels(preset.arch_kwargs),
            "source": preset.source,
        }
        for name, preset in found
    ]


def _channels(arch_kwargs: dict[str, Any]) -> str:
    """``flat 16`` or a list of one number a stage."""
    features, profile = arch_kwargs.get("features_per_stage"), arch_kwargs.get("width_profile")
    if features is None:
        return "as planned"
    return f"{profile or 'flat'} {features}" if isinstance(features, int) else ", ".join(map(str, features))


def importances() -> list[Row]:
    """What a channel's importance can be."""
    meaning = definitions(docstring("nnunet_lunet.pruning.importance", "ImportanceStatistics"))
    return [{"option": f"`_{name}`", "importance": meaning[name]} for name in IMPORTANCES]


def strategies() -> list[Row]:
    """Which channel goes."""
    meaning = definitions(docstring("nnunet_lunet.pruning.strategies", "choose"))
    return [{"option": f"`_{name}`", "what leaves": meaning[name]} for name in STRATEGIES]


def profiles() -> list[Row]:
    """How channels grow from stage to stage."""
    meaning = definitions(inspect.getdoc(widths.features_per_stage) or "")
    return [
        {
            "profile": code(name),
            "channels": meaning[name],
            "five stages of width 8": ", ".join(map(str, widths.features_per_stage(name, 5, 8))),
        }
        for name in widths.PROFILES
    ]


def networks() -> list[Row]:
    """The classes that plans can name."""
    rows = []
    for name, (path, twin) in registry._CLASSES.items():
        module = path.rpartition(".")[0]
        rows.append({
            "class": code(name),
            "what it is": first_line(docstring(module, name)),
            "import path for plans and presets": code(path),
            "nnU-Net's twin": code(twin.rpartition(".")[2]) if twin else "none",
        })  # fmt: skip
    return rows


def metrics() -> list[Row]:
    """What ``lunet compare`` scores."""
    return [
        {"metric": heading, "in the files": code(name), "better": "more" if more_is_better else "less"}
        for name, (heading, more_is_better) in record.METRICS.items()
    ]


def study_keys() -> list[Row]:
    """Keys of a study's file, those below another with a dot."""
    inside = {"networks[]": request.Network, "predict": request.Predict, "executor": request.Executor,
              "executor.local": request.Local}  # fmt: skip
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


def docstring(module: str, name: str) -> str:
    """Of a class or function of a module, which is not imported."""
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    found = next(node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name)
    return ast.get_docstring(found) or ""


def first_line(text: str) -> str:
    """The first paragraph, in one line."""
    return as_markdown(" ".join(text.partition("\n\n")[0].split()))


def parameters(text: str) -> dict[str, str]:
    """``:param name: …`` of a docstring."""
    found = re.findall(r"^:param (\w+): (.*?)(?=\n:|\Z)", text, re.MULTILINE | re.DOTALL)
    return {name: as_markdown(" ".join(said.split())) for name, said in found}


def definitions(text: str) -> dict[str, str]:
    """Terms in double backticks, each on a line of its own, and what is indented below them."""
    found = re.findall(r"^``(\w+)``\n((?:    .*\n?)+)", text, re.MULTILINE)
    return {term: as_markdown(" ".join(said.split())) for term, said in found}


def as_markdown(text: str) -> str:
    """Sphinx's roles and double backticks as code."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)
    return text.replace("``", "`")
