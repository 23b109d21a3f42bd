"""Which model of one data set is which of another, and whether their comparisons may be put together."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from nnunet_lunet.compare import words
from nnunet_lunet.compare.record import PRIMARY_ENDPOINT, Comparison, Model
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints

#: What a model is: trainer without seed, plans, checkpoint and, where it has to, configuration; or a name.
_Key = tuple[str, ...]


@dataclass(frozen=True)
class Matched:
    """:param names: by name over data sets, the model's own name in each data set that has it; the baseline first"""

    names: dict[str, dict[str, str]]
    baseline: str


def match(comparisons: Mapping[str, Comparison]) -> Matched:
    """The models of all data sets, by what they are: trainer without its seed, and plans.

    The configuration may differ from data set to data set, as some have only ``2d``; it tells models apart where a data
    set has two configurations of one. A folder of predictions of which nothing is known is what it is called.

    :param comparisons: by data set
    :raises UserError: fewer than two data sets, baselines or margins that differ, or a data set without a difference
    """
    if len(comparisons) < 2:
        raise UserError("over data sets there must be two or more: name them with -d, or their comparisons with --from")
    _check(comparisons)
    keys = _keys(comparisons)
    baselines = {dataset: keys[dataset][comparison.baseline] for dataset, comparison in comparisons.items()}
    if len(set(baselines.values())) > 1:
        told = ", ".join(f"{dataset} {comparison.baseline}" for dataset, comparison in comparisons.items())
        raise UserError(f"the baselines differ: {told}; compare again with one --baseline that all have")
    baseline, *_ = baselines.values()
    by_key: dict[_Key, dict[str, str]] = {baseline: {}}
    for dataset, own in keys.items():
        for name, key in own.items():
            by_key.setdefault(key, {})[dataset] = name
    labels = _labels(by_key)
    for label, times in Counter(labels.values()).items():
        if times > 1:
            raise UserError(
                f"two different models are named {label!r}: give each a name of its own with -m NAME=TRAINER"
            )
    return Matched({labels[key]: names for key, names in by_key.items()}, labels[baseline])


def check_margins(margins: Mapping[str, float | None]) -> None:
    """:param margins: of the primary endpoint's metric, by data set; None without one
    :raises UserError: they differ
    """
    if len(set(margins.values())) > 1:
        metric = PRIMARY_ENDPOINT[1]
        told = ", ".join(
            f"{dataset} {'none' if limit is None else words.margin(limit, metric)}"
            for dataset, limit in margins.items()
        )
        raise UserError(f"the margins of {metric} differ: {told}; compare again with one --margin")


def _check(comparisons: Mapping[str, Comparison]) -> None:
    label, metric = PRIMARY_ENDPOINT
    for dataset, comparison in comparisons.items():
        if not any(test.is_primary for test in comparison.tests):
            raise UserError(
                f"{dataset}: its comparison has no difference in {label} {metric}; it needs two models with two cases"
            )
    check_margins({dataset: comparison.margins.get(metric) for dataset, comparison in comparisons.items()})


def _keys(comparisons: Mapping[str, Comparison]) -> dict[str, dict[str, _Key]]:
    """By data set, what each of its models is."""
    for with_configuration in (False, True):
        keys = {
            dataset: {model.name: _key(model, with_configuration) for model in comparison.models}
            for dataset, comparison in comparisons.items()
        }
        twice = {
            dataset: key for dataset, own in keys.items() for key, times in Counter(own.values()).items() if times > 1
        }
        if not twice:
            return keys
    dataset, key = next(iter(twice.items()))
    raise UserError(f"{dataset}: two of its models are {':'.join(filter(None, key))}; name those to compare with -m")


def _key(model: Model, with_configuration: bool) -> _Key:
    if model.trainer is None or model.plans is None:
        return (model.name,)
    configuration = [model.configuration or ""] if with_configuration else []
    made_by = model.checkpoint or checkpoints.FINAL
    return (model.trainer, model.plans, *configuration, "" if made_by == checkpoints.FINAL else made_by)


def _labels(by_key: Mapping[_Key, Mapping[str, str]]) -> dict[_Key, str]:
    """The name that all data sets give to a model and to no other; else what it is."""
    given = {key: set(names.values()) for key, names in by_key.items()}
    often = Counter(name for names in given.values() for name in names)
    return {
        key: next(iter(names)) if len(names) == 1 and often[next(iter(names))] == 1 else ":".join(filter(None, key))
        for key, names in given.items()
    }
