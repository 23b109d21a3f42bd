"""Two channels, anisotropic patches, overlapping regions, an ignore label: in every configuration and plans."""

import pytest
import SimpleITK as sitk
from conftest import RESENC

TRAINER = "LUnetTrainer_w4_1epochs_1iters"
PAPERS = "LUnetTrainer_w4_paper_1epochs_1iters"
ORDER = ("2d", "3d_fullres", "3d_lowres", "3d_cascade_fullres")


@pytest.mark.parametrize(("plans", "trainer"), [("nnUNetPlans", TRAINER), (RESENC, TRAINER), ("nnUNetPlans", PAPERS)])
def test_every_configuration_trains_and_predicts(hard, tmp_path, plans, trainer):
    for configuration in ORDER:
        # The cascade's second stage trains on what the first stage's folds predict of each case.
        for fold in range(5) if configuration == "3d_lowres" else (0,):
            hard.train(trainer, fold=fold, configuration=configuration, plans=plans)
        previous = ["-prev_stage_predictions", tmp_path / "3d_lowres"] if "cascade" in configuration else []
        output = tmp_path / configuration
        hard.predict(trainer, output, *previous, configuration=configuration, plans=plans)
        prediction = sitk.ReadImage(output / "case_5.nii.gz")
        reference = sitk.ReadImage(hard.raw / "imagesTs" / "case_5_0000.nii.gz")
        assert prediction.GetSize() == reference.GetSize()
        # The ignore label is never predicted.
        assert set(sitk.GetArrayViewFromImage(prediction).flat) <= {0, 1, 2}
        assert (hard.fold(trainer, 0, configuration, plans) / "validation" / "summary.json").exists()


@pytest.mark.parametrize("plans", ["nnUNetPlans", RESENC])
def test_the_plans_themselves_stay_as_they_are(hard, plans):
    before = (hard.preprocessed / f"{plans}.json").read_text()
    with hard.active():
        trainer = hard.trainer(TRAINER, plans=plans)
        planned = trainer.configuration_manager.network_arch_init_kwargs["features_per_stage"]
        trainer.initialize()
        assert trainer.configuration_manager.network_arch_init_kwargs["features_per_stage"] == planned
    assert {stage.out_channels for stage in trainer.network.decoder.transpconvs} == {4}
    assert (hard.preprocessed / f"{plans}.json").read_text() == before
