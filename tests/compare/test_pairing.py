from pathlib import Path

import pytest

from nnunet_lunet.compare import pairing
from nnunet_lunet.compare.selection import Candidate, Run
from nnunet_lunet.errors import UserError


def model(name, **runs):
    """``f0_s1="ab"``: in fold 0 of seed 1 the cases a and b; ``folder="ab"``: without fold and seed."""
    made = []
    for run, cases in runs.items():
        fold, _, seed = run.removeprefix("f").partition("_s")
        label_maps = {case: Path(case) for case in cases}
        made.append(Run(None if run == "folder" else fold, int(seed) if seed else None, None, label_maps))
    return Candidate(name, None, None, None, made)


def folds(candidates):
    return {candidate.name: [(run.fold, run.seed) for run in candidate.runs] for candidate in candidates}


def test_runs_of_common_folds_remain_and_what_is_missing_is_said():
    found, notes = pairing.on_common_folds(
        [model("A", f0="ab", f1="cd", f2="ef"), model("B", f0_s1="ab", f0_s2="ab", f1_s1="cd"), model("C", folder="ab")]
    )
    assert folds(found) == {"A": [("0", None)], "B": [("0", 1), ("0", 2)], "C": [(None, None)]}
    assert notes == ["Compared on fold 0 alone: B seed 1 lacks fold 2; B seed 2 lacks folds 1, 2."]


def test_nothing_is_said_where_all_folds_are_there():
    candidates = [model("A", f0="ab"), model("B", f0="ab")]
    assert pairing.on_common_folds(candidates) == (candidates, [])


def test_fewer_seeds_of_some_are_said():
    candidates = [model("A", f0_s0="ab", f0_s1="ab"), model("B", f0_s1="ab"), model("C", f0="ab")]
    (note,) = pairing.uneven_seeds([*candidates, model("D", folder="ab")])
    assert note.endswith("Seeds of A: 0, 1; B: 1; C, D: none named.")


@pytest.mark.parametrize(
    "candidates",
    [
        [model("A", f0_s0="ab", f1_s0="cd"), model("B", f0="ab", f1="cd"), model("C", folder="abcd")],
        [model("A", f0_s0="ab", f0_s1="ab"), model("B", f0_s2="ab", f0_s3="ab")],
    ],
)
def test_as_many_seeds_of_all_are_not_worth_a_word(candidates):
    assert pairing.uneven_seeds(candidates) == []


def test_no_common_fold():
    with pytest.raises(UserError, match="no fold is validated for all models: A lacks fold 1; B lacks fold 0; choose"):
        pairing.on_common_folds([model("A", f0="ab"), model("B", f1="ab")])


def test_cases_that_one_lacks_are_listed_where_they_are_missing():
    candidates = [model("A", f0="abc", f1="def"), model("B", f0_s1="abc", f1_s1="de", f0_s2="ab", f1_s2="de")]
    notes = ["Left out, because there is no reference: c."]
    assert pairing.common_cases(candidates, "abdefg") == (["a", "b", "d", "e"], {"B": ["f"]}, notes)
    assert pairing.unpredicted(candidates, "abdefg") == ["Left out, because no model predicted it: g."]
    many = [str(number) for number in range(100, 130)]
    (note,) = pairing.unpredicted(candidates, many)
    assert note.endswith(" 119 and 10 more.")


@pytest.mark.parametrize(
    ("candidates", "references", "told"),
    [
        ([model("A", f0="ab"), model("B", f0="ab"), model("C", f0="cd")], "abcd", "A and C have 0 cases in common"),
        ([model("A", f0="abc"), model("B", f0="a")], "abc", "A and B have 1 cases in common"),
        ([model("A", f0="a")], "a", "a comparison needs two"),
        ([model("A", f0="ab")], "xy", "no predicted case has a reference .e.g. a has none"),
    ],
)
def test_too_few_common_cases(candidates, references, told):
    with pytest.raises(UserError, match=told):
        pairing.common_cases(candidates, references)
