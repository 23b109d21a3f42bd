"""Scores that are kept from one comparison to the next."""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import known, read_only
from made_results import both
from nnunetv2.imageio.nibabel_reader_writer import NibabelIO
from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO
from rich.console import Console

from nnunet_lunet.compare import kept, metrics, scoring
from nnunet_lunet.compare import run as command
from nnunet_lunet.compare.metrics import Measures
from nnunet_lunet.compare.request import Request
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import results

VERSIONS = {"monai": "1"}
SCORED = 3 * 3 * 2
"""Masks in the comparison of three models: cases, models, labels."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(kept.VARIABLE, str(tmp_path / "scores"))
    return tmp_path / "scores"


@pytest.fixture
def measured(monkeypatch):
    """Whatever is measured is appended."""
    calls: list[tuple] = []
    measure = metrics.measure

    def counted(*masks):
        calls.append(masks)
        return measure(*masks)

    monkeypatch.setattr(metrics, "measure", counted)
    return calls


@pytest.fixture
def compare(three, tmp_path, measured, monkeypatch):
    """Returns what was found, how many masks were measured for it, and what was printed."""
    # Drawing takes longer than all else.
    monkeypatch.setattr(command, "_write_page", lambda *_: None)

    def compared(**options):
        printed, before = io.StringIO(), len(measured)
        request = Request(dataset="950", processes=1, overwrite=True, **options)
        found = command.run(request, tmp_path / "out", Console(file=printed, width=200))
        return found, len(measured) - before, printed.getvalue()

    return compared


def entries(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_second_comparison_scores_nothing_and_is_the_same(compare, folder):
    first, scored, _ = compare()
    again, scored_again, printed = compare()
    assert (scored, scored_again) == (SCORED, 0)
    assert repr(again) == repr(first)
    assert "not kept" not in printed and len(entries(folder)) == 3


def test_only_a_changed_prediction_is_scored_though_its_time_is_the_same(compare, folder, three):
    first, *_ = compare()
    file = three.fold("UNetTrainer") / "validation" / "case_1.nii.gz"
    whole = file.stat()
    three.write(file, both(1, shift=3))
    os.utime(file, ns=(whole.st_atime_ns, whole.st_mtime_ns))
    changed, scored, _ = compare()
    assert scored == 2
    moved = {score.case for old, score in zip(first.scores, changed.scores, strict=True) if old != score}
    assert moved == {"case_1"}


def test_a_changed_reference_has_all_its_predictions_scored(compare, folder, three):
    compare()
    three.reference("case_1", both(1, shift=4))
    assert compare()[1] == 3 * 2


def test_another_tolerance_is_scored_and_the_old_one_still_known(compare, folder):
    assert [compare(tolerances=[tolerance])[1] for tolerance in ("1", "2", "1")] == [SCORED, SCORED, 0]


def test_a_label_has_its_own_tolerance(compare, folder):
    def surface(found, label):
        return [score.values["surface_dice"] for score in found.scores if score.label == label]

    narrow, wide = (compare(tolerances=["0.1", *more])[0] for more in ([], ["front=9"]))
    assert min(surface(narrow, "front")) < 1 and set(surface(wide, "front")) == {1}
    assert surface(narrow, "back") == surface(wide, "back")
    assert any("0.1 mm (back), is below the voxel size of 3 of 3 cases" in note for note in wide.notes)


def test_other_versions_metrics_and_labels_are_another_basis(three, monkeypatch):
    labels = results.Labels({"front": 1}, {1: "front"}, frozenset({0, 1}), None)
    protocol = scoring.Protocol(labels, SimpleITKIO, {"front": 1.0})
    bases = [scoring.basis(protocol, VERSIONS), scoring.basis(protocol, {"monai": "2"})]
    bases.append(scoring.basis(replace(protocol, labels=replace(labels, ignore=2)), VERSIONS))
    bases.append(scoring.basis(replace(protocol, reader=NibabelIO), VERSIONS))
    monkeypatch.setitem(metrics.METRICS, "volume", metrics.METRICS["dice"])
    bases.append(scoring.basis(protocol, VERSIONS))
    monkeypatch.setattr(scoring.inspect, "getsource", lambda module: "changed")
    bases.append(scoring.basis(protocol, VERSIONS))
    assert len(set(bases)) == len(bases)


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[:-7], lambda whole: b"\xff" + whole,
                                    lambda whole: whole.replace(b"0.75", b"0.25", 1)])  # fmt: skip
def test_a_damaged_entry_is_scored_and_written_again(compare, folder, damage):
    first, *_ = compare()
    for file in entries(folder):
        file.write_bytes(damage(file.read_bytes()))
    again, scored, _ = compare()
    assert scored == SCORED
    assert again == first
    assert compare()[1] == 0


def test_a_folder_that_cannot_be_written_is_one_line(compare, folder):
    folder.mkdir()
    with read_only(folder):
        found, scored, printed = compare()
    assert scored == SCORED
    assert printed.replace("\n", " ").count("Scores are not kept in") == 1
    assert not any("not kept" in note for note in found.notes)


def test_a_file_in_place_of_the_folder_is_one_line(compare, folder):
    folder.write_text("mine")
    assert compare()[2].count("Scores are not kept in") == 1
    assert folder.read_text() == "mine"


def test_what_the_folder_knows_is_used_where_it_cannot_be_written(compare, folder):
    if os.geteuid() != 0:
        first, *_ = compare()
        with read_only(folder):
            assert compare()[:2] == (first, 0)


def test_nothing_is_kept_where_the_user_does_not_want_it(compare, tmp_path, monkeypatch):
    monkeypatch.setenv(kept.VARIABLE, "0")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert [compare()[1] for _ in range(2)] == [SCORED, SCORED]
    assert not (tmp_path / "cache").exists()


def test_scores_are_kept_in_the_cache_of_the_user(compare, tmp_path, monkeypatch):
    monkeypatch.delenv(kept.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    compare()
    assert len(entries(tmp_path / "cache" / "nnunet-lunet" / "scores")) == 3
    monkeypatch.setenv("XDG_CACHE_HOME", "no/absolute/path")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kept.folder() == tmp_path / ".cache" / "nnunet-lunet" / "scores"


def test_two_that_write_at_once_leave_whole_entries(tmp_path):
    """Each adds predictions of its own to the same few entries; what is read in between is whole, or not there."""

    def one(writer):
        scores = kept.Scores(tmp_path, "basis")
        for round_ in range(20):
            for reference in "ab":
                found = {f"{writer} {round_}": {"front": Measures({"dice": 0.1 * writer}, "note")}}
                scores.add(reference, kept.Entry(1 / 3, 0.5, found))
                entry = scores.read(reference)
                assert entry is None or entry.diagonal == 1 / 3
        return scores.problems

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(4))) == [[]] * 4
    last = kept.Scores(tmp_path, "basis")
    last.add("a", kept.Entry(1 / 3, 0.5, {"mine": {"front": Measures({"dice": None}, "")}}))
    assert known(last.read("a")).predictions["mine"] == {"front": Measures({"dice": None}, "")}
    assert not [file for file in entries(tmp_path) if file.suffix == ".tmp"]


def test_a_file_that_changes_while_it_is_scored_is_not_kept(compare, folder, three, monkeypatch):
    file = three.fold("UNetTrainer") / "validation" / "case_1.nii.gz"
    score = scoring.measure
    done: list[Path] = []

    def overwritten(reference, predictions, protocol):
        if file in predictions and not done:
            done.append(file)
            three.write(file, both(1, shift=3))
        return score(reference, predictions, protocol)

    monkeypatch.setattr(scoring, "measure", overwritten)
    first, *_ = compare()
    again, scored, _ = compare()
    assert scored == 2
    assert again == first


def test_a_label_map_that_is_refused_is_refused_again(compare, folder, three):
    compare()
    three.write(three.fold("UNetTrainer") / "validation" / "case_1.nii.gz", both(1), Origin=(0.0, 0.0, 5.0))
    for _ in range(2):
        with pytest.raises(UserError, match=r"case_1\.nii\.gz: its origin"):
            compare()


def test_the_json_file_beside_a_tiff_is_part_of_it(tmp_path):
    image = tmp_path / "a.tif"
    image.write_bytes(b"image")
    alone = kept.digests([image])
    (tmp_path / "a.json").write_text('{"spacing": [1, 1, 1]}')
    one = kept.digests([image])
    (tmp_path / "a.json").write_text('{"spacing": [1, 1, 2]}')
    assert len({found[image] for found in (alone, one, kept.digests([image]))}) == 3
    assert kept.digests([tmp_path / "gone.tif"]) == {tmp_path / "gone.tif": ""}


def test_beyond_the_limit_what_was_not_used_for_longest_is_removed(tmp_path, monkeypatch):
    scores = kept.Scores(tmp_path, "basis")
    for reference in "abc":
        scores.add(reference, kept.Entry(1.0, 0.5, {}))
    size = entries(tmp_path)[0].stat().st_size
    for age, file in enumerate(entries(tmp_path)):
        os.utime(file, (age, age))
    monkeypatch.setattr(kept, "LIMIT", 2 * size)
    used = [reference for reference in "abc" if scores.read(reference)][0:1]
    for file in entries(tmp_path):
        if file.stat().st_mtime > 10:
            os.utime(file, (5, 5))
    assert scores.read(used[0])
    scores.tidy()
    assert len(entries(tmp_path)) == 2 and scores.read(used[0])
