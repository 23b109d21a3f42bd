"""Which engine, which precision, and what is refused."""

import pytest

from nnunet_lunet.errors import UserError
from nnunet_lunet.inference import engines

FLAGS = "processor : 0\nflags\t\t: fpu sse avx512f {}\n"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """``machine(bf16, installed)``: a processor with bf16 or without, and the packages that are there."""

    def make(bf16=True, installed=("openvino", "onnxruntime")):
        cpuinfo = tmp_path / "cpuinfo"
        cpuinfo.write_text(FLAGS.format("amx_bf16" if bf16 else ""))
        found = engines.has_bf16(cpuinfo)
        monkeypatch.setattr(engines, "has_bf16", lambda: found)
        monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: name if name in installed else None)

    return make


@pytest.mark.parametrize(
    ("bf16", "installed", "asked", "expected"),
    [
        (True, ["openvino"], ("auto", "cpu", "f32"), ("openvino", "f32")),
        (True, ["openvino"], ("auto", "cpu", "auto"), ("openvino", "bf16")),
        (False, ["openvino"], ("auto", "cpu", "auto"), ("openvino", "f32")),
        (True, [], ("auto", "cpu", "f32"), ("torch", "f32")),
        (True, ["openvino"], ("auto", "cuda", "auto"), ("torch", "f32")),
        (True, ["openvino"], ("torch", "cpu", "bf16"), ("torch", "bf16")),
        (True, ["onnxruntime"], ("onnxruntime", "cpu", "auto"), ("onnxruntime", "f32")),
    ],
)
def test_auto(machine, bf16, installed, asked, expected):
    machine(bf16, installed)
    settings = engines.choose(*asked)
    assert (settings.engine, settings.precision) == expected


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("tensorrt", "cpu", "f32"), "--engine tensorrt: use auto, torch, openvino, onnxruntime"),
        (("torch", "cpu", "fp8"), "--precision fp8: use f32, bf16, auto"),
        (("openvino", "cpu", "f32"), r"needs OpenVINO: pip install '.\[openvino\]'"),
        (("onnxruntime", "cpu", "f32"), r"needs ONNX Runtime: pip install '.\[onnxruntime\]'"),
        (("torch", "cpu", "bf16"), "this processor has none of amx_bf16 and avx512_bf16"),
        (("torch", "cuda", "bf16"), "is for a CPU"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(machine, asked, says):
    machine(bf16=False, installed=[])
    with pytest.raises(UserError, match=says):
        engines.choose(*asked)


@pytest.mark.parametrize(
    ("asked", "says"),
    [(("onnxruntime", "cpu", "bf16"), "computes in f32"), (("openvino", "cuda", "f32"), "computes on a CPU")],
)
def test_what_an_engine_does_not_do(machine, asked, says):
    machine()
    with pytest.raises(UserError, match=says):
        engines.choose(*asked)


def test_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert engines.threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert engines.threads() >= 1
