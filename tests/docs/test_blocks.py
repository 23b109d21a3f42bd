"""What the pages say, without running it."""

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import doc_commands
import doc_pages
import pytest
import typer
import yaml

from nnunet_lunet.cli.app import app
from nnunet_lunet.errors import UserError
from nnunet_lunet.planning import presets
from nnunet_lunet.study import request

BLOCKS = [block for page in doc_pages.PAGES for block in doc_pages.blocks(page)]


def test_every_block_is_run_or_says_why_not():
    unknown = [f"{block.place}: {block.language or 'no language'}, {', '.join(block.marks) or 'no mark'}"
               for block in BLOCKS if doc_pages.kind(block) is None]  # fmt: skip
    assert unknown == []
    counts = Counter(doc_pages.kind(block) for block in BLOCKS if not block.page.is_relative_to(doc_pages.RESULTS))
    print(counts)
    # What is only checked is the exception.
    assert counts["run"] > counts["check"] > 0


def test_no_fence_escapes_the_parser():
    for page in doc_pages.PAGES:
        fences = re.findall(r"^\s*(?:```|~~~)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(fences) == 2 * len(doc_pages.blocks(page)), page


def test_every_comment_about_a_test_belongs_to_a_block():
    for page in doc_pages.PAGES:
        comments = re.findall(r"^<!-- test: ", page.read_text(encoding="utf-8"), re.MULTILINE)
        marked = [block for block in doc_pages.blocks(page) if block.marks and "record of a run" not in block.marks]
        assert len(comments) == len(marked), page


@pytest.mark.parametrize(
    ("language", "marks"),
    [
        ("bash", ["file mine.yaml"]), ("bash", ["needs a holiday"]), ("text", []), ("", []), ("yaml", []),
        ("sh", []), ("yaml", ["file a.yaml", "takes minutes"]), ("text", ["takes minutes"]),
    ],
)  # fmt: skip
def test_a_block_that_nobody_would_run_is_unknown(language, marks):
    assert doc_pages.kind(replace(BLOCKS[0], language=language, marks=tuple(marks))) is None


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.named(doc_pages.FILE)], ids=lambda block: block.place)
def test_files_are_valid(block, tmp_path):
    file = tmp_path / block.named(doc_pages.FILE)
    file.write_text(block.text, encoding="utf-8")
    _read(file)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.named(doc_pages.PART)], ids=lambda block: block.place)
def test_parts_of_files_fit_the_file(block, tmp_path):
    name = block.named(doc_pages.PART)
    (whole,) = [other for other in doc_pages.blocks(block.page) if other.named(doc_pages.FILE) == name]
    file = tmp_path / name
    file.write_text(yaml.dump({**yaml.safe_load(whole.text), **yaml.safe_load(block.text)}))
    _read(file)


def _read(file):
    """As the command would that it is for; trainers and presets of a study must exist."""
    if file.suffix == ".json":
        presets.read(file)
        return
    study = request.read(file)
    for network in study.networks:
        doc_commands.check_trainer(network.trainer)
        for preset in filter(None, (network.preset, network.match)):
            presets.load(preset)


def test_a_file_that_is_wrong_is_found(tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text("datasets: 4\nnetworks:\n- {trainer: UNetTrainer, preset: LUnet17}")
    with pytest.raises(UserError, match="LUnet17"):
        _read(file)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.named(doc_pages.CONTENT)], ids=lambda block: block.place)
def test_what_is_shown_of_a_file_is_in_it(block):
    assert block.text == (doc_pages.ROOT / block.named(doc_pages.CONTENT)).read_text(encoding="utf-8")


def test_the_reference_of_studies_shows_every_key():
    page = doc_pages.ROOT / "docs" / "reference" / "study-files.md"
    (whole,) = [block for block in doc_pages.blocks(page) if block.named(doc_pages.FILE)]
    study = yaml.safe_load(whole.text)
    assert study.keys() == request.Study.model_fields.keys()
    assert set().union(*study["networks"]) == request.NetworkEntry.model_fields.keys()
    assert study["predict"].keys() == request.Predict.model_fields.keys()
    assert study["executor"]["local"].keys() == request.LocalOptions.model_fields.keys()


# Pages that extend the project name what is only there afterwards.
_NAMING = [page for page in doc_pages.PAGES if not page.is_relative_to(doc_pages.EXTEND)]


@pytest.mark.parametrize("page", _NAMING, ids=lambda page: str(page.relative_to(doc_pages.ROOT)))
def test_names_and_options_in_sentences_exist(page):
    group: Any = typer.main.get_command(app)
    commands = group.commands
    for text in doc_pages.inline_code(page):
        if re.fullmatch(r"(LUnetTrainer|UNetTrainer|LUnetPruningTrainer)(_\w+)*", text):
            doc_commands.check_trainer(text)
        words = text.split()
        if words[0] == "lunet" and len(words) > 1 and not words[1].startswith("-"):
            known = {name for parameter in commands[words[1]].params for name in parameter.opts} | {"--help"}
            known |= {name for parameter in commands[words[1]].params for name in parameter.secondary_opts}
            assert {word for word in words[2:] if word.startswith("-")} <= known, f"{page}: {text}"
        if words[0].startswith("nnUNetv2_"):
            assert words[0] in doc_commands.SCRIPTS, f"{page}: {text}"
