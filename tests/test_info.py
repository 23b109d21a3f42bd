"""``lunet info``: what it prints is what the package takes."""

import json
import pydoc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnunet_lunet import info
from nnunet_lunet.architectures import widths
from nnunet_lunet.cli.app import COMMANDS
from nnunet_lunet.planning import presets
from nnunet_lunet.pruning import strategies
from nnunet_lunet.trainers import names

TABLES = info.tables()


def lunet(*arguments):
    command = [Path(sys.executable).with_name("lunet"), "info", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_row_has_a_name_of_its_own_and_says_what_it_is():
    for rows in TABLES.values():
        assert len({row["name"] for row in rows}) == len(rows) > 0
        assert all(len(row["about"]) > 3 for row in rows if "more_is_better" not in row)


def test_other_programs_get_all_of_it():
    found = json.loads(lunet("--json").stdout)
    assert {name: rows for name, rows in found.items() if name != "commands"} == TABLES
    assert [row["name"] for row in found["commands"]] == list(COMMANDS)
    assert all(row["about"].endswith(".") for row in found["commands"])


def test_one_table_for_a_reader():
    printed = lunet("strategies").stdout
    assert all(name in printed for name in strategies.STRATEGIES) and "LUnet16" not in printed


def test_an_unknown_table_is_answered_with_the_nearest():
    done = lunet("preset")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "nnunet-lunet: table 'preset' is unknown: did you mean presets?\n"


@pytest.mark.parametrize("row", TABLES["presets"], ids=lambda row: row["name"])
def test_presets_are_those_that_plan_takes(row):
    assert presets.load(row["name"]).arch_kwargs == row["arch_kwargs"]


@pytest.mark.parametrize("row", TABLES["networks"], ids=lambda row: row["name"])
def test_networks_are_classes(row):
    assert getattr(pydoc.locate(row["class"]), "__name__", None) == row["name"]


@pytest.mark.parametrize("row", TABLES["profiles"], ids=lambda row: row["name"])
def test_profiles_give_the_widths_that_are_told(row):
    assert widths.features_per_stage(row["name"], 5, 3) == [3 * factor for factor in row["first_five_stages"]]


@pytest.mark.parametrize("kind", ["importances", "strategies"])
def test_names_take_every_word_of_the_table_and_one_is_the_default(kind):
    option = {"importances": "importance", "strategies": "strategy"}[kind]
    for row in TABLES[kind]:
        assert getattr(names.parse(f"LUnetPruningTrainer_{row['name']}"), option) == row["name"]
    assert sum(row["default"] for row in TABLES[kind]) == 1


@pytest.mark.parametrize("strategy", strategies.STRATEGIES)
def test_every_strategy_can_be_asked_for(strategy):
    removals = strategies.choose({"a": [1.0, 2.0], "b": [3.0]}, {"a": 0, "b": 1}, 1, strategy, np.random.default_rng(0))
    assert [removal.group for removal in removals] == ["a"]
