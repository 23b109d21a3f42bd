"""From a study's file to its trainings. Pure; no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path

from nnunet_lunet.errors import UserError, did_you_mean
from nnunet_lunet.planning import presets
from nnunet_lunet.planning.presets import MatchedCost
from nnunet_lunet.study.request import NetworkEntry, Study
from nnunet_lunet.trainers import names

_STOCK = "nnUNetTrainer"
_HINT = "UNetTrainer_sgd is the same network and recipe, and its name takes them"


@dataclass(frozen=True)
class Origin:
    """Plans that a study trains, and what they are made from.

    :param name: of the plans, as nnU-Net's ``-p``
    :param source: name of the plans that preset or match start from; ``name`` itself where there is neither
    """

    name: str
    source: str
    preset: str | None = None
    match: str | None = None
    match_by: MatchedCost = "parameters"

    @property
    def derived(self) -> bool:
        return self.preset is not None or self.match is not None


@dataclass(frozen=True)
class Training:
    """One training: one ``nnUNetv2_train`` command.

    :param dataset: its full name
    :param label: of its network, for people
    :param trainer: name with length and seed in it
    """

    dataset: str
    configuration: str
    fold: int | str
    label: str
    trainer: str
    seed: int | None
    origin: Origin

    @property
    def plans(self) -> str:
        return self.origin.name

    @property
    def name(self) -> str:
        """As nnU-Net names the folders; unique in its dataset."""
        return f"{self.trainer}__{self.plans}__{self.configuration}__fold_{self.fold}"

    @property
    def title(self) -> str:
        """For people: what differs within a study."""
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"{self.dataset} {self.configuration} {self.label}, fold {self.fold}{seed}"

    def waits_for(self, other: "Training") -> bool:
        """Whether nnU-Net needs what another training predicts: the second stage of a cascade needs the first's."""
        same = (self.dataset, self.trainer, self.origin) == (other.dataset, other.trainer, other.origin)
        return same and (self.configuration, other.configuration) == ("3d_cascade_fullres", "3d_lowres")


def expand(study: Study, file: Path, datasets: Sequence[str]) -> list[Training]:
    """All trainings of a study, in the order to run them: every network once before the next seed, fold and so on.

    :param file: for messages
    :param datasets: full names of the study's datasets
    :raises UserError: a trainer's name outside the grammar or one that takes no length or seeds, an unknown preset, a
        network or label or other value twice
    """
    lists = {"datasets": datasets, **{key: getattr(study, key) for key in ("folds", "seeds", "configurations")}}
    for key, values in lists.items():
        if twice := [value for index, value in enumerate(values) if value in values[:index]]:
            raise UserError(f"study {file}, {key}: {twice[0]} is there twice")
    rows = []
    for index, network in enumerate(study.networks):
        try:
            rows.append(_row(network, study))
        except UserError as error:
            raise UserError(f"study {file}, networks[{index}]: {error.message}") from error
    _all_different(rows, file)
    seeds: Sequence[int | None] = study.seeds or [None]
    order = product(enumerate(datasets), _configurations(study), study.folds, seeds, rows)
    return [
        Training(dataset, configuration, fold, row.label, *_seeded(row, seed), row.origin)
        for (index, dataset), configuration, fold, seed, row in order
        if configuration in row.configurations[index]
    ]


@dataclass(frozen=True)
class _Row:
    """One network of the file.

    :param meaning: equal for names that mean the same
    :param configurations: of each dataset, in the study's order
    """

    label: str
    trainer: str
    meaning: object
    ours: bool
    origin: Origin
    configurations: list[list[str]]

    def meets(self, other: "_Row") -> bool:
        """Whether both have a configuration of a dataset in common."""
        return any(set(own) & set(its) for own, its in zip(self.configurations, other.configurations, strict=True))


def _seeded(row: _Row, seed: int | None) -> tuple[str, int | None]:
    """A trainer's name with the seed in it, and the seed; others than ours have none."""
    return (row.trainer, None) if seed is None or not row.ours else (f"{row.trainer}_seed{seed}", seed)


def _configurations(study: Study) -> list[str]:
    """The study's, then those that only one dataset or network has."""
    own = [entry.configurations or [] for entry in study.datasets] + [
        network.configurations or [] for network in study.networks
    ]
    return list(dict.fromkeys(chain(study.configurations, *own)))


def _row(network: NetworkEntry, study: Study) -> _Row:
    ours = network.trainer.split("_")[0] in names.FAMILIES
    lengths = [f"_{value}{key}" for key in ("epochs", "iters") if (value := getattr(study, key)) is not None]
    if not ours:
        _check_foreign(network.trainer, study, lengths)
    trainer = network.trainer + "".join(lengths)
    try:
        meaning: object = names.parse(trainer) if ours else trainer
        # A seed of the name's own beside the study's is one too many.
        for seed in study.seeds[:1] if ours else []:
            names.parse(f"{trainer}_seed{seed}")
    except names.TrainerNameError as error:
        raise UserError(f"{trainer}: {error}") from error
    plans = network.plans or study.plans
    origin = Origin(plans, plans)
    derived = network.preset or network.match
    if derived is not None:
        preset = presets.load(derived)
        start = preset.name if network.preset else presets.match_name(preset, network.match_by)
        origin = Origin(presets.derived_name(start, plans), plans, network.preset, network.match, network.match_by)
    shown = network.trainer if origin.name == study.plans else f"{network.trainer} {origin.name}"
    configurations = [
        network.configurations or entry.configurations or study.configurations for entry in study.datasets
    ]
    return _Row(network.label or shown, trainer, meaning, ours, origin, configurations)


def _check_foreign(trainer: str, study: Study, lengths: Sequence[str]) -> None:
    """:raises UserError: it is asked for what its name cannot say, or is one of ours misspelled"""
    family = trainer.split("_")[0]
    guess = "" if family.startswith(_STOCK) else did_you_mean(family, names.FAMILIES, most=1, cutoff=0.8)
    if guess:
        raise UserError(f"trainer {trainer} is unknown: {guess}")
    if lengths:
        raise UserError(f"trainer {trainer} takes no epochs and iters from a study: {_HINT}")
    if len(study.seeds) > 1:
        raise UserError(f"trainer {trainer} takes no seeds, and the study has {len(study.seeds)}: {_HINT}")


def _all_different(rows: Sequence[_Row], file: Path) -> None:
    for index, row in enumerate(rows):
        for earlier, other in enumerate(rows[:index]):
            place = f"study {file}, networks[{index}]"
            if (row.meaning, row.origin.name) == (other.meaning, other.origin.name) and row.meets(other):
                raise UserError(f"{place} is networks[{earlier}] again: {row.trainer} with {row.origin.name}")
            if row.label == other.label:
                raise UserError(f"{place}: label {row.label!r} is that of networks[{earlier}], too")
            if row.origin.name == other.origin.name and row.origin != other.origin:
                raise UserError(f"{place} and networks[{earlier}] make plans {row.origin.name} from different things")
