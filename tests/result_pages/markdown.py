"""A page as rows of tables and as prose, and the figures in them that nothing stands behind."""

import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]

NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)*(?:e-\d+)?(?![A-Za-z\d])")
#: A number that is part of a name: in code, of a network, of a version, of an optimiser with its rate, of a shape.
NAMED = re.compile(
    r"`[^`]*`|95 % CI|\d[\d×.]*×[\d×.]*\d|\d+³"
    r"|\b(?:[Ff]lat|LUnet|U-Net|[Ww]idth|[Bb]ottleneck|[Ss]eed|fold|batch|H100) \d+\b"
    r"|\b(?:torch|Python|nnU-Net|nnunetv2|MONAI|SciPy|arXiv) \d[\w.+]*"
    r"|\b(?:AdamW|SGD|Adam|rate|decay)(?: at)? \de-\d\b"
)


def row(*cells: object) -> str:
    """Of a table."""
    return _one_space(f"| {' | '.join(map(str, cells))} |")


def rows(page: str) -> list[str]:
    """Those of all tables of a page, without their headings."""
    lines = (ROOT / page).read_text().splitlines()
    return [
        _one_space(line)
        for line, next_line in zip(lines, [*lines[1:], ""], strict=True)
        if line.startswith("| ") and not next_line.startswith("|--")
    ]


def prose(page: str, without: Iterable[str] = ()) -> str:
    """Text, headings, captions and tables of a page in one line, without code and the targets of links.

    :param without: rows of tables
    """
    left_out = {*without}
    lines = (line for line in (ROOT / page).read_text().splitlines() if _one_space(line) not in left_out)
    text = re.sub(r"^```.*?^```$|<!--.*?-->", "", "\n".join(lines), flags=re.MULTILINE | re.DOTALL)
    return _one_space(re.sub(r"\]\([^)]*\)", "]", text).replace("\n", " "))


def figures_without(text: str, phrases: Iterable[str]) -> list[str]:
    """Numbers in a text that are in none of the phrases and in no name, each with the words around it."""
    spans = [match.span() for match in NAMED.finditer(text)]
    spans += [match.span() for phrase in phrases for match in re.finditer(re.escape(phrase), text)]
    return [
        text[max(0, number.start() - 30) : number.end() + 20]
        for number in NUMBER.finditer(text)
        if not any(start <= number.start() and number.end() <= end for start, end in spans)
    ]


def _one_space(text: str) -> str:
    return re.sub(r" +", " ", text).strip()
