"""Networks in OpenVINO."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino

from .errors import PortableError
from .model import Model
from .windows import Network


def load(folder: Path, model: Model, threads: int | None = None) -> Sequence[Network]:
    """Each takes a batch ``(B, C, *patch)`` and gives logits ``(B, K, *patch)``, in single precision.

    :param threads: of the processor; None is all
    :raises PortableError: OpenVINO cannot load one
    """
    core = openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = str(threads)
    found: list[Network] = []
    for network in model.networks:
        try:
            compiled = core.compile_model(folder / network.file, "CPU", options)
        except RuntimeError as error:
            raise PortableError(
                f"{folder / network.file} cannot be loaded: {str(error).strip().splitlines()[-1]}"
            ) from error
        found.append(_called(compiled.create_infer_request()))
    return found


def _called(request: openvino.InferRequest) -> Network:
    return lambda x: np.array(request.infer([np.ascontiguousarray(x)])[0])
