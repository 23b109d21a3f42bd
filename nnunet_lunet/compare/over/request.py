"""What a user asks ``lunet compare`` for over several data sets."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from nnunet_lunet.compare import request
from nnunet_lunet.errors import UserError

#: What a single comparison takes and several do not: which data set is it of?
_OF_ONE = ("predictions", "references", "images")
#: What means nothing where nothing is compared anew.
_ANEW = ("models", "baseline", "folds", "plans", "configuration", "margins", "margin_reason", "groups", "processes")


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
            raise UserError(
                "--from: a single comparison is no more than it is; name two or more, or a data set with -d"
            )
        for name in _OF_ONE:
            if getattr(self.each, name):
                raise UserError(
                    f"--{name} is of one data set: compare each by itself, and put these together with --from"
                )
        if self.datasets:
            return
        empty = {field.name: field.default for field in fields(request.Request)}
        given = [name for name in _ANEW if getattr(self.each, name) not in (empty[name], [])]
        if given:
            name = given[0].replace("_", "-").removesuffix("s" if given[0] in ("models", "folds", "margins") else "")
            raise UserError(f"{name}: --from takes comparisons as they are; compare a data set anew with -d")


def of_dataset(asked: str, each: request.Request) -> request.Request:
    """What is asked of one of them.

    :param asked: DATASET[:CONFIGURATION]
    :raises UserError: of another form
    """
    dataset, colon, configuration = asked.partition(":")
    if not dataset or (colon and not configuration) or ":" in configuration:
        raise UserError(f"-d {asked}: write a data set, or DATASET:CONFIGURATION")
    return replace(each, dataset=dataset, configuration=configuration or each.configuration)
