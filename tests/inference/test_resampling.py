"""Plane by plane it is what nnU-Net's resampling gives of the whole."""

from functools import partial

import numpy as np
import pytest
import torch
from conftest import known
from nnunetv2.preprocessing.resampling.default_resampling import resample_data_or_seg_to_shape as stock
from nnunetv2.preprocessing.resampling.resample_torch import resample_torch_fornnunet

from nnunet_lunet.inference import resampling

DEFAULT = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}


@pytest.mark.parametrize(
    ("old", "new", "current", "wanted", "axis"),
    [
        ((20, 30, 25), (33, 41, 60), (1, 1, 1), (0.6, 0.7, 0.4), 0),
        ((20, 30, 25), (13, 41, 20), (1, 1, 1), (1.5, 0.7, 1.3), 0),
        ((20, 30, 25), (20, 30, 25), (1, 1, 1), (1, 1, 1), 0),
        ((1, 30, 25), (1, 60, 50), (999, 1, 1), (999, 0.5, 0.5), 0),
        ((8, 30, 25), (16, 50, 45), (4, 1, 1), (2, 0.6, 0.55), 0),
        ((8, 30, 25), (4, 50, 45), (4, 1, 1), (8, 0.6, 0.55), 0),
        ((30, 8, 25), (50, 11, 45), (1, 5, 1), (0.6, 3.5, 0.55), 1),
        ((30, 25, 8), (50, 45, 5), (1, 1, 5), (0.6, 0.55, 8), 2),
    ],
)  # fmt: skip
@pytest.mark.parametrize("planes", [1, 3, 1000])
def test_it_equals_nnunets(monkeypatch, old, new, current, wanted, axis, planes):
    logits = 5 * torch.randn(3, *old, generator=torch.Generator().manual_seed(0))
    function = partial(stock, **DEFAULT)
    expected = np.asarray(function(logits, new, current, wanted))
    slabs = known(resampling.by_slabs(function, current, wanted))
    assert slabs.axis == axis
    rest = np.prod(new) // new[axis]
    monkeypatch.setattr(resampling, "SLAB_BYTES", 8 * 3 * rest * planes)
    got, sizes = np.full((3, *new), np.nan, np.float32), []
    for part, slab in resampling.resampled(logits, new, slabs):
        np.moveaxis(got, axis + 1, 1)[:, part] = slab.numpy()
        sizes.append(slab.shape[1])
    assert np.abs(got - expected).max() < 1e-5
    assert (got.argmax(0) == expected.argmax(0)).all()
    assert max(sizes) <= planes and sum(sizes) == new[axis]


@pytest.mark.parametrize(
    "function",
    [
        partial(stock, **{**DEFAULT, "order": 3}), partial(stock, **{**DEFAULT, "is_seg": True}),
        partial(stock, is_seg=False, force_separate_z=None),
        partial(resample_torch_fornnunet, is_seg=False, force_separate_z=None), stock,
    ],
)  # fmt: skip
def test_other_interpolation_is_left_to_nnunet(function):
    assert resampling.by_slabs(function, (1, 1, 1), (0.5, 0.5, 0.5)) is None


def test_interpolation_along_the_thick_axis_is_left_to_nnunet():
    function = partial(stock, **{**DEFAULT, "order_z": 1})
    assert resampling.by_slabs(function, (5, 1, 1), (4, 0.5, 0.5)) is None
    assert resampling.by_slabs(function, (1, 1, 1), (0.5, 0.5, 0.5)) is not None
