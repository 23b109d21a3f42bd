import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from distributions import copy_of_sources, run


@dataclass(frozen=True)
class Distributions:
    """What ``python -m build`` makes: an sdist of the sources, and a wheel of the sdist."""

    sources: Path
    sdist: Path
    wheel: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdist to wheel")
    sources = copy_of_sources(folder / "sources")
    run(sys.executable, "-m", "build", "--no-isolation", sources, "-o", folder, cwd=folder)
    return Distributions(sources, next(folder.glob("*.tar.gz")), next(folder.glob("*.whl")))
