"""What a profile consists of: plain data that the table and the files are made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.profile import measure

#: Names of the costs in the data, all of which have a ratio to the first network's.
COSTS = (
    "parameters", "multiply_adds", "activation_bytes", "weights_bytes", "seconds_per_training_step",
    "seconds_per_inference_patch", "peak_training_bytes", "peak_inference_bytes",
)  # fmt: skip
TIMES = ("seconds_per_training_step", "seconds_per_inference_patch")


@dataclass(frozen=True)
class NetworkProfile:
    """What one network costs; None where it was not measured, or the system does not tell.

    :param cost: what holds on every machine
    :param weights_bytes: size of a file with the weights alone
    :param checkpoint_bytes: size of the checkpoint that was profiled, optimiser state and logs in it
    :param seconds_per_training_step: with the batch size, on random numbers: without loading and augmentation
    :param seconds_per_inference_patch: one patch, one pass: nnU-Net's mirroring multiplies it
    :param peak_training_bytes: on a GPU of torch's allocator; on a CPU of the resident set, above ``process_bytes``
    :param process_bytes: what was resident before there was a network: Python and its libraries
    :param note: why something is missing
    """

    name: str
    dataset: str
    plans: str
    configuration: str
    trainer: str
    checkpoint: str | None
    network_class: str
    patch_size: list[int]
    batch_size: int
    cost: NetworkCost
    weights_bytes: int
    checkpoint_bytes: int | None
    seconds_per_training_step: measure.Distribution | None = None
    seconds_per_inference_patch: measure.Distribution | None = None
    peak_training_bytes: int | None = None
    peak_inference_bytes: int | None = None
    process_bytes: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Profile:
    """All that one call of ``lunet profile`` found. Ratios are to the first network.

    :param machine: see :func:`nnunet_lunet.profile.measure.machine`
    :param rounds: that count; 0 where nothing was timed
    """

    networks: list[NetworkProfile]
    rounds: int
    warm_up: int
    machine: dict[str, object]


def value(network: NetworkProfile, cost: str) -> Any:
    """One of :data:`COSTS`: a number, of times their distribution; None where there is none."""
    return getattr(network if hasattr(network, cost) else network.cost, cost)


def ratio(network: NetworkProfile, first: NetworkProfile, cost: str) -> float | None:
    """One of :data:`COSTS` as a multiple of the first network's; of times the median of each round's ratio."""
    own, base = value(network, cost), value(first, cost)
    if own is None or not base:
        return None
    if isinstance(own, measure.Distribution):
        return measure.ratios(own.values, base.values).median
    return float(own / base)


def ratios(profile: Profile) -> Iterator[dict[str, float | None]]:
    """For each network the ratios of all costs to the first network's."""
    for network in profile.networks:
        yield {cost: ratio(network, profile.networks[0], cost) for cost in COSTS}
