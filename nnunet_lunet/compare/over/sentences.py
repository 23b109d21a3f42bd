"""What several data sets show of each model, in words."""

from nnunet_lunet.compare import words
from nnunet_lunet.compare.over import table
from nnunet_lunet.compare.over.record import OverDatasets
from nnunet_lunet.compare.record import PRIMARY_ENDPOINT


def findings(over: OverDatasets) -> dict[str, str]:
    """A sentence a model but the baseline, without its name."""
    ranks = {rank.model: rank for rank in over.overall.ranks} if over.overall else {}
    found = {}
    for model in over.models:
        if model == over.baseline:
            continue
        parts = [_counted(model, over)]
        if model in over.means:
            parts.append(f"mean difference {table.mean_text(over.means[model])} {words.unit(PRIMARY_ENDPOINT[1])}")
        if model in ranks:
            parts.append(f"mean rank {table.mean_rank(ranks[model])} of {len(ranks)}")
        else:
            parts.append(f"in {table.present(over, model)} data sets, so without mean and rank")
        found[model] = "; ".join(parts) + "."
    return found


def _counted(model: str, over: OverDatasets) -> str:
    count = over.counts[model]
    if not count.verdicts or over.margin is None:
        return "no verdict in any data set"
    text = f"non-inferior in {count.non_inferior} of {count.verdicts}"
    more = f", in {count.corrected} corrected over all models and data sets"
    unsaid = f" (no verdict in {others})" if (others := _tested(over, model) - count.verdicts) else ""
    return text + more + unsaid


def _tested(over: OverDatasets, model: str) -> int:
    return sum(cell.model == model and cell.test is not None for cell in over.cells)
