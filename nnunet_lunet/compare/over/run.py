"""``lunet compare`` over several data sets, from a request to files."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nnunet_lunet import numbers
from nnunet_lunet.compare import files, margins, run, selection
from nnunet_lunet.compare.over import analysis, matching, table
from nnunet_lunet.compare.over import files as over_files
from nnunet_lunet.compare.over.record import OverDatasets
from nnunet_lunet.compare.over.request import Request, of_dataset
from nnunet_lunet.compare.record import PRIMARY_ENDPOINT, Comparison
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import folders

#: Where nothing else is asked for.
FOLDER = Path("comparison-over-datasets")


def over_datasets(request: Request, output: Path | None, console: Console) -> OverDatasets:
    """Compare each data set in a folder of its own, then all of them together.

    What is compared, by which margin, and why, is written down for all data sets before anything is scored.

    :param output: folder; :data:`FOLDER` if not given
    :raises UserError: see ``lunet compare --help``; nothing was scored, unless it is that baselines differ
    """
    request.check()
    records = _read(request.records)
    folder = output if output is not None else FOLDER
    files.check_free(folder, request.each.overwrite)
    prepared = _prepare(request, folder, records)
    for each in prepared.values():
        run.declare(each)
    compared = {name: run.finish(each, console) for name, each in prepared.items()}
    pages = {name: f"{each.folder.name}/{files.PAGE}" for name, each in prepared.items()}
    return together({**compared, **records}, folder, console, command=request.each.command, pages=pages)


def together(
    comparisons: Mapping[str, Comparison],
    folder: Path,
    console: Console,
    *,
    command: str = "",
    pages: Mapping[str, str] | None = None,
) -> OverDatasets:
    """Put comparisons together, print the overview, and write tables, page and figures.

    :param comparisons: by data set, as it is to be called
    :param pages: by data set the page of its comparison, relative to ``folder``
    :raises UserError: they cannot be put together, or a file cannot be written
    """
    found = analysis.over_datasets(comparisons, command=command, pages=pages)
    over_files.write(found, folder)
    for model, lacking in found.missing.items():
        console.print(Text(f"{model} is not in {', '.join(lacking)}.", style="yellow"), soft_wrap=True)
    console.print(_overview(found))
    console.print(
        f"Over data sets: {folder / over_files.MARKDOWN}\nPage: {folder / over_files.PAGE}\n"
        f"LaTeX: {folder / over_files.LATEX}",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    return found


def _read(asked: Sequence[str]) -> dict[str, Comparison]:
    """Comparisons by data set, or by the name that the user gives."""
    found: dict[str, Comparison] = {}
    for entry in asked:
        name, file = _name_and_file(entry)
        comparison = files.read_json(file / files.JSON if file.is_dir() else file)
        for other, earlier in found.items():
            if (earlier.dataset, earlier.scores) == (comparison.dataset, comparison.scores):
                raise UserError(f"--from {entry}: these are the scores of {other} again; a data set counts once")
        if found.setdefault(name or comparison.dataset, comparison) is not comparison:
            raise UserError(
                f"--from {entry}: {name or comparison.dataset} is there already; a data set counts once, and another "
                "one of this number gets a name with --from NAME=FILE"
            )
    return found


def _name_and_file(entry: str) -> tuple[str | None, Path]:
    """``[NAME=]FILE``, where a path may have equals signs of its own."""
    name, equals, file = entry.partition("=")
    return (None, Path(entry)) if Path(entry).exists() or not equals else (name.strip() or None, Path(file))


def _prepare(request: Request, folder: Path, records: Mapping[str, Comparison]) -> dict[str, run.Prepared]:
    """By data set; all are settled before the first is scored."""
    asked = [of_dataset(entry, request.each) for entry in request.datasets]
    names = [folders.dataset_name(str(each.dataset)) for each in asked]
    for name in names:
        if names.count(name) > 1 or name in records:
            raise UserError(f"{name} is there twice; a data set counts once")
    metric = PRIMARY_ENDPOINT[1]
    if asked and records:
        limits = {name: record.margins.get(metric) for name, record in records.items()}
        matching.check_margins({**limits, "-d": margins.read(request.each.margins).get(metric)})
    lacking = {
        name: selection.lacking(name, selection.Wanted(each.models, each.folds, each.plans, each.configuration))
        for name, each in zip(names, asked, strict=True)
    }
    prepared = {}
    for name, each in zip(names, asked, strict=True):
        # One that no data set has stays in, and is refused with what it might have been.
        left_out = [model for model in lacking[name] if any(model not in others for others in lacking.values())]
        if each.models and each.models[0] in left_out and each.baseline is None:
            raise UserError(f"{name}: no results of the baseline, {each.models[0]}; name another first, or --baseline")
        models = [model for model in each.models if model not in left_out]
        if each.models and len(models) < 2:
            raise UserError(f"{name}: of the models that -m names it has {len(models)}; a comparison needs two")
        try:
            prepared[name] = run.prepare(replace(each, models=models), folder / name)
        except UserError as error:
            raise UserError(error.message if name in error.message else f"{name}: {error.message}") from error
    return prepared


def _overview(over: OverDatasets) -> Table:
    """A row a model, for the terminal."""
    found = Table(
        title=Text(f"Over {len(over.datasets)} data sets: foreground Dice, model minus {over.baseline}"),
        caption=Text("points of 0.01; non-inferior by each data set's verdict, (over all) with Holm over all at once"),
        box=box.SIMPLE_HEAD, pad_edge=False,
    )  # fmt: skip
    found.add_column("model", overflow="fold", min_width=12)
    for heading in ("mean [95 % CI]", "non-inferior", "mean rank [95 %]"):
        found.add_column(heading, justify="right", no_wrap=True)
    ranks = {rank.model: table.mean_rank(rank) for rank in over.overall.ranks} if over.overall else {}
    for model, _, mean, _, counted, corrected in table.summary(over).rows:
        # In several lines, so that the names have room in a terminal of 80 columns.
        lines = (
            mean,
            counted if corrected == numbers.MISSING else f"{counted} ({corrected} over all)",
            ranks.get(model),
        )
        found.add_row(
            Text(model), *((text or numbers.MISSING).replace(" [", "\n[").replace(" (", "\n(") for text in lines)
        )
    return found
