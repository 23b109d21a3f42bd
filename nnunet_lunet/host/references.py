"""Where a comparison finds the labels of its data set, the references and the images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnunetv2.paths import nnUNet_preprocessed, nnUNet_raw, nnUNet_results

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import folders, results

_DESCRIPTION = "dataset.json"


@dataclass(frozen=True)
class Source:
    """
    :param name: of the data set
    :param description: content of its ``dataset.json``
    :param references: label maps by case
    :param raw: the data set's folder in ``nnUNet_raw``, if it is there
    :param images: folder where images are looked for first, if the user names one
    """

    name: str
    description: dict[str, Any]
    references: dict[str, Path]
    raw: Path | None
    images: Path | None = None

    def image(self, case: str) -> Path | None:
        """The first channel of a case's image, if it is there."""
        name = self._image_name(case)
        places = [] if self.images is None else [self.images / name]
        if self.raw is not None:
            listed = self.description.get("dataset", {}).get(case, {}).get("images", [])
            places += [self.raw / file for file in [*listed[:1], f"imagesTr/{name}", f"imagesTs/{name}"]]
        return next((file for file in places if file.is_file()), None)

    def without_image(self, cases: Sequence[str]) -> list[str]:
        """Cases that have no image.

        :raises UserError: the folder that the user names has an image of none of them
        """
        if self.images is not None and not any((self.images / self._image_name(case)).is_file() for case in cases):
            raise UserError(f"--images {self.images} has no image of these cases, such as {self._image_name(cases[0])}")
        return [case for case in cases if self.image(case) is None]

    def _image_name(self, case: str) -> str:
        return f"{case}_0000{self.description['file_ending']}"


def find(
    dataset: str | None,
    references: Path | None,
    predictions: Sequence[Path],
    images: Path | None = None,
    of_training: bool = True,
) -> Source:
    """
    :param dataset: its name; None where folders of predictions and references say all
    :param references: where references are looked for first, if the user names a folder
    :param predictions: their folders
    :param images: where images are looked for first, if the user names a folder
    :param of_training: whether the references of training that nnU-Net keeps count, too
    :raises UserError: no ``dataset.json`` or no references, or not readable
    """
    preprocessed, raw, trained = (
        Path(folder, dataset) if dataset is not None and folder.is_set() else None
        for folder in (nnUNet_preprocessed, nnUNet_raw, nnUNet_results)
    )
    models = sorted(trained.glob("*__*__*")) if trained is not None else []
    beside = [references, references.resolve().parent] if references is not None else []
    own = [preprocessed, raw, *models] if dataset is not None else [*predictions, *beside]
    description, folder = _description([place for place in own if place is not None])
    kept = [preprocessed / "gt_segmentations" if preprocessed else None, raw / "labelsTr" if raw else None]
    kept = kept if of_training else []
    found: dict[str, Path] = {}
    for place in [references, *kept]:
        if place is not None and (place == references or place.is_dir()):
            found = {**results.label_maps(place, description["file_ending"]), **found}
    if not found:
        where = references or f"nnUNet_preprocessed and nnUNet_raw for {dataset}"
        raise UserError(f"no references ({description['file_ending']} files) in {where}: see --references")
    name = dataset or str(description.get("name") or folder.resolve().name)
    return Source(name, description, found, raw if raw is not None and raw.is_dir() else None, images)


def _description(places: Sequence[Path]) -> tuple[dict[str, Any], Path]:
    for place in places:
        if (place / _DESCRIPTION).is_file():
            description = folders.read_json(place / _DESCRIPTION)
            if not isinstance(description.get("file_ending"), str):
                raise UserError(f"{place / _DESCRIPTION} has no 'file_ending'; nnU-Net needs it, too")
            return description, place
    looked = ", ".join(map(str, places[:4]))
    raise UserError(f"no {_DESCRIPTION} in {looked or 'any folder'} to say what the labels are: name a dataset with -d")
