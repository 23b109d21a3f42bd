"""``lunet download``: a task of the Decathlon as a raw data set of nnU-Net."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from nnunet_lunet.datasets import fetch, unpack
from nnunet_lunet.datasets.tasks import Task
from nnunet_lunet.errors import UserError, missing
from nnunet_lunet.host import command_lines, commands
from nnunet_lunet.host.folders import dataset_number


def run(
    task: Task, archives: Path | None, url: str | None, checksum: str | None, number: int | None, console: Console
) -> Path:
    """Fetch the task's archive, unpack it, convert it by nnU-Net's own command; say where the data set is.

    The data set appears in ``nnUNet_raw`` when it is whole. Stopped at any moment, the same command goes on: what has
    arrived of the archive stays, the rest is made again.

    :param archives: folder that keeps the archive; ``archives`` in ``nnUNet_raw`` if None
    :param url: of the archive at a mirror, or of the folder it is in (with a slash at the end)
    :param checksum: of that archive, as ``algorithm:hexadecimal``
    :param number: of the data set; the task's own if None
    :returns: the data set's folder
    :raises UserError: an option or ``nnUNet_raw`` is wrong, the number is taken, or a step failed
    """
    if find_spec("pooch") is None:
        raise missing("pooch", "download", "lunet download")
    address = _address(task, url)
    wanted = task.checksum if checksum is None else fetch.check_checksum(checksum)
    raw = _raw_folder()
    dataset = raw / task.dataset(task.number if number is None else number)
    if _is_there(dataset):
        console.print(f"{dataset} is there already", soft_wrap=True, highlight=False)
        return dataset
    archive = (raw / "archives" if archives is None else archives) / f"{task.name}.tar"
    with _progress(console) as progress, _workshop(dataset) as workshop:
        fetch.fetch(address, archive, wanted, progress)
        source = unpack.unpack(archive, task.name, workshop, progress)
        bar = progress.add_task(f"convert to {dataset.name}", total=None)
        _convert(source, dataset, workshop)
        size = sum(file.stat().st_size for file in dataset.rglob("*.nii.gz"))
        progress.update(bar, total=size, completed=size)
    console.print(f"Data set: {dataset}\nArchive: {archive}", soft_wrap=True, highlight=False)
    return dataset


def _address(task: Task, url: str | None) -> str:
    if url is None:
        return task.url
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise UserError(f"--url {url}: write the whole address of the archive, with http:// or https://")
    return f"{url}{task.name}.tar" if url.endswith("/") else url


def _raw_folder() -> Path:
    from nnunetv2.paths import nnUNet_raw

    folder = nnUNet_raw.get()
    if not folder:
        raise UserError("nnUNet_raw is not set: export nnUNet_raw=FOLDER; lunet doctor checks nnU-Net's folders")
    if not Path(folder).is_dir():
        raise UserError(f"nnUNet_raw: {folder} is no folder: make it first; lunet doctor checks nnU-Net's folders")
    return Path(folder).absolute()


def _is_there(dataset: Path) -> bool:
    """The data set was converted before; raises where something else has its number, as nnU-Net does."""
    from nnunetv2.utilities.dataset_name_id_conversion import find_candidate_datasets

    number = int(dataset.name[7:10])
    taken = [str(name) for name in find_candidate_datasets(number) if str(name) != dataset.name]
    if taken:
        raise UserError(
            f"data set {number} is {' and '.join(taken)} in nnU-Net's folders: choose another number with --dataset-id"
        )
    # nnU-Net's conversion writes it last.
    if dataset.exists() and not (dataset / "dataset.json").is_file():
        raise UserError(f"{dataset} has no dataset.json, so its conversion was not finished: move it away")
    return dataset.exists()


@contextmanager
def _workshop(dataset: Path) -> Iterator[Path]:
    """An empty folder beside ``dataset`` that is gone afterwards; so is what a killed call has left behind."""
    for left_over in dataset.parent.glob(f".{dataset.name}.*.tmp"):
        shutil.rmtree(left_over, ignore_errors=True)
    folder = dataset.with_name(f".{dataset.name}.{os.getpid()}.tmp")
    try:
        folder.mkdir()
    except OSError as error:
        raise UserError(f"nnUNet_raw: {dataset.parent}: {error.strerror}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _convert(source: Path, dataset: Path, workshop: Path) -> None:
    """By the stock command, which writes into its folder little by little: ours first, then a rename."""
    log = dataset.with_name(f"{dataset.name}.conversion.log")
    folders = dict.fromkeys(("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"), workshop)
    command = command_lines.convert_msd(source, dataset_number(dataset.name))
    commands.run_stock(command, folders, log)
    try:
        (workshop / dataset.name).rename(dataset)
        log.unlink()
    except OSError as error:
        raise UserError(f"{dataset}: {error.strerror}; the archive is kept, run the same command again") from error


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
        console=console,
    )  # fmt: skip
