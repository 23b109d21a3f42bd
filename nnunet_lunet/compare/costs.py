"""What the compared models cost, and how they learned, from what their trainings left."""

from collections.abc import Callable
from statistics import median, median_low

from nnunet_lunet.compare.record import Cost, LearningCurve
from nnunet_lunet.compare.selection import Candidate
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import checkpoints, networks, results


def cost(
    candidate: Candidate, on_run: Callable[[], None] = lambda: None
) -> tuple[Cost, list[LearningCurve], list[str]]:
    """Cost of a model, how its runs learned, and notes on what could not be told.

    Of predictions of a checkpoint on the way, all is up to that checkpoint. Seconds are of all runs; the network is
    that of the run with the median number of parameters (pruning gives each run a size of its own).

    :param on_run: called after each run's checkpoint
    """
    checkpoint = candidate.checkpoint or checkpoints.FINAL
    trained, curves, notes = {}, [], []
    for run in candidate.runs:
        if run.folder is not None:
            try:
                fold = trained[run.folder] = results.trained_fold(run.folder, 1, checkpoint)
                curves.append(LearningCurve(candidate.name, run.fold, run.seed, fold.seconds, fold.pseudo_dice))
            except UserError as error:
                notes.append(f"Cost of {candidate.name}: {error.message}.")
        on_run()
    if not trained:
        return Cost(), [], notes
    middle = median_low(_size(fold) for fold in trained.values())
    peaks = {fold.device: fold.peak_memory for fold in sorted(trained.values(), key=_peak) if fold.peak_memory}
    device, memory = next(iter(peaks.items()), (None, None))
    if len(peaks) > 1:
        kinds = sorted(kind or "a device that is not told" for kind in peaks)
        notes.append(f"Peak memory of {candidate.name} is not shown: its runs are of {' and '.join(kinds)}.")
        device = memory = None
    seconds = median(fold.seconds_per_iteration for fold in trained.values())
    folder = next(folder for folder, fold in trained.items() if _size(fold) == middle)
    try:
        network = networks.cost_of_fold(folder, checkpoint)
    except UserError as error:
        notes.append(f"Multiply-adds and channels of {candidate.name}: {error.message}.")
        network = trained[folder].network
    found = Cost(network, seconds, memory, device)
    return found, curves, notes


def _size(fold: results.TrainedFold) -> int:
    return fold.network.parameters or 0


def _peak(fold: results.TrainedFold) -> int:
    return fold.peak_memory or 0
