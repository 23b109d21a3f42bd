"""A profile as JSON and CSV. No torch before there is one to write."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.errors import UserError

if TYPE_CHECKING:
    from nnunet_lunet.profile.record import NetworkProfile, Profile


def check(wanted: dict[str, Path | None], overwrite: bool) -> None:
    """:param wanted: files to write, by the option that names them
    :raises UserError: one exists and ``overwrite`` is false, its folder does not take it, or two are the same
    """
    files = {option: file.absolute() for option, file in wanted.items() if file is not None}
    if len(set(files.values())) < len(files):
        raise UserError(f"{' and '.join(files)} name the same file: give each its own")
    for option, file in files.items():
        if file.is_dir() or not file.parent.is_dir():
            raise UserError(f"{option} {file}: name a file in a folder that exists")
        if file.exists() and not overwrite:
            raise UserError(f"{option} {file} exists: choose another name, or replace it with --overwrite")
        if not os.access(file.parent, os.W_OK):
            raise UserError(f"{option} {file}: its folder cannot be written to")


def write(file: Path, text: str) -> None:
    """:raises UserError: the file cannot be written; what was there is as it was"""
    try:
        with atomic_write(file) as new:
            new.write(text.encode())
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from error


def as_json(profile: Profile, command: Sequence[str]) -> str:
    """Everything, with all rounds and with each network's ratios to the first.

    :param command: that was given, with its arguments
    """
    from nnunet_lunet.profile import record

    content: dict[str, Any] = {"command": list(command), "date": datetime.now().astimezone().isoformat("T", "seconds")}
    content |= asdict(profile)
    for network, ratios in zip(content["networks"], record.ratios(profile), strict=True):
        network["ratio_to_first"] = ratios
    return json.dumps(content, indent=1)


def as_csv(profile: Profile) -> str:
    """One line a network: what it is, its costs (of times the median and quartiles), its ratios to the first."""
    from nnunet_lunet.profile import record

    rows = []
    for network, ratios in zip(profile.networks, record.ratios(profile), strict=True):
        row: dict[str, object] = {}
        for key, entry in _flat(network).items():
            if key in record.TIMES:
                row[key] = entry and entry["median"]
                row[f"{key}_low_quartile"] = entry and entry["low_quartile"]
                row[f"{key}_high_quartile"] = entry and entry["high_quartile"]
            else:
                row[key] = " ".join(map(str, entry)) if isinstance(entry, list) else entry
        rows.append(row | {f"{cost}_ratio": found for cost, found in ratios.items()})
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(network: NetworkProfile) -> dict[str, Any]:
    """A column for each cost, where the record has them nested."""
    columns: dict[str, Any] = {}
    for key, entry in asdict(network).items():
        columns |= entry if key == "cost" else {key: entry}
    return columns
