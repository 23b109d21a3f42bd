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
    """

    name: str
    description: dict[str, Any]
    references: dict[str, Path]
    raw: Path | None

    def image(self, case: str) -> Path | None:
        """The first channel of a case's image, if it is there."""
        if self.raw is None:
            return None
        listed = self.description.get("dataset", {}).get(case, {}).get("images", [])
        named = [f"{part}/{case}_0000{self.description['file_ending']}" for part in ("imagesTr", "imagesTs")]
        return next((file for file in (self.raw / name for name in [*listed[:1], *named]) if file.is_file()), None)


def find(dataset: str | None, references: Path | None, predictions: Sequence[Path]) -> Source:
    """
    :param dataset: its name; None where folders of predictions and references say all
    :param references: where references are looked for first; then the references of training that nnU-Net keeps
    :param predictions: their folders
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
    found: dict[str, Path] = {}
    for place in [references, *kept]:
        if place is not None and (place == references or place.is_dir()):
            found = {**results.label_maps(place, description["file_ending"]), **found}
    if not found:
        where = references or f"nnUNet_preprocessed and nnUNet_raw for {dataset}"
        raise UserError(f"no references ({description['file_ending']} files) in {where}: see --references")
    name = dataset or str(description.get("name") or folder.resolve().name)
    return Source(name, description, found, raw if raw is not None and raw.is_dir() else None)


def _description(places: Sequence[Path]) -> tuple[dict[str, Any], Path]:
    for place in places:
        if (place / _DESCRIPTION).is_file():
            description = folders.read_json(place / _DESCRIPTION)
            if not isinstance(description.get("file_ending"), str):
                raise UserError(f"{place / _DESCRIPTION} has no 'file_ending'; nnU-Net needs it, too")
            return description, place
    looked = ", ".join(map(str, places[:4]))
    raise UserError(f"no {_DESCRIPTION} in {looked or 'any folder'} to say what the labels are: name a dataset with -d")
