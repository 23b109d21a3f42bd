"""Networks of other programs compute what ours do, for any number of images."""

import numpy as np
import pytest
import torch
from conftest import make_network
from dynamic_network_architectures.architectures.unet import ResidualEncoderUNet

from nnunet_lunet.architectures.lean_unet import LeanUNet
from nnunet_lunet.deploy import exchange


def by_openvino(network, patch):
    openvino = pytest.importorskip("openvino")
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(exchange.to_openvino(network, patch), "CPU", options)
    return lambda images: compiled({exchange.IMAGE: images})[exchange.LOGITS]


def by_onnx(network, patch):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(exchange.to_onnx(network, patch), providers=["CPUExecutionProvider"])
    return lambda images: session.run([exchange.LOGITS], {exchange.IMAGE: images})[0]


@pytest.mark.parametrize("make", [by_openvino, by_onnx])
@pytest.mark.parametrize(("dim", "cls"), [(2, LeanUNet), (3, LeanUNet), (3, ResidualEncoderUNet)])
@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_the_same_logits(make, dim, cls, norm):
    features = [4, 6, 8] if cls is ResidualEncoderUNet else 4
    network = make_network(features, dim=dim, cls=cls, norm=norm, channels=2)
    patch = [16, 24, 8][:dim]
    run = make(network, patch)
    for number in (1, 3):
        images = torch.randn(number, 2, *patch)
        with torch.no_grad():
            expected = network(images).numpy()
        assert np.abs(run(images.numpy()) - expected).max() < 1e-4


@pytest.mark.parametrize("make", [by_openvino, by_onnx])
def test_other_weights_in_the_network_do_not_change_it(make):
    network, images = make_network(4, dim=2), np.random.default_rng(0).normal(size=(1, 1, 16, 16)).astype(np.float32)
    run = make(network, [16, 16])
    before = run(images)
    network.load_state_dict(make_network(4, dim=2).state_dict())
    assert np.array_equal(run(images), before)
