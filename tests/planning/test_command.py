"""``lunet plan`` as a user types it."""

import json
import sys

import pytest
from conftest import RESENC

from nnunet_lunet.cli import app
from nnunet_lunet.errors import UserError
from nnunet_lunet.planning import presets, request


@pytest.mark.parametrize(
    ("given", "way"),
    [
        (["--list"], "--list"),
        (["--list", "-d", "-p"], "--list"),
        (["-d", "--preset", "-p", "-c", "--overwrite"], "--preset"),
        (["-d", "--match", "-c"], "--match"),
        (["-d", "--planner", "--width", "--gpu-memory-target", "--overwrite"], "--planner"),
        (["-d", "--max-params", "--max-memory", "-p"], request.WAYS[-1]),
    ],
)
def test_what_is_asked_for(given, way):
    assert request.way(given) == way


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "nothing to plan: give one of --list, "),
        (["-d"], "nothing to plan"),
        (["-d", "--preset", "--planner"], "--preset and --planner: give one of"),
        (["-d", "--match", "--max-gmacs"], "--match and --max-params, --max-gmacs, --max-memory: give one of"),
        (["-d", "--list", "--preset"], "--list and --preset: give one of"),
        (["-d", "--preset", "--width"], "--width cannot be combined with --preset"),
        (["-d", "--planner", "-p", "-c"], "-p, -c cannot be combined with --planner"),
        (["--list", "-c"], "-c cannot be combined with --list"),
        (["--preset"], "--preset: name the data set with -d"),
    ],
)
def test_contradictions_are_refused(given, says):
    with pytest.raises(UserError) as error:
        request.way(given)
    assert says in str(error.value) and "\n" not in str(error.value)


def plans_in(nnunet):
    return {path.name: path.read_bytes() for path in nnunet.preprocessed.glob("*.json")}


def here(monkeypatch, *arguments):
    """The command in this process; what it printed is with ``capsys``."""
    monkeypatch.setattr(sys, "argv", ["lunet", "plan", *arguments])
    with pytest.raises(SystemExit) as end:
        app.main()
    return end.value


def test_a_preset_becomes_plans_once(planned, monkeypatch, capsys):
    command = ["-d", "903", "--preset", "LUnet8", "-p", RESENC]
    done = planned.shell("lunet", "plan", *command, "-c", "2d,3d_fullres")
    assert (done.returncode, done.stderr) == (0, "")
    assert "use them with -p LUnet8ResEncUNetMPlans" in done.stdout
    written = json.loads((planned.preprocessed / "LUnet8ResEncUNetMPlans.json").read_text())
    assert list(written["configurations"]) == ["2d", "3d_fullres"]
    before = plans_in(planned)
    assert "LUnet8ResEncUNetMPlans.json exists and differs" in str(here(monkeypatch, *command))
    assert plans_in(planned) == before
    assert here(monkeypatch, *command, "--overwrite").code == 0
    assert plans_in(planned) != before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-d", "903", "--preset", "LUNet16"], "did you mean LUnet16"),
        (["-d", "903", "--max-params", "lots"], "--max-params lots: give a number above 0"),
        (["-d", "903", "--planner", "LUnetPlanner", "--gpu-memory-target", "0.00001"], "no patch fits"),
        (["-d", "777", "--match", "LUnet16"], "-d 777: Could not find a dataset with the ID 777"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(planned, monkeypatch, capsys, arguments, says):
    before = plans_in(planned)
    error = here(monkeypatch, *arguments)
    assert isinstance(error, UserError) and says in str(error) and "\n" not in str(error)
    assert capsys.readouterr() == ("", "")
    assert plans_in(planned) == before


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--preset", "LUnet4", "-c", "3d_fullres"], "LUnet4Plans"),
        (["--match", "LUnet4"], "UNetMatchLUnet4Plans"),
        (["--max-params", "1234567"], "LUnetMax1p234567MParamsPlans"),
        (["--max-params", "9k", "--max-gmacs", "1"], "LUnetMax9kParams_1GMACsPlans"),
        (["--planner", "LUnetPlanner", "--width", "8", "--gpu-memory-target", "2"], "LUnetPlans_w8_2G"),
    ],
)
def test_each_way_writes_its_plans(planned, monkeypatch, capsys, arguments, name):
    some = ["-c", " 2d "] if arguments[0] != "--planner" else []
    assert here(monkeypatch, "-d", "903", *arguments, *some).code == 0
    assert f"{name}.json; use them with -p {name}\n" in capsys.readouterr().out
    written = json.loads((planned.preprocessed / f"{name}.json").read_text())
    assert written["plans_name"] == name
    if some:
        assert list(written["configurations"]) == ["2d", "3d_fullres"] if "-c" in arguments else ["2d"]


def test_a_match_that_is_none_says_so(planned, monkeypatch, capsys):
    assert here(monkeypatch, "-d", "903", "--match", "LUnet64", "-c", "2d").code == 0
    near = capsys.readouterr().out
    assert here(monkeypatch, "-d", "903", "--match", "lunet_small_1f", "-c", "2d").code == 0
    assert "no fair baseline" in capsys.readouterr().out and "no fair baseline" not in near


def test_the_list_shows_every_preset_and_what_it_would_have_here(planned, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "250")
    assert here(monkeypatch, "--list", "-d", "903").code == 0
    printed = capsys.readouterr().out
    rows = {line.split("│")[1].strip(): line for line in printed.splitlines() if line.startswith("│")}
    assert set(presets.names()) <= rows.keys()
    # 2d, 3d_fullres, 3d_lowres; a cascade's second stage also sees the first one's two classes.
    assert [cell.strip() for cell in rows["LUnet16"].split("│")[2:6]] == ["40,953", "118,041", "118,041", "118,905"]
