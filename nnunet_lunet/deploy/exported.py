"""A trained model as networks of other programs, ONNX or OpenVINO, with a description; or as a portable folder."""

import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from torch import nn

from nnunet_lunet.architectures import feature_maps
from nnunet_lunet.deploy import description, exchange, portable
from nnunet_lunet.deploy.portable.model import FILE
from nnunet_lunet.errors import UserError, missing
from nnunet_lunet.host import networks

#: How far logits may be from torch's, as a share of the largest of them.
TOLERANCE = 1e-4
PROGRAM = "predict.pyz"
_PACKAGE = "lunet_portable"
_README = """A segmentation model ({trainer}, {dataset}) that needs neither torch nor nnU-Net.

    pip install numpy scipy SimpleITK openvino
    python {program} -i IMAGES -o LABELS

IMAGES has the images, CASE_0000{ending}{more}. {file} says all that another program needs to know.
"""


def to_onnx(model: Path, folds: Sequence[str], checkpoint: str, file: Path) -> list[Path]:
    """Write ``file``, or one for each of several folds, and a description beside; returns what was written.

    :param model: a model folder of nnU-Net
    :param folds: e.g. ``["0", "1"]`` or ``["all"]``
    :param checkpoint: e.g. ``checkpoint_final.pth``
    :param file: ``….onnx``; of several folds ``…_fold_0.onnx`` and so on
    :raises UserError: a file is there already or cannot be written, the model cannot be read, described or converted,
        or what was written computes something else
    """
    if file.suffix != ".onnx":
        raise UserError(f"--onnx {file}: its name must end in .onnx")
    names = [file.name] if len(folds) == 1 else [f"{file.stem}_fold_{fold}.onnx" for fold in folds]
    written = [file.with_suffix(".json"), *(file.with_name(name) for name in names)]
    if there := [path for path in written if path.exists()]:
        raise UserError(f"{there[0]} exists: remove it or choose another name")
    loaded = _Loaded(model, folds, checkpoint)
    with _written("--onnx", file.parent) as folder:
        found = []
        for name, network in zip(names, loaded.networks(), strict=True):
            (folder / name).write_bytes(_converted("--onnx", exchange.to_onnx, network, loaded.patch_size))
            _check(folder / name, network, loaded.patch_size, _onnxruntime)
            found.append(_entry(folder, [name]))
        _describe(folder / written[0].name, loaded.description, found)
        file.parent.mkdir(parents=True, exist_ok=True)
        for path in written:
            (folder / path.name).replace(path)
    return written


def to_openvino(model: Path, folds: Sequence[str], checkpoint: str, target: Path, with_program: bool = False) -> Path:
    """Write a folder with a network for each fold and ``model.json``; the arguments and errors of :func:`to_onnx`.

    :param with_program: also a program that predicts with the folder alone
    """
    option = "--portable" if with_program else "--openvino"
    if target.exists():
        raise UserError(f"{option} {target} exists: remove it or choose another folder")
    loaded = _Loaded(model, folds, checkpoint)
    if with_program:
        description.check_portable(loaded.description)
    with _written(option, target.parent) as folder:
        found = []
        for fold, network in zip(folds, loaded.networks(), strict=True):
            name = f"fold_{fold}.xml"
            _save_openvino(_converted(option, exchange.to_openvino, network, loaded.patch_size), folder / name)
            _check(folder / name, network, loaded.patch_size, _openvino)
            found.append(_entry(folder, [name, f"fold_{fold}.bin"]))
        _describe(folder / FILE, loaded.description, found)
        if with_program:
            _add_program(folder, loaded.description)
        folder.rename(target)
    return target


class _Loaded:
    """A model, by nnU-Net's own predictor."""

    def __init__(self, model: Path, folds: Sequence[str], checkpoint: str) -> None:
        with redirect_stdout(io.StringIO()):
            self._predictor = nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False)
        networks.initialize(self._predictor, model, folds, checkpoint)
        self.description = {
            **description.describe(self._predictor),
            "configuration": model.name.rpartition("__")[2], "folds": list(folds), "checkpoint": checkpoint,
        }  # fmt: skip
        self.patch_size: list[int] = self.description["patch_size"]

    def networks(self) -> Iterator[nn.Module]:
        """Of each fold in turn; the next one takes the place of the last."""
        network: nn.Module = getattr(self._predictor.network, "_orig_mod", self._predictor.network)
        for weights in self._predictor.list_of_parameters:
            network.load_state_dict(weights)
            yield network.eval()


@contextmanager
def _written(option: str, parent: Path) -> Iterator[Path]:
    """A folder that is gone afterwards, unless it got another name; what goes wrong with files is told in one line."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".exporting.", dir=parent))
        # As a folder that was made plainly.
        umask = os.umask(0)
        os.umask(umask)
        folder.chmod(0o777 & ~umask)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise UserError(f"{option} {parent}: {error.strerror or error}") from error


def _converted(
    option: str, convert: Callable[[nn.Module, Sequence[int]], Any], network: nn.Module, patch_size: Sequence[int]
) -> Any:
    try:
        return convert(network, patch_size)
    except RuntimeError as error:
        raise UserError(f"{option}: {type(network).__name__} has a layer that cannot be converted: {error}") from error


def _entry(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    return {"file": names[0], "sha256": digests}


def _describe(file: Path, content: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> None:
    file.write_text(json.dumps({**content, "networks": found}, indent=1), encoding="utf-8")


def _check(file: Path, network: nn.Module, patch_size: Sequence[int], load: Callable[[Path], Any]) -> None:
    """:raises UserError: what was written computes something else"""
    images = torch.randn(
        2, feature_maps.input_channels(network), *patch_size, generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        expected = network(images).numpy()
    found = load(file)(images.numpy())
    difference = float(np.abs(found - expected).max() / np.abs(expected).max())
    # Not a number is no less than the tolerance.
    if not difference <= TOLERANCE:
        raise UserError(f"{file.name} gives logits {difference:.1g} of the largest away from torch's: it was not kept")


def _openvino(file: Path) -> Callable[[np.ndarray], np.ndarray]:
    import openvino

    compiled = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda images: np.array(compiled([images])[0])


def _save_openvino(model: Any, file: Path) -> None:
    import openvino

    # Half precision, its default, would be another network.
    openvino.save_model(model, file, compress_to_fp16=False)


def _onnxruntime(file: Path) -> Callable[[np.ndarray], np.ndarray]:
    try:
        import onnxruntime
    except ImportError as error:
        raise missing("ONNX Runtime", "onnxruntime", "a check of what --onnx wrote") from error
    session = onnxruntime.InferenceSession(os.fspath(file), providers=["CPUExecutionProvider"])
    return lambda images: np.asarray(session.run(None, {exchange.IMAGE: images})[0])


def _add_program(folder: Path, content: Mapping[str, Any]) -> None:
    """The package :mod:`nnunet_lunet.deploy.portable` as one file that Python runs, and how to."""
    with zipfile.ZipFile(folder / PROGRAM, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__main__.py", f"import sys\n\nfrom {_PACKAGE}.__main__ import main\n\nsys.exit(main())\n")
        for file in sorted(resources.files(portable).iterdir(), key=lambda file: file.name):
            if file.name.endswith(".py"):
                archive.writestr(f"{_PACKAGE}/{file.name}", file.read_bytes())
    more = (
        f" to CASE_{len(content['channels']) - 1:04d}{content['file_ending']}" if len(content["channels"]) > 1 else ""
    )
    names = {"program": PROGRAM, "file": FILE, "ending": content["file_ending"], "more": more}
    text = _README.format(trainer=content["trainer"], dataset=content["dataset"], **names)
    (folder / "README.txt").write_text(text, encoding="utf-8")
