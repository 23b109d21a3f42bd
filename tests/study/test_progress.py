"""What a running study shows, and its estimate."""

import io

import pytest
from rich.console import Console

from nnunet_lunet.host import training_state
from nnunet_lunet.study import progress, steps
from nnunet_lunet.study.matrix import Origin, Training
from nnunet_lunet.study.progress import Display, Pace, Status

LOG = """
#######################################################################
2026-11-25 13:02:27.000000: Using torch.compile...
2026-11-25 13:02:28.000000: Epoch 0
2026-11-25 13:02:44.000000: train_loss 0.0395
2026-11-25 13:02:44.500000: Epoch time: 16.0 s
2026-11-25 13:02:45.000000: Epoch 1
2026-11-25 13:03:05.000000: Epoch time: 20.0 s
"""


def training(label, seed=0):
    origin = Origin("nnUNetPlans", "nnUNetPlans")
    return Training("Dataset004_A", "2d", 0, label, f"{label}Trainer_10epochs_seed{seed}", seed, origin)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("nnUNet_results", str(tmp_path))

    def fold(of):
        steps.fold_folder(of).mkdir(parents=True, exist_ok=True)
        return steps.fold_folder(of)

    return fold


def test_the_log_of_a_training(tmp_path):
    assert training_state.training_log(tmp_path) is None
    log = tmp_path / "training_log_2026_11_25_13_02_27.txt"
    log.write_text(LOG[:130])
    assert training_state.training_log(tmp_path) == training_state.TrainingLog(None, None, 0)
    log.write_text(LOG + "2026-11-25 13:03:05.500000: Epoch 2 \n")
    assert training_state.training_log(tmp_path) == training_state.TrainingLog(2, 18.0, 0.5)
    log.write_text(LOG + "2026-11-25 13:03:35.000000: Validation complete\n")
    assert training_state.training_log(tmp_path) == training_state.TrainingLog(1, 18.0, 30.0)


def test_the_estimate_by_hand():
    a0, a1, b0, c0 = training("A"), training("A", 1), training("B"), training("C")
    status = Status(waiting=[a1, c0], running=[b0], done=[a0])
    # A took 2 s an epoch and 5 s to validate; B is in its fourth of ten epochs at 4 s; C will be as the mean of both.
    paces = {a0: Pace(10, 2.0, 5.0), b0: Pace(4, 4.0)}
    assert progress.seconds_left(status, paces, 1) == (7 * 4 + 5) + (10 * 2 + 5) + (10 * 3 + 5)
    assert progress.seconds_left(status, paces, 2) == pytest.approx((33 + 25 + 35) / 2)
    # Not sooner than the longest of them.
    assert progress.seconds_left(status, paces, 100) == 35
    assert progress.seconds_left(status, {}, 1) is None


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (20, "less than a minute"),
        (300, "about 5 min"),
        (12_000, "about 3 h 20 min"),
        (3 * 86_400 + 3600, "about 3 d 1 h"),
    ],
)
def test_durations(seconds, shown):
    assert progress.duration(seconds) == shown


def test_without_a_terminal_each_change_is_a_line(folder):
    a, b = training("A"), training("B")
    log = folder(b) / "training_log_2026_11_25_13_02_27.txt"
    text = io.StringIO()
    with Display(Console(file=text, width=40), 1) as display:
        display.update(Status(waiting=[b], done=[a]))
        display.update(Status(waiting=[b], done=[a], preparing=["Dataset004_A: plans and data"]))
        log.write_text(LOG)
        display.update(Status(running=[b], done=[a]))
        display.update(Status(running=[b], done=[a]))
        display.update(Status(done=[a], failed={b: "it [broke]"}))
    assert text.getvalue().splitlines() == [
        "2 trainings: 1 done, 0 running, 1 waiting, 0 failed",
        "Dataset004_A: plans and data: preparing",
        "2 trainings: 1 done, 0 running, 1 waiting, 0 failed",
        "Dataset004_A: plans and data: ready",
        "Dataset004_A 2d B, fold 0, seed 0: running",
        # Nine epochs of 18 s are left.
        "2 trainings: 1 done, 1 running, 0 waiting, 0 failed; about 3 min left",
        "Dataset004_A 2d B, fold 0, seed 0: failed: it [broke]",
        "2 trainings: 1 done, 0 running, 0 waiting, 1 failed",
    ]


def test_in_a_terminal_the_epochs_are_shown(folder):
    b = training("B")
    (folder(b) / "training_log_2026_11_25_13_02_27.txt").write_text(LOG)
    text = io.StringIO()
    with Display(Console(file=text, width=120, force_terminal=True), 1) as display:
        display.update(Status(running=[b]))
    assert "epoch 2 of 10" in text.getvalue() and "18.0 s each" in text.getvalue()
