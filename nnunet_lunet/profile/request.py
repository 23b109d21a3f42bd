"""Which options of ``lunet profile`` make no sense together. No torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from nnunet_lunet.errors import UserError


def check(
    datasets: Sequence[str] | None,
    trainers: Sequence[str] | None,
    presets: Sequence[str] | None,
    checkpoints: Sequence[Path] | None,
    plans: Sequence[str] | None,
    configurations: Sequence[str] | None,
) -> None:
    """:raises UserError: nothing to profile, or options that nothing would come of"""
    if datasets is None and (trainers or presets):
        raise UserError(f"{'-tr' if trainers else '--preset'}: name the data set with -d")
    if datasets is None and not checkpoints:
        raise UserError("nothing to profile: give -d with -tr or --preset, or --checkpoint")
    unused = {"-d": datasets, "-p": plans, "-c": configurations}
    if checkpoints and not (trainers or presets) and any(unused.values()):
        given = ", ".join(option for option, values in unused.items() if values)
        raise UserError(f"{given}: a checkpoint has its own; add -tr or --preset to profile another network beside it")
    if missing := [file for file in checkpoints or () if not file.is_file()]:
        raise UserError(f"--checkpoint {missing[0]} is not there, or no file")


def check_numbers(given: Mapping[str, int | None]) -> None:
    """:raises UserError: one that is not above 0"""
    for option, number in given.items():
        if number is not None and number < 1:
            raise UserError(f"{option} {number}: give a number above 0")


def check_all_measured(notes: Mapping[str, str]) -> None:
    """:param notes: by network; empty where all was well
    :raises UserError: some network could not be measured
    """
    if lacking := [f"{name}: {note}" for name, note in notes.items() if note]:
        raise UserError(f"{'; '.join(lacking)}; give a smaller --batch-size, or count only with --no-time")
