"""Shared pieces: small networks, a tiny real nnU-Net data set, stock commands."""

import io
import json
import multiprocessing
import multiprocessing.context
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import metadata
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
import torch.distributed as dist
from dynamic_network_architectures.architectures.unet import ResidualEncoderUNet
from nnunetv2.training.nnUNetTrainer import nnUNetTrainer as stock
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from nnunet_lunet.architectures.lean_unet import LeanUNet
from nnunet_lunet.datasets import synthetic

# Scores of a test are for no other test, and nothing goes to the cache of whoever runs them.
os.environ["NNUNET_LUNET_SCORES"] = "0"

# What a shell starts in the background ignores Ctrl-C, and so would every command that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def make_network(
    features=4, *, cls=LeanUNet, dim=3, n_stages=3, norm="instance", classes=3, channels=1, profile=None, strides=None,
    convs=2, nonlin=nn.LeakyReLU, **options,
):  # fmt: skip
    """A small network of ours with norm parameters (and statistics) that are not trivial."""
    conv = {2: nn.Conv2d, 3: nn.Conv3d}[dim]
    norm_op = {
        ("instance", 2): nn.InstanceNorm2d, ("instance", 3): nn.InstanceNorm3d,
        ("batch", 2): nn.BatchNorm2d, ("batch", 3): nn.BatchNorm3d,
    }[norm, dim]  # fmt: skip
    encoder_blocks = "n_blocks_per_stage" if issubclass(cls, ResidualEncoderUNet) else "n_conv_per_stage"
    # Only ours know of profiles.
    options |= {encoder_blocks: convs} | ({"width_profile": profile} if profile else {})
    network = cls(
        input_channels=channels, n_stages=n_stages, features_per_stage=features, conv_op=conv, kernel_sizes=3,
        strides=strides or [1] + [2] * (n_stages - 1), num_classes=classes, n_conv_per_stage_decoder=convs,
        conv_bias=True, norm_op=norm_op, norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nonlin, nonlin_kwargs={"inplace": True}, **options,
    )  # fmt: skip
    network.apply(network.initialize)
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        if tensor.is_floating_point() and tensor.ndim == 1:
            positive = name.endswith(("weight", "running_var"))
            tensor.data.copy_(torch.rand_like(tensor) + 0.5 if positive else torch.randn_like(tensor) * 0.2)
    return network.eval()


def known(value):
    """``value``, of which the types say that it may be None."""
    assert value is not None
    return value


def image(dim=3, channels=1, edge=16):
    return torch.randn(1, channels, *[edge] * dim)


def batch(trainer, seed):
    """What nnU-Net's loader gives ``train_step``, of random numbers."""
    generator = torch.Generator().manual_seed(seed)
    patch = trainer.configuration_manager.patch_size
    data = torch.randn(trainer.batch_size, trainer.num_input_channels, *patch, generator=generator)
    scales = trainer._get_deep_supervision_scales() or [[1.0] * len(patch)]
    sizes = [[round(edge * factor) for edge, factor in zip(patch, scale, strict=True)] for scale in scales]
    shape = (trainer.batch_size, 1)
    targets = [torch.randint(0, 3, (*shape, *size), generator=generator) for size in sizes]
    return {"data": data, "target": targets if trainer.enable_deep_supervision else targets[0]}


@contextmanager
def file_system(folder, options):
    """``folder`` is an empty file system of its own."""
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("only root can mount")
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("root without the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def read_only(folder):
    """``folder`` cannot be written, not by root either."""
    if os.geteuid() == 0:
        # chmod does not stop root; a read-only file system does.
        with file_system(folder, "ro"):
            yield
        return
    folder.chmod(0o500)
    try:
        yield
    finally:
        folder.chmod(0o700)


@contextmanager
def gloo_rank(rank, nnunet, rendezvous):
    """One of two processes on the CPU; nnU-Net's DDP is written for CUDA, everything but the device is its own."""
    dist.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=2)
    with nnunet.active() as patch:
        patch.setattr(stock, "DDP", lambda network, device_ids: DistributedDataParallel(network))
        torch.set_num_threads(1)
        torch.manual_seed(rank)
        yield patch
    dist.destroy_process_group()


class _ThreadsForPools:
    """``multiprocessing``'s context with threads for pools.

    Each of nnU-Net's commands starts several pools of processes that import torch anew: most of a test's time.
    """

    def __init__(self, method):
        self._context = getattr(multiprocessing.context, f"{method.capitalize()}Context")()

    def __getattr__(self, name):
        return getattr(self._context, name)

    def Pool(self, processes=None, initializer=None, initargs=()):  # noqa: N802
        return ThreadPool(processes, initializer, initargs)


_WITHOUT_US = """
import sys
class Absent:
    def find_spec(self, name, *rest):
        if name.split(".")[0] == "nnunet_lunet":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
for name in [name for name in sys.modules if name.split(".")[0] == "nnunet_lunet"]:
    del sys.modules[name]
from nnunetv2.inference.predict_from_raw_data import predict_entry_point
from nnunetv2.model_sharing.entry_points import install_from_zip_entry_point
if __name__ == "__main__":
    command = sys.argv.pop(1)
    {"predict": predict_entry_point, "install": install_from_zip_entry_point}[command]()
"""


@dataclass(frozen=True)
class Nnunet:
    """nnU-Net's three folders, and its commands run in them as a user would."""

    root: Path
    dataset: str = "Dataset901_Tiny"

    @property
    def dataset_id(self):
        return int(self.dataset[7:10])

    @property
    def raw(self):
        return self.root / "nnUNet_raw" / self.dataset

    @property
    def preprocessed(self):
        return self.root / "nnUNet_preprocessed" / self.dataset

    @property
    def environment(self):
        folders = {name: str(self.root / name) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
        return {**folders, "nnUNet_n_proc_DA": "1", "nnUNet_def_n_proc": "1", "OMP_WAIT_POLICY": "passive"}

    @contextmanager
    def active(self, **environment):
        """This process sees nnU-Net's folders here; nnU-Net's own warnings are not ours to judge."""
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, value in {**self.environment, **environment}.items():
                patch.setenv(name, value)
            patch.setattr(multiprocessing, "get_context", _ThreadsForPools)
            yield patch

    def call(self, command, *arguments, **environment):
        """A stock command's own entry point, run in this process: importing torch anew for each would take minutes.

        Returns what it printed.
        """
        entry = next(point for point in metadata.entry_points(group="console_scripts") if point.name == command).load()
        output = io.StringIO()
        threads = torch.get_num_threads()
        with self.active(**environment) as patch, redirect_stdout(output):
            patch.setattr(sys, "argv", [command, *map(str, arguments)])
            entry()
        torch.set_num_threads(threads)
        return output.getvalue()

    def shell(self, command, *arguments, **environment):
        """A stock command as a process of its own, where the exit status or a kill matters; returned when it ended."""
        return subprocess.run(
            [Path(sys.executable).with_name(command), *map(str, arguments)],
            env={**os.environ, **self.environment, **environment}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def without_us(self, *arguments, **environment):
        """``predict`` or ``install`` of nnU-Net in a Python that cannot import this package."""
        stock = {name: value for name, value in os.environ.items() if name != "nnUNet_extTrainer"}
        return subprocess.run(
            [sys.executable, "-c", _WITHOUT_US, *map(str, arguments)], capture_output=True, text=True, check=False,
            env={**stock, **self.environment, "NNUNET_LUNET_AUTOREGISTER": "0", **environment},
        )  # fmt: skip

    def train(self, trainer, *options, fold=0, configuration="3d_fullres", plans="nnUNetPlans", **environment):
        return self.call(
            "nnUNetv2_train", *self.training(trainer, *options, fold=fold, configuration=configuration, plans=plans),
            **{"nnUNet_n_proc_DA": "0", **environment},
        )  # fmt: skip

    def hand_over(self, trainer, folder):
        """Export folds 0 and 1 to a zip and install it into other results; returns the variable that names those."""
        archive, elsewhere = folder / "model.zip", {"nnUNet_results": str(folder / "other results")}
        self.call(
            "nnUNetv2_export_model_to_zip", "-d", self.dataset_id, "-o", archive, "-c", "3d_fullres", "-tr", trainer,
            "-f", 0, 1,
        )  # fmt: skip
        self.call("nnUNetv2_install_pretrained_model_from_zip", archive, **elsewhere)
        return elsewhere

    def kill_training(self, trainer, epoch, seconds=0.5):
        """Train in a process of its own until some way into ``epoch``, then SIGKILL."""
        with subprocess.Popen(
            [Path(sys.executable).with_name("nnUNetv2_train"), *map(str, self.training(trainer))],
            env={**os.environ, **self.environment, "nnUNet_n_proc_DA": "0", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE, text=True, start_new_session=True,
        ) as process:  # fmt: skip
            assert process.stdout
            for line in process.stdout:
                if line.strip().endswith(f"Epoch {epoch}"):
                    time.sleep(seconds)
                    os.killpg(process.pid, signal.SIGKILL)
                    break

    def training(self, trainer, *options, fold=0, configuration="3d_fullres", plans="nnUNetPlans"):
        """Arguments of ``nnUNetv2_train``."""
        return [self.dataset_id, configuration, fold, "-tr", trainer, "-p", plans, "-device", "cpu", *options]

    def predict(self, trainer, output, *options, folds=(0,), configuration="3d_fullres", plans="nnUNetPlans"):
        """Predict the data set's test images; returns the folder of predictions."""
        self.call(
            "nnUNetv2_predict", "-d", self.dataset_id, "-i", self.raw / "imagesTs", "-o", output,
            "-tr", trainer, "-c", configuration, "-p", plans, "-f", *folds, "-device", "cpu", "-npp", "1", "-nps", "1",
            "--disable_tta", *options,
        )  # fmt: skip
        return output

    def model(self, trainer, configuration="3d_fullres", plans="nnUNetPlans"):
        return self.root / "nnUNet_results" / self.dataset / f"{trainer}__{plans}__{configuration}"

    def fold(self, trainer, fold=0, configuration="3d_fullres", plans="nnUNetPlans"):
        return self.model(trainer, configuration, plans) / f"fold_{fold}"

    def edit_plans(self, name, change, source="nnUNetPlans"):
        """Plans ``name`` beside the stock ones: a copy of ``source`` after ``change``."""
        plans = json.loads((self.preprocessed / f"{source}.json").read_text())
        plans["plans_name"] = name
        change(plans)
        (self.preprocessed / f"{name}.json").write_text(json.dumps(plans))

    def trainer(self, name, configuration="3d_fullres", plans="nnUNetPlans", fold=0):
        """The trainer object, as ``nnUNetv2_train`` makes it, without the command (use it inside :meth:`active`)."""
        from nnunetv2.run.run_training import get_trainer_from_args

        return get_trainer_from_args(str(self.dataset_id), configuration, fold, name, plans, device=torch.device("cpu"))


def _folders(root):
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        (root / name).mkdir()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Ten synthetic cases (two of them for prediction), by the stock commands, in a path with a space."""
    nnunet = Nnunet(tmp_path_factory.mktemp("nnU Net folders"))
    _folders(nnunet.root)
    synthetic.write_msd(nnunet.root / "Task901_Tiny", n_cases=10, seed=1)
    nnunet.call("nnUNetv2_convert_MSD_dataset", "-i", nnunet.root / "Task901_Tiny", "-np", "1")
    (nnunet.raw / "imagesTs").mkdir(exist_ok=True)
    for index in range(2):
        image, _ = synthetic.phantom(np.random.default_rng([2, index]))
        sitk.WriteImage(sitk.GetImageFromArray(image), nnunet.raw / "imagesTs" / f"unseen_{index}_0000.nii.gz")
    nnunet.call("nnUNetv2_plan_and_preprocess", "-d", nnunet.dataset_id, "-c", "2d", "3d_fullres", "-np", 1, "-npfp", 1)
    nnunet.edit_plans("nnUNetPlans", _small_batches)
    return nnunet


def _small_batches(plans):
    for configuration in plans["configurations"].values():
        configuration["batch_size"] = 2


@pytest.fixture(scope="session")
def hard(tmp_path_factory):
    """Five anisotropic cases of two channels, with overlapping regions and voxels to ignore, in all configurations."""
    nnunet = Nnunet(tmp_path_factory.mktemp("hard"), "Dataset902_Hard")
    _folders(nnunet.root)
    for name in ("imagesTr", "labelsTr", "imagesTs"):
        (nnunet.raw / name).mkdir(parents=True)
    for index in range(6):
        rng = np.random.default_rng([3, index])
        image, label = synthetic.phantom(rng)
        label[:, :2] = 3
        part = "Ts" if index == 5 else "Tr"
        volumes = {f"images{part}/case_{index}_0000": image, f"images{part}/case_{index}_0001": image**2 / 100}
        if part == "Tr":
            volumes[f"labelsTr/case_{index}"] = label
        for name, volume in volumes.items():
            thick = sitk.GetImageFromArray(volume[::3])
            thick.SetSpacing((1.0, 1.0, 3.5))
            sitk.WriteImage(thick, nnunet.raw / f"{name}.nii.gz")
    description = {
        "channel_names": {"0": "MRI", "1": "squared"},
        "labels": {"background": 0, "whole": [1, 2], "front": 1, "ignore": 3},
        "regions_class_order": [2, 1],
        "numTraining": 5,
        "file_ending": ".nii.gz",
    }
    (nnunet.raw / "dataset.json").write_text(json.dumps(description))
    nnunet.call("nnUNetv2_extract_fingerprint", "-d", nnunet.dataset_id, "-np", 1)
    for plans, planner in (("nnUNetPlans", "ExperimentPlanner"), (RESENC, "nnUNetPlannerResEncM")):
        nnunet.call("nnUNetv2_plan_experiment", "-d", nnunet.dataset_id, "-pl", planner)
        nnunet.edit_plans(plans, _add_cascade, source=plans)
    nnunet.call("nnUNetv2_preprocess", "-d", nnunet.dataset_id, "-c", "2d", "3d_fullres", "3d_lowres", "-np", 1, 1, 1)
    return nnunet


@pytest.fixture(scope="session")
def _planned(tmp_path_factory):
    nnunet = Nnunet(tmp_path_factory.mktemp("planned"), "Dataset903_Planned")
    _folders(nnunet.root)
    synthetic.write_fingerprint(nnunet.raw, nnunet.preprocessed, (36, 50, 35), (1.0, 1.0, 1.0), 200)
    for plans, planner in (("nnUNetPlans", "ExperimentPlanner"), (RESENC, "nnUNetPlannerResEncM")):
        nnunet.call("nnUNetv2_plan_experiment", "-d", nnunet.dataset_id, "-pl", planner)
        nnunet.edit_plans(plans, _add_cascade, source=plans)
    return nnunet


@pytest.fixture
def planned(_planned, tmp_path):
    """Fingerprint and plans like Hippocampus', in all configurations, of data that are not there; a copy for each test.

    This process sees its folders.
    """
    nnunet = Nnunet(shutil.copytree(_planned.root, tmp_path / "planned"), _planned.dataset)
    with nnunet.active():
        yield nnunet


RESENC = "nnUNetResEncUNetMPlans"


def _add_cascade(plans):
    """The two configurations that nnU-Net plans for images far larger than these."""
    configurations = plans["configurations"]
    lowres = {
        **configurations["3d_fullres"],
        "data_identifier": "nnUNetPlans_3d_lowres",
        "spacing": [2 * spacing for spacing in configurations["3d_fullres"]["spacing"]],
        "next_stage": "3d_cascade_fullres",
    }
    cascade = {"inherits_from": "3d_fullres", "previous_stage": "3d_lowres"}
    configurations.update({"3d_lowres": lowres, "3d_cascade_fullres": cascade})
