"""Studies as a user runs them: real trainings by stock commands, as short as can be."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LUNET = Path(sys.executable).with_name("lunet")
SHORT, LONG = "LUnetTrainer_w2_3epochs_1iters_seed0", "UNetTrainer_noDS_w2_3epochs_1iters_seed0"
#: More channels leave than there are above one each, which the trainer says before it trains.
IMPOSSIBLE = "LUnetPruningTrainer_w2_keep1_3epochs_1iters_seed0"
STUDY = """
datasets: 901
device: cpu
folds: 0
seeds: 0
epochs: 3
iters: 1
output: out put
networks:
- {trainer: LUnetTrainer_w2}
- {trainer: LUnetPruningTrainer_w2_keep1, label: impossible}
- {trainer: UNetTrainer_noDS_w2, preset: LUnet4, label: long}
"""


@pytest.fixture
def study(tiny, tmp_path):
    """``lunet study`` in an empty folder, with results of its own; returns the process."""
    (tmp_path / "mine.yaml").write_text(STUDY)
    variables = {**os.environ, **tiny.environment, "nnUNet_results": str(tmp_path / "results"), "COLUMNS": "200"}

    def start(*arguments, file="mine.yaml", **more):
        return subprocess.Popen(
            [LUNET, "study", file, *arguments], cwd=tmp_path, env={**variables, "nnUNet_n_proc_DA": "0", **more},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return start


def ended(process):
    output, errors = process.communicate(timeout=600)
    return process.returncode, output, errors


def wait_until(condition, process, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)


def running(word):
    """Processes whose command line has a word."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode()
        except OSError:
            continue
        if word in command:
            found.append(folder.name)
    return found


def test_a_study_that_is_killed_goes_on_where_it_was_and_one_failure_stops_nothing_else(study, tiny, tmp_path):
    def fold(trainer, plans="nnUNetPlans"):
        return tmp_path / "results" / tiny.dataset / f"{trainer}__{plans}__3d_fullres" / "fold_0"

    def log_of(trainer, plans="nnUNetPlans"):
        return tmp_path / "out put" / "logs" / tiny.dataset / f"{trainer}__{plans}__3d_fullres__fold_0.log"

    def commands_in(log):
        return [line for line in log.read_text().splitlines() if line.startswith("$ ")]

    long = fold(LONG, "LUnet4Plans")
    first = study()
    try:
        wait_until((long / "checkpoint_best.pth").exists, first)
        # Another study may not write to that folder meanwhile, but look.
        status, _, errors = ended(study())
        assert status == 1 and errors.count("\n") == 1 and "out put is in use by another lunet study" in errors
        assert not (long / "checkpoint_final.pth").exists()
    finally:
        first.kill()
    output, _ = first.communicate()
    end = time.monotonic() + 20
    while running(LONG):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "LUnetTrainer_w2, fold 0, seed 0: done" in output
    status, listed, _ = ended(study("--list"))
    assert status == 0 and [line.split("│")[6].strip() for line in listed.splitlines() if " │ 0 " in line] == [
        "done", "new", "begun"
    ]  # fmt: skip
    finished = (fold(SHORT) / "validation" / "summary.json").stat().st_mtime_ns

    status, output, errors = ended(study())
    assert status == 1
    assert errors.count("\n") == 1 and "not all trainings ended well; lunet study mine.yaml tries" in errors
    # The finished one is left alone, the interrupted one continues, the impossible one is told with its reason.
    assert (fold(SHORT) / "validation" / "summary.json").stat().st_mtime_ns == finished
    assert len(commands_in(log_of(SHORT))) == 1
    train = f"$ nnUNetv2_train {tiny.dataset} 3d_fullres 0 -tr {LONG} -p LUnet4Plans -device cpu"
    assert commands_in(log_of(LONG, "LUnet4Plans")) == [train, f"{train} --c"]
    logs = sorted(long.glob("training_log_*.txt"))
    assert len(logs) == 2 and ": Epoch 0" not in logs[1].read_text() and ": Epoch 2" in logs[1].read_text()
    assert json.loads((long / "validation" / "summary.json").read_text())["foreground_mean"]
    (told,) = [line for line in output.splitlines() if "failed: " in line]
    assert "impossible, fold 0, seed 0: failed: " in told and "_keep1 removes" in told
    assert str(log_of(IMPOSSIBLE)) in told
    assert "3 trainings: 2 done, 0 running, 0 waiting, 1 failed" in output
    record = json.loads((tmp_path / "out put" / "study.json").read_text())
    assert sorted(record["done"].values()) == sorted([str(fold(SHORT)), str(long)]) and len(record["failed"]) == 1
    assert record["study"]["epochs"] == 3 and record["versions"]["nnunetv2"]


def test_ctrl_c_stops_the_trainings_and_says_how_to_go_on(study, tmp_path):
    file = tmp_path / "one.yaml"
    file.write_text(STUDY.partition("networks:")[0] + "networks: [{trainer: LUnetTrainer_w3}]\n")
    process = study(file="one.yaml")
    wait_until(lambda: running("LUnetTrainer_w3_3epochs_1iters_seed0"), process)
    process.send_signal(signal.SIGINT)
    status, _, errors = ended(process)
    assert status == 1 and errors.splitlines() == ["nnunet-lunet: stopped; lunet study one.yaml goes on from here"]
    assert not running("LUnetTrainer_w3_3epochs_1iters_seed0")


def test_listing_and_dry_run_do_nothing(study, tiny, tmp_path):
    status, output, _ = ended(study("--dry-run", "--device", "mps"))
    assert status == 0 and output.splitlines() == [
        f"lunet plan -d {tiny.dataset} --preset LUnet4 -p nnUNetPlans",
        f"nnUNetv2_train {tiny.dataset} 3d_fullres 0 -tr {SHORT} -p nnUNetPlans -device mps",
        f"nnUNetv2_train {tiny.dataset} 3d_fullres 0 -tr {IMPOSSIBLE} -p nnUNetPlans -device mps",
        f"nnUNetv2_train {tiny.dataset} 3d_fullres 0 -tr {LONG} -p LUnet4Plans -device mps",
    ]
    status, output, _ = ended(study("--list"))
    assert status == 0 and output.count(" new ") == 3
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--device", "banana"), "--device banana"),
        ((), "folds: unknown key: did you mean"),
    ],
)
def test_mistakes_are_told_in_one_line(study, tmp_path, arguments, says):
    (tmp_path / "mine.yaml").write_text(STUDY.replace("folds:", "fold:" if not arguments else "folds:"))
    status, output, errors = ended(study(*arguments))
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert says.replace("folds: unknown", "fold: unknown") in errors
    assert not (tmp_path / "out put").exists()


def test_without_its_libraries_it_says_what_to_install(study, tmp_path):
    (tmp_path / "yaml.py").write_text("raise ModuleNotFoundError(name='yaml')")
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    status, _, errors = ended(study(PYTHONPATH=paths))
    remedy = "pip install '.[study]' in the folder of this project's source"
    assert status == 1 and errors == f"nnunet-lunet: lunet study needs yaml: {remedy}\n"
