"""Which cases belong together: a patient's, for intervals that do not take them for independent."""

import csv
from collections.abc import Collection
from pathlib import Path

from nnunet_lunet.errors import UserError

HEADER = ("case", "group")


def read(file: Path, cases: Collection[str]) -> dict[str, str]:
    """Group of each of these cases.

    :param file: CSV with the columns ``case`` and ``group``; other cases and other columns may be in it
    :raises UserError: not readable, without these columns, a case without a group or with two, or a single group
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, skipinitialspace=True)
            lacking = [name for name in HEADER if name not in (reader.fieldnames or [])]
            rows = [] if lacking else [(row["case"] or "", row["group"] or "") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"--groups {file} cannot be read: {error}") from error
    if lacking:
        raise UserError(f"--groups {file}: no column {lacking[0]!r}: it is a CSV file with the columns case and group")
    found: dict[str, str] = {}
    for case, group in rows:
        if found.setdefault(case.strip(), group.strip()) != group.strip():
            raise UserError(f"--groups {file}: case {case.strip()} has two groups, {found[case.strip()]} and {group}")
    without = sorted(case for case in cases if not found.get(case))
    if without:
        more = f" and {len(without) - 1} more" if len(without) > 1 else ""
        raise UserError(f"--groups {file}: no group of case {without[0]}{more}")
    groups = {case: found[case] for case in sorted(cases)}
    if len(set(groups.values())) < 2:
        raise UserError(f"--groups {file}: all cases are of one group; a comparison needs two")
    return groups
