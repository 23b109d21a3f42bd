"""A model for someone with neither torch nor nnU-Net: the same label maps."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import SimpleITK as sitk

from nnunet_lunet.deploy import description, exported
from nnunet_lunet.deploy.portable.model import FILE
from nnunet_lunet.errors import UserError

pytest.importorskip("openvino", reason="needs the extra openvino")
pytest.importorskip("onnxruntime", reason="needs the extra onnxruntime")

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "model.schema.json"
PRUNED = "LUnetPruningTrainer_w6_keep40_randomAtLargest_3epochs_1iters"
FLAT = "LUnetTrainer_w5_1epochs_1iters"
#: Data, configuration, trainer: isotropic, slices, anisotropic with regions and two channels.
MODELS = {
    "isotropic": ("tiny", "3d_fullres", PRUNED), "slices": ("tiny", "2d", FLAT),
    "anisotropic": ("hard", "3d_fullres", FLAT),
}  # fmt: skip
#: Runs the program where these cannot be imported.
WITHOUT = """
import runpy, sys
sys.modules.update(dict.fromkeys(["torch", "nnunetv2", "nnunet_lunet", "skimage", "batchgenerators"]))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module", params=MODELS)
def model(request, tmp_path_factory):
    """A trained model of two folds, and its portable folder."""
    data, configuration, trainer = MODELS[request.param]
    nnunet = request.getfixturevalue(data)
    for fold in (0, 1):
        nnunet.train(trainer, fold=fold, configuration=configuration)
    folder = tmp_path_factory.mktemp("portable") / "model"
    with nnunet.active():
        exported.to_openvino(nnunet.model(trainer, configuration), ["0", "1"], "checkpoint_final.pth", folder, True)
    return nnunet, configuration, trainer, folder


def program(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, folder / exported.PROGRAM, *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def read(file):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(file)))


def test_label_maps_are_those_of_stock_nnunet(model, tmp_path):
    nnunet, configuration, trainer, folder = model
    expected = nnunet.predict(trainer, tmp_path / "stock", folds=(0, 1), configuration=configuration)
    done = program(folder, "-i", nnunet.raw / "imagesTs", "-o", tmp_path / "ours", "--disable_tta", "--threads", 1)
    assert done.returncode == 0, done.stderr
    files = sorted(expected.glob("*.nii.gz"))
    assert files and [file.name for file in files] == sorted(file.name for file in (tmp_path / "ours").iterdir())
    for file in files:
        ours, theirs = read(tmp_path / "ours" / file.name), read(file)
        assert (ours == theirs).mean() >= 0.999
        for get in ("GetSpacing", "GetOrigin", "GetDirection", "GetPixelID"):
            assert (
                len({getattr(sitk.ReadImage(str(path)), get)() for path in (file, tmp_path / "ours" / file.name)}) == 1
            )
        assert f"{file.name.removesuffix('.nii.gz')} (" in done.stdout


def test_the_folder_says_what_is_in_it_and_holds_nothing_of_this_machine(model):
    nnunet, configuration, trainer, folder = model
    assert {file.name for file in folder.iterdir()} == {
        FILE, "README.txt", exported.PROGRAM, "fold_0.xml", "fold_0.bin", "fold_1.xml", "fold_1.bin"
    }  # fmt: skip
    content = json.loads((folder / FILE).read_text())
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))
    assert (content["trainer"], content["configuration"]) == (trainer, configuration)
    for network in content["networks"]:
        for name, digest in network["sha256"].items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    for file in folder.iterdir():
        assert str(nnunet.root).encode() not in file.read_bytes()
    with zipfile.ZipFile(folder / exported.PROGRAM) as archive:
        assert "lunet_portable/__main__.py" in archive.namelist()


def test_one_case_that_cannot_be_read_stops_no_other_and_what_is_there_stays(model, tmp_path):
    nnunet, *_, folder = model
    channels = json.loads((folder / FILE).read_text())["channels"]
    images = tmp_path / "images"
    images.mkdir()
    for file in (nnunet.raw / "imagesTs").iterdir():
        (images / file.name).symlink_to(file)
    for index in range(len(channels)):
        (images / f"broken_{index:04d}.nii.gz").write_bytes(b"nothing")
    asked = ["-i", images, "-o", tmp_path / "out", "--disable_tta", "-step_size", 1]
    done = program(folder, *asked)
    assert done.returncode == 1 and "broken (1 of " in done.stderr and "cannot be read" in done.stderr
    assert "1 of " in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
    written = sorted((tmp_path / "out").iterdir())
    assert written and not [file for file in written if "broken" in file.name or "unfinished" in file.name]
    before = [file.stat().st_mtime_ns for file in written]
    again = program(folder, *asked, "--continue_prediction")
    assert again.stdout.count("is there") == len(written)
    assert [file.stat().st_mtime_ns for file in written] == before


def test_bad_input_is_one_line(model, tmp_path):
    *_, folder = model
    (tmp_path / "empty").mkdir()
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in folder.iterdir():
        (damaged / file.name).write_bytes(file.read_bytes())
    (damaged / "fold_1.bin").write_bytes(b"other weights")
    for arguments, said in (
        (("-i", tmp_path / "nowhere", "-o", tmp_path / "out"), "is no folder"),
        (("-i", tmp_path / "empty", "-o", tmp_path / "out"), "has no images named CASE_0000.nii.gz"),
        (("-i", tmp_path / "empty", "-o", tmp_path / "out", "-m", tmp_path / "empty"), "is no exported model"),
        (("-i", tmp_path / "empty", "-o", tmp_path / "out", "-m", damaged), "fold_1.bin is not the file that was"),
        (("-i", tmp_path / "empty", "-o", tmp_path / "out", "-step_size", "0"), "-step_size 0: give"),
    ):
        done = program(folder, *arguments)
        assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_onnx_files_by_fold_with_their_description(model, tmp_path):
    nnunet, configuration, trainer, _ = model
    with nnunet.active():
        folder = nnunet.model(trainer, configuration)
        written = exported.to_onnx(folder, ["0", "1"], "checkpoint_final.pth", tmp_path / "new" / "mine.onnx")
        assert [file.name for file in written] == ["mine.json", "mine_fold_0.onnx", "mine_fold_1.onnx"]
        assert sorted(written) == sorted((tmp_path / "new").iterdir())
        jsonschema.validate(json.loads(written[0].read_text()), json.loads(SCHEMA.read_text()))
        with pytest.raises(UserError, match=r"mine\.json exists"):
            exported.to_onnx(folder, ["0"], "checkpoint_final.pth", tmp_path / "new" / "mine.onnx")
        with pytest.raises(UserError, match=r"must end in \.onnx"):
            exported.to_onnx(folder, ["0"], "checkpoint_final.pth", tmp_path / "mine")


@pytest.mark.parametrize(("factor", "said"), [(1.001, "0.001"), (np.nan, "nan")])
def test_a_network_that_computes_something_else_is_an_error_and_leaves_nothing(
    model, tmp_path, monkeypatch, factor, said
):
    nnunet, configuration, trainer, _ = model
    load = exported._openvino
    monkeypatch.setattr(exported, "_openvino", lambda file: lambda images: load(file)(images) * factor)
    with nnunet.active(), pytest.raises(UserError, match=rf"fold_0\.xml gives logits {said} of the largest away"):
        exported.to_openvino(nnunet.model(trainer, configuration), ["0"], "checkpoint_final.pth", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_described_is_refused_before_anything_is_written(hard, tmp_path):
    trainer = "LUnetTrainer_w4_1epochs_1iters"
    hard.train(trainer, configuration="3d_lowres")
    with hard.active():
        model = hard.model(trainer, "3d_lowres")
        plans = json.loads((model / "plans.json").read_text())
        before = (model / "plans.json").read_text()
        plans["configurations"]["3d_lowres"]["preprocessor_name"] = "Mine"
        try:
            (model / "plans.json").write_text(json.dumps(plans))
            with pytest.raises(UserError, match="the preprocessor is Mine"):
                exported.to_openvino(model, ["0"], "checkpoint_final.pth", tmp_path / "out")
        finally:
            (model / "plans.json").write_text(before)
    assert not list(tmp_path.iterdir())


def test_what_the_program_lacks_is_refused():
    good = {
        "reader": "SimpleITKIO",
        "channels": [{"normalization": "CTNormalization"}],
        "logits_resampling": {"order": 1},
    }
    description.check_portable(good)
    for change, said in (
        ({"reader": "Tiff3DIO"}, "no Tiff3DIO"), ({"channels": [{"normalization": "Mine"}]}, "no Mine"),
        ({"logits_resampling": {"order": 3}}, "linearly"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=said):
            description.check_portable({**good, **change})
