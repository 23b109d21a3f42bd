"""Which model is which over data sets, and what may not be put together."""

from dataclasses import replace

import many_datasets
import pytest

from nnunet_lunet.compare.over import matching
from nnunet_lunet.errors import UserError

TWO = {"nnUNetTrainer": 0, "LUnetTrainer_w8": 0}


def renamed(comparison, **names):
    """With other names of models, everywhere."""

    def of(entries, field="model"):
        return [replace(entry, **{field: names.get(getattr(entry, field), getattr(entry, field))}) for entry in entries]

    return replace(
        comparison, models=of(comparison.models, "name"), scores=of(comparison.scores),
        tests=of(of(comparison.tests), "baseline"), baseline=names.get(comparison.baseline, comparison.baseline),
    )  # fmt: skip


def of_configuration(comparison, *configurations):
    """Its models in the first of these, and again, by other names, in each further one."""
    first, *others = configurations
    models = [replace(model, configuration=first) for model in comparison.models]
    more = [
        replace(model, name=f"{model.name}:{model.plans}:{other}", configuration=other)
        for other in others
        for model in comparison.models
    ]
    return replace(comparison, models=[*models, *more])


def test_a_model_is_its_trainer_and_plans_whatever_it_is_called():
    found = many_datasets.several(TWO, TWO, TWO)
    first, second, _ = found
    found[second] = renamed(found[second], LUnetTrainer_w8="flat 8")
    matched = matching.match(found)
    assert matched.baseline == "nnUNetTrainer" and list(matched.names) == [
        "nnUNetTrainer",
        "LUnetTrainer_w8:nnUNetPlans",
    ]
    assert matched.names["LUnetTrainer_w8:nnUNetPlans"][second] == "flat 8"
    assert matched.names["LUnetTrainer_w8:nnUNetPlans"][first] == "LUnetTrainer_w8"


def test_a_name_that_all_give_stays():
    found = many_datasets.several(TWO, TWO, names={"LUnetTrainer_w8": "flat 8"})
    assert list(matching.match(found).names) == ["nnUNetTrainer", "flat 8"]


def test_one_name_of_different_models_makes_them_no_model():
    first, second = ({"nnUNetTrainer": 0, f"LUnetTrainer_w{width}": 0} for width in (8, 16))
    found = {
        **many_datasets.several(first, names={"LUnetTrainer_w8": "flat"}),
        "B": many_datasets.comparison("B", second, names={"LUnetTrainer_w16": "flat"}),
    }
    assert {name: list(own) for name, own in matching.match(found).names.items()} == {
        "nnUNetTrainer": ["Dataset001_A", "B"],
        "LUnetTrainer_w8:nnUNetPlans": ["Dataset001_A"],
        "LUnetTrainer_w16:nnUNetPlans": ["B"],
    }


def test_other_plans_are_another_model():
    found = many_datasets.several(TWO)
    found["B"] = many_datasets.comparison("B", TWO)
    models = [found["B"].models[0], replace(found["B"].models[1], plans="LUnet8Plans")]
    found["B"] = replace(found["B"], models=models)
    assert [list(own) for own in matching.match(found).names.values()] == [
        ["Dataset001_A", "B"],
        ["Dataset001_A"],
        ["B"],
    ]


def test_configurations_may_differ_where_no_data_set_has_two():
    found = many_datasets.several(TWO, TWO)
    found["Dataset002_B"] = of_configuration(found["Dataset002_B"], "2d")
    assert all(list(own) == list(found) for own in matching.match(found).names.values())


def test_configurations_tell_models_apart_where_a_data_set_has_two():
    found = many_datasets.several(TWO, TWO)
    found["Dataset001_A"] = of_configuration(found["Dataset001_A"], "2d", "3d_fullres")
    found["Dataset002_B"] = of_configuration(found["Dataset002_B"], "2d")
    names = matching.match(found).names
    assert {name: len(own) for name, own in names.items()} == {
        "nnUNetTrainer": 2, "LUnetTrainer_w8": 2, "nnUNetTrainer:nnUNetPlans:3d_fullres": 1,
        "LUnetTrainer_w8:nnUNetPlans:3d_fullres": 1,
    }  # fmt: skip


def test_folders_of_predictions_are_what_they_are_called():
    found = many_datasets.several(TWO, TWO)
    for name, comparison in found.items():
        models = [replace(model, trainer=None, plans=None, configuration=None) for model in comparison.models]
        found[name] = replace(comparison, models=models)
    assert all(list(own) == list(found) for own in matching.match(found).names.values())


def test_baselines_have_to_be_one():
    found = many_datasets.several(TWO, {"LUnetTrainer_w8": 0, "nnUNetTrainer": 0})
    with pytest.raises(
        UserError, match=r"baselines differ: Dataset001_A nnUNetTrainer, Dataset002_B LUnetTrainer_w8;.*--b"
    ):
        matching.match(found)


def test_margins_have_to_be_one():
    found = {**many_datasets.several(TWO), "B": many_datasets.comparison("B", TWO, margin=0.01)}
    with pytest.raises(UserError, match=r"margins of dice differ: Dataset001_A 2 points, B 1 point; .*--margin"):
        matching.match(found)


def test_each_has_to_have_a_difference():
    found = many_datasets.several(TWO, {"nnUNetTrainer": 0})
    with pytest.raises(UserError, match=r"Dataset002_B: .* no difference in foreground dice"):
        matching.match(found)


def test_one_data_set_is_none_too_many():
    with pytest.raises(UserError, match="two or more"):
        matching.match(many_datasets.several(TWO))
