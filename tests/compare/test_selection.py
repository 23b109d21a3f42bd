import pytest

from nnunet_lunet.compare import selection
from nnunet_lunet.compare.selection import Wanted
from nnunet_lunet.errors import UserError

NAME = "Dataset950_Made"


@pytest.fixture
def results(make):
    """Empty validations of what ``add`` names."""
    made = make()

    def add(trainer, fold=0, finished=True, **model):
        folder = made.fold(trainer, fold, **model) / "validation"
        folder.mkdir(parents=True)
        (folder / "case.nii.gz").touch()
        if finished:
            (folder / "summary.json").write_text('{"foreground_mean": {"Dice": 1.0}}')

    return add


def chosen(*models, folds=(), plans=None, configuration=None):
    return selection.trained(NAME, ".nii.gz", Wanted(models, folds, plans, configuration))


def shown(candidates):
    return {candidate.name: [(run.fold, run.seed) for run in candidate.runs] for candidate in candidates}


def test_all_models_and_all_folds_but_all(results):
    for trainer in ("nnUNetTrainer", "LUnetTrainer_w8"):
        for fold in (0, 1, "all"):
            results(trainer, fold)
    candidates, notes = chosen()
    assert shown(candidates) == {name: [("0", None), ("1", None)] for name in ("LUnetTrainer_w8", "nnUNetTrainer")}
    assert notes == []
    assert list(candidates[0].runs[0].label_maps) == ["case"]
    candidates, notes = chosen(folds=["all"])
    assert shown(candidates)["nnUNetTrainer"] == [("all", None)]
    assert "trained on" in notes[0]


def test_seeds_are_one_model(results):
    for name in ("LUnetTrainer_w8", "LUnetTrainer_w8_seed1", "LUnetTrainer_seed2_w8"):
        results(name)
    runs = [("0", 2), ("0", None), ("0", 1)]
    assert shown(chosen()[0]) == shown(chosen("LUnetTrainer_w8")[0]) == {"LUnetTrainer_w8": runs}
    assert shown(chosen("LUnetTrainer_w8_seed1")[0]) == {"LUnetTrainer_w8": [("0", 1)]}


def test_trainers_of_others_keep_a_name_that_looks_like_a_seed(results):
    results("TheirTrainer_seed1")
    assert shown(chosen()[0]) == {"TheirTrainer_seed1": [("0", None)]}


def test_one_seed_under_two_names_is_refused(results):
    results("LUnetTrainer_w8_seed1")
    results("LUnetTrainer_seed1_w8")
    with pytest.raises(UserError, match=r"seed 1 .* is there twice \(LUnetTrainer_seed1_w8, LUnetTrainer_w8_seed1"):
        chosen()


def test_names_have_plans_and_configuration_where_they_differ(results):
    results("nnUNetTrainer")
    results("nnUNetTrainer", plans="LUnet16Plans")
    assert list(shown(chosen()[0])) == ["nnUNetTrainer:LUnet16Plans", "nnUNetTrainer:nnUNetPlans"]
    results("nnUNetTrainer", configuration="2d")
    assert "nnUNetTrainer:nnUNetPlans:2d" in shown(chosen()[0])
    assert list(shown(chosen(configuration="2d")[0])) == ["nnUNetTrainer"]
    assert list(shown(chosen("nnUNetTrainer", plans="LUnet16Plans")[0])) == ["nnUNetTrainer"]
    both = chosen("nnUNetTrainer:LUnet16Plans", "nnUNetTrainer:nnUNetPlans:2d", plans="nothing")[0]
    assert len(both) == 2


def test_a_name_of_ones_own(results):
    results("LUnetTrainer_w8_seed1")
    results("LUnetTrainer_w8_seed2")
    results("nnUNetTrainer")
    given = chosen("flat = 8=LUnetTrainer_w8", "nnUNetTrainer")[0]
    assert shown(given) == {"flat = 8": [("0", 1), ("0", 2)], "nnUNetTrainer": [("0", None)]}
    assert selection.find("flat = 8", given, "--baseline") == selection.find("LUnetTrainer_w8", given, "--baseline")
    two = chosen("flat=LUnetTrainer_w8_seed1", "flat=LUnetTrainer_w8_seed2:nnUNetPlans")[0]
    assert shown(two) == {"flat": [("0", 1), ("0", 2)]}
    with pytest.raises(UserError, match=r"an earlier -m names this model 'flat'"):
        chosen("flat=LUnetTrainer_w8_seed1", "thin=LUnetTrainer_w8_seed2")
    with pytest.raises(UserError, match="two models are named 'flat'"):
        selection.check_names(chosen("flat=LUnetTrainer_w8", "flat=nnUNetTrainer")[0])
    with pytest.raises(UserError, match="write a name before ="):
        chosen("=nnUNetTrainer")
    results("nnUNetTrainer", plans="LUnet16Plans")
    with pytest.raises(UserError, match=r"names 2 models: nnUNetTrainer:LUnet16Plans:.*nnUNetTrainer:nnUNetPlans:"):
        chosen("stock=nnUNetTrainer")


def test_a_fold_that_no_model_has_is_said(results):
    results("nnUNetTrainer")
    candidates, notes = chosen("nnUNetTrainer", folds=["0", "3"])
    assert shown(candidates) == {"nnUNetTrainer": [("0", None)]}
    assert notes == ["No model has a finished validation of fold 3."]


def test_what_excludes_a_model_is_named(results):
    results("nnUNetTrainer")
    with pytest.raises(UserError, match="-m 'nnUNetTrainer' is not there with -p Other"):
        chosen("nnUNetTrainer", plans="Other")


def test_what_is_not_compared_is_said(results):
    results("nnUNetTrainer", 0)
    results("nnUNetTrainer", 1, finished=False)
    results("LUnetTrainer", 1)
    results("UNetTrainer", 0, finished=False)
    candidates, notes = chosen(folds=["0"])
    assert list(shown(candidates)) == ["nnUNetTrainer"]
    assert notes == [
        "Not compared, because its validation is not finished: fold 0 of UNetTrainer:nnUNetPlans:3d_fullres.",
        "Not compared, because none of folds 0 is validated: LUnetTrainer:nnUNetPlans:3d_fullres.",
    ]
    assert "fold 1 of nnUNetTrainer" in "".join(chosen("nnUNetTrainer")[1])
    results("UNetTrainer", 3, finished=False)
    assert sum("folds 0, 3 of UNetTrainer" in note for note in chosen()[1]) == 1


@pytest.mark.parametrize(
    ("models", "options", "told"),
    [
        (["LUnetTrainr_w8"], {}, "'LUnetTrainr_w8' is not there: did you mean LUnetTrainer_w8:"),
        (["UNetTrainer"], {}, "'UNetTrainer' has no fold with a finished validation"),
        (["nnUNetTrainer", "nnUNetTrainer:nnUNetPlans"], {}, "an earlier -m asks for"),
        (["nnUNetTrainer::2d"], {}, "write TRAINER"),
        (["a:b:c:d"], {}, "write TRAINER"),
        (["nnUNetTrainer"], {"folds": ["3"]}, "-f 3: not validated for nnUNetTrainer"),
        ([], {"configuration": "3d_lowres"}, "-c 3d_lowres; there are LUnetTrainer_w8:nnUNetPlans:3d_fullres"),
    ],
)
def test_what_cannot_be_chosen_is_told_in_one_line(results, models, options, told):
    results("LUnetTrainer_w8")
    results("nnUNetTrainer")
    results("UNetTrainer", finished=False)
    with pytest.raises(UserError, match=told):
        chosen(*models, **options)


def test_no_results_at_all(make):
    make()
    with pytest.raises(UserError, match="no fold of it with a finished validation"):
        chosen()


def test_folders_that_are_no_models_are_passed_over(results):
    results("nnUNetTrainer")
    results("ensemble___a__b", plans="c__d")
    assert list(shown(chosen()[0])) == ["nnUNetTrainer"]


def test_a_baseline_by_name_or_by_what_it_stands_for(results):
    results("nnUNetTrainer")
    results("nnUNetTrainer", plans="LUnet16Plans")
    candidates = chosen()[0]
    assert selection.find("nnUNetTrainer:LUnet16Plans:3d_fullres", candidates, "--baseline") is candidates[0]
    with pytest.raises(UserError, match="--baseline 'nnUNetTrainer' stands for several models: did you mean"):
        selection.find("nnUNetTrainer", candidates, "--baseline")
    with pytest.raises(UserError, match="--baseline 'banana' is none of the models"):
        selection.find("banana", candidates, "--baseline")
