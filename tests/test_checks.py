"""``make lint``, pre-commit and continuous integration check the same."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def recipe(target):
    """Commands of a target of the Makefile."""
    rules = (ROOT / "Makefile").read_text().split("\n\n")
    (lines,) = (rule.splitlines() for rule in rules if rule.startswith(f"{target}:"))
    return [line.strip().removeprefix("$(BIN)/") for line in lines[1:]]


def test_pre_commit_runs_what_make_lint_runs():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    hooks = repository["hooks"]
    assert [hook["entry"] for hook in hooks] == recipe("lint") != []
    # Tools of the environment, on all files and not only on those of the commit.
    assert {(hook["language"], hook["pass_filenames"], hook["always_run"]) for hook in hooks} == {
        ("system", False, True)
    }


def test_continuous_integration_lints_before_it_tests():
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert "\ntest: lint docs\n" in (ROOT / "Makefile").read_text()
