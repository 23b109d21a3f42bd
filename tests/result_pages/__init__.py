"""What pages of results say, made anew from ``benchmarks/data``.

A page is a module, named below. It has ``TABLES``, generators of rows in the page's order; ``SENTENCES``, generators
of phrases; and ``SETTINGS``, phrases whose numbers were chosen and not measured. Each phrase stands in the page once.
Where it claims what none of its numbers says, its generator asserts it.
"""

from result_pages import (
    demo,
    index,
    planner,
    presets,
    pruning,
    pruning_study,
    readme,
    recipe,
    step_time,
    table2,
    widths,
)

PAGES = {
    "README.md": readme,
    "docs/results/demo.md": demo,
    "docs/results/index.md": index,
    "docs/results/planner.md": planner,
    "docs/results/presets.md": presets,
    "docs/results/pruning.md": pruning,
    "docs/results/pruning_study.md": pruning_study,
    "docs/results/recipe.md": recipe,
    "docs/results/step_time.md": step_time,
    "docs/results/table2.md": table2,
    "docs/results/widths.md": widths,
}
