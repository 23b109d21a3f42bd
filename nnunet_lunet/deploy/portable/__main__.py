"""Predict a folder of images: ``python predict.pyz -i IMAGES -o LABELS``."""

import argparse
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

#: Packages, by the names that Python and pip both know.
NEEDED = ("numpy", "scipy", "SimpleITK", "openvino")


def cases(folder: Path, ending: str, channels: int) -> dict[str, list[Path]]:
    """The files of each case, ``CASE_0000`` and so on, as nnU-Net names them.

    :raises PortableError: no folder, nothing in it, or a channel is missing
    """
    from .errors import PortableError

    if not folder.is_dir():
        raise PortableError(f"-i {folder} is no folder")
    names = sorted({file.name[: -len(ending) - 5] for file in folder.glob(f"*_[0-9][0-9][0-9][0-9]{ending}")})
    if not names:
        raise PortableError(f"-i {folder} has no images named CASE_0000{ending}")
    found = {name: sorted(folder.glob(f"{_literal(name)}_[0-9][0-9][0-9][0-9]{ending}")) for name in names}
    for name, files in found.items():
        expected = [f"{name}_{channel:04d}{ending}" for channel in range(channels)]
        # A picture in colours, or a 4D volume, has several channels in one file.
        if [file.name for file in files] not in (expected, expected[:1]):
            raise PortableError(
                f"-i {folder}: case {name} has files {', '.join(file.name for file in files)}, not {expected}"
            )
    return found


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def run(arguments: argparse.Namespace, folder: Path) -> int:
    """Predict all; the number of cases that could not be."""
    from . import images, model, networks, preprocessing, segmentation, windows
    from .errors import PortableError

    found = model.read(folder)
    model.check_files(folder, found)
    todo = cases(arguments.input, found.file_ending, len(found.channels))
    arguments.output.mkdir(parents=True, exist_ok=True)
    loaded = networks.load(folder, found, arguments.threads)
    axes = () if arguments.disable_tta else found.mirror_axes
    failed = 0
    for number, (name, files) in enumerate(todo.items(), start=1):
        target = arguments.output / f"{name}{found.file_ending}"
        place = f"{name} ({number} of {len(todo)})"
        if arguments.continue_prediction and target.is_file():
            print(f"{place}: is there", flush=True)
            continue
        try:
            times = [time.perf_counter()]
            image = images.read(files, found.reader)
            prepared = preprocessing.prepare(image, found)
            times.append(time.perf_counter())
            logits = windows.predict(
                prepared.array, loaded, found.classes, found.patch_size, axes, arguments.step_size,
                _progress(place, windows.count(prepared.array.shape[1:], found.patch_size, arguments.step_size)),
            )  # fmt: skip
            times.append(time.perf_counter())
            images.write(segmentation.labels(logits, prepared, found), image, target)
            times.append(time.perf_counter())
        except (PortableError, MemoryError) as error:
            failed += 1
            print(f"\r{place}: {error or 'not enough memory'}", file=sys.stderr, flush=True)
            continue
        parts = [end - start for start, end in pairwise(times)]
        print(f"\r{place}: read {parts[0]:.1f} s, network {parts[1]:.1f} s, write {parts[2]:.1f} s", flush=True)
    if failed:
        print(f"{failed} of {len(todo)} cases were not predicted", file=sys.stderr)
    return failed


def _progress(place: str, total: int) -> Callable[[], None]:
    """Counts windows, on a terminal alone."""
    done = 0

    def on_window() -> None:
        nonlocal done
        done += 1
        if sys.stdout.isatty():
            print(f"\r{place}: window {done} of {total}", end="", flush=True)

    return on_window


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="predict.pyz", description="Predict a folder of images.")
    parser.add_argument("-i", "--input", type=Path, required=True, help="images, named CASE_0000 as for nnU-Net")
    parser.add_argument("-o", "--output", type=Path, required=True, help="label maps go here")
    parser.add_argument("-m", "--model", type=Path, help="exported folder; the one this program is in")
    parser.add_argument("-step_size", "--step_size", type=float, default=0.5, help="of the window, share of the patch")
    parser.add_argument("--disable_tta", action="store_true", help="no mirroring: faster, less accurate")
    parser.add_argument("--continue_prediction", action="store_true", help="leave label maps that are there")
    parser.add_argument("--threads", type=int, help="of the processor; all, if not given")
    arguments = parser.parse_args(argv)
    try:
        for name in NEEDED:
            __import__(name)
    except ImportError as error:
        print(f"{error.name} is missing: pip install {' '.join(NEEDED)}", file=sys.stderr)
        return 2
    from .errors import PortableError

    try:
        if not 0 < arguments.step_size <= 1:
            raise PortableError(f"-step_size {arguments.step_size:g}: give a share of the patch, above 0 and up to 1")
        if arguments.threads is not None and arguments.threads < 1:
            raise PortableError(f"--threads {arguments.threads}: give 1 or more")
        return 1 if run(arguments, arguments.model or _own_folder()) else 0
    except PortableError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; --continue_prediction goes on from here", file=sys.stderr)
        return 130


def _own_folder() -> Path:
    """Of the program's file, or of the package where it was unpacked."""
    program = Path(sys.argv[0]).resolve()
    return program.parent if zipfile.is_zipfile(program) else Path(__file__).resolve().parents[1]


if __name__ == "__main__":
    sys.exit(main())
