"""What computes the network in prediction: PyTorch, OpenVINO, ONNX Runtime. No torch before a network is prepared."""

import copy
import importlib.util
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnunet_lunet.errors import UserError, missing

#: Logits ``(N, classes, …)`` of images ``(N, C, …)``, both tensors in single precision on the CPU or the device.
Run = Callable[[Any], Any]
AUTO = "auto"
F32, BF16 = "f32", "bf16"
#: For ``--precision``.
PRECISIONS = (F32, BF16, AUTO)
#: Of the processor, as Linux names what computes with bf16.
_BF16_FLAGS = {"amx_bf16", "avx512_bf16"}


@dataclass(frozen=True)
class Settings:
    """How a network is to be computed.

    :param device: ``cpu``, ``cuda`` or ``mps``
    :param precision: ``f32`` or ``bf16``, on a CPU; a GPU computes as nnU-Net has it
    :param threads: of a CPU
    """

    engine: str
    device: str
    precision: str
    threads: int


@dataclass(frozen=True)
class Engine:
    """One way to compute a network.

    :param prepare: makes what computes a ``torch.nn.Module`` on patches of a size, and keeps no reference to it: its
        weights change afterwards
    :param package: that must be installed, of the extra of this name
    """

    about: str
    prepare: Callable[[Any, Sequence[int], Settings], Run]
    package: str | None = None
    precisions: tuple[str, ...] = (F32,)
    devices: tuple[str, ...] = ("cpu",)

    @property
    def is_installed(self) -> bool:
        return self.package is None or importlib.util.find_spec(self.package) is not None


def _by_torch(network: Any, patch_size: Sequence[int], settings: Settings) -> Run:
    import torch

    # Channels last, which trainers take, is no faster without a backward pass.
    own = copy.deepcopy(network).to(settings.device).eval()
    if settings.precision == F32:
        return own

    def in_bf16(images: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            return own(images).float()

    return in_bf16


def _by_openvino(network: Any, patch_size: Sequence[int], settings: Settings) -> Run:
    import openvino
    import torch

    from nnunet_lunet.deploy import exchange

    options = {"INFERENCE_PRECISION_HINT": settings.precision, "INFERENCE_NUM_THREADS": settings.threads}
    compiled = openvino.Core().compile_model(exchange.to_openvino(network, patch_size), "CPU", options)
    return lambda images: torch.from_numpy(compiled(images.numpy())[0])


def _by_onnxruntime(network: Any, patch_size: Sequence[int], settings: Settings) -> Run:
    import onnxruntime
    import torch

    from nnunet_lunet.deploy import exchange

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    session = onnxruntime.InferenceSession(
        exchange.to_onnx(network, patch_size), options, providers=["CPUExecutionProvider"]
    )
    return lambda images: torch.from_numpy(session.run([exchange.LOGITS], {exchange.IMAGE: images.numpy()})[0])


ENGINES = {
    "torch": Engine("PyTorch", _by_torch, precisions=(F32, BF16), devices=("cpu", "cuda", "mps")),
    "openvino": Engine("OpenVINO, the fastest on a CPU", _by_openvino, "openvino", (F32, BF16)),
    "onnxruntime": Engine("ONNX Runtime", _by_onnxruntime, "onnxruntime"),
}


def choose(engine: str, device: str, precision: str) -> Settings:
    """What ``auto`` stands for here, and whether what is asked for is to be had.

    :param engine: of :data:`ENGINES`, or ``auto``: OpenVINO on a CPU where it is installed, else PyTorch
    :param device: ``cpu``, ``cuda`` or ``mps``
    :param precision: of :data:`PRECISIONS`; ``auto`` is bf16 where the processor computes with it
    :raises UserError: no such engine or precision; not installed; not for this device or processor
    """
    if engine == AUTO:
        engine = "openvino" if device == "cpu" and ENGINES["openvino"].is_installed else "torch"
    if engine not in ENGINES:
        raise UserError(f"--engine {engine}: use {', '.join([AUTO, *ENGINES])}")
    if precision not in PRECISIONS:
        raise UserError(f"--precision {precision}: use {', '.join(PRECISIONS)}")
    row = ENGINES[engine]
    if not row.is_installed:
        raise missing(row.about.partition(",")[0], str(row.package), f"--engine {engine}")
    if device not in row.devices:
        raise UserError(f"--engine {engine} computes on a CPU: use -device cpu, or --engine torch")
    if device != "cpu" and precision == BF16:
        raise UserError(f"--precision {BF16} is for a CPU: on {device} nnU-Net's own precision is used")
    if precision == AUTO:
        precision = BF16 if device == "cpu" and BF16 in row.precisions and has_bf16() else F32
    if precision not in row.precisions:
        raise UserError(f"--engine {engine} computes in {' or '.join(row.precisions)}: leave --precision out")
    if precision == BF16 and not has_bf16():
        raise UserError(
            f"--precision {BF16}: this processor has none of {' and '.join(sorted(_BF16_FLAGS))}; use {F32}"
        )
    return Settings(engine, device, precision, threads())


def has_bf16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor computes with bf16; where the system does not tell, it is taken for one that does not."""
    try:
        flags = next(line for line in cpuinfo.read_text().splitlines() if line.startswith("flags"))
    except (OSError, StopIteration):
        return False
    return not _BF16_FLAGS.isdisjoint(flags.split())


def threads() -> int:
    """``OMP_NUM_THREADS`` where it is set, else all cores that this process may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
