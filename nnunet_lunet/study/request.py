"""What a study's YAML file may say. No torch."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from nnunet_lunet.errors import UserError, did_you_mean
from nnunet_lunet.host import devices
from nnunet_lunet.host.command_lines import STOCK_PLANS
from nnunet_lunet.planning import presets
from nnunet_lunet.planning.presets import MatchedCost


def _listed(value: Any) -> Any:
    """One value may stand where a list is wanted."""
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _entries(value: Any) -> Any:
    """A data set may stand alone for an entry that says no more than it."""
    listed = value if isinstance(value, list) else [value]
    return [item if isinstance(item, dict | DatasetEntry) else {"dataset": item} for item in listed]


def _named(value: Any) -> Any:
    """``executor: local`` is ``executor: {local: {}}``."""
    return {value: {}} if isinstance(value, str) else value


def _margins(value: Any) -> Any:
    """Numbers and texts are what a command line takes; a whole list need not be given."""
    listed = value if isinstance(value, list) else [value]
    return [str(item) if isinstance(item, int | float) and not isinstance(item, bool) else item for item in listed]


def _readable_margins(values: list[str]) -> list[str]:
    from nnunet_lunet.compare import margins

    try:
        question = margins.large(margins.read(values))
    except UserError as error:
        raise ValueError(error.message) from error
    if question:
        raise ValueError(f"{question}; compare by hand with lunet compare --yes if that is meant")
    return values


def _device(value: str) -> str:
    if value not in devices.DEVICES:
        raise ValueError(f"use {devices.CHOICES}, not {value!r}")
    return value


_Name = Annotated[str, Field(min_length=1, pattern=r"^\S(.*\S)?$")]
_Names = Annotated[list[_Name], BeforeValidator(_listed), Field(min_length=1)]
_Count = Annotated[int, Field(ge=1)]
_Index = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class DatasetEntry(_Strict):
    """A data set, where it differs from the study's others.

    :param dataset: number or name
    :param configurations: None is the study's
    """

    dataset: _Name | _Index
    configurations: _Names | None = None


class NetworkEntry(_Strict):
    """One row of the comparison: a trainer, and the plans it trains.

    :param plans: to train, or what preset or match start from; None is the study's
    :param preset: name or file, see :mod:`nnunet_lunet.planning.presets`
    :param match: the doubling U-Net that costs about as much as this preset
    :param match_by: the cost that is to be equal
    :param label: for progress and log files; what trainer and plans are called, if not given
    :param configurations: None is the study's
    """

    trainer: Annotated[str, Field(pattern=r"^[A-Za-z]\w*$")]
    plans: _Name | None = None
    preset: _Name | None = None
    match: _Name | None = None
    match_by: MatchedCost = "parameters"
    label: Annotated[str, Field(pattern=r"^[^/\s]([^/]*[^/\s])?$")] | None = None
    configurations: _Names | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> "NetworkEntry":
        if self.preset is not None and self.match is not None:
            raise ValueError("give preset or match, not both")
        if self.match is None and "match_by" in self.model_fields_set:
            raise ValueError("match_by has no meaning without match")
        return self


class Predict(_Strict):
    """A folder to predict with each trained fold.

    :param images: absolute, or inside the dataset's folder in ``nnUNet_raw``
    :param labels: references of these images, to evaluate against; with them, the predictions are compared
    """

    images: _Name
    labels: _Name | None = None


class LocalOptions(_Strict):
    """This machine.

    :param jobs: trainings at the same time; None is one, or one for each GPU
    :param gpus: numbers of the GPUs that are handed out, as in ``CUDA_VISIBLE_DEVICES``; none leaves that as it is
    """

    jobs: _Count | None = None
    gpus: Annotated[list[_Index], BeforeValidator(_listed)] = []

    @property
    def slots(self) -> list[int | None]:
        """The GPU of each training that runs at the same time; None is whatever nnU-Net finds."""
        jobs = self.jobs or max(1, len(self.gpus))
        return [self.gpus[job % len(self.gpus)] if self.gpus else None for job in range(jobs)]


class Executor(_Strict):
    """Where trainings run: one of these.

    :param slurm: parameters of submitit's ``AutoExecutor``, e.g. ``timeout_min``, ``slurm_partition``
    """

    local: LocalOptions | None = None
    slurm: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Executor":
        if (self.local is None) == (self.slurm is None):
            raise ValueError("give local or slurm")
        return self


class Study(_Strict):
    """A whole file.

    :param output: folder for logs and comparisons; ``lunet-study-NAME`` in the working folder, if not given
    :param plans: of networks that do not say
    :param groups: CSV file with the patient of each case, for comparisons, and for folds where a dataset has none yet:
        absolute, or inside the dataset's folder in ``nnUNet_raw``
    :param margin: of non-inferiority, as those of ``lunet compare``
    :param margin_reason: why this, for the record
    :param epochs: of every network; it becomes part of the trainers' names, as ``iters`` and ``seeds`` do
    """

    datasets: Annotated[list[DatasetEntry], BeforeValidator(_entries), Field(min_length=1)]
    networks: Annotated[list[NetworkEntry], Field(min_length=1)]
    configurations: _Names = ["3d_fullres"]
    folds: Annotated[list[_Index | Literal["all"]], BeforeValidator(_listed), Field(min_length=1)] = [0, 1, 2, 3, 4]
    seeds: Annotated[list[_Index], BeforeValidator(_listed)] = []
    epochs: _Count | None = None
    iters: _Count | None = None
    plans: _Name = STOCK_PLANS
    predict: Predict | None = None
    groups: _Name | None = None
    margin: Annotated[list[str], BeforeValidator(_margins), AfterValidator(_readable_margins)] = []
    margin_reason: _Name | None = None
    output: _Name | None = None
    device: Annotated[str, AfterValidator(_device)] = devices.AUTO
    executor: Annotated[Executor, BeforeValidator(_named)] = Executor(local=LocalOptions())

    @model_validator(mode="after")
    def _possible(self) -> "Study":
        if self.executor.slurm is not None and self.device == devices.AUTO:
            raise ValueError("with executor slurm say device: cuda or cpu (its nodes need not be like this machine)")
        if self.executor.slurm is not None and not {"timeout_min", "slurm_time"} & self.executor.slurm.keys():
            raise ValueError("executor.slurm: say timeout_min, the minutes a job may take; submitit's default is 5")
        if self.executor.local is not None and self.executor.local.gpus and self.device in ("cpu", "mps"):
            raise ValueError(f"executor.local.gpus has no meaning with device {self.device}")
        return self


class _Loader(yaml.SafeLoader):
    """PyYAML's, but a key that is there twice is a mistake; PyYAML takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise yaml.constructor.ConstructorError(None, None, f"{key} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def folder() -> Path:
    """Where the studies lie that come with the package."""
    return presets.folder() / "studies"


def names() -> list[str]:
    """Names of the studies that come with the package."""
    return sorted(file.stem for file in folder().glob("*.yaml"))


def find(study: str) -> Path:
    """The file of a study.

    :param study: path of a file, or the name of a study that comes with the package
    :raises UserError: neither; names near ones
    """
    file = Path(study)
    if file.is_file() or file.suffix in (".yaml", ".yml"):
        return file
    if study in names():
        return folder() / f"{study}.yaml"
    guess = did_you_mean(study, names(), cutoff=0.5) or f"there are {', '.join(names())}"
    raise UserError(f"study {study!r} is no file and no study of this package: {guess}")


def read(file: Path) -> Study:
    """The study in a file.

    :raises UserError: unreadable, no YAML, an unknown key (the nearest is named), a value of a wrong type
    """
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"study {file} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise UserError(f"study {file} is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"study {file} says nothing: it needs at least datasets and networks")
    try:
        return Study.model_validate(content)
    except ValidationError as error:
        raise UserError(f"study {file}, {_first(error)}") from error


_MODELS: dict[str, type[BaseModel]] = {
    "": Study, "datasets": DatasetEntry, "networks": NetworkEntry, "predict": Predict, "executor": Executor,
    "local": LocalOptions,
}  # fmt: skip


def _first(error: ValidationError) -> str:
    """The first thing that is wrong: where, and what to write."""
    # A misspelled key also is a missing one.
    details = min(error.errors(include_url=False), key=lambda details: details["type"] != "extra_forbidden")
    *above, last = details["loc"] or ("",)
    if details["type"] == "extra_forbidden":
        known = list(_MODELS[next((part for part in reversed(above) if isinstance(part, str)), "")].model_fields)
        hint = did_you_mean(str(last), known, most=1) or f"there are {', '.join(known)}"
        return f"{_place([*above, last])}: unknown key: {hint}"
    # Of alternatives, pydantic adds its names of types to the place.
    fields = {name for model in _MODELS.values() for name in model.model_fields}
    place = _place([part for part in details["loc"] if isinstance(part, int) or part in fields])
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] in ("value_error", "missing"):
        return f"{place}: {message}" if place else message
    return f"{place}: {message}, not {str(details['input'])[:40]!r}"


def _place(parts: list[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
