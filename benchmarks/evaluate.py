"""Evaluates kept comparisons again, from their scores, as `lunet compare` evaluates new ones.

python -m benchmarks.evaluate benchmarks/data/*/*.json.gz benchmarks/data/table2/parts/*.json.gz

Scores stay as they are. Each file is written anew, and beside it summary.csv and tests.csv where there are some
(PREFIX_summary.csv for PREFIX.json.gz).
"""

import argparse
import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import packed
from nnunet_lunet.compare import evaluation, files


def evaluate(file: Path) -> None:
    """:param file: ``.json.gz`` of a comparison"""
    comparison = evaluation.evaluated(packed.read(file))
    name = file.name.removesuffix(".json.gz")
    prefix = "" if name == Path(files.JSON).stem else f"{name}_"
    with tempfile.TemporaryDirectory() as folder:
        files.write(comparison, Path(folder), overwrite=True)
        file.write_bytes(gzip.compress(Path(folder, files.JSON).read_bytes(), 9, mtime=0))
        for kind in ("summary.csv", "tests.csv"):
            kept = file.parent / f"{prefix}{kind}"
            if kept.exists():
                kept.write_bytes(Path(folder, kind).read_bytes())


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparisons", nargs="+", type=Path, help="comparison.json.gz; others are no comparisons")
    for file in parser.parse_args(argv).comparisons:
        evaluate(file)


if __name__ == "__main__":
    main()
