"""Channels per stage. The only place that computes them; no torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: nnU-Net's planner stops doubling here (``UNet_max_features_2d`` and ``_3d``), by the number of dimensions.
MAX_FEATURES = {2: 512, 3: 320}


@dataclass(frozen=True)
class Profile:
    """How the channels of a stage follow from those of the first.

    :param factor: of the first stage's channels, for each stage counted from 0
    :param about: one sentence, with the source
    :param is_limited: whether nnU-Net's limit on channels (:data:`MAX_FEATURES`) holds
    :param is_option: whether names of ``LUnetTrainer`` take it as an option
    """

    factor: Callable[[int], int]
    about: str
    is_limited: bool = False
    is_option: bool = False


PROFILES = {
    "flat": Profile(lambda stage: 1, "the first stage's channels at every stage (Lean Unet, arXiv 2512.03834)"),
    "linear": Profile(
        lambda stage: stage + 1,
        "as many channels more at every stage as the first has (ReXNet, arXiv 2007.00992, section 4)",
        is_option=True,
    ),
    "doubling": Profile(
        lambda stage: 2**stage, "twice the channels at every stage, up to nnU-Net's limit: the U-Net", is_limited=True
    ),
}


def features_per_stage(profile: str, n_stages: int, width: int, max_features: int | None = None) -> list[int]:
    """Channels of each encoder stage, first stage first.

    :param profile: one of :data:`PROFILES`
    :param width: channels of the first stage, at least 1
    :param max_features: no stage gets more channels than this; None is no limit
    :raises ValueError: unknown profile, or a number below 1
    """
    if profile not in PROFILES:
        raise ValueError(f"width profile {profile!r} is unknown: use one of {', '.join(PROFILES)}")
    if n_stages < 1 or width < 1:
        raise ValueError(f"n_stages ({n_stages}) and width ({width}) must be at least 1")
    features = [width * PROFILES[profile].factor(stage) for stage in range(n_stages)]
    return features if max_features is None else [min(channels, max_features) for channels in features]


def resolve(features: int | Sequence[int], profile: str | None, n_stages: int, dim: int) -> list[int]:
    """Channels per stage from what a plans file says.

    :param features: a width, to which ``profile`` applies (None: flat), or an explicit list of one entry a stage
    :param dim: 2 or 3 spatial dimensions, for nnU-Net's limit on doubling
    :raises ValueError: list of the wrong length, an entry below 1, or a list and a profile at once
    """
    if isinstance(features, int):
        profile = profile or "flat"
        is_limited = profile in PROFILES and PROFILES[profile].is_limited
        return features_per_stage(profile, n_stages, features, max(MAX_FEATURES[dim], features) if is_limited else None)
    if profile is not None:
        raise ValueError(f"features_per_stage is a list, so width_profile {profile!r} has no meaning: give one of them")
    if len(features) != n_stages or any(int(channels) < 1 for channels in features):
        raise ValueError(f"features_per_stage {list(features)} must hold {n_stages} numbers of at least 1")
    return [int(channels) for channels in features]
