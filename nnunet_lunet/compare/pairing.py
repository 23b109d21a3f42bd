"""What can be compared: the folds and the cases that all models have."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import combinations

from nnunet_lunet.compare.selection import Candidate
from nnunet_lunet.errors import UserError

#: Of many cases so many are named.
_NAMED = 20


def on_common_folds(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[str]]:
    """The models with the runs of those folds alone that all of them have, with all of their seeds; and notes.

    Folders of predictions have no fold and stay as they are.

    :raises UserError: no such fold
    """
    have = {
        (candidate.name, seed): {run.fold for run in candidate.runs if run.seed == seed}
        for candidate in candidates
        for seed in {run.seed for run in candidate.runs if run.fold is not None}
    }
    if not have:
        return list(candidates), []
    common = set.intersection(*have.values())
    missing = {key: set.union(*have.values()) - folds for key, folds in have.items()}
    told = "; ".join(
        f"{name}{'' if seed is None else f' seed {seed}'} lacks {_numbers(folds)}"
        for (name, seed), folds in missing.items()
        if folds
    )
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


def _predicted(candidates: Sequence[Candidate]) -> set[str]:
    return {case for candidate in candidates for run in candidate.runs for case in run.label_maps}


def _listed(cases: Collection[str]) -> str:
    """The first cases by name, and how many more."""
    first = sorted(cases)[:_NAMED]
    return ", ".join(first) + (f" and {len(cases) - len(first)} more" if len(cases) > len(first) else "")


def _cases(candidate: Candidate) -> set[str]:
    """Cases that a model has with all of its seeds; a case may be in any of its folds."""
    seeds = {run.seed for run in candidate.runs}
    return set.intersection(
        *({case for run in candidate.runs if run.seed == seed for case in run.label_maps} for seed in seeds)
    )


def _numbers(folds: Collection[str | None]) -> str:
    return f"fold{'s' * (len(folds) > 1)} {', '.join(sorted(map(str, folds)))}"
