"""Cases of a folder of images: which there are, how one is read, how its label map is written."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import nibabel
import numpy as np
import torch
from batchgenerators.utilities.file_and_folder_operations import save_pickle
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.label_handling.label_handling import convert_labelmap_to_one_hot
from torch import Tensor

from nnunet_lunet.atomic import atomic_files, remove_left_over
from nnunet_lunet.errors import UserError
from nnunet_lunet.inference import segmentation


class CaseError(Exception):
    """Why a case cannot be predicted, in one line; the others can."""


@dataclass(frozen=True)
class Case:
    """One image.

    :param images: its files, one a channel
    :param previous: label map of the stage before, for a cascade
    :param folder: to write to
    """

    name: str
    images: tuple[Path, ...]
    previous: Path | None
    folder: Path

    def file(self, ending: str) -> Path:
        """The label map."""
        return self.folder / f"{self.name}{ending}"

    def is_predicted(self, ending: str, probabilities: bool) -> bool:
        """Whether all its files are there, which are written whole or not at all."""
        endings = [ending, ".npz", ".pkl"] if probabilities else [ending]
        return all((self.folder / f"{self.name}{each}").is_file() for each in endings)


@dataclass(frozen=True)
class Loaded:
    """A case as the network takes it.

    :param image: ``(C, X, Y, Z)``, a cascade's label maps among the channels
    :param properties: that nnU-Net's preprocessing tells
    """

    image: Tensor
    properties: dict[str, Any]


def of_folder(images: Path, ending: str, output: Path, previous: Path | None) -> list[Case]:
    """Cases of all files ``CASE_0000.ending``, ``CASE_0001.ending``, …, by name.

    :param previous: folder of label maps of the stage before
    :raises UserError: no such folder, or no such file in it
    """
    form = re.compile(rf"(.+)_\d{{4}}{re.escape(ending)}")
    try:
        names = sorted(file.name for file in images.iterdir())
    except OSError as error:
        raise UserError(f"-i {images} cannot be read: {error.strerror}") from error
    channels: dict[str, list[Path]] = {}
    for name in names:
        if match := form.fullmatch(name):
            channels.setdefault(match[1], []).append(images / name)
    if not channels:
        raise UserError(f"-i {images} has no image of this model: it takes files named CASE_0000{ending}")
    return [
        Case(name, tuple(files), None if previous is None else previous / f"{name}{ending}", output)
        for name, files in channels.items()
    ]


def load(case: Case, model: nnUNetPredictor) -> Loaded:
    """Read and preprocess, as nnU-Net does.

    :raises CaseError: a file that cannot be read, or an image that the model cannot take
    """
    plans, configuration = model.plans_manager, model.configuration_manager
    reader = plans.image_reader_writer_class()
    for file in case.images:
        _check_nifti(file)
    image, properties = _read(reader.read_images, case.images)
    expected = len(model.dataset_json.get("channel_names") or model.dataset_json["modality"])
    if len(image) != expected:
        raise CaseError(f"it has {len(image)} channels in {_names(case.images)}, the model takes {expected}")
    _check_finite(image, case.images)
    previous = None
    if case.previous is not None:
        previous, _ = _read(reader.read_seg, case.previous)
        if previous.shape[1:] != image.shape[1:]:
            raise CaseError(f"{case.previous} has another size than the image")
    preprocessor = configuration.preprocessor_class(verbose=False)
    data, labels, properties = preprocessor.run_case_npy(
        image, previous, properties, plans, configuration, model.dataset_json
    )
    if previous is not None:
        foreground = model.label_manager.foreground_labels
        data = np.vstack((data, convert_labelmap_to_one_hot(labels[0], foreground, data.dtype)))
    return Loaded(torch.from_numpy(data).to(torch.float32, memory_format=torch.contiguous_format), properties)


def save(case: Case, logits: Tensor, properties: dict[str, Any], model: nnUNetPredictor, probabilities: bool) -> None:
    """Write the label map at the image's own size, whole or not at all; with probabilities, these before it.

    :raises CaseError: it cannot be written
    """
    ending, writer = model.dataset_json["file_ending"], model.plans_manager.image_reader_writer_class()
    try:
        with atomic_files(case.folder, case.name) as folder:
            if probabilities:
                labels, values = segmentation.with_probabilities(logits, properties, model)
                np.savez_compressed(folder / f"{case.name}.npz", probabilities=values)
                save_pickle(properties, str(folder / f"{case.name}.pkl"))
            else:
                labels = segmentation.segment(logits, properties, model)
            file = folder / f"{case.name}{ending}"
            writer.write_seg(labels, str(file), properties)
            # SimpleITK says nothing where a NIfTI file did not find room.
            if not np.array_equal(_read(writer.read_seg, file)[0][0], labels):
                raise OSError("what was written is not what is read again")
    except (OSError, CaseError) as error:
        raise CaseError(f"{case.file(ending)} cannot be written: {in_one_line(error)}; is there room?") from error


def clear_up(begun: Sequence[Case]) -> None:
    """Remove what :func:`save` was writing when it was stopped."""
    for case in begun:
        remove_left_over(case.folder, case.name)


def _check_nifti(file: Path) -> None:
    """SimpleITK takes zeros for what is missing of a NIfTI file that is cut off, and for values that are no numbers.

    :raises CaseError: it has either
    """
    if not file.name.endswith((".nii", ".nii.gz")):
        return
    stored = _read(lambda name: cast(Any, nibabel.load(name)).dataobj.get_unscaled(), file)
    if stored.dtype.kind == "f":
        _check_finite(stored, (file,))


def _check_finite(image: np.ndarray, files: tuple[Path, ...]) -> None:
    if not np.isfinite(image).all():
        raise CaseError(f"values of {_names(files)} are not finite (NaN)")


def _read(reader: Callable[[Any], Any], files: Path | tuple[Path, ...]) -> Any:
    several = files if isinstance(files, tuple) else (files,)
    try:
        return reader(str(files) if isinstance(files, Path) else [str(file) for file in files])
    except Exception as error:
        # nnU-Net's readers print why, and raise an error without a word.
        why = in_one_line(error) if str(error).strip() else "its channels differ in size or spacing"
        raise CaseError(f"{_names(several)} cannot be read: {why}") from error


def _names(files: Sequence[Path]) -> str:
    return ", ".join(file.name for file in files)


def in_one_line(error: BaseException) -> str:
    """The last line, which is where libraries say what was wrong."""
    if isinstance(error, UserError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    last = (str(error).strip().splitlines() or [""])[-1].strip()
    return last if last and isinstance(error, CaseError) else f"{type(error).__name__} {last}".strip()
