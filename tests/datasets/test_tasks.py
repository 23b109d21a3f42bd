import re

import pytest

from nnunet_lunet.datasets.tasks import TASKS, find
from nnunet_lunet.errors import UserError


def test_ten_tasks_as_monai_has_them():
    apps = pytest.importorskip("monai.apps")
    assert {task.name: task.url for task in TASKS} == apps.DecathlonDataset.resource
    assert {task.name: task.checksum for task in TASKS} == {
        name: f"md5:{md5}" for name, md5 in apps.DecathlonDataset.md5.items()
    }
    assert [task.number for task in TASKS] == list(range(1, 11))


@pytest.mark.parametrize("wanted", ["Task04_Hippocampus", "task04_hippocampus", "Hippocampus", "4", "04", "Task04"])
def test_a_task_by_name_or_number(wanted):
    assert find(wanted).name == "Task04_Hippocampus"
    assert find(wanted).dataset(104) == "Dataset104_Hippocampus"


@pytest.mark.parametrize("wanted", ["Task04_Hipocampus", "hipocampus", "Task4_Hippocampus", "Dataset004_Hippocampus"])
def test_an_unknown_name_is_answered_with_the_nearest(wanted):
    with pytest.raises(UserError, match=re.escape(repr(wanted)) + ".* did you mean Task04_Hippocampus"):
        find(wanted)


@pytest.mark.parametrize("wanted", ["11", "0", "", "banana"])
def test_what_resembles_nothing_is_answered_with_all(wanted):
    with pytest.raises(UserError, match=r"Task01_BrainTumour.*Task10_Colon"):
        find(wanted)
