import os

import pytest

from nnunet_lunet.registration import startup


def path_list(*entries):
    return os.pathsep.join(entries)


@pytest.mark.parametrize("entries", [(), ("",), ("/a",), ("/a b", "/c"), ("", "/a", " ", "/a", "")])
def test_our_folder_comes_after_all_of_the_users_and_once(entries):
    value = startup.extended(path_list(*entries))
    assert value == path_list(*(entry for entry in entries if entry.strip()), startup.TRAINER_FOLDER)
    assert startup.extended(value) == value


def test_a_user_may_put_our_folder_anywhere():
    value = path_list(startup.TRAINER_FOLDER, "/a")
    assert startup.extended(value) == value


@pytest.mark.parametrize(
    ("value", "off"),
    [("0", True), (" no ", True), ("False", True), ("OFF", True), ("1", False), ("yes", False), ("", False)],
)
def test_what_switches_it_off(monkeypatch, value, off):
    monkeypatch.setenv(startup.SWITCH, value)
    assert startup.is_switched_off() is off


def test_it_is_on_by_default(monkeypatch):
    monkeypatch.delenv(startup.SWITCH, raising=False)
    monkeypatch.delenv(startup.VARIABLE, raising=False)
    startup.register()
    assert os.environ[startup.VARIABLE] == startup.TRAINER_FOLDER


def test_switched_off_it_does_nothing(monkeypatch):
    monkeypatch.setenv(startup.SWITCH, "0")
    monkeypatch.setenv(startup.VARIABLE, "/a")
    startup.register()
    assert os.environ[startup.VARIABLE] == "/a"


def test_a_path_that_cannot_be_in_a_list_of_paths_is_left_out(monkeypatch):
    monkeypatch.delenv(startup.SWITCH, raising=False)
    monkeypatch.setenv(startup.VARIABLE, "/a")
    monkeypatch.setattr(startup, "TRAINER_FOLDER", f"/b{os.pathsep}c")
    startup.register()
    assert os.environ[startup.VARIABLE] == "/a"
