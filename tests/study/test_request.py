"""What a study's file may say, and what is said about files that are none."""

from pathlib import Path

import pytest

from nnunet_lunet.errors import UserError
from nnunet_lunet.study import matrix, request

SMALLEST = "datasets: 4\nnetworks: [{trainer: LUnetTrainer}]\n"


@pytest.fixture
def written(tmp_path):
    def write(text):
        file = tmp_path / "my study.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_the_smallest_file_is_nnunets_own_cross_validation_on_this_machine(written):
    study = request.read(written(SMALLEST))
    assert study.datasets == [request.DatasetEntry(dataset=4)]
    assert (study.configurations, study.folds) == (["3d_fullres"], [0, 1, 2, 3, 4])
    assert (study.seeds, study.epochs, study.plans, study.predict) == ([], None, "nnUNetPlans", None)
    assert study.executor.local is not None and study.executor.local.slots == [None]


def test_everything_that_can_be_said_is_read(written):
    study = request.read(
        written("""
output: somewhere else
device: cuda
datasets: [4, Dataset005_Prostate]
configurations: [2d, 3d_fullres]
folds: [0, all]
seeds: 7
epochs: 20
iters: 50
plans: nnUNetResEncUNetMPlans
predict: {images: imagesTs, labels: labelsTs}
executor: {local: {jobs: 4, gpus: [0, 2]}}
networks:
- {trainer: UNetTrainer_noDS, preset: unet_small_4f, label: "U-Net 4", configurations: 2d}
- {trainer: UNetTrainer, match: LUnet16, plans: nnUNetPlans}
""")
    )
    assert study.seeds == [7] and study.folds == [0, "all"]
    assert study.networks[0].configurations == ["2d"] and study.networks[1].match == "LUnet16"
    assert study.networks[1].match_by == "parameters"
    # Four trainings at a time share two GPUs.
    assert study.executor.local is not None and study.executor.local.slots == [0, 2, 0, 2]


def test_a_dataset_may_have_configurations_of_its_own_and_margins_are_texts_or_numbers(written):
    study = request.read(
        written("""
datasets: [4, {dataset: Dataset124_HC18, configurations: 2d}]
margin: [0.02, hausdorff95=1]
margin_reason: two experts differ by that much
networks: [{trainer: UNetTrainer, match: LUnet16, match_by: multiply_adds}]
""")
    )
    assert [(entry.dataset, entry.configurations) for entry in study.datasets] == [
        (4, None), ("Dataset124_HC18", ["2d"])
    ]  # fmt: skip
    assert study.margin == ["0.02", "hausdorff95=1"] and study.networks[0].match_by == "multiply_adds"


def test_a_gpu_for_each_job_and_slurms_options_as_they_are(written):
    local = request.read(written(SMALLEST + "executor: {local: {gpus: [1, 3]}}")).executor.local
    assert local is not None and local.slots == [1, 3]
    options = "{timeout_min: 60, slurm_partition: gpu, gpus_per_node: 1}"
    slurm = request.read(written(SMALLEST + f"device: cuda\nexecutor: {{slurm: {options}}}")).executor.slurm
    assert slurm == {"timeout_min": 60, "slurm_partition": "gpu", "gpus_per_node": 1}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dataset: 4\nnetworks: [{trainer: A}]", "dataset: unknown key: did you mean datasets?"),
        ("datasets: 4\nnetworks: [{trainer: A, lable: x}]", "networks[0].lable: unknown key: did you mean label?"),
        (SMALLEST + "executor: {local: {job: 3}}", "executor.local.job: unknown key: did you mean jobs?"),
        (SMALLEST + "executor: slum", "executor.slum: unknown key: did you mean slurm?"),
        (SMALLEST + "predict: {images: a, label: b}", "predict.label: unknown key: did you mean labels?"),
        (SMALLEST + "colour: red", "colour: unknown key: there are datasets, networks"),
        (SMALLEST + "4: 4", "[4]: Keys should be strings"),
        (SMALLEST + "predict: {labels: b}", "predict.images: Field required"),
        ("networks: [{trainer: A}]", "datasets: Field required"),
        ("datasets: 4\nnetworks: [{trainer: 4}]", "networks[0].trainer: Input should be a valid string, not '4'"),
        ("datasets: 4\nnetworks: []", "networks: List should have at least 1 item"),
        ("datasets: 4\nnetworks: A", "networks: Input should be a valid list, not 'A'"),
        (SMALLEST + "epochs: '3'", "epochs: Input should be a valid integer, not '3'"),
        (SMALLEST + "epochs: 0", "epochs: Input should be greater than or equal to 1, not '0'"),
        (SMALLEST + "seeds: true", "seeds: Input should be a valid list, not 'True'"),
        (SMALLEST + "folds: [0, -1]", "folds[1]: Input should be greater than or equal to 0, not '-1'"),
        (SMALLEST + "folds: []", "folds: Value should have at least 1 item"),
        (SMALLEST + "device: gpu", "device: use auto, cpu, cuda or mps, not 'gpu'"),
        (SMALLEST + "device: cpu\nexecutor: {local: {gpus: 0}}", "executor.local.gpus has no meaning with device cpu"),
        (SMALLEST + "executor: {slurm: {timeout_min: 9}}", "with executor slurm say device: cuda or cpu"),
        (SMALLEST + "device: cpu\nexecutor: slurm", "executor.slurm: say timeout_min"),
        (SMALLEST + "executor: {}", "executor: give local or slurm"),
        ("datasets: 4\nnetworks: [{trainer: A, preset: b, match: c}]", "networks[0]: give preset or match, not both"),
        ("datasets: 4\nnetworks: [{trainer: A, label: a/b}]", "networks[0].label: "),
        ("datasets: 4\nnetworks: [{trainer: A, match_by: parameters}]", "match_by has no meaning without match"),
        ("datasets: 4\nnetworks: [{trainer: A, match: b, match_by: gmacs}]", "networks[0].match_by: Input should be"),
        ("datasets: [{dataset: 4, configuration: 2d}]\nnetworks: [{trainer: A}]", "did you mean configurations?"),
        (SMALLEST + "margin: 0.6", "margin: --margin 0.6: give a difference above 0 and below 0.5"),
        (SMALLEST + "margin: [0.2]", "margin: --margin dice 0.2: more than 10 points worse"),
        ("datasets: [", "is no YAML: "),
        ("datasets: 4\ndatasets: 5\nnetworks: [{trainer: A}]", "datasets is there twice"),
        ("\tdatasets: 4", "is no YAML: "),
        ("- 4", "says nothing: it needs at least datasets and networks"),
        ("", "says nothing: it needs at least datasets and networks"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_its_place(written, text, says):
    file = written(text)
    with pytest.raises(UserError) as error:
        request.read(file)
    assert says in str(error.value) and str(file) in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "latin.yaml").write_bytes(b"datasets: \xe9")
    for name in ("nowhere.yaml", "latin.yaml"):
        with pytest.raises(UserError, match=f"{name} cannot be read"):
            request.read(request.find(str(tmp_path / name)))


def test_studies_of_the_package_are_found_by_name_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert request.names() == ["many", "msd", "paper_table2", "widths"]
    assert request.find("paper_table2") == request.folder() / "paper_table2.yaml"
    # A file of that name comes first.
    Path("widths").write_text(SMALLEST)
    assert request.find("widths") == Path("widths")
    with pytest.raises(UserError, match=r"study 'paper_tabel2' is no file .* did you mean paper_table2"):
        request.find("paper_tabel2")


@pytest.mark.parametrize("name", ["many", "msd", "paper_table2", "widths"])
def test_every_study_of_the_package_is_valid_down_to_its_presets_and_trainers(name):
    file = request.find(name)
    study = request.read(file)
    trainings = matrix.expand(study, file, list(map(str, study.datasets)))
    seeds, folds = len(study.seeds) or 1, len(study.folds)
    assert len(trainings) == len(study.networks) * len(study.datasets) * seeds * folds
    assert all(network.label is not None for network in study.networks)
    assert (
        len({(training.dataset, training.name) for training in trainings})
        == len({training.title for training in trainings})
        == len(trainings)
    )


def test_the_papers_table_has_what_it_is_named_for():
    study = request.read(request.find("paper_table2"))
    presets = {network.preset for network in study.networks}
    assert presets >= {f"unet_small_{width}f" for width in (4, 3, 2, 1)}
    assert presets >= {f"lunet_small_{width}f" for width in (8, 4, 3, 2, 1)}
    assert presets >= {"unet_small_4f_noskip", "lunet_small_4f_noskip"}
    pruned = [network for network in study.networks if network.trainer.startswith("LUnetPruningTrainer")]
    assert {network.trainer.split("_")[2] for network in pruned} == {"stamp", "randomAtStamp", "randomAtLargest"}
    assert all("_noDS" in network.trainer for network in study.networks)
    assert study.seeds == [0, 1, 2] and len(read_msd().datasets) == 10


def read_msd():
    return request.read(request.find("msd"))
