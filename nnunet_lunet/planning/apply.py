"""What a preset makes of one configuration of nnU-Net's plans."""

import copy
import inspect
import pydoc
from collections.abc import Mapping
from typing import Any

from nnunet_lunet.architectures import widths
from nnunet_lunet.errors import UserError, did_you_mean
from nnunet_lunet.planning import levels
from nnunet_lunet.planning.presets import Preset

#: Convolutions of each block where the plans' class counted something else: ``ExperimentPlanner``'s.
CONVOLUTIONS = 2
_IMPORTED = ("conv_op", "norm_op", "dropout_op", "nonlin")
_ENCODER_LISTS = ("n_conv_per_stage", "n_blocks_per_stage")


def change(configuration: Mapping[str, Any], preset: Preset) -> dict[str, Any]:
    """``architecture`` and ``patch_size`` of a configuration after a preset; widths as an explicit list.

    :param configuration: of a plans file, with what it inherits; it is not changed
    :raises UserError: a key that the network class does not take, a list that does not have one entry a stage, or a
        class that cannot be imported
    """
    architecture, axes = configuration["architecture"], len(configuration["patch_size"])
    class_name = preset.network_class or architecture["network_class_name"]
    taken, takes_any = accepted(class_name)
    wanted = {key: _for_dimensions(value, axes) for key, value in preset.arch_kwargs.items()}
    for key in sorted(wanted.keys() - taken - {"width_profile"}):
        raise UserError(
            f"preset {preset.name}: {class_name.rpartition('.')[2]} takes no {key}: {did_you_mean(key, taken, most=1)} "
            "remove it, or name another network_class_name"
        )
    planned = copy.deepcopy(architecture["arch_kwargs"])
    kwargs = levels.with_levels(planned, wanted.get("n_stages", planned["n_stages"]), configuration["spacing"])
    if class_name != architecture["network_class_name"]:
        kwargs = {key: value for key, value in kwargs.items() if key in taken or takes_any}
        if "n_conv_per_stage" in taken and "n_conv_per_stage" not in kwargs:
            kwargs |= {"n_conv_per_stage": CONVOLUTIONS, "n_conv_per_stage_decoder": CONVOLUTIONS}
    if "features_per_stage" in wanted:
        kwargs.pop("width_profile", None)
        wanted["features_per_stage"] = _features(preset, wanted, kwargs["n_stages"], axes)
    kwargs |= wanted
    _one_entry_a_stage(kwargs, preset)
    imported = [key for key in kwargs if key in {*_IMPORTED, *architecture["_kw_requires_import"]}]
    _check_imports({key: wanted[key] for key in imported if key in wanted}, preset)
    return {
        "architecture": {
            "network_class_name": class_name,
            "arch_kwargs": kwargs,
            "_kw_requires_import": imported,
        },
        "patch_size": levels.fitting_patch(configuration["patch_size"], kwargs["strides"]),
    }


def accepted(class_name: str) -> tuple[set[str], bool]:
    """Names of the arguments that a network class takes, those it hands on to its bases among them.

    And whether it takes any other as well, which no base names.

    :raises UserError: the class cannot be imported
    """
    network_class = _located(class_name)
    if not inspect.isclass(network_class):
        raise UserError(f"network class {class_name} does not exist: check the name, and that its package is installed")
    taken: set[str] = set()
    takes_any = True
    for base in network_class.__mro__:
        if "__init__" in vars(base):
            parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
            taken |= {parameter.name for parameter in parameters if parameter.kind != parameter.VAR_KEYWORD}
            if all(parameter.kind != parameter.VAR_KEYWORD for parameter in parameters):
                takes_any = False
                break
    return taken - {"self", "args"}, takes_any


def _check_imports(wanted: Mapping[str, Any], preset: Preset) -> None:
    """nnU-Net leaves out, without a word, what it cannot import."""
    for key, value in wanted.items():
        if value is not None and not inspect.isclass(_located(value)):
            raise UserError(f"preset {preset.name}: {key} {value} does not exist: name a class with its module")


def _located(name: str) -> object:
    try:
        return pydoc.locate(name)
    except pydoc.ErrorDuringImport as error:
        raise UserError(f"{name} cannot be imported: {error.value}") from error


def _for_dimensions(value: Any, axes: int) -> Any:
    return value.replace("{dim}", str(axes)) if isinstance(value, str) else copy.deepcopy(value)


def _features(preset: Preset, wanted: dict[str, Any], n_stages: int, axes: int) -> list[int]:
    try:
        return widths.resolve(wanted["features_per_stage"], wanted.pop("width_profile", None), n_stages, axes)
    except ValueError as error:
        raise UserError(f"preset {preset.name}: {error}") from error


def _one_entry_a_stage(kwargs: dict[str, Any], preset: Preset) -> None:
    """Numbers become lists, as nnU-Net writes them, and lists are of the right length."""
    stages = kwargs["n_stages"]
    expected = dict.fromkeys(_ENCODER_LISTS, stages) | {"n_conv_per_stage_decoder": stages - 1}
    for key, length in expected.items():
        if isinstance(kwargs.get(key), int):
            kwargs[key] = [kwargs[key]] * length
        if key in kwargs and len(kwargs[key]) != length:
            raise UserError(f"preset {preset.name}: {key} {kwargs[key]} must hold {length} numbers for {stages} stages")
