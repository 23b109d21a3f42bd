"""Tables of a comparison in the terminal."""

import io
from dataclasses import replace

import comparisons
from rich.console import Console

from nnunet_lunet.compare import table


def test_names_have_room_in_a_terminal_of_80_columns(tmp_path):
    names = ("UNet", "LUnetTrainer_w16_30epochs_20iters")
    comparison = comparisons.make(tmp_path, names=names, worst=0)
    summaries = [replace(s, mean=12.34, over_cases=56.78, undefined=40) for s in comparison.summaries]
    printed = io.StringIO()
    scored, _ = table.overview(replace(comparison, summaries=summaries))
    Console(file=printed, width=80).print(scored)
    lines = printed.getvalue().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    # A long name goes on in the next line; nothing of it is lost.
    cells = [line[:14].strip() for line in lines]
    assert names[1] in "".join(cells)
    assert "(40 undefined)" in printed.getvalue() and "12.34 ± 56.78" in printed.getvalue()
