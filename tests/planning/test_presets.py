"""The presets' files, and what is said about files that are none."""

import json

import jsonschema
import pytest

from nnunet_lunet.errors import UserError
from nnunet_lunet.planning import presets

EXPECTED = {
    *(f"LUnet{width}" for width in (4, 8, 16, 32, 64)),
    *(f"LUnetLinear{width}" for width in (8, 16)),
    *(f"{kind}{width}" for kind in ("LUnetShared", "LUnetNoSkip", "LUNetPlusPlus") for width in (16, 32)),
    *("UNetNoSkip32", "UNetPlusPlus32", "MedNeXtS"),
    *(f"unet_small_{width}f" for width in (4, 3, 2, 1)),
    *(f"lunet_small_{width}f" for width in (8, 4, 3, 2, 1)),
    *(f"{kind}_small_4f_noskip" for kind in ("unet", "lunet")),
    *(f"{kind}_small_{width}f" for kind in ("unetpp", "lunetpp") for width in (4, 3, 2, 1)),
    *(f"{kind}_large_{width}f" for kind in ("unet", "lunet", "unetpp", "lunetpp") for width in (24, 12, 6)),
}
PAPERS = sorted(name for name in EXPECTED if name.partition("_")[0] in ("unet", "lunet", "unetpp", "lunetpp"))
VALID = {
    "name": "Mine",
    "purpose": "A test.",
    "source": "here",
    "architecture": {"arch_kwargs": {"features_per_stage": 4}},
}


def kwargs(**values):
    return {"architecture": {"arch_kwargs": values}}


def test_every_network_has_its_preset_and_every_file_is_one():
    schema = json.loads((presets.folder() / "preset.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(presets.names()) == EXPECTED
    # nnU-Net makes folders of the names, and some file systems do not tell A from a.
    assert len({name.casefold() for name in EXPECTED}) == len(EXPECTED)
    for name in presets.names():
        preset = presets.load(name)
        assert preset.name == name and "__" not in name
        assert preset.purpose.count(". ") == 0


@pytest.mark.parametrize("name", PAPERS)
def test_the_papers_networks_have_one_block(name):
    """As its code has it (github.com/tureture/LUnet): ``models/`` and, for dropout, ``configs/``."""
    kind, size, width, *_ = name.split("_")
    preset = presets.load(name)
    small = size == "small"
    assert preset.arch_kwargs == {
        "n_stages": 5 if small else 4,
        "features_per_stage": int(width[:-1]),
        "width_profile": "flat" if kind.startswith("l") else "doubling",
        "n_conv_per_stage": 2 if small else 3,
        "n_conv_per_stage_decoder": 2 if small else 3,
        "conv_bias": True,
        "pool": "max",
        "norm_op": "torch.nn.BatchNorm{dim}d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": "torch.nn.Dropout{dim}d",
        "dropout_op_kwargs": {"p": 0.005},
        "dropout_last": True,
        "nonlin": "torch.nn.ReLU",
        "nonlin_kwargs": {"inplace": True},
        "nonlin_first": True,
    }
    expected = "NoSkipUNet" if name.endswith("noskip") else "UNetPlusPlus" if "pp" in kind else "LeanUNet"
    assert str(preset.network_class).endswith(f".{expected}")


def test_a_preset_of_ones_own_is_read_from_its_file(tmp_path):
    file = tmp_path / "any.json"
    file.write_text(json.dumps(VALID))
    assert presets.load(str(file)) == presets.Preset("Mine", "A test.", "here", None, {"features_per_stage": 4})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"colour": "red"}, "'colour'"),
        ({"name": "two__parts"}, "name: 'two__parts'"),
        ({"purpose": "no full stop"}, "purpose: "),
        ({"name": "nnUNetResEncUNetM"}, "name: 'nnUNetResEncUNetM' does not match"),
        (kwargs(features_per_stage=8.5), "8.5 is not of type 'integer', 'array'"),
        (kwargs(norm_op_kwargs={"eps": float("nan")}), "NaN is no number"),
        (kwargs(features_per_stage=0), "features_per_stage"),
        (kwargs(features_per_stage="wide"), "features_per_stage"),
        (kwargs(width_profile="wavy", features_per_stage=4), "'wavy' is not one of"),
        (kwargs(width_profile="flat"), "'features_per_stage' is a dependency of 'width_profile'"),
        (kwargs(n_stages=5), "'features_per_stage' is a dependency of 'n_stages'"),
        (kwargs(num_classes=5), "'num_classes'"),
        ({"architecture": {}}, "'arch_kwargs' is a required property"),
    ],
)
def test_a_file_that_is_no_preset_is_refused_with_the_place(tmp_path, change, says):
    file = tmp_path / "odd.json"
    file.write_text(json.dumps(VALID | change))
    with pytest.raises(UserError) as error:
        presets.load(str(file))
    message = str(error.value)
    assert str(file) in message and says in message and "\n" not in message


@pytest.mark.parametrize("content", [None, "{", "[]", "\0", '{"name": "A", "name": "B"}'])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    file = tmp_path / "broken.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=r"broken\.json"):
        presets.load(str(file))


def test_a_whole_number_may_have_a_point(tmp_path):
    (tmp_path / "own.json").write_text(json.dumps(VALID | kwargs(features_per_stage=[4.0, 8.0], n_stages=2.0)))
    found = presets.load(str(tmp_path / "own.json")).arch_kwargs
    assert found == {"features_per_stage": [4, 8], "n_stages": 2}
    assert all(type(number) is int for number in [*found["features_per_stage"], found["n_stages"]])


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("lunet16", "LUnet16"), ("UNet++32", "UNetPlusPlus32"), ("lunet_small_5f", "lunet_small_4f")],
)
def test_an_unknown_name_is_answered_with_near_ones(wrong, near):
    with pytest.raises(UserError, match=f"'{wrong.replace('+', '.')}' is unknown: did you mean .*{near}"):
        presets.load(wrong)
    with pytest.raises(UserError, match="'banana' is unknown: lunet plan --list"):
        presets.load("banana")
