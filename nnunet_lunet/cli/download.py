"""``lunet download``: public data."""

from pathlib import Path
from typing import Annotated

import typer


def download(
    task: Annotated[str, typer.Argument(help="Task01_BrainTumour to Task10_Colon, by name or number.")],
    folder: Annotated[Path | None, typer.Option(help="Keeps the archive; without it, archives in nnUNet_raw.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of the archive at a mirror, or of its folder/.")] = None,
    checksum: Annotated[str | None, typer.Option("--hash", help="Of the mirror's archive: md5:0123….")] = None,
    dataset_id: Annotated[int | None, typer.Option(min=1, max=999, help="Number of the data set to make.")] = None,
) -> None:
    """Fetch a public data set of the Medical Segmentation Decathlon and convert it for nnU-Net."""
    from nnunet_lunet.datasets import tasks

    found = tasks.find(task)

    from rich.console import Console

    from nnunet_lunet.datasets import download as pipeline

    pipeline.run(found, folder and folder.absolute(), url, checksum, dataset_id, Console())
