"""What a user asks ``lunet compare`` for over several data sets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nnunet_lunet.compare import request
from nnunet_lunet.errors import UserError

#: What a single comparison takes and several do not: which data set is it of?
_OF_ONE = ("predictions", "references", "images")
#: What means nothing where nothing is compared anew, and the option that asks for it.
_ANEW = {
    "models": "-m", "baseline": "--baseline", "folds": "-f", "plans": "-p", "configuration": "-c",
    "margins": "--margin", "margin_reason": "--margin-reason", "groups": "--groups", "processes": "--processes",
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """Several data sets.

    :param each: what is asked of each data set that is compared now
    :param datasets: number or name of each, and after a colon the configuration there, where it is not that of ``each``
    :param records: of comparisons that are there, each [NAME=]FILE, its ``comparison.json`` or the folder of it
    """

    each: request.Request
    datasets: Sequence[str] = ()
    records: Sequence[str] = ()

    def check(self) -> None:
        """:raises UserError: what is asked for cannot be; nothing was read"""
        if len(self.datasets) + len(self.records) < 2:
            raise UserError("--from: a single comparison is there already; name two or more, or a data set with -d")
        for name in _OF_ONE:
            if getattr(self.each, name):
                raise UserError(
                    f"--{name} is of one data set: compare each by itself, and put these together with --from"
                )
        if self.datasets:
            return
        for name, option in _ANEW.items():
            if getattr(self.each, name):
                raise UserError(f"{option}: --from takes comparisons as they are; compare a data set anew with -d")


def of_dataset(asked: str, each: request.Request) -> request.Request:
    """What is asked of one of them.

    :param asked: DATASET[:CONFIGURATION]
    :raises UserError: of another form
    """
    dataset, colon, configuration = asked.partition(":")
    if not dataset or (colon and not configuration) or ":" in configuration:
        raise UserError(f"-d {asked}: write a data set, or DATASET:CONFIGURATION")
    return replace(each, dataset=dataset, configuration=configuration or each.configuration)
