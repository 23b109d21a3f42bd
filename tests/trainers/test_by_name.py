import pickle

import pytest
import torch
from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name as nnunets_look_up

from nnunet_lunet.trainers import by_name
from nnunet_lunet.trainers.lunet import LUnetTrainer, UNetTrainer


@pytest.mark.parametrize("name", ["LUnetTrainer", "LUnetTrainer_w16_100epochs", "UNetTrainer_3epochs_5iters"])
def test_nnunet_finds_the_same_class_each_time(name):
    found = nnunets_look_up(name)
    assert found is nnunets_look_up(name) is by_name.find(name) is pickle.loads(pickle.dumps(found))
    assert found.__name__ == name


@pytest.mark.parametrize(
    "name", ["LUnetTrainer_w0", "LUnetTrainer_w16_w8", "UNetTrainer_banana", "LUnetTrainer_" + "x" * 300]
)
def test_a_wrong_name_ends_in_nnunets_own_error_after_one_line_of_ours(name, capsys):
    with pytest.raises(RuntimeError, match="Could not find requested nnunet trainer"):
        nnunets_look_up(name)
    assert capsys.readouterr().err.count("\n") == 1
    assert name not in vars(by_name)


def test_names_of_others_are_left_to_others(capsys):
    with pytest.raises(RuntimeError, match="Could not find requested nnunet trainer"):
        nnunets_look_up("SomeoneElsesTrainer")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("LUnetTrainer", [32, 32, 32]),
        ("LUnetTrainer_w5", [5, 5, 5]),
        ("LUnetTrainer_w5_linear", [5, 10, 15]),
        ("UNetTrainer", [32, 48, 50]),
        ("UNetTrainer_w5", [5, 10, 20]),
    ],
)
def test_the_name_says_the_widths(name, widths):
    planned = {"n_stages": 3, "features_per_stage": [32, 48, 50]}
    kwargs = by_name.find(name).arch_kwargs(planned)
    from nnunet_lunet.architectures.widths import resolve

    assert resolve(kwargs["features_per_stage"], kwargs.get("width_profile"), 3, dim=3) == widths
    assert planned == {"n_stages": 3, "features_per_stage": [32, 48, 50]}


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("LUnetTrainer_1epochs", LUnetTrainer.default_recipe),
        ("UNetTrainer_1epochs", UNetTrainer.default_recipe),
        ("LUnetTrainer_sgd", "sgd"),
        ("LUnetTrainer_adamw", "adamw"),
        ("UNetTrainer_sgd", "sgd"),
        ("UNetTrainer_adamw", "adamw"),
    ],
)
def test_the_name_says_the_optimizer_and_the_length(tiny, name, recipe):
    with tiny.active():
        trainer = tiny.trainer(name)
        trainer.initialize()
    kinds: dict[str, type[torch.optim.Optimizer]] = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}
    assert type(trainer.optimizer) is kinds[recipe]
    assert trainer.optimizer.param_groups[0]["lr"] == trainer.initial_lr
    assert trainer.num_epochs == (1 if "1epochs" in name else 1000)
    trainer.lr_scheduler.step(trainer.num_epochs // 2)
    halfway = trainer.initial_lr * (1 - (trainer.num_epochs // 2) / trainer.num_epochs) ** 0.9
    assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(halfway)


@pytest.mark.parametrize(("iterations", "validation"), [(1, 1), (4, 1), (25, 5), (250, 50)])
def test_validation_iterations_are_a_fifth(tiny, iterations, validation):
    with tiny.active():
        trainer = tiny.trainer(f"LUnetTrainer_{iterations}iters")
    assert (trainer.num_iterations_per_epoch, trainer.num_val_iterations_per_epoch) == (iterations, validation)
