"""The page of a comparison, as ``lunet compare`` writes it, from the comparison as it is kept.

python -m benchmarks.comparison_page benchmarks/data/widths/comparison.json.gz > docs/results/widths/comparison.md
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks import packed
from nnunet_lunet.compare import markdown


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", type=Path, help="comparison.json or comparison.json.gz")
    print(markdown.markdown(packed.read(parser.parse_args(argv).comparison)), end="")


if __name__ == "__main__":
    main()
