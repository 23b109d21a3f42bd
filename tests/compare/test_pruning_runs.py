"""Records of pruning runs, as comparisons take them."""

import json
from dataclasses import replace

import comparisons
import pytest

from nnunet_lunet.compare import markdown, pruning_runs, table
from nnunet_lunet.compare.record import PruningRun
from nnunet_lunet.compare.selection import Candidate, Run

TRAINER = "LUnetPruningTrainer_keep5"


def history(dice, **more):
    """Each epoch has a tenth fewer parameters than the first had."""
    epochs = [
        {
            "epoch": index, "removed": [], "strategy": "stamp", "channels_per_layer": {}, "channels_per_level": [],
            "parameters": 1000 - 100 * index, "multiply_adds": 10**6 - 10**4 * index, "pseudo_dice": value,
        }
        for index, value in enumerate(dice)
    ]  # fmt: skip
    return {"epochs": epochs, **more}


def candidate(folder, name=TRAINER, trainer=TRAINER, checkpoint=None, fold="0"):
    return Candidate(name, trainer, "nnUNetPlans", "3d_fullres", [Run(fold, None, folder, {})], checkpoint)


@pytest.fixture
def fold(tmp_path):
    """Writes a history; returns the folder."""

    def write(content, name="fold_0"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "pruning_history.json").write_text(content if isinstance(content, str) else json.dumps(content))
        return folder

    return write


@pytest.mark.parametrize("more", [{}, {"seed": 3, "by_layer": {}, "marks": {"75": 1, "50": 2}}], ids=["bare", "marks"])
def test_a_history_is_read(fold, more):
    found, notes = pruning_runs.read([candidate(fold(history([0.5, None, 0.7], **more)))])
    expected = PruningRun(
        TRAINER, "0", None, [1000, 900, 800], [10**6, 990_000, 980_000], [0.5, None, 0.7], more.get("marks", {})
    )
    assert (found, notes) == ([expected], [])


def test_values_that_json_does_not_know_are_no_pseudo_dice(fold):
    text = json.dumps(history([0.5, 0.25])).replace("0.25", "NaN")
    assert pruning_runs.read([candidate(fold(text))])[0][0].pseudo_dice == [0.5, None]


def test_a_run_is_there_once_and_belongs_to_the_whole_training(fold):
    folder, other = fold(history([0.5])), fold(history([0.6]), "fold_1")
    half = candidate(folder, "half", checkpoint="checkpoint_keep50.pth")
    quarter = candidate(folder, "quarter", checkpoint="checkpoint_keep25.pth")
    alone = candidate(other, "alone", checkpoint="checkpoint_keep50.pth")
    for candidates, expected in (
        ([half, candidate(folder), alone], [TRAINER, "alone"]),
        ([half, quarter], ["half"]),
        ([half, replace(quarter, name="last", checkpoint="checkpoint_final.pth")], ["last"]),
    ):
        assert [run.model for run in pruning_runs.read(candidates)[0]] == expected


def test_models_that_do_not_prune_are_passed_over_without_a_word(tmp_path):
    plain = Candidate("A", None, None, None, [Run(None, None, None, {})])
    assert pruning_runs.read([candidate(tmp_path, trainer="nnUNetTrainer"), plain]) == ([], [])


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "null", "{}", '{"epochs": []}', '{"epochs": 3}', '{"epochs": ["x"]}', '{"epochs": [{}]}',
        json.dumps(history([0.5])).replace("1000", "0"), json.dumps(history([0.5])).replace("1000", '"many"'),
        json.dumps(history([0.5])).replace("0.5", '"good"'), json.dumps(history([0.5])).replace("0.5", "9" * 400),
        json.dumps(history([0.5], marks={"50": 1})), json.dumps(history([0.5], marks=[1])),
        json.dumps(history([0.5], marks={"50": None})), json.dumps(history([0.5], marks=None)),
    ],
)  # fmt: skip
def test_a_damaged_history_is_a_line_in_the_notes(fold, content):
    found, notes = pruning_runs.read([candidate(fold(content))])
    assert found == [] and len(notes) == 1
    assert notes[0].startswith(f"No pruning history of {TRAINER}, fold 0: ") and "\n" not in notes[0]
    assert "pruning_history.json" in notes[0]


def test_a_missing_history_is_a_line_in_the_notes(tmp_path):
    found, notes = pruning_runs.read([candidate(tmp_path)])
    assert found == [] and len(notes) == 1 and "pruning_history.json cannot be read" in notes[0]


def run(dice, fold="0", model="P", sizes=(1000, 500, 100)):
    return PruningRun(model, fold, None, list(sizes), [10 * size for size in sizes], list(dice), {})


def of(tmp_path, *runs):
    return comparisons.make(tmp_path, names=["U", "P"], worst=0, pruning=list(runs))


def test_the_best_on_the_way_and_the_last(tmp_path):
    found = pruning_runs.moments(of(tmp_path, run([0.7, 0.9, 0.8]), run([0.9, 0.7, 0.9], "1")))["P"]
    # Of two that are equally good the smaller network.
    assert [(one.epoch, one.epochs, one.parameters, one.share) for one in found.best] == [
        (2, 3, 500, 0.5), (3, 3, 100, 0.1),
    ]  # fmt: skip
    assert [(one.pseudo_dice, one.parameters, one.multiply_adds) for one in found.last] == [
        (0.8, 100, 1000), (0.9, 100, 1000),
    ]  # fmt: skip


def test_the_table_has_means_and_ranges_of_the_runs(tmp_path):
    (row,) = table.pruning(of(tmp_path, run([0.7, 0.9, 0.8]), run([0.9, 0.7, 0.6], "1"))).rows
    assert row == [
        "P", "0.900 (epoch 1 to 2 of 3)", "750 (75 %; 500 to 1,000)", "7.5 k (5 k to 10 k)",
        "0.700 (0.600 to 0.800)", "100 (10 %)", "1 k",
    ]  # fmt: skip
    (row,) = table.pruning(of(tmp_path, run([0.7, 0.9, 0.8]))).rows
    assert row == ["P", "0.900 (epoch 2 of 3)", "500 (50 %)", "5 k", "0.800", "100 (10 %)", "1 k"]


def test_runs_without_pseudo_dice_have_dashes(tmp_path):
    comparison = of(tmp_path, run([None, None, None]))
    (row,) = table.pruning(comparison).rows
    assert row == ["P", "–", "–", "–", "–", "100 (10 %)", "1 k"]
    assert "| P | – | – | – | – | 100 (10 %) | 1 k |" in markdown.markdown(comparison)
    assert "Pruning runs" not in markdown.markdown(replace(comparison, pruning=[]))
