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


FIVE = {f"f{fold}": "ab" for fold in range(5)}


def on_folds(numbers, seed=""):
    return {f"f{number}{seed}": "ab" for number in numbers}


def test_an_unfinished_model_is_left_out_before_all_others_lose_folds():
    everything = [model("A", **FIVE), model("B", **FIVE), model("C", f2="ab"), model("D", **on_folds("01"))]
    found, notes = pairing.most_in_common(everything)
    assert found == everything[:2]
    assert notes == [
        "Not compared, because it lacks folds 0, 1, 3, 4: C (-f 2 takes it).",
        "Not compared, because it lacks folds 2, 3, 4: D (-f 0,1 takes it).",
    ]


@pytest.mark.parametrize(
    ("have", "kept", "folds"),
    [
        # Two of five folds are ten, as are ten of one fold: more models. Nine of one fold are fewer.
        ({**dict.fromkeys("AB", "01234"), **dict.fromkeys("CDEFGHIJ", "0")}, "ABCDEFGHIJ", "0"),
        ({**dict.fromkeys("AB", "01234"), **dict.fromkeys("CDEFGHI", "0")}, "AB", "01234"),
        # Folds that no model has alone.
        ({"A": "012", "B": "123", "C": "4"}, "AB", "12"),
        # One of all folds is no comparison.
        ({"A": "01234", "B": "4"}, "AB", "4"),
        ({"A": "0", "B": "1", "C": "1", "D": "0"}, "AD", "0"),
        ({"A": "01234"}, "A", "01234"),
    ],
)
def test_the_folds_on_which_most_is_compared(have, kept, folds):
    found, notes = pairing.most_in_common([model(name, **on_folds(own)) for name, own in have.items()])
    assert [candidate.name for candidate in found] == list(kept) and len(notes) == len(have) - len(kept)
    restricted, _ = pairing.on_common_folds(found)
    assert {run.fold for candidate in restricted for run in candidate.runs} == set(folds)


def test_the_folds_that_a_note_names_take_the_model():
    have = {"A": "01234", "B": "01234", "C": "14", "D": "04", "E": "04"}
    _, notes = pairing.most_in_common([model(name, **on_folds(own)) for name, own in have.items()])
    (asked,) = [note.partition("(-f ")[2].partition(" ")[0].split(",") for note in notes if ": C (" in note]
    chosen, _ = pairing.most_in_common(
        [model(name, **on_folds(set(own) & set(asked))) for name, own in have.items() if set(own) & set(asked)]
    )
    assert "C" in {candidate.name for candidate in chosen}


def test_finished_seeds_stay_and_count_only_among_equals():
    seeds = {**on_folds("01", "_s0"), **on_folds("01", "_s1"), **on_folds("0", "_s2")}
    found, notes = pairing.most_in_common([model("A", **seeds), model("B", **on_folds("01"))])
    assert folds(found) == {
        "A": [("0", 0), ("1", 0), ("0", 1), ("1", 1)], "B": [("0", None), ("1", None)],
    }  # fmt: skip
    assert notes == ["Not compared, because it lacks fold 1: A seed 2 (-f 0 takes it)."]
    found, _ = pairing.most_in_common([model("A", f0="ab", f1_s1="ab", f1_s2="ab"), model("B", f0="ab", f1_s3="ab")])
    assert folds(found) == {"A": [("1", 1), ("1", 2)], "B": [("1", 3)]}


def test_many_seeds_win_neither_against_folds_nor_against_models():
    many = {f"f0_s{seed}": "ab" for seed in range(1, 9)}
    found, _ = pairing.most_in_common([model("A", **on_folds("01", "_s0"), **many), model("B", **on_folds("01"))])
    assert folds(found)["A"] == [("0", 0), ("1", 0)]
    two = [model(name, **on_folds("01", "_s0"), **on_folds("01", "_s1"), **on_folds("01", "_s2")) for name in "AB"]
    found, _ = pairing.most_in_common([*two, *(model(name, f2="ab") for name in "CDEF")])
    assert [candidate.name for candidate in found] == list("CDEF")


def test_the_baseline_that_is_named_stays():
    candidates = [model("A", **FIVE), model("B", **FIVE), model("C", f2="ab")]
    found, notes = pairing.most_in_common(candidates, "C")
    assert (found, notes) == (candidates, [])
    with pytest.raises(UserError, match="--baseline C: no other model has a fold in common: A has fold 0; C has fold "):
        pairing.most_in_common([model("A", f0="ab"), model("C", f2="ab")], "C")


def test_nothing_in_common_at_all():
    with pytest.raises(UserError, match="no two models have a fold in common: A has fold 0; B seed 1 has folds 1, 2; "):
        pairing.most_in_common([model("A", f0="ab"), model("B", f1_s1="ab", f2_s1="ab")])


def test_several_folds_that_predicted_the_same_are_said_to_be_no_ensemble():
    candidates = [model("A", f0="ab", f1="ab"), model("B", f0_s0="ab", f0_s1="ab"), model("C", folder="ab")]
    (note,) = pairing.single_networks(candidates)
    assert "scored alone" in note and note.endswith("Several folds: A.")
    assert pairing.single_networks(candidates[1:]) == []


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
