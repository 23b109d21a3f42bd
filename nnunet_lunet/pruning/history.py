"""What left the network and when: a record that replays, and its picture."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from nnunet_lunet.pictures.palette import LINES
from nnunet_lunet.pruning.groups import Group
from nnunet_lunet.pruning.strategies import Removal


@dataclass
class Epoch:
    """State of one epoch.

    :param removed: channels that left at its beginning
    :param strategy: how they were chosen
    :param channels_per_layer: output channels of each prunable layer during the epoch
    :param channels_per_level: their sum by resolution level, each layer at its own, full resolution first
    :param parameters: trainable numbers of the network
    :param multiply_adds: of one pass over the plans' patch, as torch counts them (convolutions only)
    :param pseudo_dice: mean foreground pseudo Dice that nnU-Net computed at the epoch's end
    """

    epoch: int
    removed: list[Removal]
    strategy: str
    channels_per_layer: dict[str, int]
    channels_per_level: list[int]
    parameters: int
    multiply_adds: int
    pseudo_dice: float | None = None


@dataclass
class History:
    """All epochs of one training so far.

    :param seed: of the random draws, whether the trainer's name gave it or it was drawn
    :param importance: name of the importance
    :param by_layer: whether each layer was divided by the root of its summed squares
    :param marks: by the percentage of channels, the epoch whose network ``checkpoint_keep<percentage>.pth`` holds
    """

    seed: int
    importance: str
    by_layer: bool
    epochs: list[Epoch] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)

    def removed_per_group(self) -> dict[str, int]:
        """How many channels each group has lost."""
        lost: dict[str, int] = {}
        for removal in (removal for epoch in self.epochs for removal in epoch.removed):
            lost[removal.group] = lost.get(removal.group, 0) + 1
        return lost

    def fits(self, unpruned: Iterable[Group], present: Iterable[Group]) -> bool:
        """Whether the removals lead from the one network to the other."""
        lost = self.removed_per_group()
        expected = {group.name: group.channels - lost.get(group.name, 0) for group in unpruned}
        return expected == {group.name: group.channels for group in present}

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for a checkpoint or JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "History":
        """The inverse of :meth:`to_dict`.

        :raises KeyError, TypeError: an entry is missing or not one of a history
        """
        epochs = [
            Epoch(**{**epoch, "removed": [Removal(**one) for one in epoch["removed"]]}) for epoch in plain["epochs"]
        ]
        return cls(**{**plain, "epochs": epochs, "marks": dict(plain["marks"])})

    def write_json(self, file: IO[bytes]) -> None:
        """``pruning_history.json``."""
        # JSON has no NaN: an importance that is not a number is null.
        file.write(json.dumps(_without_nan(self.to_dict()), indent=1, allow_nan=False).encode())

    def draw(self, file: IO[bytes]) -> None:
        """``pruning_progress.png``: channels per level over the epochs, and pseudo Dice against parameters."""
        import matplotlib
        from matplotlib.figure import Figure

        # nnU-Net's own plot leaves seaborn's style with letters of two and a half times the size behind.
        with matplotlib.rc_context(matplotlib.rcParamsDefault):
            figure = Figure(figsize=(11, 4.5), layout="constrained", dpi=120)
            channels, dice = figure.subplots(1, 2)
            self._draw_channels(channels)
            self._draw_dice(figure, dice)
            figure.savefig(file, format="png", facecolor="white")

    def _draw_channels(self, axes: Any) -> None:
        from matplotlib.ticker import MaxNLocator

        epochs = [epoch.epoch for epoch in self.epochs]
        for level in range(len(self.epochs[0].channels_per_level)):
            counts = [epoch.channels_per_level[level] for epoch in self.epochs]
            axes.plot(
                epochs, counts, color=LINES[level % len(LINES)], drawstyle="steps-post", label=f"level {level}",
                marker=_MARKERS[level % len(_MARKERS)], markevery=max(1, len(epochs) // 12),
            )  # fmt: skip
        axes.set(xlabel="epoch", ylabel="prunable channels", title="Channels per level (0: full resolution)")
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False)

    def _draw_dice(self, figure: Any, axes: Any) -> None:
        from matplotlib.ticker import EngFormatter, MaxNLocator

        scored = [epoch for epoch in self.epochs if epoch.pseudo_dice is not None]
        parameters, scores = [epoch.parameters for epoch in scored], [epoch.pseudo_dice for epoch in scored]
        if scored:
            points = axes.scatter(
                parameters, scores, c=[epoch.epoch for epoch in scored], cmap="cividis", s=28, zorder=2
            )
            axes.plot(parameters, scores, color="0.75", linewidth=1, zorder=1)
            figure.colorbar(points, ax=axes, label="epoch").locator = MaxNLocator(integer=True)
        axes.set(xlabel="parameters", ylabel="pseudo Dice", title="Pseudo Dice against parameters")
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.invert_xaxis()


_MARKERS = "os^Dvp*X"


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_nan(entry) for entry in value]
    return value
