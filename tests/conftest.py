"""Shared pieces: small networks, a tiny real nnU-Net data set, stock commands."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from nnunet_lunet.architectures.lean_unet import LeanResidualEncoderUNet, LeanUNet
from nnunet_lunet.reporting import synthetic


def make_network(
    features=4, *, cls=LeanUNet, dim=3, n_stages=3, norm="instance", classes=3, channels=1, profile=None, strides=None
):
    """A small network of ours with norm parameters (and statistics) that are not trivial."""
    conv = {2: nn.Conv2d, 3: nn.Conv3d}[dim]
    norm_op = {
        ("instance", 2): nn.InstanceNorm2d, ("instance", 3): nn.InstanceNorm3d,
        ("batch", 2): nn.BatchNorm2d, ("batch", 3): nn.BatchNorm3d,
    }[norm, dim]  # fmt: skip
    blocks = {"n_blocks_per_stage": 2} if issubclass(cls, LeanResidualEncoderUNet) else {"n_conv_per_stage": 2}
    network = cls(
        channels, n_stages, features, conv, 3, strides or [1] + [2] * (n_stages - 1),
        num_classes=classes, n_conv_per_stage_decoder=2, conv_bias=True,
        norm_op=norm_op, norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nn.LeakyReLU, nonlin_kwargs={"inplace": True}, width_profile=profile, **blocks,
    )  # fmt: skip
    network.apply(network.initialize)
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        if tensor.is_floating_point() and tensor.ndim == 1:
            positive = name.endswith(("weight", "running_var"))
            tensor.data.copy_(torch.rand_like(tensor) + 0.5 if positive else torch.randn_like(tensor) * 0.2)
    return network.eval()


def image(dim=3, channels=1, edge=16):
    return torch.randn(1, channels, *[edge] * dim)


@dataclass(frozen=True)
class Nnunet:
    """nnU-Net's three folders, and its commands run in them as a user would."""

    root: Path

    @property
    def environment(self):
        folders = {name: str(self.root / name) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
        return {**os.environ, **folders, "nnUNet_n_proc_DA": "1", "OMP_WAIT_POLICY": "passive"}

    def call(self, *arguments, check=True, **environment):
        program = Path(sys.executable).with_name(arguments[0])
        done = subprocess.run(
            [program, *map(str, arguments[1:])],
            env={**self.environment, **environment}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    def train(self, trainer, *options, fold=0, configuration="3d_fullres", check=True, **environment):
        return self.call(
            "nnUNetv2_train", DATASET_ID, configuration, fold, "-tr", trainer, "-device", "cpu", *options,
            check=check, **environment,
        )  # fmt: skip

    def fold(self, trainer, fold=0, configuration="3d_fullres"):
        return self.model(trainer, configuration) / f"fold_{fold}"

    def model(self, trainer, configuration="3d_fullres"):
        return self.root / "nnUNet_results" / DATASET / f"{trainer}__nnUNetPlans__{configuration}"


DATASET_ID, DATASET = 901, "Dataset901_Tiny"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Ten synthetic cases, converted, planned and preprocessed by the stock commands, in a path with a space."""
    nnunet = Nnunet(tmp_path_factory.mktemp("nnU Net folders"))
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        (nnunet.root / name).mkdir()
    synthetic.write_msd(nnunet.root / "Task901_Tiny", n_cases=10, seed=1)
    nnunet.call("nnUNetv2_convert_MSD_dataset", "-i", nnunet.root / "Task901_Tiny", "-np", "2")
    nnunet.call("nnUNetv2_plan_and_preprocess", "-d", DATASET_ID, "-c", "2d", "3d_fullres", "-np", "2")
    return nnunet
