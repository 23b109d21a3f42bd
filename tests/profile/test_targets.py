"""What is profiled: trainers, presets, checkpoints, and what is said where there is no such thing."""

import json
import shutil

import pytest
import torch
from conftest import RESENC, known

from nnunet_lunet.errors import UserError
from nnunet_lunet.profile import run, targets
from nnunet_lunet.profile.subject import Subject, elsewhere


def test_every_combination_trainers_before_presets(planned):
    found = targets.choose(
        ["903"], ["nnUNetPlans", RESENC], ["2d", "3d_fullres"], ["LUnetTrainer_w8", "nnUNetTrainer"], ["LUnet8"], []
    )
    assert [each.name for each in found[:4]] == [
        "LUnetTrainer_w8, 2d, nnUNetPlans", "nnUNetTrainer, 2d, nnUNetPlans",
        "LUnetTrainer_w8, 3d_fullres, nnUNetPlans", "nnUNetTrainer, 3d_fullres, nnUNetPlans",
    ]  # fmt: skip
    assert [each.name for each in found[8:]] == [
        f"LUnet8, {configuration}, {plans}"
        for plans in ("nnUNetPlans", RESENC)
        for configuration in ("2d", "3d_fullres")
    ]
    assert {each.trainer for each in found[8:]} == {targets.PRESET_TRAINER}
    assert found[-1].plans["plans_name"] == "LUnet8ResEncUNetMPlans"


def test_what_all_share_is_not_in_the_names_and_a_network_can_be_there_twice(planned):
    found = targets.choose(["903"], ["nnUNetPlans"], ["2d"], ["UNetTrainer", "UNetTrainer"], [], [])
    assert [each.name for each in found] == ["UNetTrainer", "UNetTrainer (2)"]
    (alone,) = targets.choose(["903"], ["nnUNetPlans"], ["2d"], [], [], [])
    assert alone.trainer == "nnUNetTrainer"


def test_a_batch_size_of_ones_own_leaves_the_plans_of_the_others(planned):
    # A cascade's second stage inherits the batch size.
    plain, other = (
        targets.choose(["903"], ["nnUNetPlans"], ["3d_cascade_fullres"], ["UNetTrainer"], [], [], batch_size)[0]
        for batch_size in (None, 3)
    )
    with elsewhere():
        assert run.count(other).batch_size == 3 != run.count(plain).batch_size


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((["777"], ["nnUNetPlans"], ["2d"], ["UNetTrainer"], []), "-d 777: Could not find a dataset"),
        ((["903"], ["nnUNetPlan"], ["2d"], ["UNetTrainer"], []), "has no nnUNetPlan.json: it has nnUNetPlans"),
        ((["903"], ["nnUNetPlans"], ["4d"], ["UNetTrainer"], []), "-c 4d: plans nnUNetPlans have 2d"),
        ((["903"], ["nnUNetPlans"], ["2d"], ["nnUNetTrainerAdm"], []), "did you mean nnUNetTrainerAdam"),
        ((["903"], ["nnUNetPlans"], ["2d"], ["LUnetTrainr_w8"], []), "did you mean LUnetTrainer"),
        ((["903"], ["nnUNetPlans"], ["2d"], ["LUnetTrainer_w9999"], []), "option _w9999 is too large"),
        ((["903"], ["nnUNetPlans"], ["2d"], [], ["LUNet16"]), "did you mean LUnet16"),
    ],
)
def test_a_mistake_is_one_line_with_the_nearest_names(planned, capsys, arguments, says):
    datasets, plans, configurations, trainers, wanted = arguments
    with pytest.raises(UserError) as error:
        targets.choose(datasets, plans, configurations, trainers, wanted, [])
    assert says in str(error.value) and "\n" not in str(error.value)
    assert capsys.readouterr() == ("", "")


@pytest.fixture(scope="module")
def pruned(tiny):
    """Checkpoint of a network that lost half of its channels."""
    trainer = "LUnetPruningTrainer_w4_keep50_3epochs_1iters_noDS"
    tiny.train(trainer, configuration="2d")
    return tiny.fold(trainer, configuration="2d") / "checkpoint_final.pth"


def change(checkpoint, target, **entries):
    content = torch.load(checkpoint, weights_only=True) | entries
    torch.save({key: value for key, value in content.items() if value is not None}, target)
    return target


def test_a_pruned_network_has_its_own_parameters(tiny, pruned):
    target = targets.of_checkpoint(pruned)
    history = json.loads((pruned.parent / "pruning_history.json").read_text())["epochs"]
    with tiny.active(), elsewhere():
        found = run.count(target)
    assert found.cost.parameters == history[-1]["parameters"] < history[0]["parameters"]
    assert found.cost.channels_per_level == history[-1]["channels_per_level"]
    assert found.checkpoint_bytes == pruned.stat().st_size > found.weights_bytes > 4 * known(found.cost.parameters)
    assert (found.name, found.configuration) == (f"{found.trainer} fold_0", "2d")


@pytest.mark.parametrize("trainer", [None, "UNetTrainer_w4_noDS"])
def test_narrower_weights_train_on_with_an_optimiser_of_their_own(tiny, pruned, tmp_path, trainer):
    """Also by a trainer that does not prune, but whose network takes the shapes of its weights."""
    file = change(pruned, tmp_path / "a.pth", trainer_name=trainer) if trainer else pruned
    with tiny.active(), elsewhere():
        subject = Subject(targets.of_checkpoint(file), "cpu")
        loaded = {name: tensor.clone() for name, tensor in subject.network.state_dict().items()}
        stored = torch.load(pruned, weights_only=True)["network_weights"]
        assert all(torch.equal(loaded[name], tensor) for name, tensor in stored.items())
        subject.prepare()
        subject.predict_patch()
        subject.train_step()
    assert any(not torch.equal(loaded[name], tensor) for name, tensor in subject.network.state_dict().items())
    parameters = {id(parameter) for parameter in subject.network.parameters()}
    assert {id(each) for group in subject.trainer.optimizer.param_groups for each in group["params"]} == parameters


def test_a_checkpoint_that_was_moved_has_its_plans_with_it(tiny, pruned, tmp_path):
    moved = shutil.copy(pruned, tmp_path / "of a friend.pth")
    with tiny.active(), elsewhere():
        there, here = (run.count(targets.of_checkpoint(file)) for file in (pruned, tmp_path / "of a friend.pth"))
    assert moved.exists()
    assert (here.cost.parameters, here.cost.multiply_adds, here.plans) == (
        there.cost.parameters,
        there.cost.multiply_adds,
        there.plans,
    )


def test_a_checkpoint_that_makes_no_network_is_one_line(tiny, pruned, tmp_path):
    broken = tmp_path / "broken.pth"
    broken.write_bytes(pruned.read_bytes()[:500])
    no_plans = change(pruned, tmp_path / "no plans.pth", init_args={"configuration": "2d"})
    unknown = change(pruned, tmp_path / "unknown.pth", trainer_name="TrainerOfAFriend")
    for file, says in (
        (broken, "broken.pth cannot be read"),
        (tmp_path / "absent.pth", "absent.pth cannot be read"),
        (no_plans, "has no plans in it: leave it in its model folder"),
        (unknown, "unknown.pth, trainer TrainerOfAFriend: nnU-Net finds no such trainer"),
    ):
        with tiny.active(), pytest.raises(UserError, match=says) as error:
            targets.of_checkpoint(file)
        assert "\n" not in str(error.value)
    weights = torch.load(pruned, weights_only=True)["network_weights"]
    weights.pop(next(iter(weights)))
    foreign = change(pruned, tmp_path / "foreign.pth", network_weights=weights)
    with tiny.active(), elsewhere(), pytest.raises(UserError, match=r"foreign\.pth does not fit its plans") as error:
        run.count(targets.of_checkpoint(foreign))
    assert "\n" not in str(error.value)
