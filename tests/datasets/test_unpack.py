import io
import os
import tarfile

import pytest
from conftest import file_system

from nnunet_lunet.datasets.unpack import unpack
from nnunet_lunet.errors import UserError

TASK = "Task04_Hippocampus"
GOOD = {f"{TASK}/dataset.json": b"{}", f"{TASK}/imagesTr/one.nii.gz": b"voxels", f"./{TASK}/labelsTr/one.nii.gz": b"1"}


def entry(name, **fields):
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


@pytest.fixture
def pack(tmp_path):
    """An archive of files and of entries as they are."""

    def pack(files, *entries, mode="w"):
        archive = tmp_path / "task.tar"
        with tarfile.open(archive, mode) as tar:
            for name, content in files.items():
                tar.addfile(entry(name, size=len(content)), io.BytesIO(content))
            for info in entries:
                tar.addfile(info)
        return archive

    return pack


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "around" / "un packed"
    folder.mkdir(parents=True)
    return folder


def everything(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_files_and_folders_come_out(pack, folder, progress, mode):
    empty = entry(f"{TASK}/imagesTs", type=tarfile.DIRTYPE)
    assert unpack(pack(GOOD, empty, mode=mode), TASK, folder, progress) == folder / TASK
    assert (folder / TASK / "imagesTr" / "one.nii.gz").read_bytes() == b"voxels"
    assert (folder / TASK / "labelsTr" / "one.nii.gz").read_bytes() == b"1"
    assert (folder / TASK / "imagesTs").is_dir()


def test_what_macos_adds_stays_behind(pack, folder, progress):
    """The Decathlon's archives were made on a Mac."""
    unpack(pack({"./._" + TASK: b"x", f"{TASK}/imagesTr/._one.nii.gz": b"x", **GOOD}), TASK, folder, progress)
    assert not [name for name in everything(folder) if "._" in name]


def test_only_contents_are_taken(pack, folder, progress):
    archive = pack(GOOD)
    with tarfile.open(archive, "a") as tar:
        tar.addfile(entry(f"{TASK}/run", size=1, mode=0o6777, uid=12345), io.BytesIO(b"x"))
    unpack(archive, TASK, folder, progress)
    status = (folder / TASK / "run").stat()
    assert not status.st_mode & 0o7111 and status.st_uid == os.getuid()


HOSTILE = {
    "path out": entry(f"{TASK}/../../outside"),
    "path out of the root": entry("../outside"),
    "absolute": entry("/tmp/lunet-test-outside"),
    "Windows path out": entry(f"{TASK}\\..\\..\\outside"),
    "drive": entry("C:outside"),
    "symlink out": entry(f"{TASK}/link", type=tarfile.SYMTYPE, linkname="../../outside"),
    "symlink in": entry(f"{TASK}/link", type=tarfile.SYMTYPE, linkname="dataset.json"),
    "hard link out": entry(f"{TASK}/link", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
    "hard link in": entry(f"{TASK}/link", type=tarfile.LNKTYPE, linkname=f"{TASK}/dataset.json"),
    "device": entry(f"{TASK}/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    "disk": entry(f"{TASK}/disk", type=tarfile.BLKTYPE),
    "pipe": entry(f"{TASK}/pipe", type=tarfile.FIFOTYPE),
    "link of a Mac's name": entry(f"{TASK}/._link", type=tarfile.SYMTYPE, linkname="/etc"),
    "Mac's name out": entry("../._outside"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_writes_nothing(pack, folder, progress, kind):
    with pytest.raises(UserError, match=r"task\.tar has .*: nothing was unpacked"):
        unpack(pack(GOOD, HOSTILE[kind]), TASK, folder, progress)
    assert everything(folder.parent) == {"un packed"}


def test_a_link_and_a_file_through_it(pack, folder, progress, tmp_path):
    """The two entries that write outside when each is looked at alone."""
    archive = pack(GOOD, entry(f"{TASK}/door", type=tarfile.SYMTYPE, linkname=str(tmp_path)))
    with tarfile.open(archive, "a") as tar:
        tar.addfile(entry(f"{TASK}/door/outside", size=1), io.BytesIO(b"x"))
    with pytest.raises(UserError, match="neither file nor folder"):
        unpack(archive, TASK, folder, progress)
    assert not (tmp_path / "outside").exists()


def test_another_tasks_archive(pack, folder, progress):
    with pytest.raises(UserError, match=f"'Task02_Heart/dataset.json' outside {TASK}: it is not the archive of this"):
        unpack(pack({"Task02_Heart/dataset.json": b"{}"}), TASK, folder, progress)
    with pytest.raises(UserError, match=rf"has no {TASK}/dataset\.json"):
        unpack(pack({f"{TASK}/README": b""}), TASK, folder, progress)
    with pytest.raises(UserError, match=rf"has no {TASK}/dataset\.json"):
        unpack(pack({}), TASK, folder, progress)


def test_more_than_fits_is_not_begun(pack, folder, progress):
    """A compressed archive of a few kilobytes that would fill the disk."""
    archive = pack({**GOOD, f"{TASK}/imagesTr/zeros": bytes(8 * 2**20)}, mode="w:gz")
    assert archive.stat().st_size < 10_000
    with file_system(folder, "size=4m"):
        with pytest.raises(UserError, match=r"unpacks to .* are free: make room"):
            unpack(archive, TASK, folder, progress)
        assert everything(folder) == set()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_half_an_archive(pack, folder, progress, mode, share):
    archive = pack({**GOOD, f"{TASK}/imagesTr/two.nii.gz": os.urandom(10**5)}, mode=mode)
    archive.write_bytes(archive.read_bytes()[: int(share * archive.stat().st_size)])
    with pytest.raises(UserError, match="is no whole tar archive") as caught:
        unpack(archive, TASK, folder, progress)
    assert "\n" not in str(caught.value)


def test_no_archive(folder, progress, tmp_path):
    page = tmp_path / "page.tar"
    page.write_text("<html>please log in</html>" * 100)
    with pytest.raises(UserError, match="is no whole tar archive"):
        unpack(page, TASK, folder, progress)


def test_a_file_where_a_folder_should_be(pack, folder, progress):
    with pytest.raises(UserError, match=r"unpacking .*task\.tar"):
        unpack(pack({**GOOD, f"{TASK}/dataset.json/inside": b""}), TASK, folder, progress)
