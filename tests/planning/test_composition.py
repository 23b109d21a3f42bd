"""Preset plans in every trainer, configuration and encoder; models for people who have only nnU-Net."""

import json

import numpy as np
import pytest
import torch
from conftest import RESENC, batch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

from nnunet_lunet.planning import plans_file, presets, tasks

PRUNING = "LUnetPruningTrainer_keep50_3epochs_1iters"


@pytest.mark.parametrize(("source", "configurations"), [("nnUNetPlans", ["2d", "3d_fullres"]), (RESENC, ["2d"])])
@pytest.mark.parametrize("preset", presets.names())
def test_every_preset_makes_networks_that_nnunet_can_train(planned, preset, source, configurations):
    tasks.from_preset("903", preset, source, configurations)
    name = presets.derived_name(preset, source)
    plans = plans_file.read("903", name)
    assert plans.content["plans_name"] == name
    for configuration in configurations:
        manager = PlansManager(plans.content).get_configuration(configuration)
        with torch.device("meta"):
            network = nnUNetTrainer.build_network_architecture(
                PlansManager(plans.content), manager, plans.input_channels(configuration), 3, True
            )
            outputs = network(torch.zeros(2, plans.input_channels(configuration), *manager.patch_size))
        # nnU-Net makes a reference for each output by dividing the patch by these strides.
        scales = np.cumprod(np.vstack(manager.pool_op_kernel_sizes), axis=0)[:-1]
        expected = [(2, 3, *(np.array(manager.patch_size) // scale)) for scale in scales]
        assert [tuple(output.shape) for output in outputs] == expected


@pytest.mark.slow
@pytest.mark.parametrize("configuration", ["2d", "3d_fullres"])
@pytest.mark.parametrize("source", ["nnUNetPlans", RESENC])
def test_preset_plans_train_with_every_trainer(tiny, source, configuration):
    if not (tiny.preprocessed / f"{source}.json").exists():
        tiny.call("nnUNetv2_plan_experiment", "-d", tiny.dataset_id, "-pl", "nnUNetPlannerResEncM")
    with tiny.active():
        tasks.from_preset(tiny.dataset, "LUnetLinear8", source)
        name = presets.derived_name("LUnetLinear8", source)
        for trainer_name in ("nnUNetTrainer", "UNetTrainer_noDS", "LUnetTrainer_w4", "LUnetPruningTrainer_3epochs"):
            trainer = tiny.trainer(trainer_name, configuration, name)
            trainer.initialize()
            trainer.batch_size = 2
            widths = [layer.out_channels for layer in reversed(trainer.network.decoder.transpconvs)]
            # LUnetTrainer makes them flat, the others keep those of the plans.
            planned = [4] * 9 if trainer_name == "LUnetTrainer_w4" else [8, 16, 24, 32]
            assert widths == planned[: len(widths)]
            trainer.on_train_epoch_start()
            assert np.isfinite(trainer.train_step(batch(trainer, seed=0))["loss"])


@pytest.mark.slow
def test_plans_of_a_cascade_train_from_stage_to_stage(hard):
    with hard.active():
        tasks.from_preset(hard.dataset, "LUnet4", "nnUNetPlans", ["3d_lowres"])
    trainer = "UNetTrainer_1epochs_1iters"
    for fold in range(5):
        hard.train(trainer, fold=fold, configuration="3d_lowres", plans="LUnet4Plans")
    hard.train(trainer, configuration="3d_cascade_fullres", plans="LUnet4Plans")
    fold = hard.fold(trainer, 0, "3d_cascade_fullres", "LUnet4Plans")
    weights = torch.load(fold / "checkpoint_final.pth", weights_only=True)["network_weights"]
    assert {tensor.shape[0] for key, tensor in weights.items() if key.startswith("encoder")} == {4}


def test_a_pruned_preset_is_predicted(tiny, tmp_path):
    with tiny.active():
        tasks.from_preset(tiny.dataset, "LUnet4", "nnUNetPlans")
    tiny.train(PRUNING, configuration="2d", plans="LUnet4Plans")
    tiny.predict(PRUNING, tmp_path, configuration="2d", plans="LUnet4Plans")
    assert len(list(tmp_path.glob("*.nii.gz"))) == 2


@pytest.mark.parametrize("configuration", ["2d", "3d_fullres"])
def test_a_stock_model_from_preset_plans_needs_nothing_but_nnunet(tiny, tmp_path, configuration):
    with tiny.active(nnUNet_n_proc_DA="0"):
        tasks.from_preset(tiny.dataset, "LUnet4", "nnUNetPlans")
        trainer = tiny.trainer("nnUNetTrainer", configuration, "LUnet4Plans")
        trainer.num_epochs = trainer.num_iterations_per_epoch = trainer.num_val_iterations_per_epoch = 1
        trainer.run_training()
    assert type(trainer) is nnUNetTrainer
    model = tiny.model("nnUNetTrainer", configuration, "LUnet4Plans")
    kwargs = json.loads((model / "plans.json").read_text())["configurations"][configuration]["architecture"]
    assert set(kwargs["arch_kwargs"]["features_per_stage"]) == {4}
    done = tiny.without_us(
        "predict", "-d", tiny.dataset_id, "-i", tiny.raw / "imagesTs", "-o", tmp_path, "-p", "LUnet4Plans",
        "-c", configuration, "-f", 0, "-device", "cpu", "-npp", 1, "-nps", 1, "--disable_tta",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(list(tmp_path.glob("*.nii.gz"))) == 2
