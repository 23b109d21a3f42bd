"""A network in the formats of other programs, in memory: ONNX and OpenVINO's. Any number of images at a time."""

import copy
import importlib.util
import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from nnunet_lunet.architectures import feature_maps
from nnunet_lunet.errors import missing

#: Names of what goes in, ``(N, C, …)``, and comes out, ``(N, classes, …)``.
IMAGE, LOGITS = "image", "logits"


def to_openvino(network: nn.Module, patch_size: Sequence[int]) -> Any:
    """An ``openvino.Model`` of a network that gives full resolution alone, for patches of one size.

    :param network: on the CPU, in ``eval`` mode, deep supervision off
    :raises UserError: OpenVINO is not installed
    :raises RuntimeError: a layer that OpenVINO does not have
    """
    try:
        import openvino
    except ImportError as error:
        raise missing("OpenVINO", "openvino", "an OpenVINO network") from error
    example = _example(network, patch_size)
    # Constants of the model are the memory of these parameters, which must not be given other weights.
    own = copy.deepcopy(network)
    with _traced():
        free_batch = openvino.PartialShape([-1, *example.shape[1:]])
        model = openvino.convert_model(own, example_input=example, input=[free_batch])
    model.inputs[0].get_tensor().set_names({IMAGE})
    model.outputs[0].get_tensor().set_names({LOGITS})
    return model


def to_onnx(network: nn.Module, patch_size: Sequence[int]) -> bytes:
    """The bytes of an ONNX file of a network that gives full resolution alone, for patches of one size.

    :param network: on the CPU, in ``eval`` mode, deep supervision off
    :raises UserError: ONNX is not installed
    :raises RuntimeError: a layer that ONNX does not have
    """
    if importlib.util.find_spec("onnx") is None:
        raise missing("ONNX", "onnxruntime", "an ONNX network")
    file = io.BytesIO()
    with _traced():
        torch.onnx.export(
            network,
            (_example(network, patch_size),),
            file,  # type: ignore[arg-type]
            dynamo=False,
            input_names=[IMAGE],
            output_names=[LOGITS],
            dynamic_axes={IMAGE: {0: "batch"}, LOGITS: {0: "batch"}},
        )
    return file.getvalue()


def _example(network: nn.Module, patch_size: Sequence[int]) -> Tensor:
    """A batch of two: of one, tracing would take the number for a constant."""
    return torch.zeros(2, feature_maps.input_channels(network), *patch_size)


@contextmanager
def _traced() -> Iterator[None]:
    with torch.no_grad(), warnings.catch_warnings():
        # Of checks of shapes that a patch of this size passes; and the exporter that needs no further package is
        # to be replaced by one that does.
        warnings.simplefilter("ignore")
        yield
