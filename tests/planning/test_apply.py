"""What presets make of configurations: widths, classes, levels, patches."""

import copy

import pytest
from nnunetv2.experiment_planning.experiment_planners.network_topology import get_pool_and_conv_props

from nnunet_lunet.architectures import cost
from nnunet_lunet.errors import UserError
from nnunet_lunet.planning import apply, levels, presets
from nnunet_lunet.planning.plans_file import PlansFile
from nnunet_lunet.planning.presets import Preset

UNET = "dynamic_network_architectures.architectures.unet."


def configuration(patch=(40, 56, 40), n_stages=4, residual=False, spacing=None):
    """Hippocampus' 3d_fullres, or like it."""
    dim = len(patch)
    blocks = (
        {"n_blocks_per_stage": [1, 3, 4, 6][:n_stages], "n_conv_per_stage_decoder": [1] * (n_stages - 1)}
        if residual
        else {"n_conv_per_stage": [2] * n_stages, "n_conv_per_stage_decoder": [2] * (n_stages - 1)}
    )
    return {
        "data_identifier": "nnUNetPlans_3d_fullres",
        "batch_size": 7,
        "patch_size": list(patch),
        "spacing": list(spacing or [1.0] * dim),
        "architecture": {
            "network_class_name": UNET + ("ResidualEncoderUNet" if residual else "PlainConvUNet"),
            "arch_kwargs": {
                "n_stages": n_stages,
                "features_per_stage": [32, 64, 128, 256, 320, 320][:n_stages],
                "conv_op": f"torch.nn.modules.conv.Conv{dim}d",
                "kernel_sizes": [[3] * dim] * n_stages,
                "strides": [[1] * dim] + [[2] * dim] * (n_stages - 1),
                **blocks,
                "conv_bias": True,
                "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dim}d",
                "norm_op_kwargs": {"eps": 1e-05, "affine": True},
                "dropout_op": None,
                "dropout_op_kwargs": None,
                "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True},
            },
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
    }


def preset(network_class=None, **arch_kwargs):
    return Preset("Mine", "A test.", "here", network_class, arch_kwargs)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize(("name", "widths"), [("LUnet16", [16, 16, 16, 16]), ("LUnetLinear8", [8, 16, 24, 32])])
def test_a_preset_of_widths_changes_the_list_of_widths_and_nothing_else(name, widths, residual):
    planned = configuration(residual=residual)
    before = copy.deepcopy(planned)
    changed = apply.change(planned, presets.load(name))
    expected = copy.deepcopy(planned["architecture"])
    expected["arch_kwargs"]["features_per_stage"] = widths
    assert changed == {"architecture": expected, "patch_size": [40, 56, 40]}
    assert planned == before


def test_a_plain_class_on_residual_plans_counts_convolutions_as_the_default_planner():
    changed = apply.change(configuration(residual=True), preset(UNET + "PlainConvUNet", features_per_stage=8))
    kwargs = changed["architecture"]["arch_kwargs"]
    assert "n_blocks_per_stage" not in kwargs
    assert (kwargs["n_conv_per_stage"], kwargs["n_conv_per_stage_decoder"]) == ([2] * 4, [2] * 3)


def test_more_levels_lengthen_every_list_and_enlarge_the_patch():
    planned = configuration()
    planned["architecture"]["arch_kwargs"] |= {"n_conv_per_stage": [1, 2, 3, 4], "n_conv_per_stage_decoder": [7, 8, 9]}
    changed = apply.change(planned, preset(n_stages=5, features_per_stage=4))
    assert changed["patch_size"] == [48, 64, 48]
    kwargs = changed["architecture"]["arch_kwargs"]
    assert kwargs["features_per_stage"] == [4] * 5
    assert kwargs["strides"] == [[1, 1, 1]] + [[2, 2, 2]] * 4 and kwargs["kernel_sizes"] == [[3, 3, 3]] * 5
    assert (kwargs["n_conv_per_stage"], kwargs["n_conv_per_stage_decoder"]) == ([1, 2, 3, 4, 4], [7, 7, 8, 9])


def test_fewer_levels_keep_the_first_and_the_patch():
    planned = configuration((16, 160, 160), 4, spacing=(4, 1, 1))
    planned["architecture"]["arch_kwargs"] |= {
        "kernel_sizes": [[1, 3, 3], [1, 3, 3], [3, 3, 3], [3, 3, 3]],
        "strides": [[1, 1, 1], [1, 2, 2], [1, 2, 2], [2, 2, 2]],
        "n_conv_per_stage_decoder": [7, 8, 9],
    }
    changed = apply.change(planned, preset(n_stages=3, features_per_stage=4))
    kwargs = changed["architecture"]["arch_kwargs"]
    assert kwargs["strides"] == [[1, 1, 1], [1, 2, 2], [1, 2, 2]]
    assert kwargs["kernel_sizes"] == [[1, 3, 3], [1, 3, 3], [3, 3, 3]]
    assert kwargs["n_conv_per_stage_decoder"] == [8, 9]
    assert changed["patch_size"] == [16, 160, 160]


@pytest.mark.parametrize("spacing", [(1, 1, 1), (3.5, 1, 1), (5, 0.6, 0.6), (1, 1.5, 4), (1, 2)])
@pytest.mark.parametrize("kept", [2, 3, 4])
def test_further_levels_are_those_that_nnunet_plans_for_a_larger_patch(spacing, kept):
    _, strides, kernels, _, _ = get_pool_and_conv_props(spacing, [2**12] * len(spacing), 4, 999)
    strides, kernels = ([list(level) for level in per_level[:7]] for per_level in (strides, kernels))
    short = {"n_stages": kept, "strides": strides[:kept], "kernel_sizes": kernels[:kept]}
    assert levels.with_levels(short, 7, spacing)["strides"] == strides
    assert levels.with_levels(short, 7, spacing)["kernel_sizes"][kept:] == [[3] * len(spacing)] * (7 - kept)


def test_the_lowest_level_keeps_more_than_one_voxel():
    strides = [[1, 1], [2, 2], [2, 2]]
    assert levels.fitting_patch([3, 4], strides) == [8, 8]
    assert levels.fitting_patch([3, 5], strides) == [4, 8]


@pytest.mark.parametrize(
    ("mine", "says"),
    [
        (preset(n_blocks_per_stage=2), "PlainConvUNet takes no n_blocks_per_stage: did you mean n_conv_per_stage?"),
        (preset(colour="red"), "PlainConvUNet takes no colour"),
        (preset(features_per_stage=[4, 4, 4]), "features_per_stage [4, 4, 4] must hold 4 numbers"),
        (preset(features_per_stage=[4] * 4, width_profile="flat"), "'flat' has no meaning"),
        (preset(n_conv_per_stage=[2, 2]), "n_conv_per_stage [2, 2] must hold 4 numbers"),
        (preset(n_conv_per_stage_decoder=[2] * 4), "n_conv_per_stage_decoder [2, 2, 2, 2] must hold 3 numbers"),
        (preset("some.package.Network", features_per_stage=4), "some.package.Network does not exist"),
        (preset(norm_op="torch.nn.NoSuchNorm"), "norm_op torch.nn.NoSuchNorm does not exist"),
        (preset(nonlin="ReLU"), "nonlin ReLU does not exist"),
        (preset("torch.nn.functional.relu", features_per_stage=4), "torch.nn.functional.relu does not exist"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(mine, says):
    with pytest.raises(UserError) as error:
        apply.change(configuration(), mine)
    assert says in str(error.value) and "\n" not in str(error.value)


def of_one_output(tmp_path, name):
    """A preset's network, and how many of its parameters the paper has: one output, no deep supervision."""
    stock = configuration()
    planned = {"plans_name": "nnUNetPlans", "label_manager": "LabelManager", "configurations": {"3d": stock}}
    # One region makes one output.
    labels = {"labels": {"background": 0, "organ": [1, 2]}, "regions_class_order": [1], "channel_names": {"0": "MRI"}}
    network = PlansFile(tmp_path, planned, labels).network("3d", apply.change(stock, presets.load(name)))
    # nnU-Net also builds the heads of deep supervision.
    heads = [layer for name, layer in network.named_modules() if name.startswith("decoder.seg_layers.")]
    return network, cost.parameters(network) - sum(cost.parameters(head) for head in heads[:-1])


@pytest.mark.parametrize(
    ("name", "parameters", "channels"), [("lunet_small_4f", 9929, 72), ("lunet_small_8f", 39025, 144)]
)
def test_the_papers_small_lean_networks_count_as_their_presets_say(tmp_path, name, parameters, channels):
    network, counted = of_one_output(tmp_path, name)
    assert counted == parameters
    kernels = {name: layer for name, layer in network.named_parameters() if name.endswith("conv.weight")}
    assert sum(kernel.shape[0] for name, kernel in kernels.items()) == channels
    text = presets.load(name).purpose
    assert f"{parameters:,}" in text and str(channels) in text


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize(("kind", "factor"), [("unetpp", 2), ("lunetpp", 1)])
def test_the_papers_nested_networks_count_as_its_code_builds_them(tmp_path, size, kind, factor):
    """Each node: bias, kernels of 3 x 3 x 3, and two numbers a channel for the norm."""
    width, stages, convs = (4, 5, 2) if size == "small" else (6, 4, 3)
    features = [width * factor**stage for stage in range(stages)]
    expected = 0
    for level, here in enumerate(features):
        inputs = [1 if level == 0 else features[level - 1]]
        for column in range(1, stages - level):
            inputs.append((column + 1) * here)
            expected += 8 * features[level + 1] * here + here
        expected += sum(27 * here * (seen + (convs - 1) * here) + convs * 3 * here for seen in inputs)
    expected += width + 1
    assert of_one_output(tmp_path, f"{kind}_{size}_{width}f")[1] == expected
