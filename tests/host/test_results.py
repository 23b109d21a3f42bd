import json
from pathlib import Path

import pytest
import torch

from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import results


def test_a_trained_fold(tmp_path):
    shared = torch.zeros(3, 2)
    torch.save(
        {
            "trainer_name": "T", "nnunet_lunet": {"peak_memory": 2_000_000},
            "init_args": {"device": torch.device("cuda", 1)},
            "network_weights": {
                "a.weight": shared, "alias.weight": shared, "a.bias": torch.zeros(3),
                "norm.running_mean": torch.zeros(3), "norm.num_batches_tracked": torch.tensor(1),
            },
            "logging": {
                "epoch_start_timestamps": [0.0, 10.0, 20.0], "epoch_end_timestamps": [9.0, 14.0, 25.0],
                "ema_fg_dice": [0.5, 0.75, float("nan")],
            },
        },
        tmp_path / "checkpoint_final.pth",
    )  # fmt: skip
    # 3x2 weights and 3 biases, aliases and statistics not counted; epochs of 9, 4 and 5 s with 10 iterations each.
    assert results.trained_fold(tmp_path, 10) == results.TrainedFold(
        "T", NetworkCost(parameters=9), 0.5, [9.0, 13.0, 18.0], [0.5, 0.75, None], 2_000_000, "cuda"
    )


def on_the_way(folder, started, ended, dice):
    checkpoint = {
        "trainer_name": "T", "network_weights": {"a.weight": torch.zeros(3, 2)},
        "logging": {"epoch_start_timestamps": started, "epoch_end_timestamps": ended, "ema_fg_dice": dice},
    }  # fmt: skip
    torch.save(checkpoint, folder / "checkpoint_keep50.pth")
    return results.trained_fold(folder, 1, "checkpoint_keep50.pth")


def test_a_checkpoint_of_an_epoch_whose_end_is_not_logged(tmp_path):
    fold = on_the_way(tmp_path, [0.0, 10.0], [9.0], [0.5, 0.75])
    assert (fold.seconds, fold.pseudo_dice, fold.network.parameters) == ([9.0], [0.5], 6)
    with pytest.raises(UserError, match=r"checkpoint_keep50\.pth was written before the end of its first epoch"):
        on_the_way(tmp_path, [0.0], [], [0.5])


def test_what_a_path_says_of_a_fold():
    fold = results.fold_at(Path("results/Dataset004_X/T_w4__P__3d_fullres/fold_all"))
    assert fold and (fold.trainer, fold.plans, fold.configuration, fold.fold) == ("T_w4", "P", "3d_fullres", "all")
    assert results.fold_at(Path("T__P/fold_0")) is None
    assert results.fold_at(Path("T__P__3d_fullres/other")) is None


def test_no_checkpoint_is_told_in_one_line(tmp_path):
    with pytest.raises(UserError, match=r"checkpoint_final\.pth"):
        results.trained_fold(tmp_path, 10)


def test_an_evaluation(tmp_path):
    summary = {
        "mean": {"1": {"Dice": 0.5}, "2": {"Dice": 0.25}},
        "foreground_mean": {"Dice": 0.375},
        "metric_per_case": [
            {"prediction_file": "/x/case.nii.gz", "metrics": {"1": {"Dice": 0.5}, "2": {"Dice": 0.25}}}
        ],
    }
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    expected = results.Evaluation({1: 0.5, 2: 0.25}, 0.375, {"case.nii.gz": {1: 0.5, 2: 0.25}})
    assert results.evaluation(tmp_path / "summary.json") == expected


def test_labels_of_a_data_set():
    found = results.labels({"labels": {"background": 0, "b": 2, "a": 1}})
    assert found == results.Labels({"a": 1, "b": 2}, {1: "a", 2: "b"}, frozenset({0, 1, 2}), None)


def test_regions_and_the_ignore_label():
    labels = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "middle": 3, "ignore": 4}
    found = results.labels({"labels": labels, "regions_class_order": [1, 2, 3]})
    assert found.foreground == {"whole": (1, 2, 3), "core": (2, 3), "middle": 3}
    # Where regions overlap, nnU-Net's label map has the value of the last.
    assert found.drawn == {1: "whole", 2: "core", 3: "middle"}
    assert (found.allowed, found.ignore) == (frozenset({0, 1, 2, 3}), 4)


@pytest.mark.parametrize(
    "description",
    [{}, {"labels": {"a": 1}}, {"labels": {"background": 0, "a": [1, 2]}}, {"labels": {"background": 0, "a": "x"}}],
)
def test_labels_that_nnunet_does_not_take(description):
    with pytest.raises(UserError, match=r"labels of dataset\.json"):
        results.labels(description)


def test_label_maps_by_case(tmp_path):
    for name in ("a b.nii.gz", "c.v2.nii.gz", "summary.json", "a.npz"):
        (tmp_path / name).touch()
    assert results.label_maps(tmp_path, ".nii.gz") == {name: tmp_path / f"{name}.nii.gz" for name in ("a b", "c.v2")}
    with pytest.raises(UserError, match="nowhere cannot be read"):
        results.label_maps(tmp_path / "nowhere", ".nii.gz")


@pytest.mark.parametrize("content", ["", '{"metric_per_case": [{"metr', "[]", '{"mean": {}}'])
def test_a_fold_whose_summary_is_cut_off_is_not_validated(tmp_path, content):
    fold = results.Fold("T", "nnUNetPlans", "2d", "0", tmp_path)
    (tmp_path / "validation").mkdir()
    (tmp_path / "validation" / "summary.json").write_text(content)
    assert not fold.is_validated
    (tmp_path / "validation" / "summary.json").write_text('{"foreground_mean": {"Dice": 0.5}}')
    assert results.Fold("T", "nnUNetPlans", "2d", "0", tmp_path).is_validated
