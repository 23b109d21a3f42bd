"""Every page, run from its first block to its last."""

import doc_pages
import pytest

ROOT = doc_pages.ROOT
PAGES = [
    page
    for page in doc_pages.PAGES
    if any(doc_pages.kind(block) in ("run", "check") for block in doc_pages.blocks(page))
]
LONG = [page for page in PAGES if any("takes minutes" in block.marks for block in doc_pages.blocks(page))]


def name(page):
    return str(page.relative_to(ROOT))


def run(page, shell, folder, *met):
    """Run a page in a folder like its reader's; all that it says of its output must be so."""
    sandbox = folder / "reader"
    if page.name == "get-started.md":
        sandbox.mkdir()
    else:
        shell.sandbox(sandbox, filter(None, (block.named(doc_pages.SETUP) for block in doc_pages.blocks(page))))
    printed = shell.run(page, sandbox, *met)
    before = ""
    for block in doc_pages.blocks(page):
        if doc_pages.kind(block) == "printed":
            assert block.text in before, f"{block.place} is not what the block before prints:\n{before}"
        before = printed.get(block, "")
    return printed


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_runs(page, shell, tmp_path):
    run(page, shell, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", LONG, ids=name)
def test_a_page_runs_with_what_takes_minutes(page, shell, tmp_path):
    run(page, shell, tmp_path, "takes minutes")


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("lunet plan -d 4 --presets LUnet16", "presets"),
        ("lunet plan -d 4 --preset LUnet17", "LUnet17"),
        ("lunet banana", "banana"),
        ("lunet export --to-stock out", "dataset"),
        ("lunet compare -d 4 -m 'flat=LUnetTrainer_x16'", "_x16"),
        ("lunet study no-such-study.yaml", "no-such-study.yaml"),
        ("lunet download Elbow", "Elbow"),
        ("nnUNetv2_train 4 3d_fullres 0 -trainer LUnetTrainer", "-trainer"),
        ("nnUNetv2_train 4 3d_fullres 0 -tr LUnetTrainer_16w", "_16w"),
        ("nnUNetv2_train 4 3d_fullres 0 -tr MyTrainer", "MyTrainer"),
        ("nnUNetv2_train 4 3d_fullres", "fold"),
        ("nnUNetv2_plan_experiment -d 4 -memory 8", "-memory"),
        ("nnUNetv2_predicts -d 4", "nnUNetv2_predicts"),
        ("sbatch --wrap 'nnUNetv2_train 4 3d_fullres 0 -tr LUnetTrainer_16w'", "_16w"),
        ("pip install '.[banana]'", "banana"),
        ("pip install nnunet-lunet", "nnunet-lunet"),
        ("make banana", "banana"),
        ("python docs/no_such_script.py", "no_such_script"),
        ("curl https://example.org", "curl"),
        ("true | lunet banana | cat", "banana"),
        ("echo fine; lunet banana; echo fine", "banana"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_block_that_is_only_checked_is_found(shell, tmp_path, block, said):
    page = tmp_path / "page.md"
    page.write_text(f"Text\n\n<!-- test: needs a GPU -->\n```bash\n{block}\n```\n")
    with pytest.raises(AssertionError, match=r"^page\.md:4 ended with status \d+") as failure:
        shell.run(page, tmp_path)
    assert said in str(failure.value)


def test_a_mistake_in_a_block_that_is_run_is_found(shell, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```bash\nX=1\n```\n\n```python\nassert False, 'wrong'\n```\n\n```bash\necho late\n```\n")
    with pytest.raises(AssertionError, match=r"^page\.md:5 ended with status 1") as failure:
        shell.run(page, tmp_path)
    assert "wrong" in str(failure.value) and "late" not in str(failure.value)


def test_blocks_of_a_page_share_their_shell_and_nothing_leaks_from_what_is_checked(shell, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```bash\nexport X=kept; mkdir inner; cd inner\n```\n\n"
        "<!-- test: needs a GPU -->\n"
        "```bash\nexport X=lost; cd /nowhere; mkdir beside\nnnUNetv2_preprocess -d 4\n```\n\n"
        "```bash\necho $X; ls ..\n```\n"
    )
    printed = shell.run(page, tmp_path)
    last = max(printed, key=lambda block: block.line)
    assert "kept" in printed[last] and "beside" not in printed[last]


def test_programs_of_the_machine_do_not_run(shell, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```bash\npip install .\n```\n")
    with pytest.raises(AssertionError, match=r"status 127"):
        shell.run(page, tmp_path)
