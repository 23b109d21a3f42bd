"""Tables of a comparison: in the terminal, and of tests."""

import io
from dataclasses import replace

import comparisons
from rich.console import Console

from nnunet_lunet.compare import overview, tests_table
from nnunet_lunet.compare.record import Sensitivity


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
