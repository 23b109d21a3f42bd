"""The Decathlon's tasks: names, addresses, checksums."""

from dataclasses import dataclass

from nnunet_lunet.errors import UserError, did_you_mean

_BUCKET = "https://msd-for-monai.s3-us-west-2.amazonaws.com"
_MD5 = {
    "Task01_BrainTumour": "240a19d752f0d9e9101544901065d872",
    "Task02_Heart": "06ee59366e1e5124267b774dbd654057",
    "Task03_Liver": "a90ec6c4aa7f6a3d087205e23d4e6397",
    "Task04_Hippocampus": "9d24dba78a72977dbd1d2e110310f31b",
    "Task05_Prostate": "35138f08b1efaef89d7424d2bcc928db",
    "Task06_Lung": "8afd997733c7fc0432f71255ba4e52dc",
    "Task07_Pancreas": "4f7080cfca169fa8066d17ce6eb061e4",
    "Task08_HepaticVessel": "641d79e80ec66453921d997fbf12a29c",
    "Task09_Spleen": "410d4a301da4e5b2f6f86ec3ddba524e",
    "Task10_Colon": "bad7a188931dc2f6acf72b08eb6202d0",
}


@dataclass(frozen=True)
class Task:
    """One data set (Antonelli et al., Nature Communications 2022; CC BY-SA 4.0).

    ``url`` is its archive on AWS Open Data and ``checksum`` that archive's MD5, both as MONAI has them
    (``monai.apps.DecathlonDataset``, 1.5.2).
    """

    name: str
    url: str
    checksum: str

    @property
    def number(self) -> int:
        return int(self.name[4:6])

    def dataset(self, number: int) -> str:
        """nnU-Net's name for it as data set ``number``."""
        return dataset_name(self.name, number)


def dataset_name(task: str, number: int) -> str:
    """nnU-Net's name for a task such as ``Task04_Hippocampus`` as data set ``number``."""
    return f"Dataset{number:03d}_{task.partition('_')[2]}"


TASKS = tuple(Task(name, f"{_BUCKET}/{name}.tar", f"md5:{md5}") for name, md5 in _MD5.items())


def find(wanted: str) -> Task:
    """The task of this name (``Task04_Hippocampus`` or ``Hippocampus``) or number, in upper or lower case.

    :raises UserError: there is none; the nearest are named
    """
    by_key: dict[str, Task] = {}
    for task in TASKS:
        prefix, _, organ = task.name.lower().partition("_")
        by_key |= dict.fromkeys((task.name.lower(), organ, prefix, str(task.number), f"{task.number:02d}"), task)
    if wanted.lower() in by_key:
        return by_key[wanted.lower()]
    spellings = {key: task.name for key, task in by_key.items() if not key.isdigit()}
    guess = (
        did_you_mean(wanted.lower(), spellings, means=spellings.__getitem__)
        or f"there are {', '.join(task.name for task in TASKS)}"
    )
    raise UserError(f"task {wanted!r} is not in the Decathlon: {guess}")
