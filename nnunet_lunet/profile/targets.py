"""Which networks ``lunet profile`` looks at, as plain data: from trainers and plans, presets, checkpoints."""

import copy
import io
import os
import pkgutil
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nnunetv2.training import nnUNetTrainer
from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name

from nnunet_lunet.errors import UserError, did_you_mean
from nnunet_lunet.host import checkpoints, folders
from nnunet_lunet.planning import apply, plans_file, presets
from nnunet_lunet.planning.plans_file import PlansFile
from nnunet_lunet.trainers import names

#: Trains the network of a preset as it stands in the plans.
PRESET_TRAINER = "UNetTrainer"


@dataclass(frozen=True)
class Target:
    """A network to look at, with all that nnU-Net's trainer needs to make it.

    :param name: short and unique among those that are looked at together
    :param source: name of the plans file; a preset's ``plans`` have another name
    :param plans: content of the plans
    :param dataset: content of ``dataset.json``
    :param checkpoint: file with weights, whose widths the network takes
    """

    name: str
    trainer: str
    source: str
    plans: dict[str, Any]
    configuration: str
    dataset: dict[str, Any]
    checkpoint: str | None = None

    @property
    def dataset_name(self) -> str:
        return str(self.plans["dataset_name"])


def choose(
    datasets: Sequence[str],
    plans: Sequence[str],
    configurations: Sequence[str],
    trainers: Sequence[str],
    wanted: Sequence[str],
    checkpoints: Sequence[Path],
    batch_size: int | None = None,
) -> list[Target]:
    """Trainers, then presets, then checkpoints, named apart; nnU-Net's own trainer where nothing is named.

    :param wanted: presets
    :param batch_size: None for the plans' own
    :raises UserError: one that cannot be profiled
    """
    if not (trainers or wanted or checkpoints):
        trainers = ["nnUNetTrainer"]
    found = [
        *of_trainers(datasets, plans, configurations, trainers),
        *of_presets(datasets, plans, configurations, wanted),
        *(of_checkpoint(file) for file in checkpoints),
    ]
    return named_apart([target if batch_size is None else with_batch_size(target, batch_size) for target in found])


def of_trainers(
    datasets: Sequence[str], plans: Sequence[str], configurations: Sequence[str], trainers: Sequence[str]
) -> list[Target]:
    """Every combination of these.

    :raises UserError: a data set, plans, configuration or trainer that there is not
    """
    for trainer in trainers:
        check_trainer(trainer)
    return [
        Target(trainer, trainer, source.name, source.content, configuration, source.dataset)
        for source, configuration in _planned(datasets, plans, configurations)
        for trainer in trainers
    ]


def of_presets(
    datasets: Sequence[str], plans: Sequence[str], configurations: Sequence[str], wanted: Sequence[str]
) -> list[Target]:
    """What each preset makes of every combination of plans and configuration, trained by :data:`PRESET_TRAINER`.

    :param wanted: names or files, see :func:`nnunet_lunet.planning.presets.load`
    :raises UserError: one of them does not exist, or preset and plans do not fit
    """
    loaded = [presets.load(preset) for preset in wanted]
    found = []
    for source, configuration in _planned(datasets, plans, configurations):
        for preset in loaded:
            chosen = plans_file.together(source, [configuration])
            changes = {name: apply.change(source.configuration(name), preset) for name in chosen}
            content = plans_file.derive(source, presets.derived_name(preset.name, source.name), changes)
            found.append(Target(preset.name, PRESET_TRAINER, source.name, content, configuration, source.dataset))
    return found


def of_checkpoint(file: Path) -> Target:
    """The network of a checkpoint, at the widths of its weights.

    Plans and data set description are those of the model folder that it lies in, as for nnU-Net's predictor; of a
    checkpoint that was moved elsewhere, those that its trainer stored in it.

    :raises UserError: not a checkpoint, its trainer is not installed, or no plans are to be had
    """
    checkpoint = checkpoints.read(file)
    trainer, model = checkpoint["trainer_name"], file.absolute().parent.parent
    stored = checkpoint.get("init_args", {})
    if file.absolute().parent.name.startswith("fold_") and (model / "plans.json").is_file():
        plans, dataset = (folders.read_json(model / name) for name in ("plans.json", "dataset.json"))
    elif {"plans", "dataset_json"} <= stored.keys():
        plans, dataset = checkpoints.plain(stored["plans"]), checkpoints.plain(stored["dataset_json"])
    else:
        raise UserError(f"checkpoint {file} has no plans in it: leave it in its model folder, which has plans.json")
    check_trainer(trainer, f"checkpoint {file}, trainer")
    try:
        source, configuration = plans["plans_name"], stored["configuration"]
        plans["dataset_name"], plans["configurations"][configuration]
    except (KeyError, TypeError) as error:
        raise UserError(f"checkpoint {file}: neither it nor its model folder says its {error}") from error
    name = f"{trainer} {file.absolute().parent.name}"
    if file.name != checkpoints.FINAL:
        name += f" {checkpoints.label(file.name)}"
    return Target(name, trainer, source, plans, configuration, dataset, os.fspath(file.absolute()))


def check_trainer(name: str, where: str = "-tr") -> None:
    """:param where: the name stands, for the message
    :raises UserError: nnU-Net finds no trainer of that name; says the nearest ones
    """
    family = name.partition("_")[0]
    try:
        if family in names.FAMILIES:
            names.parse(name)
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the packages that some trainer imports
            recursive_find_trainer_class_by_name(name)
    except names.TrainerNameError as error:
        raise UserError(f"{where} {name}: {error}") from error
    except (RuntimeError, AssertionError) as error:
        modules = pkgutil.walk_packages(nnUNetTrainer.__path__, f"{nnUNetTrainer.__name__}.")
        known = [module.name.rpartition(".")[2] for module in modules if not module.ispkg]
        raise UserError(
            f"{where} {name}: nnU-Net finds no such trainer: {did_you_mean(name, [*names.FAMILIES, *known])} "
            "its own and those in nnUNet_extTrainer can be named"
        ) from error


def with_batch_size(target: Target, batch_size: int) -> Target:
    """The same with another batch size in its plans."""
    plans = copy.deepcopy(target.plans)
    plans["configurations"][target.configuration]["batch_size"] = batch_size
    return replace(target, plans=plans)


def named_apart(targets: Sequence[Target]) -> list[Target]:
    """The same with names that are unique: whatever not all of them share stands in the name, then a number."""
    parts = {
        "configuration": [target.configuration for target in targets],
        "source": [target.source for target in targets],
        "dataset": [target.dataset_name for target in targets],
    }
    differing = [values for values in parts.values() if len(set(values)) > 1]
    found, seen = [], Counter[str]()
    for index, target in enumerate(targets):
        name = ", ".join([target.name, *(values[index] for values in differing)])
        seen[name] += 1
        found.append(replace(target, name=name if seen[name] == 1 else f"{name} ({seen[name]})"))
    return found


def _planned(
    datasets: Sequence[str], plans: Sequence[str], configurations: Sequence[str]
) -> list[tuple[PlansFile, str]]:
    found = []
    for source in [plans_file.read(dataset, name) for dataset in datasets for name in plans]:
        for configuration in configurations:
            plans_file.together(source, [configuration])
            source.configuration(configuration)
            found.append((source, configuration))
    return found
