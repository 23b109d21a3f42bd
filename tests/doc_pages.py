"""The documentation as blocks of code, and what each says about being run."""

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
#: Records of what was run once, on machines and data that a test has not.
RESULTS = ROOT / "docs" / "results"
EXTEND = ROOT / "docs" / "how-to" / "extend"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

#: Why a block is only checked: what it needs and a test has not.
NEEDS = (
    "needs a GPU", "needs SLURM", "needs the network", "changes the installation", "takes minutes", "record of a run",
)  # fmt: skip
#: Begins of marks that name something.
FILE, PART, CONTENT, SETUP = "file ", "part of ", "content of ", "setup "
PRINTED = "printed"
#: Steps of pages that change the project, which ``tests/docs/test_extending.py`` follows in a copy of it.
NEW_FILE, CHANGE, IN_THE_COPY = STEPS = ("new file ", "change of ", "in the copy")
RUN = ("bash", "python")

_MARK = re.compile(r"<!-- test: ([^\n]*) -->\n\Z")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    :param line: of its fence, from 1
    :param marks: what the comment before it says, at semicolons
    """

    page: Path
    line: int
    language: str
    text: str
    marks: tuple[str, ...]

    @property
    def place(self):
        page = self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page.name
        return f"{page}:{self.line}"

    def named(self, kind):
        """What a mark of this kind names; None without such a mark."""
        return next((mark.removeprefix(kind) for mark in self.marks if mark.startswith(kind)), None)

    def needs(self, *met):
        """What it needs beyond that which is met."""
        return [mark for mark in self.marks if mark in NEEDS and mark not in met]


def blocks(page):
    """All fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    found = []
    for token in MarkdownIt("commonmark").parse(text):
        if token.type in ("fence", "code_block") and token.map is not None:
            mark = _MARK.search("".join(lines[: token.map[0]]))
            marks = tuple(mark[1].split("; ")) if mark else ()
            if not marks and page.is_relative_to(RESULTS):
                marks = ("record of a run",)
            found.append(Block(page, token.map[0] + 1, token.info.strip(), token.content, marks))
    return found


def kind(block):
    """What becomes of a block: run, check, write, part, content, printed or step; None where its marks do not say."""
    if len(block.marks) == 1 and block.marks[0].startswith(STEPS):
        return "step" if block.page.is_relative_to(EXTEND) else None
    setup = block.named(SETUP)
    rest = [mark for mark in block.marks if mark not in NEEDS and not mark.startswith(SETUP)]
    if block.language in RUN and not rest:
        return "check" if block.needs() else "run"
    if len(rest) != 1 or setup or block.needs():
        return None
    if block.language in ("yaml", "json") and block.named(FILE):
        return "write"
    if block.language == "yaml" and block.named(PART):
        return "part"
    if block.named(CONTENT):
        return "content"
    return "printed" if (block.language, *rest) == ("text", PRINTED) else None


def inline_code(page):
    """Texts in single backticks outside of fenced blocks."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
    return [child.content for token in tokens for child in token.children or () if child.type == "code_inline"]
