"""What came out for one network."""

from dataclasses import dataclass
from pathlib import Path

from nnunet_lunet.demo.lengths import BLOCK, Length
from nnunet_lunet.host import results


@dataclass(frozen=True)
class Row:
    """One network's line of the table.

    :param label: short name, e.g. ``flat 16``
    :param seconds_per_block: measured before the training, which its length follows from
    :param evaluation: of the unseen cases
    :param predictions: folder of their label maps
    """

    label: str
    length: Length
    seconds_per_block: float
    fold: results.TrainedFold
    evaluation: results.Evaluation
    predictions: Path

    @property
    def steps(self) -> int:
        """Training iterations in nnU-Net's log."""
        return len(self.fold.seconds) * self.length.iters

    @property
    def minutes(self) -> float:
        """That all epochs took by nnU-Net's time stamps, their validation iterations included."""
        return self.fold.seconds[-1] / 60

    def as_json(self, labels: dict[int, str]) -> dict[str, object]:
        return {
            "network": self.label,
            "trainer": self.fold.trainer,
            "parameters": self.fold.network.parameters,
            "epochs": len(self.fold.seconds),
            "steps": self.steps,
            "minutes": self.minutes,
            "seconds_per_iteration": self.fold.seconds_per_iteration,
            "seconds_per_iteration_before": self.seconds_per_block / BLOCK,
            "dice": {name: self.evaluation.mean_dice[value] for value, name in labels.items()},
            "foreground_dice": self.evaluation.foreground_dice,
            "dice_per_case": self.evaluation.dice_per_case,
        }
