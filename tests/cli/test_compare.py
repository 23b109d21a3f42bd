"""What ``lunet compare`` asks before it compares."""

import sys

import pytest
from typer.testing import CliRunner

from nnunet_lunet.cli import app
from nnunet_lunet.compare import run


@pytest.fixture
def asked(monkeypatch):
    """Run the command on a terminal, or not; returns the result and the request, if there was one."""

    def ask(*arguments, on_terminal, answer=""):
        requests = []
        monkeypatch.setattr(run, "run", lambda request, output, console: requests.append(request))
        runner = CliRunner()
        with runner.isolation(input=answer):
            stdin = type(sys.stdin)
        monkeypatch.setattr(stdin, "isatty", lambda self: on_terminal, raising=False)
        result = runner.invoke(app.app, ["compare", "-d", "4", *arguments], input=answer)
        return result, requests

    return ask


def test_a_large_margin_is_asked_about_on_a_terminal(asked):
    result, requests = asked("--margin", "0.2", on_terminal=True, answer="n\n")
    assert requests == [] and "more than 10 points worse would still count as no worse. Is that meant?" in result.output
    _, (request,) = asked("--margin", "0.2", "--margin-reason", "a pilot", on_terminal=True, answer="y\n")
    assert (request.margins, request.margin_reason, request.large_margin) == (["0.2"], "a pilot", True)


@pytest.mark.parametrize(("arguments", "meant"), [(["--yes"], True), ([], False)])
def test_without_a_terminal_it_has_to_be_said(asked, arguments, meant):
    """The comparison itself refuses what is not meant."""
    _, (request,) = asked("--margin", "0.2", *arguments, on_terminal=False)
    assert request.large_margin is meant


def test_usual_margins_are_not_asked_about(asked):
    result, (request,) = asked("--margin", "0.02", "--margin", "hausdorff95=1", on_terminal=True)
    assert "Is that meant" not in result.output
    assert (request.margins, request.large_margin) == (["0.02", "hausdorff95=1"], False)
