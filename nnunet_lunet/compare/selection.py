"""Which trained models are compared, by name."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nnunet_lunet.errors import UserError, did_you_mean
from nnunet_lunet.host import results
from nnunet_lunet.trainers import names

#: Trainer without the seed, plans, configuration.
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Run:
    """Predictions of one training, or of one folder.

    :param folder: the fold's folder; None for a folder of predictions of which nothing is known
    :param label_maps: by case
    """

    fold: str | None
    seed: int | None
    folder: Path | None
    label_maps: dict[str, Path]


@dataclass(frozen=True)
class Candidate:
    """A model with all its runs that have predictions.

    :param trainer: its name without the seed
    :param checkpoint: file name of the checkpoints that predicted, where the user names it; None for validations and
        for predictions of which nothing is known
    """

    name: str
    trainer: str | None
    plans: str | None
    configuration: str | None
    runs: list[Run]
    checkpoint: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What a user asks for; see ``lunet compare --help``.

    :param models: each [NAME=]TRAINER[:PLANS[:CONFIGURATION]]; none for all
    :param folds: none for all but ``all``, whose validation is on its own training cases
    """

    models: Sequence[str]
    folds: Sequence[str]
    plans: str | None
    configuration: str | None


def trained(dataset: str, ending: str, wanted: Wanted) -> tuple[list[Candidate], list[str]]:
    """Trained models of a data set, and notes on what was found but not taken.

    :param ending: of the names of label maps
    :raises UserError: no results, a model without results, or one that is asked for twice
    """
    present = results.folds(dataset)
    if not any(fold.is_validated for fold in present):
        raise UserError(f"-d {dataset}: nnUNet_results has no fold of it with a finished validation; train one first")
    chosen, given = _of_names(present, wanted) if wanted.models else (_of(present, None, wanted), {})
    validated = [fold for fold in chosen if fold.is_validated]
    if not validated:
        raise UserError(f"-d {dataset}: no results with {_options(wanted)}; there are {_listed(present)}")
    asked = wanted.folds or sorted({fold.fold for fold in validated} - {"all"})
    kept = [fold for fold in validated if fold.fold in asked]
    lacking = sorted({_spec(fold) for fold in validated} - {_spec(fold) for fold in kept})
    if not kept or (wanted.models and lacking):
        which = f"-f {','.join(wanted.folds)}" if wanted.folds else "folds other than all (-f all takes it)"
        raise UserError(f"{which}: not validated for {', '.join(lacking)}")
    notes = _unfinished([fold for fold in chosen if fold.fold in (wanted.folds or [fold.fold])])
    if nowhere := [fold for fold in wanted.folds if fold not in {other.fold for other in validated}]:
        notes.append(f"No model has a finished validation of fold {', '.join(nowhere)}.")
    if lacking:
        notes.append(f"Not compared, because none of folds {', '.join(asked)} is validated: {', '.join(lacking)}.")
    if "all" in asked:
        notes.append("Fold all is validated on the cases that it was trained on.")
    return _grouped(kept, ending, given), notes


def lacking(dataset: str, wanted: Wanted) -> list[str]:
    """Those of ``wanted.models`` that the data set has no fold with a finished validation of.

    :raises UserError: one of another form
    """
    present = results.folds(dataset)
    return [
        asked
        for asked in wanted.models
        if not any(fold.is_validated for fold in _of(present, asked.rpartition("=")[2], wanted))
    ]


def check_names(candidates: Sequence[Candidate]) -> None:
    """:raises UserError: two models of one name"""
    for name, number in Counter(candidate.name for candidate in candidates).items():
        if number > 1:
            raise UserError(f"two models are named {name!r}: give each -m and --predictions a name of its own")


def find(name: str, candidates: Sequence[Candidate], option: str) -> Candidate:
    """The model of that name, or the one that TRAINER[:PLANS[:CONFIGURATION]] stands for.

    :raises UserError: none, or more than one
    """
    for candidate in candidates:
        if candidate.name == name:
            return candidate
    words = name.split(":")
    found = [
        candidate for candidate in candidates
        if candidate.checkpoint is None
        and words == [candidate.trainer, candidate.plans, candidate.configuration][: len(words)]
    ]  # fmt: skip
    if len(found) != 1:
        what = "stands for several models" if found else "is none of the models"
        raise UserError(f"{option} {name!r} {what}{_nearest(name, [candidate.name for candidate in candidates])}")
    return found[0]


def _of_names(present: Sequence[results.Fold], wanted: Wanted) -> tuple[list[results.Fold], dict[Key, str]]:
    """Folds that are asked for, and the names that the user gives to models."""
    chosen: list[results.Fold] = []
    given: dict[Key, str] = {}
    for asked in wanted.models:
        name, equals, spec = asked.rpartition("=")
        if equals and not name.strip():
            raise UserError(f"-m {asked!r}: write a name before =, or only TRAINER[:PLANS[:CONFIGURATION]]")
        found = _of(present, spec, wanted)
        if not any(fold.is_validated for fold in found):
            known = sorted({_spec(fold) for fold in present if fold.is_validated})
            with_options = f" with {_options(wanted)}" if _options(wanted) else ""
            what = "has no fold with a finished validation" if found else f"is not there{with_options}"
            raise UserError(f"-m {spec!r} {what}{_nearest(spec, known)}")
        if any(fold in chosen for fold in found):
            raise UserError(f"-m {spec!r} asks for a model that an earlier -m asks for, too")
        if equals:
            keys = {key_of(fold) for fold in found if fold.is_validated}
            if len(keys) > 1:
                several = ", ".join(sorted(map(":".join, keys)))
                raise UserError(f"-m {asked!r} names {len(keys)} models: {several}; say which")
            if given.setdefault(key := keys.pop(), name) != name:
                raise UserError(f"-m {asked!r}: an earlier -m names this model {given[key]!r}")
        chosen += found
    return chosen, given


def _of(present: Sequence[results.Fold], spec: str | None, wanted: Wanted) -> list[results.Fold]:
    """Folds that a name stands for; what it leaves open may be anything, or what ``-p`` and ``-c`` say."""
    words = spec.split(":") if spec is not None else []
    if len(words) > 3 or "" in words:
        raise UserError(f"-m {spec!r}: write TRAINER, TRAINER:PLANS or TRAINER:PLANS:CONFIGURATION")
    given = dict(zip(("trainer", "plans", "configuration"), words, strict=False))
    trainer = given.get("trainer")
    plans, configuration = given.get("plans", wanted.plans), given.get("configuration", wanted.configuration)
    return [
        fold for fold in present
        if trainer in (None, fold.trainer, names.without_seed(fold.trainer))
        and plans in (None, fold.plans) and configuration in (None, fold.configuration)
    ]  # fmt: skip


def key_of(fold: results.Fold) -> Key:
    """What the folds and seeds of one model have in common."""
    return names.without_seed(fold.trainer), fold.plans, fold.configuration


def _grouped(folds: Sequence[results.Fold], ending: str, given: Mapping[Key, str]) -> list[Candidate]:
    groups: dict[Key, list[results.Fold]] = {}
    for fold in folds:
        groups.setdefault(key_of(fold), []).append(fold)
    candidates = []
    for key, members in groups.items():
        runs = [
            Run(fold.fold, seed_of(fold.trainer), fold.folder, results.label_maps(fold.folder / "validation", ending))
            for fold in members
        ]
        for (number, seed), times in Counter((run.fold, run.seed) for run in runs).items():
            if times > 1:
                folders = ", ".join(sorted({fold.trainer for fold in members}))
                raise UserError(f"fold {number}, seed {seed} of {':'.join(key)} is there twice ({folders}); remove one")
        candidates.append(Candidate(given.get(key) or name_of(key, groups), *key, runs))
    return candidates


def name_of(key: Key, keys: Iterable[Key]) -> str:
    """As short as tells all models apart, and a name that ``-m`` takes."""
    _, plans, configurations = (set(column) for column in zip(*keys, strict=True))
    return ":".join(key[: 3 if len(configurations) > 1 else 2 if len(plans) > 1 else 1])


def seed_of(trainer: str) -> int | None:
    """The seed that a trainer's name says; None where it says none, or is not of our grammar."""
    try:
        return names.parse(trainer).seed
    except names.TrainerNameError:
        return None


def _unfinished(chosen: Sequence[results.Fold]) -> list[str]:
    folds: dict[str, list[str]] = {}
    for fold in chosen:
        if not fold.is_validated:
            folds.setdefault(_spec(fold), []).append(fold.fold)
    return [
        f"Not compared, because its validation is not finished: fold{'s' * (len(of_model) > 1)} {', '.join(of_model)} "
        f"of {model}."
        for model, of_model in folds.items()
    ]


def _spec(fold: results.Fold) -> str:
    return f"{fold.trainer}:{fold.plans}:{fold.configuration}"


def _options(wanted: Wanted) -> str:
    given = {"-p": wanted.plans, "-c": wanted.configuration}
    return " ".join(f"{option} {value}" for option, value in given.items() if value is not None)


def _listed(folds: Sequence[results.Fold]) -> str:
    return ", ".join(sorted(set(map(_spec, folds))))


def _nearest(name: str, known: Sequence[str]) -> str:
    return f": {did_you_mean(name, known, cutoff=0.4) or 'there are ' + ', '.join(known)}"
