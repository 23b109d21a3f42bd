"""What several data sets show, as files: CSV for the numbers, Markdown and HTML to read, LaTeX for a paper, figures."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.compare import markdown
from nnunet_lunet.compare.files import csv_text
from nnunet_lunet.compare.over import figures, latex, page, sentences, table
from nnunet_lunet.compare.over.record import OverDatasets, Rank
from nnunet_lunet.compare.page import drawing
from nnunet_lunet.errors import UserError

NAME = "over_datasets"
MARKDOWN, PAGE, LATEX, CSV = (f"{NAME}.{ending}" for ending in ("md", "html", "tex", "csv"))
_TEST = (
    "cases", "seeds", "baseline_seeds", "difference", "low", "high", "p", "p_holm", "margin", "p_margin",
    "p_margin_holm", "verdict", "df", "unit",
)  # fmt: skip


def write(over: OverDatasets, folder: Path) -> None:
    """Write ``datasets.csv``, ``ranks.csv``, ``over_datasets.csv``, ``.md``, ``.tex`` and ``.html``, and the figures.

    A figure that has nothing to show any more is removed.

    :param folder: made if it is not there
    :raises UserError: a file cannot be written
    """
    html = io.BytesIO()
    drawn = figures.drawn(over)
    page.write(over, html, drawn)
    contents: dict[str, bytes | None] = {
        "datasets.csv": csv_text(["dataset", "model", "present", *_TEST], _cells(over)).encode(),
        "ranks.csv": csv_text(["dataset", "model", "mean_dice", *_rank_names(over)], _ranks(over)).encode(),
        CSV: csv_text(_over_names(over), _over(over)).encode(),
        MARKDOWN: _markdown(over).encode(),
        LATEX: latex.latex(over).encode(),
        PAGE: html.getvalue(),
        **{f"{name}.png": drawing.png(drawn[name]) if name in drawn else None for name in figures.ALL},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            if content is None:
                (folder / name).unlink(missing_ok=True)
                continue
            with atomic_write(folder / name) as file:
                file.write(content)
    except OSError as error:
        raise UserError(f"--output {folder}: {error.filename or folder}: {error.strerror}") from error


def _markdown(over: OverDatasets) -> str:
    found = sentences.findings(over)
    parts = [
        f"# {len(over.models)} models over {len(over.datasets)} data sets",
        f"{', '.join(map(markdown.escaped, over.datasets))}; baseline {markdown.escaped(over.baseline)}.",
        *([f"`{over.command}`"] if over.command else []),
        "\n".join(f"- {markdown.escaped(f'{name}: {sentence}')}" for name, sentence in found.items()),
        *map(markdown.of_table, table.tables(over)),
        "## Notes",
        "\n".join(f"- {markdown.escaped(note)}" for note in over.notes),
    ]
    return "\n\n".join(parts) + "\n"


def _cells(over: OverDatasets) -> Iterable[dict[str, Any]]:
    for cell in over.cells:
        if cell.model != over.baseline:
            numbers = {} if cell.test is None else {name: getattr(cell.test, name) for name in _TEST}
            if cell.test is not None and cell.test.verdict is not None:
                numbers["verdict"] = cell.test.verdict.value
            present = int(cell.dataset not in over.missing.get(cell.model, []))
            yield {"dataset": cell.dataset, "model": cell.model, "present": present, **numbers}


def _rank_names(over: OverDatasets) -> list[str]:
    number = len(over.overall.ranks) if over.overall else 0
    return ["low", "high", "rank", *(f"frequency_{rank}" for rank in range(1, number + 1)), "units", "over_seeds"]


def _ranks(over: OverDatasets) -> Iterable[dict[str, Any]]:
    for dataset, ranking in over.rankings.items():
        for rank in ranking.ranks:
            of_all = {"units": ranking.units, "over_seeds": int(ranking.over_seeds)}
            yield {"dataset": dataset, "model": rank.model, "mean_dice": rank.value, **_numbers(rank), **of_all}


def _numbers(rank: Rank) -> dict[str, Any]:
    shares = {f"frequency_{number}": share for number, share in enumerate(rank.frequencies, 1)}
    return {"low": rank.low, "high": rank.high, "rank": rank.rank, **shares}


def _over_names(over: OverDatasets) -> list[str]:
    ranked = [f"rank_{name}" for name in _rank_names(over)[:-2] if name != "rank"]
    return [
        "model", "datasets", "mean_difference", "low", "high", "df", "sd_over_datasets", "verdicts", "non_inferior",
        "non_inferior_holm_over_all", "mean_rank", "rank", *ranked,
    ]  # fmt: skip


def _over(over: OverDatasets) -> Iterable[dict[str, Any]]:
    ranks = {rank.model: rank for rank in over.overall.ranks} if over.overall else {}
    for model in over.models:
        row: dict[str, Any] = {
            "model": model,
            "datasets": len(over.datasets) - len(over.missing.get(model, [])),
        }
        if mean := over.means.get(model):
            row |= {"mean_difference": mean.mean, "low": mean.low, "high": mean.high, "df": mean.df}
            row |= {"sd_over_datasets": mean.deviation}
        if count := over.counts.get(model):
            row |= {"verdicts": count.verdicts, "non_inferior": count.non_inferior}
            row |= {"non_inferior_holm_over_all": count.corrected}
        if rank := ranks.get(model):
            numbers = _numbers(rank)
            row |= {"mean_rank": rank.value, "rank": numbers.pop("rank")}
            row |= {f"rank_{name}": value for name, value in numbers.items()}
        yield row
