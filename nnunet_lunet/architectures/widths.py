"""Channels per stage. The only place that computes them; no torch."""

from collections.abc import Sequence

#: nnU-Net's planner stops doubling here (``UNet_max_features_2d`` and ``_3d``), by the number of dimensions.
MAX_FEATURES = {2: 512, 3: 320}

PROFILES = ("flat", "linear", "doubling")


def features_per_stage(profile: str, n_stages: int, width: int, max_features: int | None = None) -> list[int]:
    """Channels of each encoder stage, first stage first.

    ``flat``
        ``width`` at every stage (Lean Unet, arXiv 2512.03834).
    ``linear``
        ``width * (stage + 1)``: the first step doubles as in a U-Net, then every stage adds as many channels
        again. Channels that grow linearly with depth are the rule of ReXNet (arXiv 2007.00992, section 4).
    ``doubling``
        ``width * 2 ** stage`` up to ``max_features``: the U-Net as nnU-Net plans it.

    :param width: channels of the first stage, at least 1
    :param max_features: no stage gets more channels than this; None is no limit
    :raises ValueError: unknown profile, or a number below 1
    """
    if profile not in PROFILES:
        raise ValueError(f"width profile {profile!r} is unknown: use one of {', '.join(PROFILES)}")
    if n_stages < 1 or width < 1:
        raise ValueError(f"n_stages ({n_stages}) and width ({width}) must be at least 1")
    factor = {"flat": lambda stage: 1, "linear": lambda stage: stage + 1, "doubling": lambda stage: 2**stage}[profile]
    limit = max_features if max_features is not None else width * 2**n_stages
    return [min(width * factor(stage), limit) for stage in range(n_stages)]


def resolve(features: int | Sequence[int], profile: str | None, n_stages: int, dim: int) -> list[int]:
    """Channels per stage from what a plans file says.

    :param features: a width, to which ``profile`` applies (None: flat), or an explicit list of one entry a stage
    :param dim: 2 or 3 spatial dimensions, for nnU-Net's limit on doubling
    :raises ValueError: list of the wrong length, an entry below 1, or a list and a profile at once
    """
    if isinstance(features, int):
        profile = profile or "flat"
        limit = max(MAX_FEATURES[dim], features) if profile == "doubling" else None
        return features_per_stage(profile, n_stages, features, limit)
    if profile is not None:
        raise ValueError(f"features_per_stage is a list, so width_profile {profile!r} has no meaning: give one of them")
    if len(features) != n_stages or any(int(channels) < 1 for channels in features):
        raise ValueError(f"features_per_stage {list(features)} must hold {n_stages} numbers of at least 1")
    return [int(channels) for channels in features]
