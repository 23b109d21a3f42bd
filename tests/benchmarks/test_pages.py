"""The figures of the pages in ``docs/results`` are those of the data, and what the pages name is there."""

import csv
import gzip
import json
import re
from pathlib import Path

import pytest

from benchmarks import comparison_page, packed, planner, pool, study_table
from nnunet_lunet.compare import files
from nnunet_lunet.numbers import p_value, signed
from nnunet_lunet.profile import measure

ROOT = Path(__file__).parents[2]
DATA, RESULTS = ROOT / "benchmarks" / "data", ROOT / "docs" / "results"
OVERVIEW = ROOT / "benchmarks" / "README.md"
PAGES = [*sorted(RESULTS.rglob("*.md")), OVERVIEW]
STUDIES = {"table2": "table2.md", "widths": "widths.md", "widths_short": "widths.md"}
COMPARISONS = sorted(DATA.rglob("*.json.gz"))
PAIRS = {
    "flat2": ["U-Net 2", "LUnet 12 (as U-Net 2)"],
    "flat1": ["U-Net 1", "LUnet 6 (as U-Net 1)"],
    "noskip2": ["U-Net 2 without skips", "LUnet 13 without skips"],
    "noskip1": ["U-Net 1 without skips", "LUnet 6 without skips"],
    "prune": ["STAMP", "random at STAMP's layer", "random at the largest layer"],
}
STRATEGIES = [
    "STAMP", "STAMP with targeted dropout", "random at STAMP's layer", "random at the largest layer", "no information",
]  # fmt: skip
#: Study and models, the first as the baseline.
PRUNING_PAIRS = {
    "strategies": ("paper", STRATEGIES),
    "importances": ("importances", ["l2", "taylor", "fisher", "no information"]),
    "noise": ("importances", ["no information", "taylor", "fisher"]),
    "bottleneck_skips": ("bottleneck", ["bottleneck 64", "bottleneck 1"]),
    "bottleneck_noskip": ("bottleneck", ["bottleneck 64 without skips", "bottleneck 1 without skips"]),
}


def name(path):
    return str(path.relative_to(ROOT))


def lines(page):
    return (RESULTS / page).read_text().splitlines()


def read(file):
    return json.loads((DATA / file).read_text())


def rows_of(file):
    return list(csv.DictReader(file.read_text().splitlines()))


def numbers(row):
    """Those of a line of CSV that are some."""
    words = ("model", "baseline", "label", "metric", "verdict", "verdict_alone", "unit")
    return {key: float(value) for key, value in row.items() if value and key not in words}


@pytest.mark.parametrize("file", COMPARISONS, ids=name)
def test_each_comparison_can_be_read(file):
    comparison = packed.read(file)
    assert {score.model for score in comparison.scores} == {model.name for model in comparison.models}
    assert all(model.cost.network.parameters and model.cost.network.multiply_adds for model in comparison.models)
    # Where it was made is nobody's business, and the files that it names are not there.
    assert comparison.worst == [] and not re.search(
        r'"[^"]*(?<!\w)/(?:home|root|tmp|work)/', gzip.decompress(file.read_bytes()).decode()
    )


@pytest.mark.parametrize("study", STUDIES)
def test_a_studys_comparison_on_its_page_and_in_its_tables(study, capsys, tmp_path):
    file = DATA / study / "comparison.json.gz"
    comparison_page.main([str(file)])
    assert capsys.readouterr().out == (RESULTS / study / "comparison.md").read_text()
    files.write(packed.read(file), tmp_path, overwrite=True)
    for kind in ("summary.csv", "tests.csv"):
        assert (tmp_path / kind).read_text() == (DATA / study / kind).read_text()
    study_table.main([str(file)])
    assert set(capsys.readouterr().out.splitlines()) <= set(lines(STUDIES[study]))


@pytest.mark.parametrize(
    ("models", "expected"),
    [([], "tests.csv"), *((models, f"pairs/{pair}.csv") for pair, models in PAIRS.items())],
    ids=["all", *PAIRS],
)
def test_the_parts_give_the_tests_of_table_2(tmp_path, models, expected):
    parts = [str(file) for file in sorted((DATA / "table2" / "parts").iterdir())]
    pool.main([*parts, "--output", str(tmp_path), *(each for model in models for each in ("-m", model))])
    made, kept = map(rows_of, (tmp_path / "tests.csv", DATA / "table2" / expected))
    assert len(made) == len(kept) > 0
    for row, known in zip(made, kept, strict=True):
        assert {**row, **numbers(row)} == {**known, **{key: pytest.approx(n) for key, n in numbers(known).items()}}


def rows_of_pair(file):
    """Model, interval, corrected p and verdict, as pages show them."""
    for row in rows_of(file):
        if (row["label"], row["metric"]) == ("foreground", "dice"):
            difference, low, high = (signed(100 * float(row[key]), 1) for key in ("difference", "low", "high"))
            yield row["model"], f"{difference} ({low} to {high})", p_value(float(row["p_holm"])), row["verdict"]


@pytest.mark.parametrize("pair", PAIRS)
def test_pairs_of_table_2_on_its_page(pair):
    page = "\n".join(lines("table2.md"))
    for cells in rows_of_pair(DATA / "table2" / "pairs" / f"{pair}.csv"):
        linked = f"[{cells[1]}](../../benchmarks/data/table2/pairs/{pair}.csv)"
        assert (f"| {' | '.join(cells)} |" if pair == "prune" else linked) in page


@pytest.mark.parametrize("file", sorted((DATA / "pruning_study").glob("*.json.gz")), ids=name)
def test_comparisons_of_the_pruning_study_on_its_page(file, capsys):
    study_table.main([str(file)])
    assert set(capsys.readouterr().out.splitlines()) <= set(lines("pruning_study.md"))


@pytest.mark.parametrize("pair", PRUNING_PAIRS)
def test_pairs_of_the_pruning_study_on_its_page(pair, tmp_path):
    study, models = PRUNING_PAIRS[pair]
    kept = DATA / "pruning_study" / "pairs" / f"{pair}.csv"
    chosen = [each for model in models for each in ("-m", model)]
    pool.main([str(DATA / "pruning_study" / f"{study}.json.gz"), "--output", str(tmp_path), *chosen])
    made = [*rows_of_pair(tmp_path / "tests.csv")]
    assert made == [*rows_of_pair(kept)] and len(made) == len(models) - 1
    assert {f"| {' | '.join(cells)} |" for cells in made} <= set(lines("pruning_study.md"))


#: Part of a trainer's name, for the strategy's row.
STRATEGY = {
    "_stamp_keep": "STAMP", "_randomAtStamp_": "random at STAMP's layer", "_none_": "no information",
    "_randomAtLargest_": "random at the largest layer", "UNetTrainer": "U-Net 4",
}  # fmt: skip


def strategy(trainer):
    return next(name for part, name in STRATEGY.items() if part in trainer)


def test_what_half_of_the_channels_leave_and_cost_is_on_the_page():
    page = lines("pruning_study.md")
    runs = [json.loads(line) for line in (DATA / "pruning_study" / "levels.jsonl").read_text().splitlines()]
    assert len(runs) == 4 * 2
    for run in runs:
        left, taken = (", ".join(map(str, run[key])) for key in ("after", "taken"))
        share = 100 * sum(run["taken"][-2:]) / sum(run["taken"])
        cells = [strategy(run["trainer"]), run["trainer"][-1], left, taken, f"{share:.0f} %"]
        assert f"| {' | '.join(cells)} |" in page
    for row in rows_of(DATA / "pruning_study" / "half_cost.csv"):
        ratios = {key: f"{float(value):.2f}" for key, value in row.items() if key.endswith("_ratio")}
        step = "seconds_per_training_step"
        times = [1000 * float(row[f"{step}{end}"]) for end in ("", "_low_quartile", "_high_quartile")]
        cells = [
            strategy(row["trainer"]), f"{int(row['parameters']):,}",
            *(ratios[f"{key}_ratio"] for key in ("parameters", "multiply_adds", "activation_bytes")),
            "{:.0f} ({:.0f}–{:.0f})".format(*times), ratios[f"{step}_ratio"], ratios["peak_training_bytes_ratio"],
        ]  # fmt: skip
        assert f"| {' | '.join(cells)} |" in page


def test_the_plans_on_their_page():
    rows = [planner.Row(**row) for row in json.loads((DATA / "planner" / "planner.json").read_text())]
    assert len(rows) == len(planner.FINGERPRINTS) * (1 + len(planner.WIDTHS))
    assert {planner.line(row) for row in rows} <= set(lines("planner.md"))


def test_where_pruning_took_channels_from_is_on_the_page():
    page = (RESULTS / "table2.md").read_text()
    runs = [json.loads(line) for line in (DATA / "table2" / "levels.jsonl").read_text().splitlines()]
    assert len(runs) == 9
    for run in runs:
        after, taken = (", ".join(map(str, run[key])) for key in ("after", "taken"))
        assert f"| {after} | {taken} |" in page


def test_seconds_a_step_on_a_cpu_are_those_of_the_page():
    default, kept = (read(f"step_time/{run}.json")["networks"] for run in ("default", "keep_memory"))
    largest, slowest = default["U-Net 32"]["parameters"], kept["U-Net 32"]["median_seconds"]
    for network, row in default.items():
        times = [
            "{median_seconds:.2f} ({min_seconds:.2f}–{max_seconds:.2f})".format(**each) for each in (row, kept[network])
        ]
        cells = [
            network, f"{row['parameters']:,}", f"{largest / row['parameters']:.1f}×", *times,
            f"{slowest / kept[network]['median_seconds']:.1f}×",
            f"{row['median_seconds'] / kept[network]['median_seconds']:.2f}×",
        ]  # fmt: skip
        assert f"| {' | '.join(cells)} |" in lines("step_time.md")


def test_memory_formats_are_those_of_the_page():
    for network, row in read("step_time/memory_format.json")["networks"].items():
        times = " | ".join(f"{row[f'{layout}_seconds']:.2f}" for layout in ("contiguous", "channels_last"))
        ratio = "{:.2f} ({:.2f}–{:.2f})".format(*row["ratio"])
        assert f"| {network.replace('LUnet', 'flat')} | {times} | {ratio} |" in lines("step_time.md")


def milliseconds(spread):
    return "{:.1f} ({:.1f}–{:.1f})".format(*(1000 * spread[key] for key in ("median", "low_quartile", "high_quartile")))


@pytest.mark.parametrize("run", ["h100_stock", "h100_small"])
def test_small_patches_on_a_gpu_are_those_of_the_page(run):
    for row in read(f"step_time/{run}.json")["networks"]:
        cells = [
            f"`{row['trainer']}`", str(row["batch_size"]), f"{row['parameters']:,}",
            f"{row['multiply_adds'] / 1e9:.3g}",
            milliseconds(row["seconds_per_training_step"]), milliseconds(row["seconds_per_inference_patch"]),
            f"{row['peak_training_bytes'] / 1e6:.3g}", f"{row['peak_inference_bytes'] / 1e6:.3g}",
        ]  # fmt: skip
        assert f"| {' | '.join(cells)} |" in lines("step_time.md")


@pytest.mark.parametrize(("run", "compiled"), [("h100_large", "no"), ("h100_large_compiled", "yes")])
def test_large_patches_on_a_gpu_are_those_of_the_page(run, compiled):
    first, *_ = rows = read(f"step_time/{run}.json")["networks"]
    for row in rows:
        cells = [f"`{row['trainer']}`", f"{row['parameters']:,}", f"{row['multiply_adds'] / 1e9:.3g}", compiled]
        for kind in ("seconds_per_training_step", "seconds_per_inference_patch"):
            ratio = measure.ratios(row[kind]["values"], first[kind]["values"]).median
            cells += [milliseconds(row[kind]), f"{ratio:.2f}"]
        peak = row["peak_training_bytes"]
        cells += [f"{peak / 1e9:.2f}", f"{peak / first['peak_training_bytes']:.2f}"]
        assert f"| {' | '.join(cells)} |" in lines("step_time.md")


def test_what_presets_cost_is_on_the_page():
    first, *_ = rows = rows_of(DATA / "presets" / "presets.csv")
    for row in rows:
        seconds, of_first = (float(each["seconds_per_training_step"]) for each in (row, first))
        cells = [
            "the plans' own U-Net" if row is first else f"`{row['name']}`", row["patch_size"].replace(" ", "×"),
            f"{int(row['parameters']):,}", f"{int(row['multiply_adds']) / 1e9:.2f}",
            f"{int(row['activation_bytes']) / 1e6:.0f}", f"{seconds:.2f}", f"{seconds / of_first:.2f}×",
        ]  # fmt: skip
        assert [line for line in lines("presets.md") if line.startswith(f"| {' | '.join(cells)} |")], row["name"]


def test_what_pruning_leaves_and_costs_is_on_the_page():
    page = (RESULTS / "pruning.md").read_text()
    cost = read("pruning/cost.json")
    for network in ("U-Net 32", "flat 16"):
        ratios = {"time": cost["seconds"][network]["median_ratio"], "memory": cost["memory"][network]["ratio"]}
        for kind, by_importance in ratios.items():
            cells = " | ".join(f"{ratio:.3f}" for ratio in by_importance.values())
            assert f"| {kind}, {network} | {cells} |" in page
    compiled = read("pruning/compile.json")["compile"]
    first, second = (
        [compiled[name][step] for name in ("flat 8", "U-Net 32")] for step in ("first_step", "second_step")
    )
    assert "takes {:.0f} s for flat 8 and {:.0f} s for U-Net 32".format(*first) in page
    assert "the second takes {:.1f} and {:.1f} s".format(*second) in page
    for strategy in ("stamp", "randomAtStamp", "randomAtLargest"):
        first, *_, last = read(f"pruning/history_w4_{strategy}.json")["epochs"]
        taken = [a - b for a, b in zip(first["channels_per_level"], last["channels_per_level"], strict=True)]
        levels = " | ".join(", ".join(map(str, each)) for each in (last["channels_per_level"], taken))
        assert f"| `{strategy}` | {last['parameters']:,} | {last['multiply_adds'] / 1e6:.0f} | {levels} |" in page
    half, quarter = (read(f"pruning/history_{keep}.json")["epochs"] for keep in ("keep50", "keep25"))
    for epoch in (0, 1, 2, 3, 4, 5, -1):
        runs = [f"{each[epoch]['parameters']:,} | {each[epoch]['pseudo_dice']:.3f}" for each in (half, quarter)]
        assert f"| {'last' if epoch < 0 else epoch} | {' | '.join(runs)} |" in page


def test_how_a_trained_model_goes_on_is_on_the_page():
    runs: dict[tuple, list] = {}
    for line in (DATA / "pruning" / "fine_tuning.jsonl").read_text().splitlines():
        row = json.loads(line)
        recipe = row["fine_tuning"] or {"share": 1, "warm_up_steps": 0}
        optimizer = "SGD" if "_sgd" in row["trainer"] else "AdamW"
        heads = "new" if row["fine_tuning"] is None else "kept"
        key = (row["weights"], heads, optimizer, f"{0.01 * recipe['share']:.0e}", recipe["warm_up_steps"])
        runs.setdefault(key, []).append(row)
    page = lines("pruning.md")
    for (weights, heads, optimizer, rate, warm_up), rows in runs.items():
        rows.sort(key=lambda row: row["trainer"])
        scores = [", ".join(f"{row['dice'][at]:.3f}" for row in rows) for at in range(3)]
        cells = [f"`{weights}`", heads, f"{optimizer} {rate.replace('e-0', 'e-')}", warm_up or "none", *scores]
        assert f"| {' | '.join(map(str, cells))} |" in page
    for row in read("pruning/shrinking.json"):
        dice = f"{row['foreground_dice']:.3f} ± {row['standard_deviation_over_cases']:.3f}"
        assert f"| `{row['trainer']}` | {row['parameters']:,} | {dice} |" in page


def test_each_dice_of_the_recipe_is_in_its_data():
    runs = [row for file in ("hippocampus", "neuron_membranes") for row in read(f"recipe/{file}.json")]
    measured = [(row["foreground_dice"], row["standard_deviation_over_cases"]) for row in runs]
    shown = re.findall(r"(\d\.\d{3}) ± (\d\.\d{3})", (RESULTS / "recipe.md").read_text())
    assert len(shown) > 15
    # The data have a digit more than the page, and were rounded too.
    assert [
        pair for pair in shown if pytest.approx([*map(float, pair)], abs=5.6e-4) not in [[*m] for m in measured]
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_a_page_names_is_there(page):
    text = page.read_text()
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    missing = [target for target in targets if not (page.parent / target).exists()]
    files_named = re.findall(r"(?<![\w/.])(?:benchmarks|docs|plans)/[\w*./-]+", text)
    missing += [file for file in files_named if not list(ROOT.glob(file.rstrip("./")))]
    scripts = re.findall(r"python -m benchmarks\.(\w+)", text)
    missing += [script for script in scripts if not (ROOT / "benchmarks" / f"{script}.py").exists()]
    assert missing == []


def test_each_script_and_file_of_data_is_in_the_overview():
    text = OVERVIEW.read_text()
    linked = [OVERVIEW.parent / target for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    files_there = [*DATA.rglob("*.*"), *(file for file in OVERVIEW.parent.glob("*.py") if "main()" in file.read_text())]
    left_out = [file for file in files_there if not any(file == each or each in file.parents for each in linked)]
    assert left_out == []


def test_results_are_pages_and_figures_alone():
    assert {file.suffix for file in RESULTS.rglob("*") if file.is_file()} == {".md", ".png"}


def test_the_table_of_what_was_tried_for_the_demo():
    labels = {"UNetTrainer": "U-Net 32", "LUnetTrainer_w16": "flat 16", "LUnetTrainer_w8": "flat 8"}
    tried = read("demo/tried.json")
    page = lines("demo.md")
    for row in tried:
        assert row["epochs"] * row["iterations_an_epoch"] == row["steps"]
        expected = (
            f"| {labels[row['trainer']]} | {row['epochs']} × {row['iterations_an_epoch']} | {row['steps']:,} | "
            f"{row['minutes']:.1f} | {row['foreground_dice_of_unseen_cases']:.3f} |"
        )
        assert page.count(expected) == 1
    for network in read("demo/quiet.json")["networks"]:
        name, size, steps = network["network"], f"{network['parameters']:,}", f"{network['steps']:,}"
        times = f"{network['minutes']:.1f} | {network['foreground_dice']:.3f}"
        assert page.count(f"| {name} | {size} | {steps} | {times} |") == 1
    assert sum(line.startswith(("| U-Net 32 |", "| flat ")) for line in page) == len(tried) + 2
