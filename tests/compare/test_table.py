"""Tables of a comparison: in the terminal, and of tests."""

import io
from dataclasses import replace

import comparisons
from rich.console import Console

from nnunet_lunet.architectures.network_cost import NetworkCost
from nnunet_lunet.compare import overview, table, tests_table
from nnunet_lunet.compare.page import document
from nnunet_lunet.compare.record import Cost, Sensitivity


def test_names_have_room_in_a_terminal_of_80_columns(tmp_path):
    names = ("UNet", "LUnetTrainer_w16_30epochs_20iters")
    comparison = comparisons.make(tmp_path, names=names, worst=0)
    summaries = [replace(s, mean=12.34, over_cases=56.78, runs=120, undefined=40) for s in comparison.summaries]
    printed = io.StringIO()
    scored, _ = overview.overview(replace(comparison, summaries=summaries))
    Console(file=printed, width=80).print(scored)
    lines = printed.getvalue().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    # A long name goes on in the next line; nothing of it is lost.
    cells = [line[:14].strip() for line in lines]
    assert names[1] in "".join(cells)
    assert "(40 of 120 " in printed.getvalue() and "12.34 ± 56.78" in printed.getvalue()


def test_what_more_seeds_and_more_cases_would_bring(tmp_path):
    comparison = comparisons.make(tmp_path, worst=0)
    rows = tests_table.sources(comparison).rows
    assert [row[:2] for row in rows][:2] == [["LUnet 16", "Dice"], ["LUnet 8", "Dice"]] and len(rows) == 2 * 3
    # Variances 2, 1 and 1 e-6; half widths of 0.02 and 0.03 as they are kept.
    assert rows[0][2:6] == ["50 %", "25 %", "25 %", "2.5"] and rows[0][7:] == ["±2.0 points", "±3.0 points"]
    single = [replace(test, df=None) for test in comparison.tests]
    assert tests_table.sources(replace(comparison, tests=single)).rows == []


def test_failures_have_a_table_where_there_are_some(tmp_path):
    comparison = comparisons.make(tmp_path, worst=0)
    assert [table.title for table in tests_table.further(comparison)] == [tests_table.sources(comparison).title]
    rows = [
        Sensitivity("UNet", "foreground", "hausdorff95", 120, 0, 0, 2.0, None, None, None),
        Sensitivity("LUnet 8", "foreground", "hausdorff95", 120, 80, 3, 42.0, 40.0, 30.0, 50.0),
    ]
    assert tests_table.sensitivity(replace(comparison, sensitivity=rows)).rows == [
        ["UNet", "HD95", "0 of 120 runs", "0 of 120 runs", "2.00", "–"],
        ["LUnet 8", "HD95", "80 of 120 runs", "3 of 120 runs", "42.00", "+40.00 [+30.00 to +50.00] mm"],
    ]


def test_memory_of_cpus_and_gpus_never_stands_in_one_column(tmp_path):
    comparison = comparisons.make(tmp_path, names=["UNet", "LUnet 16", "LUnet 8"], worst=0)
    devices = ["cuda", "cpu", "cuda"]
    models = [
        replace(m, cost=replace(m.cost, device=device))
        for m, device in zip(comparison.models, devices, strict=True)
    ]  # fmt: skip
    found = table.costs(replace(comparison, models=models))
    gpu, cpu = (found.header.index(f"peak memory, {device}") for device in ("cuda", "cpu"))
    assert [(row[gpu], row[cpu]) for row in found.rows] == [("2 GB", "–"), ("–", "2 GB"), ("2 GB", "–")]
    one = [replace(m, cost=replace(m.cost, device="cuda")) for m in comparison.models]
    assert [name for name in table.costs(replace(comparison, models=one)).header if "peak" in name] == ["peak memory"]


def test_what_nobody_knows_has_no_column(tmp_path):
    comparison = comparisons.make(tmp_path, worst=0)
    assert {"s/epoch", "peak memory", "channels per level"} <= set(table.costs(comparison).header)
    unknown = replace(comparison, models=[replace(m, cost=Cost(NetworkCost(1000))) for m in comparison.models])
    assert table.costs(unknown).header == ["model", "runs", "parameters"]
    nothing = replace(comparison, models=[replace(m, cost=Cost()) for m in comparison.models])
    buffer = io.BytesIO()
    document.write(nothing, buffer)
    assert b"Nothing that was written tells" in buffer.getvalue() and b"Seconds an epoch" not in buffer.getvalue()
