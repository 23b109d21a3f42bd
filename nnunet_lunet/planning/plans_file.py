"""Plans files of a dataset: read, derive others that share their preprocessed data, write without loss."""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from nnunetv2.utilities.label_handling.label_handling import determine_num_input_channels
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from torch import nn

from nnunet_lunet.atomic import atomic_write
from nnunet_lunet.errors import UserError
from nnunet_lunet.host import folders
from nnunet_lunet.host.command_lines import STOCK_PLANS

_NEEDED = (
    "data_identifier", "batch_size", "patch_size", "spacing", "architecture.network_class_name",
    "architecture._kw_requires_import", "architecture.arch_kwargs.n_stages", "architecture.arch_kwargs.strides",
    "architecture.arch_kwargs.kernel_sizes",
)  # fmt: skip


@dataclass(frozen=True)
class PlansFile:
    """Plans of one dataset.

    :param folder: the dataset's folder in ``nnUNet_preprocessed``
    :param content: of the plans file
    :param dataset: content of ``dataset.json``
    """

    folder: Path
    content: dict[str, Any]
    dataset: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.content["plans_name"])

    def configuration(self, name: str) -> dict[str, Any]:
        """A configuration with what it inherits.

        :raises UserError: it is missing or incomplete, or inherits in a circle
        """
        try:
            configuration: dict[str, Any] = PlansManager(self.content).get_configuration(name).configuration
            for entry in _NEEDED:
                inner: Any = configuration
                for key in entry.split("."):
                    inner = inner[key]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise UserError(
                f"plans {self.name}, configuration {name}: {type(error).__name__}: {error}; "
                "plan the dataset again with nnUNetv2_plan_experiment"
            ) from error
        return configuration

    def network(self, name: str, changes: Mapping[str, Any]) -> nn.Module:
        """Network of a configuration after ``changes``, without deep supervision, on the meta device: no memory.

        :param changes: entries that replace the configuration's, e.g. ``architecture``
        :raises UserError: the network class refuses its arguments
        """
        architecture = {**self.configuration(name), **changes}["architecture"]
        labels = PlansManager(self.content).get_label_manager(self.dataset)
        try:
            with torch.device("meta"):
                return get_network_from_plans(
                    architecture["network_class_name"],
                    architecture["arch_kwargs"],
                    architecture["_kw_requires_import"],
                    self.input_channels(name),
                    labels.num_segmentation_heads,
                    allow_init=False,
                    deep_supervision=False,
                )
        except Exception as error:  # the class may be anybody's
            class_name = architecture["network_class_name"].rpartition(".")[2]
            raise UserError(f"configuration {name}: {class_name} cannot be built: {error}") from error

    def input_channels(self, name: str) -> int:
        """Channels that enter the network of a configuration; a cascade adds those of its first stage's labels."""
        manager = PlansManager(self.content)
        return int(determine_num_input_channels(manager, manager.get_configuration(name), self.dataset))


def read(dataset: str, plans: str = STOCK_PLANS) -> PlansFile:
    """Plans of a dataset.

    :param dataset: its number or name, as nnU-Net's ``-d``
    :param plans: name of the plans, as nnU-Net's ``-p``
    :raises UserError: no such dataset or plans, or a broken file
    """
    folder = folders.dataset_folder(dataset)
    file = folder / f"{plans}.json"
    if not file.is_file():
        others = sorted(path.stem for path in folder.glob("*Plans*.json"))
        have = f"it has {', '.join(others)}" if others else "run nnUNetv2_plan_and_preprocess first"
        raise UserError(f"-d {dataset}: {folder} has no {plans}.json: {have}")
    content, description = folders.read_json(file), folders.read_json(folder / "dataset.json")
    if not isinstance(content.get("configurations"), dict) or not content["configurations"]:
        raise UserError(f"{file} is no plans file: it has no 'configurations'")
    if content.get("plans_name") != plans:
        raise UserError(f"{file}: its plans_name is {content.get('plans_name')!r}; make it the file's name, {plans!r}")
    return PlansFile(folder, content, description)


def together(plans: PlansFile, chosen: Sequence[str] | None) -> list[str]:
    """The chosen configurations and those that nnU-Net needs beside them: what they inherit from, and cascades whole.

    :param chosen: None for all
    :raises UserError: one that the plans do not have
    """
    present = plans.content["configurations"]
    found: set[str] = set()
    waiting = list(present if chosen is None else chosen)
    while waiting:
        name = waiting.pop()
        if name not in present:
            raise UserError(f"-c {name}: plans {plans.name} have {', '.join(present)}")
        if name not in found:
            found.add(name)
            for link in ("inherits_from", "previous_stage", "next_stage"):
                linked = present[name].get(link) or []
                waiting += [linked] if isinstance(linked, str) else linked
    return [name for name in present if name in found]


def derive(plans: PlansFile, name: str, changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Plans ``name``: these, cut down to the configurations of ``changes``, with the changes.

    What a configuration would inherit anyway is not written into it.

    :param changes: for each configuration the entries that replace its own
    """
    content = copy.deepcopy(plans.content)
    content["plans_name"] = name
    content["configurations"] = {key: content["configurations"][key] for key in changes}
    for key, configuration in content["configurations"].items():
        inherited = changes.get(configuration.get("inherits_from"), {})
        for entry, value in changes[key].items():
            if entry in configuration or inherited.get(entry) != value:
                configuration[entry] = value
    return content


def write(folder: Path, content: dict[str, Any], overwrite: bool) -> bool:
    """Write plans into a dataset's folder; False if the very same were there already.

    :raises UserError: other plans of that name are there and ``overwrite`` is false, or the folder cannot be written
    """
    file = folder / f"{content['plans_name']}.json"
    text = json.dumps(content, indent=4)
    try:
        if file.exists():
            if _same(file, text):
                return False
            if not overwrite:
                raise UserError(f"{file} exists and differs: rename it, or replace it with --overwrite")
        with atomic_write(file) as new:
            new.write(text.encode())
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from error
    return True


def _same(file: Path, text: str) -> bool:
    try:
        return bool(json.loads(file.read_text()) == json.loads(text))
    except ValueError:
        return False
