"""Presets: small JSON files that say what a network changes in nnU-Net's plans. No torch."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jsonschema

from nnunet_lunet.architectures.widths import PROFILES
from nnunet_lunet.errors import UserError, did_you_mean

_SCHEMA = "preset.schema.json"

#: What a U-Net can be made to have as much of as a preset's network.
MatchedCost = Literal["parameters", "multiply_adds"]
_MATCHED: dict[MatchedCost, str] = {"parameters": "", "multiply_adds": "MultiplyAdds"}


@dataclass(frozen=True)
class Preset:
    """What a preset's file says.

    :param name: start of the plans' name
    :param purpose: one sentence
    :param source: where the network comes from
    :param network_class: its import path; None keeps the plans' own class
    :param arch_kwargs: arguments of the class that differ from the plans'
    """

    name: str
    purpose: str
    source: str
    network_class: str | None
    arch_kwargs: dict[str, Any]


def of_widths(width: int, profile: str) -> Preset:
    """A preset that changes nothing but the widths: ``profile`` from ``width`` at the first stage."""
    return Preset(f"{profile} {width}", "", "", None, {"features_per_stage": width, "width_profile": profile})


def folder() -> Path:
    """Where the presets lie: inside an installed package, or beside the package in the repository."""
    package = Path(__file__).parents[1]
    installed = package / "plans"
    return installed if installed.is_dir() else package.parent / "plans"


def names() -> list[str]:
    """Names of all presets that come with the package, in alphabetical order; numbers in them by size."""

    def order(name: str) -> list[tuple[bool, int, str]]:
        parts = re.split(r"(\d+)", name.casefold())
        return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]

    return sorted((file.stem for file in folder().glob("*.json") if file.name != _SCHEMA), key=order)


def load(preset: str) -> Preset:
    """The preset of that name, or in that file.

    :param preset: a name such as ``LUnet16``, or the path of a JSON file of your own
    :raises UserError: no such preset, unreadable, or not valid by ``preset.schema.json``
    """
    if preset in names():
        return read(folder() / f"{preset}.json")
    if preset.endswith(".json"):
        return read(Path(preset))
    guess = did_you_mean(preset, names(), cutoff=0.5)
    raise UserError(f"preset {preset!r} is unknown: {guess} lunet plan --list shows all")


def derived_name(start: str, source: str) -> str:
    """Name of plans that are made from others: ``LUnet16`` and ``nnUNetResEncUNetMPlans`` give
    ``LUnet16ResEncUNetMPlans``, and from the stock plans ``LUnet16Plans``."""
    return start + source.removeprefix("nnUNet")


def match_name(preset: Preset, by: MatchedCost = "parameters") -> str:
    """Start of the plans' name of the doubling U-Net that costs about as much as a preset."""
    return f"UNetMatch{_MATCHED[by]}{preset.name}"


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{next(key for key in keys if keys.count(key) > 1)} is there twice")
    return found


def _number(text: str) -> int | float:
    """JSON has one kind of number, so 8.0 is as good as 8."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _refused(text: str) -> None:
    raise ValueError(f"{text} is no number")


def schema() -> dict[str, Any]:
    """JSON schema of a preset's file; its width profiles are those of the package's table."""
    content: dict[str, Any] = json.loads((folder() / _SCHEMA).read_text(encoding="utf-8"))
    content["$defs"]["arch_kwargs"]["properties"]["width_profile"]["enum"] = list(PROFILES)
    return content


def read(file: Path) -> Preset:
    """The preset in a file.

    :raises UserError: unreadable, or not valid by ``preset.schema.json``
    """
    try:
        content = json.loads(
            file.read_text(encoding="utf-8"), object_pairs_hook=_once_each, parse_float=_number, parse_constant=_refused
        )
    except (OSError, ValueError) as reason:
        raise UserError(f"preset {file} cannot be read: {reason}") from reason
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema()).iter_errors(content))
    if error is not None:
        raise UserError(f"preset {file}, {error.json_path.removeprefix('$.')}: {error.message} ({_SCHEMA})")
    architecture = content["architecture"]
    return Preset(
        content["name"],
        content["purpose"],
        content["source"],
        architecture.get("network_class_name"),
        architecture["arch_kwargs"],
    )
