"""What follows from the scores of a comparison that is there already."""

from dataclasses import replace

from nnunet_lunet.compare import analysis, failures, notes
from nnunet_lunet.compare.record import Comparison


def evaluated(comparison: Comparison) -> Comparison:
    """Means, intervals and verdicts from its scores, baseline and margins, and the notes that go with them."""
    scores, baseline, margins = comparison.scores, comparison.baseline, comparison.margins
    groups = comparison.groups
    tests, untested = analysis.tests(scores, baseline, margins, groups)
    return replace(
        comparison,
        summaries=analysis.summaries(scores, groups),
        tests=tests,
        sensitivity=failures.sensitivity(scores, comparison.left_out_scores, comparison.diagonals, baseline, groups),
        notes=[
            *untested,
            *notes.of_tests(tests),
            *notes.of_failures(scores, comparison.diagonals),
            *(note for note in comparison.notes if not note.startswith(notes.OF_RESULTS)),
            *notes.of_statistics(margins, comparison.margin_reason, tests, groups),
        ],
    )
