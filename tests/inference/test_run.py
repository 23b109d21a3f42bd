"""``lunet predict`` from files to files, beside stock nnU-Net's predictions of the same."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from conftest import RESENC, file_system
from rich.console import Console

from nnunet_lunet.errors import UserError
from nnunet_lunet.inference import cases, engines, run
from nnunet_lunet.inference.request import Request

FAST = next(name for name in ("openvino", "torch") if engines.ENGINES[name].is_installed)


def predict(images, output, model, **options):
    """What was printed."""
    options = {"folds": ("0",), "engine": "torch", "mirroring": False, **options}
    text = io.StringIO()
    run.run(Request(images, output, model, **options), Console(file=text, width=200))
    return text.getvalue()


def by_stock(predictor, images, output, previous=None, probabilities=False):
    output.mkdir()
    with redirect_stdout(io.StringIO()):
        predictor.predict_from_files_sequential(
            str(images), str(output), probabilities, True, None if previous is None else str(previous)
        )
    return output


def assert_same(folder, expected, share=0.9999):
    files = sorted(expected.glob("*.nii.gz"))
    assert files
    for file in files:
        ours, theirs = (sitk.ReadImage(str(each / file.name)) for each in (folder, expected))
        for what in ("Size", "Spacing", "Origin", "Direction", "PixelIDTypeAsString"):
            assert getattr(ours, f"Get{what}")() == getattr(theirs, f"Get{what}")()
        labels = sitk.GetArrayFromImage(theirs)
        assert len(np.unique(labels)) > 1
        assert (sitk.GetArrayFromImage(ours) == labels).mean() >= share


@pytest.fixture
def off_grid(tmp_path):
    """Copies a data set's images to a folder, with another spacing and an empty margin, so that all is resampled."""

    def make(nnunet, number=2, factor=1.3):
        folder = tmp_path / "images"
        folder.mkdir()
        for file in sorted((nnunet.raw / "imagesTs").iterdir())[:number]:
            image = sitk.ConstantPad(sitk.ReadImage(str(file)), (3, 0, 0), (0, 2, 0), 0)
            image.SetSpacing([factor * edge for edge in image.GetSpacing()])
            image.SetOrigin((1.0, -2.0, 3.5))
            sitk.WriteImage(image, str(folder / file.name))
        return folder

    return make


@pytest.mark.parametrize(
    ("data", "configuration", "plans"),
    [("tiny", "2d", "nnUNetPlans"), ("tiny", "3d_fullres", "nnUNetPlans"), ("hard", "2d", RESENC),
     ("hard", "3d_fullres", "nnUNetPlans")],
)  # fmt: skip
def test_label_maps_are_stocks(request, made, stock, off_grid, tmp_path, data, configuration, plans):
    nnunet = request.getfixturevalue(data)
    with nnunet.active():
        model = made(nnunet, configuration, plans)
        images = off_grid(nnunet)
        expected = by_stock(stock(model, (0, 1), use_mirroring=False), images, tmp_path / "stock")
        printed = predict(images, tmp_path / "ours", model, folds=("0", "1"), engine=FAST)
    assert_same(tmp_path / "ours", expected)
    number = len(list(expected.glob("*.nii.gz")))
    assert len(printed.splitlines()) == number + 1
    assert f"{number} of {number} cases" in printed
    assert {file.name for file in (tmp_path / "ours").iterdir()} == {
        file.name for file in expected.iterdir() if file.name != "predict_from_raw_data_args.json"
    }


def test_probabilities_are_stocks(hard, made, stock, off_grid, tmp_path):
    with hard.active():
        model, images = made(hard, "3d_fullres"), off_grid(hard)
        expected = by_stock(stock(model, use_mirroring=False), images, tmp_path / "stock", probabilities=True)
        predict(images, tmp_path / "ours", model, probabilities=True)
        files = list(expected.glob("*.npz"))
        assert files
        for file in files:
            ours, theirs = (np.load(folder / file.name)["probabilities"] for folder in (tmp_path / "ours", expected))
            assert np.abs(ours - theirs).max() < 1e-3
            assert (tmp_path / "ours" / file.with_suffix(".pkl").name).is_file()
        assert_same(tmp_path / "ours", expected)


def test_a_cascade(hard, made, stock, off_grid, tmp_path):
    with hard.active():
        first, second, images = made(hard, "3d_lowres"), made(hard, "3d_cascade_fullres"), off_grid(hard)
        predict(images, tmp_path / "first", first)
        expected = by_stock(stock(second, use_mirroring=False), images, tmp_path / "stock", tmp_path / "first")
        predict(images, tmp_path / "ours", second, previous=tmp_path / "first")
        assert_same(tmp_path / "ours", expected)
        with pytest.raises(UserError, match="is a cascade: give the folder of 3d_lowres's"):
            predict(images, tmp_path / "other", second)
        with pytest.raises(UserError, match="is no cascade"):
            predict(images, tmp_path / "other", first, previous=tmp_path / "first")


def test_cases_that_fail_are_named_and_the_others_go_on(tiny, made, tmp_path):
    images, report = tmp_path / "images", tmp_path / "run.json"
    shutil.copytree(tiny.raw / "imagesTs", images)
    good = images / "unseen_1_0000.nii.gz"
    # SimpleITK alone would read it.
    (images / "a_broken_0000.nii.gz").write_bytes(good.read_bytes()[:-2000])
    for channel in range(2):
        shutil.copyfile(good, images / f"b_double_000{channel}.nii.gz")
    holes = sitk.GetArrayFromImage(sitk.ReadImage(str(good))).astype(np.float32)
    holes[0, 0, 0] = np.nan
    sitk.WriteImage(sitk.GetImageFromArray(holes), str(images / "c_holes_0000.nii.gz"))
    shutil.copyfile(good, images / "d_geometry_0000.nii.gz")
    sitk.WriteImage(sitk.ReadImage(str(good))[1:], str(images / "d_geometry_0001.nii.gz"))
    text = io.StringIO()
    with (
        tiny.active(),
        pytest.raises(UserError, match="4 of 6 cases failed: a_broken, b_double, c_holes, d_geometry; "),
    ):
        run.run(
            Request(images, tmp_path / "out", made(tiny, "2d"), ("0",), mirroring=False, engine="torch", report=report),
            Console(file=text, width=200),
        )
    for says in (
        "a_broken: failed: a_broken_0000.nii.gz cannot be read: ",
        "b_double: failed: it has 2 channels in b_double_0000.nii.gz, b_double_0001.nii.gz, the model takes 1",
        "c_holes: failed: values of c_holes_0000.nii.gz are not finite (NaN)",
        "d_geometry: failed: d_geometry_0000.nii.gz, d_geometry_0001.nii.gz cannot be read: its channels differ",
        "unseen_0: ", "2 of 6 cases",
    ):  # fmt: skip
        assert says in text.getvalue()
    assert len(text.getvalue().splitlines()) == 7
    there = {file.name for file in (tmp_path / "out").iterdir()}
    assert there == {"dataset.json", "plans.json", "unseen_0.nii.gz", "unseen_1.nii.gz"}
    content = json.loads(report.read_text())
    assert [case["name"] for case in content["cases"] if case["error"]] == [
        "a_broken",
        "b_double",
        "c_holes",
        "d_geometry",
    ]
    good = content["cases"][-1]
    assert good["output"] == str(tmp_path / "out" / "unseen_1.nii.gz")
    assert good["seconds"].keys() == {"read", "network", "write"} and min(good["seconds"].values()) > 0
    assert content["settings"]["engine"] == "torch" and content["peak_memory"] > 1e8


def test_what_is_there_is_left_out_and_parts_share_the_work(tiny, made, tmp_path):
    images, output = tiny.raw / "imagesTs", tmp_path / "out"
    with tiny.active():
        model = made(tiny, "2d")
        assert "1 of 1 cases in" in predict(images, output, model, num_parts=2, part_id=1)
        first = output / "unseen_1.nii.gz"
        before = first.stat().st_mtime_ns
        (output / ".unseen_0.1.tmp").mkdir()
        assert "1 of 1 cases (1 were there)" in predict(images, output, model, continued=True)
        assert first.stat().st_mtime_ns == before and not list(output.glob(".*"))
        # A label map without its probabilities is not all that is asked for.
        assert "2 of 2 cases in" in predict(images, output, model, continued=True, probabilities=True)
        assert first.stat().st_mtime_ns > before


@pytest.mark.skipif(sys.platform != "linux", reason="a full file system is mounted")
def test_a_full_disk_leaves_nothing_half_written(tiny, made, tmp_path):
    images, output = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    output.mkdir()
    noise = np.random.default_rng(0).normal(size=(40, 40, 40)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(noise), str(images / "noise_0000.nii.gz"))
    with tiny.active():
        model = made(tiny, "2d")
        with file_system(output, "size=24k"):
            text = io.StringIO()
            with pytest.raises(UserError, match="1 of 1 cases failed"):
                run.run(Request(images, output, model, ("0",), mirroring=False, engine="torch"), Console(file=text))
            left = {file.name for file in output.iterdir()}
    assert "cannot be written" in text.getvalue()
    assert left == {"dataset.json", "plans.json"}


INTERRUPTED = """
import sys, threading, time
from pathlib import Path
from rich.console import Console
from nnunet_lunet.inference import cases, run
from nnunet_lunet.inference.request import Request

loaded = cases.load
def slow(case, model):
    if case.name == "unseen_1":
        print("waiting", file=sys.__stdout__, flush=True)
        time.sleep(600)
    return loaded(case, model)
cases.load = slow
images, output, model = map(Path, sys.argv[1:])
run.run(Request(images, output, model, ("0",), mirroring=False, engine="torch"), Console())
"""


def test_ctrl_c_ends_all_of_it_at_once(tiny, made, tmp_path):
    with tiny.active():
        model = made(tiny, "2d")
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", INTERRUPTED, tiny.raw / "imagesTs", tmp_path / "out", model],
        env={**os.environ, **tiny.environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout and process.stderr
        while "waiting" not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        deadline = time.monotonic() + 60
        while not (tmp_path / "out" / "unseen_0.nii.gz").exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) != 0
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"dataset.json", "plans.json", "unseen_0.nii.gz"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"step_size": 0.0}, "-step_size 0.0: it must be above 0"),
        ({"part_id": 1}, "-part_id 1: parts count from 0 to -num_parts minus 1, 0"),
        ({"folds": ("0", "3")}, "in fold 3; it is in folds 0 1: name them with -f"),
        ({"checkpoint": "checkpoint_best.pth"}, "has no checkpoint_best.pth in fold 0; no fold has it: see -chk"),
        ({"loading": 0}, "-npp and -nps"),
        ({"previous": Path("/nowhere")}, "-prev_stage_predictions /nowhere is no folder"),
        ({"report": Path("/nowhere/run.json")}, "--report /nowhere/run.json: name a file in a folder that exists"),
        ({"engine": "fast"}, "--engine fast"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_said_before_anything_is_read(tiny, made, tmp_path, options, says):
    with tiny.active(), pytest.raises(UserError, match=says):
        predict(tmp_path / "none", tmp_path / "out", made(tiny, "2d"), **options)
    assert not (tmp_path / "out").exists()


def test_folders_that_are_not_right(tiny, made, tmp_path):
    (tmp_path / "empty").mkdir()
    with tiny.active():
        model = made(tiny, "2d")
        with pytest.raises(UserError, match="has no image of this model: it takes files named CASE_0000"):
            predict(tmp_path / "empty", tmp_path / "out", model)
        with pytest.raises(UserError, match=r"-i .*nowhere cannot be read: No such file"):
            predict(tmp_path / "nowhere", tmp_path / "out", model)
        with pytest.raises(UserError, match=r"there is no model .*: did you mean"):
            predict(tmp_path / "empty", tmp_path / "out", model.with_name(model.name.replace("2d", "2dd")))
        broken = tmp_path / model.name
        shutil.copytree(model, broken)
        (broken / "fold_0" / "checkpoint_final.pth").write_bytes(b"PK")
        with pytest.raises(UserError, match=r"fold_0.checkpoint_final\.pth makes no network"):
            predict(tiny.raw / "imagesTs", tmp_path / "out", broken)


def test_a_layer_that_an_engine_has_not_is_said_in_one_line(tiny, made, tmp_path, monkeypatch):
    def refuse(network, patch_size, settings):
        raise RuntimeError("No conversion rule found\nfor aten::strange")

    row = engines.Engine("OpenVINO", refuse, precisions=("f32",))
    monkeypatch.setitem(engines.ENGINES, "openvino", row)
    with tiny.active(), pytest.raises(UserError, match=r"--engine openvino cannot compute this .*strange"):
        predict(tiny.raw / "imagesTs", tmp_path / "out", made(tiny, "2d"), engine="openvino")


def test_the_command(tiny, made, tmp_path):
    with tiny.active():
        model = made(tiny, "2d")
    trainer, plans, configuration = model.name.split("__")
    done = tiny.shell(
        "lunet", "predict", "-i", tiny.raw / "imagesTs", "-o", tmp_path / "out", "-d", tiny.dataset_id, "-tr", trainer,
        "-p", plans, "-c", configuration, "-f", "0", "1", "-step_size", "1", "--disable_tta", "-device", "cpu",
        "--engine", FAST,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 of 2 cases" in done.stdout and FAST in done.stdout
    done = tiny.shell("lunet", "predict", "-i", tiny.raw, "-o", tmp_path / "out", "-m", model, "-d", tiny.dataset_id)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "(-m) or by its data set (-d)" in done.stderr


def test_a_label_map_that_was_not_written_whole_is_an_error(tiny, made, tmp_path, monkeypatch):
    with tiny.active():
        model = made(tiny, "2d")
        read = cases._read
        monkeypatch.setattr(cases, "_read", lambda reader, files: (read(reader, files)[0] * 0, {})
                            if isinstance(files, Path) else read(reader, files))  # fmt: skip
        with pytest.raises(UserError, match="2 of 2 cases failed"):
            predict(tiny.raw / "imagesTs", tmp_path / "out", model)
    assert not list((tmp_path / "out").glob("*.nii.gz"))
