"""What a profile consists of: plain data that the table and the files are made from."""

from collections.abc import Iterator
from dataclasses import dataclass

from nnunet_lunet.profile import measure

#: Names of the costs in the data, all of which have a ratio to the first network's.
COSTS = (
    "parameters", "multiply_adds", "activation_bytes", "weights_bytes", "seconds_per_training_step",
    "seconds_per_inference_patch", "peak_training_bytes", "peak_inference_bytes",
)  # fmt: skip
TIMES = ("seconds_per_training_step", "seconds_per_inference_patch")


@dataclass(frozen=True)
class Network:
    """What one network costs; None where it was not measured, or the system does not tell.

    :param parameters: all of them, those of the deep supervision heads among them
    :param multiply_adds: of one pass of one patch, as at prediction
    :param activation_bytes: kept for the backward pass of one patch, in single precision
        (:func:`nnunet_lunet.architectures.cost.activation_memory`)
    :param weights_bytes: size of a file with the weights alone
    :param checkpoint_bytes: size of the checkpoint that was profiled, optimiser state and logs in it
    :param channels_per_level: see :class:`nnunet_lunet.host.networks.NetworkCost`
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
    parameters: int
    multiply_adds: int
    activation_bytes: int
    weights_bytes: int
    checkpoint_bytes: int | None
    channels_per_level: list[int]
    seconds_per_training_step: measure.Spread | None = None
    seconds_per_inference_patch: measure.Spread | None = None
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

    networks: list[Network]
    rounds: int
    warm_up: int
    machine: dict[str, object]


def ratio(network: Network, first: Network, cost: str) -> float | None:
    """One of :data:`COSTS` as a multiple of the first network's; of times the median of each round's ratio."""
    own, base = getattr(network, cost), getattr(first, cost)
    if own is None or not base:
        return None
    if isinstance(own, measure.Spread):
        return measure.ratios(own.values, base.values).median
    return float(own / base)


def ratios(profile: Profile) -> Iterator[dict[str, float | None]]:
    """For each network the ratios of all costs to the first network's."""
    for network in profile.networks:
        yield {cost: ratio(network, profile.networks[0], cost) for cost in COSTS}
