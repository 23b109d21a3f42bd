import hashlib
import random
import socket

import pytest
import urllib3
from conftest import file_system, read_only

from nnunet_lunet.datasets import fetch
from nnunet_lunet.errors import UserError

BODY = random.Random(5).randbytes(3 * 2**20 + 17)
MD5 = f"md5:{hashlib.md5(BODY).hexdigest()}"
OTHER = f"md5:{hashlib.md5(b'other').hexdigest()}"


@pytest.fixture
def target(tmp_path, server, monkeypatch):
    monkeypatch.setattr(fetch, "WAITS", (0, 0))
    server.files["a.tar"] = BODY
    return tmp_path / "my archives" / "a.tar"


def get(server, target, progress, checksum=MD5):
    fetch.fetch(f"{server.url}a.tar", target, checksum, progress)


def test_a_file_arrives_whole_and_is_not_fetched_again(server, target, progress):
    get(server, target, progress)
    get(server, target, progress)
    assert target.read_bytes() == BODY
    assert [path.name for path in target.parent.iterdir()] == ["a.tar"]
    assert server.ranges == [None]


def test_the_bar_says_how_much_of_how_much(server, target, progress):
    server.break_after = [2**20]
    get(server, target, progress)
    assert (progress.tasks[0].completed, progress.tasks[0].total) == (len(BODY), len(BODY))


def test_after_a_break_the_next_request_asks_for_the_rest(server, target, progress):
    server.break_after = [2**20, 2**20 + 5]
    get(server, target, progress)
    assert target.read_bytes() == BODY
    assert server.ranges == [None, f"bytes={2**20}-", f"bytes={2**21}-"]


def test_a_urllib3_before_2_which_takes_a_break_for_the_end(server, target, progress, monkeypatch):
    original = urllib3.HTTPResponse.__init__

    def lax(*arguments, **options):
        original(*arguments, **{**options, "enforce_content_length": False})

    monkeypatch.setattr(urllib3.HTTPResponse, "__init__", lax)
    server.break_after = [2**20]
    get(server, target, progress)
    assert server.ranges == [None, f"bytes={2**20}-"]


def test_breaks_count_from_the_last_one_that_brought_anything(server, target, progress):
    server.break_after = [fetch.CHUNK] * 10
    get(server, target, progress)
    assert target.read_bytes() == BODY
    assert len(server.ranges) == 11


def test_another_call_goes_on_where_the_last_gave_up(server, target, progress):
    server.break_after = [2**20, 0, 0, 0, 0]
    with pytest.raises(UserError, match=rf"again after waiting.*goes on from the {2**20:,} bytes in .*a\.tar\.part"):
        get(server, target, progress)
    assert len(server.ranges) == 1 + len(fetch.WAITS) and not target.exists()
    server.break_after = []
    get(server, target, progress)
    assert server.ranges[-1] == f"bytes={2**20}-"
    assert target.read_bytes() == BODY


def test_a_server_without_ranges_starts_again(server, target, progress):
    server.knows_ranges = False
    server.break_after = [2**20]
    get(server, target, progress)
    assert server.ranges == [None, f"bytes={2**20}-"]
    assert target.read_bytes() == BODY


def test_a_server_that_does_not_say_how_long_it_is(server, target, progress):
    server.says_length = False
    get(server, target, progress)
    assert target.read_bytes() == BODY


def test_what_is_whole_but_was_not_checked_before_a_kill(server, target, progress):
    target.parent.mkdir()
    target.with_name("a.tar.part").write_bytes(BODY)
    get(server, target, progress)
    assert target.read_bytes() == BODY


def test_a_wrong_checksum_keeps_the_file_under_another_name_and_starts_again(server, target, progress):
    with pytest.raises(UserError, match=rf"{MD5}, not {OTHER}.* rename .*a\.tar\.rejected to a\.tar and give --hash"):
        get(server, target, progress, OTHER)
    assert [path.name for path in target.parent.iterdir()] == ["a.tar.rejected"]
    get(server, target, progress)
    assert server.ranges == [None, None]
    assert target.read_bytes() == BODY


def test_a_damaged_part_is_not_gone_on_with_for_ever(server, target, progress):
    target.parent.mkdir()
    target.with_name("a.tar.part").write_bytes(b"x" * 1000)
    with pytest.raises(UserError, match="try again"):
        get(server, target, progress)
    get(server, target, progress)
    assert target.read_bytes() == BODY


def test_a_file_of_the_same_name_is_left_alone(server, target, progress):
    target.parent.mkdir()
    target.write_bytes(b"mine")
    with pytest.raises(UserError, match=rf"{target} has md5:\w+, not {MD5}: move it away"):
        get(server, target, progress)
    assert target.read_bytes() == b"mine" and server.ranges == []


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_not_asked_again(server, target, progress, status):
    server.statuses = [status]
    with pytest.raises(UserError, match=rf"a\.tar: {status} \w+.*is the address right\? --url"):
        get(server, target, progress)
    assert len(server.ranges) == 1


def test_a_refusal_leaves_what_has_arrived(server, target, progress):
    server.break_after, server.statuses = [2**20], [200, 404]
    with pytest.raises(UserError, match="404"):
        get(server, target, progress)
    assert target.with_name("a.tar.part").read_bytes() == BODY[: 2**20]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(server, target, progress, status):
    server.statuses = [status, status]
    get(server, target, progress)
    assert target.read_bytes() == BODY


def test_no_server(target, progress):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a.tar"
        with pytest.raises(UserError, match=f"{url}: ConnectionError, and again after waiting") as caught:
            fetch.fetch(url, target, MD5, progress)
    assert "\n" not in str(caught.value)


def test_more_than_fits_is_not_begun(server, target, progress, monkeypatch):
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": len(BODY) - 1}))
    with pytest.raises(UserError, match=r"are to come and .* are free"):
        get(server, target, progress)
    assert target.with_name("a.tar.part").stat().st_size == 0


def test_a_folder_that_cannot_be_written(server, target, progress):
    target.parent.mkdir()
    with read_only(target.parent), pytest.raises(UserError, match=r"a\.tar\.part: (Read-only|Permission)"):
        get(server, target, progress)


def test_a_disk_that_another_program_fills_meanwhile(server, target, progress):
    target.parent.mkdir()
    with file_system(target.parent, "size=2m"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetch.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 2**40}))
        with pytest.raises(UserError, match="No space left on device; what has arrived is kept"):
            get(server, target, progress)
        assert target.with_name("a.tar.part").stat().st_size >= 2**20


@pytest.mark.parametrize(
    ("written", "used"),
    [("MD5:" + "A" * 32, "md5:" + "a" * 32), ("b" * 64, "sha256:" + "b" * 64), ("sha256:" + "c" * 64, None)],
)
def test_checksums_as_people_write_them(written, used):
    assert fetch.check_checksum(written) == (used or written)


@pytest.mark.parametrize("written", ["", "md5", "md5:123", "a" * 32, "md5:" + "g" * 32, "crc:" + "a" * 32])
def test_what_cannot_be_a_checksum(written):
    with pytest.raises(UserError, match=f"--hash {written}: write algorithm:hexadecimal"):
        fetch.check_checksum(written)
