import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
import SimpleITK as sitk
from conftest import Nnunet, read_only
from rich.console import Console

from nnunet_lunet.datasets import download, fetch, synthetic, tasks
from nnunet_lunet.errors import UserError

LUNET = Path(sys.executable).with_name("lunet")
TASK = tasks.find("4")
DATASET = "Dataset004_Hippocampus"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A small task under the Decathlon's name, packed as the Decathlon is."""
    folder = tmp_path_factory.mktemp("source")
    synthetic.write_msd(folder / TASK.name, n_cases=3, seed=1)
    with tarfile.open(folder / f"{TASK.name}.tar", "w") as tar:
        tar.add(folder / TASK.name, TASK.name)
    return (folder / f"{TASK.name}.tar").read_bytes()


@pytest.fixture
def nnunet(tmp_path):
    nnunet = Nnunet(tmp_path / "nnU Net", DATASET)
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        (nnunet.root / name).mkdir(parents=True)
    with nnunet.active():
        yield nnunet


@pytest.fixture
def get(server, archive, nnunet):
    server.files[f"{TASK.name}.tar"] = archive
    checksum = f"md5:{hashlib.md5(archive).hexdigest()}"

    def get(archives=None, number=None, url=server.url, checksum=checksum):
        output = io.StringIO()
        download.run(TASK, archives, url, checksum, number, Console(file=output, width=80))
        return output.getvalue()

    return get


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_from_an_address_to_a_data_set(get, nnunet, server):
    printed = get()
    assert f"Data set: {nnunet.raw}\nArchive: {nnunet.raw.parent}/archives/{TASK.name}.tar\n" in printed
    assert names(nnunet.raw.parent) == [DATASET, "archives"]
    assert names(nnunet.raw / "imagesTr") == [f"phantom_00{index}_0000.nii.gz" for index in range(3)]
    description = json.loads((nnunet.raw / "dataset.json").read_text())
    assert description["labels"] == {"background": 0, "front": 1, "back": 2} and description["numTraining"] == 3
    assert sitk.ReadImage(nnunet.raw / "labelsTr" / "phantom_000.nii.gz").GetDimension() == 3
    nnunet.call("nnUNetv2_extract_fingerprint", "-d", 4, "--verify_dataset_integrity", "-np", 1)

    before = (nnunet.raw / "dataset.json").stat().st_mtime_ns
    assert get() == f"{nnunet.raw} is there already\n"
    assert (nnunet.raw / "dataset.json").stat().st_mtime_ns == before
    assert len(server.ranges) == 1


def test_another_number_and_folder_and_the_archive_that_is_there(get, nnunet, server, tmp_path):
    get(archives=tmp_path / "my archives", number=104)
    get(archives=tmp_path / "my archives", number=105)
    assert names(nnunet.raw.parent) == ["Dataset104_Hippocampus", "Dataset105_Hippocampus"]
    assert names(tmp_path / "my archives") == [f"{TASK.name}.tar"]
    assert len(server.ranges) == 1


def test_archives_that_others_own(get, nnunet, archive, tmp_path):
    """A lab's archives, which only their keeper can write."""
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / f"{TASK.name}.tar").write_bytes(archive)
    mode = folder.stat().st_mode
    folder.chmod(0o555)
    before = names(folder)
    get(archives=folder)
    folder.chmod(mode)
    assert names(folder) == before and (nnunet.raw / "dataset.json").is_file()


@pytest.mark.parametrize("place", ["nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"])
def test_a_number_that_is_taken(get, nnunet, server, place):
    (nnunet.root / place / "Dataset004_Own").mkdir()
    with pytest.raises(UserError, match=r"data set 4 is Dataset004_Own in nnU-Net's folders: .* --dataset-id"):
        get()
    assert server.ranges == []


def test_a_conversion_that_was_not_finished_is_not_taken_for_a_data_set(get, nnunet):
    (nnunet.raw / "imagesTr").mkdir(parents=True)
    with pytest.raises(UserError, match=rf"{nnunet.raw} has no dataset\.json"):
        get()
    assert names(nnunet.raw) == ["imagesTr"]


def test_a_data_set_that_another_call_finished_first(get, nnunet, monkeypatch):
    run_stock = download.commands.run_stock

    def slow(*arguments):
        run_stock(*arguments)
        nnunet.raw.mkdir()
        (nnunet.raw / "dataset.json").write_text("first")

    monkeypatch.setattr(download.commands, "run_stock", slow)
    with pytest.raises(UserError, match=f"{nnunet.raw}: Directory not empty"):
        get()
    assert (nnunet.raw / "dataset.json").read_text() == "first"


def test_an_archive_that_cannot_be_converted(get, nnunet, server, tmp_path):
    """nnU-Net's command says why; its output is kept, and nothing else."""
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        info = tarfile.TarInfo(f"{TASK.name}/dataset.json")
        info.size = 2
        tar.addfile(info, io.BytesIO(b"{}"))
    bad = (tmp_path / "bad.tar").read_bytes()
    server.files[f"{TASK.name}.tar"] = bad
    with pytest.raises(UserError, match=r"nnUNetv2_convert_MSD_dataset .* failed \(.*labelsTr subfolder missing"):
        get(checksum=f"md5:{hashlib.md5(bad).hexdigest()}")
    assert names(nnunet.raw.parent) == [f"{DATASET}.conversion.log", "archives"]


@pytest.mark.parametrize("step", ["fetch", "unpack", "convert"])
def test_a_kill_leaves_nothing_that_is_taken_for_a_whole(step, get, nnunet, server, archive):
    """SIGKILL in the middle of each step, then the same command."""
    stop = {
        "fetch": "import nnunet_lunet.datasets.fetch as m; name = '_checksum_of'",
        "unpack": "import nnunet_lunet.datasets.unpack as m; name = 'shutil.copyfileobj'",
        "convert": "import nnunet_lunet.host.commands as m; name = 'run_stock'",
    }[step]
    code = f"""
import os, signal, sys
from pathlib import Path
from rich.console import Console
{stop}
from nnunet_lunet.datasets import download, tasks
holder, _, last = name.rpartition(".")
holder = getattr(m, holder) if holder else m
original, calls = getattr(holder, last), []
def die(*arguments):
    calls.append(arguments)
    if name != "shutil.copyfileobj" or len(calls) == 3:
        if name == "run_stock":
            original(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
    original(*arguments)
setattr(holder, last, die)
download.run(tasks.find("4"), None, {server.url!r}, {f"md5:{hashlib.md5(archive).hexdigest()}"!r}, None, Console())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not nnunet.raw.exists()
    assert len([name for name in names(nnunet.raw.parent) if name.endswith(".tmp")]) == 1
    get()
    assert [name for name in names(nnunet.raw.parent) if name.startswith(".")] == []
    assert names(nnunet.raw) == ["dataset.json", "imagesTr", "imagesTs", "labelsTr"]


@pytest.mark.parametrize("value", [None, ""])
def test_nnunet_raw_is_not_set(get, server, monkeypatch, value):
    monkeypatch.delenv("nnUNet_raw") if value is None else monkeypatch.setenv("nnUNet_raw", value)
    with pytest.raises(UserError, match="nnUNet_raw is not set: export nnUNet_raw=FOLDER"):
        get()
    assert server.ranges == []


def test_nnunet_raw_is_not_there(get, tmp_path, monkeypatch):
    monkeypatch.setenv("nnUNet_raw", str(tmp_path / "away"))
    with pytest.raises(UserError, match="away is no folder"):
        get()
    assert not (tmp_path / "away").exists()


def test_nnunet_raw_cannot_be_written(get, server, nnunet):
    with read_only(nnunet.raw.parent), pytest.raises(UserError, match=r"nnUNet_raw: .*(Read-only|Permission)"):
        get()
    assert server.ranges == []


@pytest.mark.parametrize("url", ["", "server/a.tar", "ftp://server/a.tar", "file:///etc/passwd", "http://"])
def test_an_address_that_is_none(get, url):
    with pytest.raises(UserError, match=f"--url {url}: write the whole address"):
        get(url=url)


def test_the_whole_address_of_an_archive_of_another_name(get, nnunet, server, archive):
    server.files["mirror/hippocampus-v2.tar"] = archive
    get(url=f"{server.url}mirror/hippocampus-v2.tar")
    assert names(nnunet.raw.parent / "archives") == [f"{TASK.name}.tar"]


def test_the_decathlons_own_checksum_is_the_default(get):
    with pytest.raises(UserError, match=rf"not {TASK.checksum}.*rename .*\.rejected"):
        get(checksum=None)


def test_without_pooch(get, server, monkeypatch):
    monkeypatch.setattr(download, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install '\.\[download\]' in the folder"):
        get()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["Task04_Hipocampus"], "did you mean Task04_Hippocampus"),
        (["4", "--hash", "banana"], "--hash banana"),
        (["4", "--url", "banana"], "--url banana"),
    ],
)
def test_mistakes_are_told_in_one_line(nnunet, arguments, told):
    done = subprocess.run([LUNET, "download", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert told in done.stderr
    assert names(nnunet.raw.parent) == []


def test_the_command_from_end_to_end_and_its_interruption(nnunet, server, archive):
    """Ctrl-C while the archive arrives, then the same command again."""
    server.files[f"{TASK.name}.tar"] = archive
    half = len(archive) // 2 // fetch.CHUNK * fetch.CHUNK
    server.pause_after = half
    command = [LUNET, "download", "4", "--url", server.url, "--hash", f"md5:{hashlib.md5(archive).hexdigest()}"]
    part = nnunet.raw.parent / "archives" / f"{TASK.name}.tar.part"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        deadline = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size == half) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        printed = process.communicate()[0]
    assert process.returncode not in (0, -signal.SIGKILL) and "Traceback" not in printed
    assert names(nnunet.raw.parent) == ["archives"] and part.stat().st_size == half
    server.pause_after = None
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "100"})
    assert done.returncode == 0, done.stderr
    assert server.ranges == [None, f"bytes={half}-"]
    assert f"Data set: {nnunet.raw}" in done.stdout and (nnunet.raw / "dataset.json").is_file()
