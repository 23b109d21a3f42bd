"""Every script of ``benchmarks`` runs, on an input that takes seconds."""

import ast
import gzip
import json
import shutil
import sys
from pathlib import Path

import pytest
from conftest import Nnunet

from benchmarks import (
    collect,
    evaluate,
    fine_tuning,
    importance_correlation,
    levels,
    memory_format,
    packed,
    planner,
    pool,
    predict,
    pruning_cost,
    step_time,
    study_table,
    training_time,
)
from nnunet_lunet.compare import files
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import results

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(file.stem for file in (ROOT / "benchmarks").glob("*.py") if "__main__" in file.read_text())
DATA = ROOT / "benchmarks" / "data"


@pytest.fixture
def printed(capsys):
    """What a script prints, as JSON."""

    def run(main, *arguments):
        main([*map(str, arguments)])
        return json.loads(capsys.readouterr().out)

    return run


def called_in_tests():
    """Scripts whose ``main`` a test here calls or hands over."""
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "main" and isinstance(node.value, ast.Name):
                yield node.value.id


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_has_a_test(script):
    assert script in called_in_tests(), f"benchmarks/{script}.py is not run by a test in {Path(__file__).parent}"


def test_a_finished_fold_is_summed_up_as_nnunet_evaluated_it(tiny, printed):
    tiny.train("UNetTrainer_w2_1epochs_1iters")
    fold, unfinished = tiny.fold("UNetTrainer_w2_1epochs_1iters"), tiny.fold("UNetTrainer_w3_1epochs_1iters")
    with tiny.active():
        (row,) = printed(collect.main, unfinished, fold)
        parameters = results.trained_fold(fold, 1).network.parameters
    summary = json.loads((fold / "validation" / "summary.json").read_text())
    assert (row["trainer"], row["configuration"], row["fold"]) == ("UNetTrainer_w2_1epochs_1iters", "3d_fullres", "0")
    assert (row["parameters"], row["epochs"]) == (parameters, 1)
    assert row["validation_cases"] == len(summary["metric_per_case"]) > 1
    assert row["foreground_dice"] == pytest.approx(summary["foreground_mean"]["Dice"], abs=5e-5)
    assert row["dice_by_label"] == {
        label: pytest.approx(metrics["Dice"], abs=5e-5) for label, metrics in summary["mean"].items()
    }


def test_importances_are_compared_with_the_true_rise_of_the_loss(tiny, printed):
    tiny.train("UNetTrainer_w2_1epochs_1iters")
    with tiny.active():
        fold = tiny.fold("UNetTrainer_w2_1epochs_1iters")
        row = printed(importance_correlation.main, fold, "--collected", 1, "--silenced", 1)
    assert row["channels"] > 20 and row["batches"] == {"collected": 1, "silenced": 1}
    assert set(row["spearman"]) == {"l2", "l1", "taylor", "fisher", "none"}
    assert all(-1 <= value <= 1 for values in row["spearman"].values() for value in values.values())
    assert row["rise"]["highest"] > 0


def test_levels_say_where_channels_were_taken(tmp_path, printed):
    fold = tmp_path / "LUnetPruningTrainer_w4_keep50_stamp__nnUNetPlans__3d_fullres" / "fold_0"
    fold.mkdir(parents=True)
    shutil.copy(DATA / "pruning" / "history_w4_stamp.json", fold / "pruning_history.json")
    assert printed(levels.main, fold) == {
        "trainer": "LUnetPruningTrainer_w4_keep50_stamp",
        "before": [16, 32, 64, 64],
        "after": [14, 19, 35, 20],
        "taken": [2, 13, 29, 44],
        "parameters": [88213, 23636],
    }


def test_seconds_a_step(printed):
    report = printed(
        step_time.main, "--rounds", 2, "--patch", 16, 16, 16, "--batch", 1, "--networks", "flat 8", "flat 16"
    )
    assert {name: row["parameters"] for name, row in report["networks"].items()} == {"flat 8": 29841, "flat 16": 118041}
    for row in report["networks"].values():
        assert 0 < row["min_seconds"] <= row["median_seconds"] <= row["max_seconds"]
    assert report["settings"] == {"patch": [16] * 3, "batch": 1, "rounds": 2, "networks": ["flat 8", "flat 16"]}
    assert report["machine"]["torch"]


def test_seconds_of_whole_iterations_and_steps_of_the_same_time(tiny, capsys):
    with tiny.active(nnUNet_n_proc_DA="0"):
        asked = [tiny.dataset, "nnUNetPlans", "3d_fullres", "LUnetTrainer_w4", "LUnetTrainer_w16"]
        training_time.main([*asked, "--rounds", "3", "--steps", "1000"])
    narrow, wide, machine = map(json.loads, capsys.readouterr().out.splitlines())
    assert narrow["ratio"]["median"] == 1 and narrow["steps"] == 1000
    assert wide["ratio"]["median"] > 1 and wide["steps"] == round(1000 / wide["ratio"]["median"])
    assert machine["machine"]["device"] == "cpu" and not list(
        (tiny.root / "nnUNet_results").glob("*/LUnetTrainer_w16__*")
    )


def test_whole_cases_by_nnunet_and_by_us(tiny, tmp_path, capsys):
    with tiny.active():
        asked = ["-d", str(tiny.dataset_id), "-c", "2d", "-i", str(tiny.raw / "imagesTs"), "--rounds", "1"]
        predict.main([*asked, "--networks", "LUnetTrainer_w4_seed3", "--engines", predict.STOCK, "torch f32"])
    lines = capsys.readouterr().out.splitlines()
    machine, *runs = map(json.loads, lines)
    assert "torch" in machine["machine"] and [each["engine"] for each in runs] == [predict.STOCK, "torch f32"]
    assert all(each["cases"] == 2 and each["cpu_seconds"] > 0 and each["peak_bytes"] > 1e8 for each in runs)
    assert runs[0]["parts"] == {} and {"before", "read", "network", "write"} == set(runs[1]["parts"])
    (tmp_path / "runs.jsonl").write_text("\n".join(lines))
    predict.main(["--table", str(tmp_path / "runs.jsonl")])
    ratio = f"{runs[0]['seconds'] / runs[1]['seconds']:.1f}×"
    stock, ours = capsys.readouterr().out.splitlines()[2:]
    assert f"| {predict.STOCK} |" in stock and "| 1.0× | 1.0× |" in stock
    assert "| torch f32 |" in ours and f"| {ratio} | {ratio} |" in ours


def test_seconds_of_both_memory_formats(printed):
    report = printed(memory_format.main, "--rounds", 1, "--patch", 32, 32, 32, "--batch", 1, "--networks", "LUnet 4")
    (row,) = report["networks"].values()
    assert list(report["networks"]) == ["LUnet 4"] and report["threads"] > 0
    assert row["contiguous_seconds"] > 0 and row["channels_last_seconds"] > 0
    # All three are rounded.
    assert row["ratio"][0] == pytest.approx(row["channels_last_seconds"] / row["contiguous_seconds"], rel=0.2)


@pytest.mark.skipif(sys.platform == "win32", reason="the peak of a process is not known there")
def test_what_pruning_costs(printed):
    report = printed(
        pruning_cost.main, "--rounds", 1, "--patch", 16, 16, 16, "--batch", 1, "--networks", "flat 8",
        "--importances", "fisher", "--removals", 2, "--stages", 3,
    )  # fmt: skip
    assert len(report["removal"]["seconds_a_removal"]) == 2
    # Torch alone takes more than 100 MiB.
    assert report["memory"]["flat 8"]["peak_mib_without"] > 100
    assert report["memory"]["flat 8"]["ratio"]["fisher"] == pytest.approx(1, abs=0.3)
    assert report["seconds"]["flat 8"]["median_ratio"]["fisher"] > 0


def test_going_on_from_a_trained_model(tiny, monkeypatch, capsys):
    trained = tiny.fold("UNetTrainer_w2_1epochs_1iters") / "checkpoint_final.pth"
    if not trained.exists():
        tiny.train("UNetTrainer_w2_1epochs_1iters")
    name = "LUnetPruningTrainer_w2_keep95_2epochs_1iters_seed1"
    arguments = [
        str(tiny.dataset_id), "-tr", name, f"{name}_finetune", "-pretrained_weights", str(trained),
        "--shares", "0", "0.1", "--warm-ups", "0", "--steps", "0", "1",
    ]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["fine_tuning", *arguments])
    with tiny.active():
        fine_tuning.main(arguments)
    plain, still, moved = (json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{"))
    assert [row["trainer"] for row in (plain, still, moved)] == [name, *[f"{name}_finetune"] * 2]
    assert plain["fine_tuning"] is None and moved["fine_tuning"] == {"share": 0.1, "warm_up_steps": 0}
    # Without a learning rate the network stays what it was.
    assert still["dice"][0] == still["dice"][1] == moved["dice"][0]
    assert all(0 <= score <= 1 for row in (plain, still, moved) for score in row["dice"])


def test_plans_for_the_same_memory(tmp_path, capsys):
    rows = tmp_path / "rows.json"
    with Nnunet(tmp_path).active():
        planner.main(["--datasets", "Dataset911_Small", "--widths", "8", "--json", str(rows)])
    stock, lean = json.loads(rows.read_text())
    known = json.loads((DATA / "planner" / "planner.json").read_text())
    assert [stock, lean] == [row for row in known if row["dataset"] == stock["dataset"] and row["width"] in (None, 8)]
    assert capsys.readouterr().out.splitlines()[2:] == [planner.line(planner.Row(**row)) for row in (stock, lean)]


def test_runs_of_several_machines_become_one_comparison(tmp_path):
    parts = [str(file) for file in sorted((DATA / "table2" / "parts").iterdir())]
    pool.main([*parts, "--output", str(tmp_path), "-m", "STAMP", "-m", "LUnet 8"])
    comparison = files.read_json(tmp_path / files.JSON)
    assert comparison.baseline == "STAMP"
    assert [(model.name, len(model.runs)) for model in comparison.models] == [("STAMP", 3), ("LUnet 8", 3)]
    assert comparison.command == f"python -m benchmarks.pool {' '.join(parts)} -m STAMP -m 'LUnet 8'"
    assert (tmp_path / "dice_against_parameters.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_that_two_machines_have_is_not_counted_twice(tmp_path):
    part = str(next((DATA / "table2" / "parts").iterdir()))
    with pytest.raises(UserError, match="two parts have the same run"):
        pool.main([part, part, "--output", str(tmp_path)])


def test_the_table_of_a_study(capsys):
    study_table.main([str(DATA / "widths" / "comparison.json.gz")])
    _, _, first, *others = capsys.readouterr().out.splitlines()
    assert first == "| U-Net 32 | 5,603,177 | 19.1 | 0.853, 0.855, 0.853 | 0.854 ± 0.001 | – | – |"
    assert len(others) == 3


@pytest.mark.parametrize("damage", ["cut", "text", "missing"])
def test_a_comparison_that_cannot_be_read_is_named(tmp_path, damage):
    file = tmp_path / "comparison.json.gz"
    whole = (DATA / "widths" / "comparison.json.gz").read_bytes()
    if damage != "missing":
        file.write_bytes({"cut": whole[:1000], "text": b"{}"}[damage])
    with pytest.raises(UserError, match=r"comparison\.json\.gz cannot be unpacked"):
        packed.read(file)


def test_a_kept_comparison_is_evaluated_anew(tmp_path):
    """From its scores alone: whatever it claimed before."""
    kept = DATA / "widths"
    file = tmp_path / "comparison.json.gz"
    content = json.loads(gzip.decompress((kept / file.name).read_bytes()))
    for name in ("summaries", "sensitivity"):
        content[name] = []
    content["tests"] = content["tests"][:1]
    file.write_bytes(gzip.compress(json.dumps(content).encode()))
    for name in ("summary.csv", "tests.csv"):
        (tmp_path / name).touch()
    evaluate.main([str(file)])
    assert packed.read(file) == packed.read(kept / file.name)
    for name in ("summary.csv", "tests.csv"):
        assert (tmp_path / name).read_text() == (kept / name).read_text()


def test_a_record_from_before_seeds_were_in_intervals_is_evaluated_when_it_is_read(tmp_path):
    kept = packed.read(DATA / "widths" / "comparison.json.gz")
    content = json.loads(gzip.decompress((DATA / "widths" / "comparison.json.gz").read_bytes()))
    for name in ("margins", "margin_reason", "sensitivity", "left_out_scores", "diagonals"):
        del content[name]
    old = {"model": "LUnet 8", "metric": "dice", "margin": 0.02, "non_inferior": True}
    content |= {"tests": [old], "summaries": [], "notes": ["Non-inferior: the interval of Dice", "A machine."]}
    file = tmp_path / "comparison.json"
    file.write_text(json.dumps(content))
    read = files.read_json(file)
    assert read.margins == {"dice": 0.02} and read.summaries == kept.summaries
    intervals = [[(test.model, test.low, test.high) for test in record.tests] for record in (read, kept)]
    assert intervals[0] == intervals[1]
    assert "A machine." in read.notes and not any(note.startswith("Non-inferior") for note in read.notes)
