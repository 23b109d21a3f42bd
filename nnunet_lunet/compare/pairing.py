"""What can be compared: the folds and the cases that all models have."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import combinations

from nnunet_lunet.compare.selection import Candidate
from nnunet_lunet.errors import UserError

#: Of many cases so many are named.
_NAMED = 20
#: A model's name, and one of its seeds.
_Trained = tuple[str, int | None]


def most_in_common(candidates: Sequence[Candidate], baseline: str | None = None) -> tuple[list[Candidate], list[str]]:
    """The models worth comparing where nobody named any, without those that lack their folds; and a line on each.

    Of all sets of folds that is the one on which most is compared, models times folds: a model that has only begun is
    left out before all others lose folds to it. Of equals, the set with more models, then more seeds, then lower
    folds. A model stays with those of its seeds that have all of the folds, and two models stay where there are two.

    :param baseline: name of a model that stays
    :raises UserError: no two models have a fold in common
    """
    have = _folds(candidates)
    sets: set[frozenset[str | None]] = set()
    for folds in have.values():
        sets |= {folds} | {folds & other for other in sets}
    kept = {folds: [trained for trained, own in have.items() if folds <= own] for folds in sets if folds}

    fewest = min(2, len(candidates))
    models = {folds: {name for name, _ in trained} for folds, trained in kept.items()}
    possible = [
        folds for folds, names in models.items() if len(names) >= fewest and (baseline is None or baseline in names)
    ]
    if not possible:
        told = "; ".join(f"{_title(trained)} has {_numbers(folds)}" for trained, folds in have.items())
        who = "no two models have" if baseline is None else f"--baseline {baseline}: no other model has"
        raise UserError(f"{who} a fold in common: {told}; name one of them with -m, or train the same folds")

    def rank(folds: frozenset[str | None]) -> tuple:
        number = len(models[folds])
        return -number * len(folds), -number, -len(kept[folds]), sorted((len(str(fold)), str(fold)) for fold in folds)

    best = min(possible, key=rank)
    notes = [
        f"Not compared, because it lacks {_numbers(best - folds)}: {_title(trained)} "
        f"(-f {','.join(sorted(map(str, folds)))} takes it)."
        for trained, folds in have.items()
        if trained not in kept[best]
    ]
    staying = [
        replace(candidate, runs=[run for run in candidate.runs if (candidate.name, run.seed) in kept[best]])
        for candidate in candidates
    ]
    return [candidate for candidate in staying if candidate.runs], notes


def on_common_folds(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[str]]:
    """The models with the runs of those folds alone that all of them have, with all of their seeds; and notes.

    Folders of predictions have no fold and stay as they are.

    :raises UserError: no such fold
    """
    have = _folds(candidates)
    if not have:
        return list(candidates), []
    common = frozenset.intersection(*have.values())
    missing = {trained: frozenset.union(*have.values()) - folds for trained, folds in have.items()}
    told = "; ".join(f"{_title(trained)} lacks {_numbers(folds)}" for trained, folds in missing.items() if folds)
    if not common:
        raise UserError(f"no fold is validated for all models: {told}; choose models with -m")
    restricted = [
        replace(candidate, runs=[run for run in candidate.runs if run.fold is None or run.fold in common])
        for candidate in candidates
    ]
    return restricted, [f"Compared on {_numbers(common)} alone: {told}."] if told else []


def uneven_seeds(candidates: Sequence[Candidate]) -> list[str]:
    """A note where some models were trained with more seeds than others; their runs are compared all the same."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for candidate in candidates:
        named = {run.seed for run in candidate.runs if run.seed is not None}
        groups.setdefault(tuple(sorted(named)), []).append(candidate.name)
    if len({max(1, len(seeds)) for seeds in groups}) < 2:
        return []
    told = "; ".join(
        f"{', '.join(names)}: {', '.join(map(str, seeds)) if seeds else 'none named'}"
        for seeds, names in sorted(groups.items(), key=lambda group: -len(group[0]))
    )
    return [f"Not all models have the same number of seeds, so their means are not equally certain. Seeds of {told}."]


def single_networks(candidates: Sequence[Candidate]) -> list[str]:
    """A note where several folds of a model predicted the same cases, as those of a test set."""
    several = [
        candidate.name
        for candidate in candidates
        for seed in {run.seed for run in candidate.runs}
        if max(Counter(_cases_of(candidate, seed)).values(), default=0) > 1
    ]
    if not several:
        return []
    return [
        "Each fold's network predicted the same cases and is scored alone; of a case, the mean over folds counts. An "
        f"ensemble of the folds would score otherwise. Several folds: {', '.join(dict.fromkeys(several))}."
    ]


def common_cases(
    candidates: Sequence[Candidate], referenced: Collection[str]
) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """Cases that every model has with all of its seeds, by model those that it lacks and another has, and notes.

    :param referenced: cases with a reference
    :raises UserError: fewer than two cases are common
    """
    own = {candidate.name: _cases(candidate) & set(referenced) for candidate in candidates}
    anywhere = _predicted(candidates)
    if not anywhere & set(referenced):
        raise UserError(f"no predicted case has a reference (e.g. {min(anywhere)} has none): see --references")
    common = set.intersection(*own.values())
    if len(common) < 2:
        fewest = min(combinations(own, 2), key=lambda pair: len(own[pair[0]] & own[pair[1]]), default=(*own, *own))
        number = len(own[fewest[0]] & own[fewest[1]])
        raise UserError(
            f"{' and '.join(fewest)} have {number} cases in common, all models {len(common)}: a comparison needs two "
            "cases; choose models with -m"
        )
    known = anywhere & set(referenced)
    notes = [f"Left out, because there is no reference: {_listed(anywhere - known)}."] if anywhere - known else []
    return sorted(common), {name: sorted(known - cases) for name, cases in own.items() if known - cases}, notes


def unpredicted(candidates: Sequence[Candidate], referenced: Collection[str]) -> list[str]:
    """A note on the references that no model has a prediction for."""
    missing = set(referenced) - _predicted(candidates)
    return [f"Left out, because no model predicted it: {_listed(missing)}."] if missing else []


def undrawn(cases: Collection[str]) -> list[str]:
    """A note on the cases that have no image."""
    return [f"Without an image, so on black if drawn: {_listed(cases)}."] if cases else []


def _folds(candidates: Sequence[Candidate]) -> dict[_Trained, frozenset[str | None]]:
    return {
        (candidate.name, seed): frozenset(run.fold for run in candidate.runs if run.seed == seed)
        for candidate in candidates
        for seed in dict.fromkeys(run.seed for run in candidate.runs if run.fold is not None)
    }


def _title(trained: _Trained) -> str:
    name, seed = trained
    return name if seed is None else f"{name} seed {seed}"


def _predicted(candidates: Sequence[Candidate]) -> set[str]:
    return {case for candidate in candidates for run in candidate.runs for case in run.label_maps}


def _listed(cases: Collection[str]) -> str:
    """The first cases by name, and how many more."""
    first = sorted(cases)[:_NAMED]
    return ", ".join(first) + (f" and {len(cases) - len(first)} more" if len(cases) > len(first) else "")


def _cases(candidate: Candidate) -> set[str]:
    """Cases that a model has with all of its seeds; a case may be in any of its folds."""
    seeds = {run.seed for run in candidate.runs}
    return set.intersection(*(set(_cases_of(candidate, seed)) for seed in seeds))


def _cases_of(candidate: Candidate, seed: int | None) -> list[str]:
    """Cases of all folds of one seed; one that several folds predicted is there several times."""
    return [case for run in candidate.runs if run.seed == seed for case in run.label_maps]


def _numbers(folds: Collection[str | None]) -> str:
    return f"fold{'s' * (len(folds) > 1)} {', '.join(sorted(map(str, folds)))}"
