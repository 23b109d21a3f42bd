"""What ``lunet export`` can be asked for. No torch."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from nnunet_lunet.errors import UserError, missing

#: What each way of exporting runs the result in, to check it: package, extra, and what it is called.
_ENGINES = {
    "--onnx": ("onnxruntime", "ONNX Runtime"), "--openvino": ("openvino", "OpenVINO"),
    "--portable": ("openvino", "OpenVINO"),
}  # fmt: skip


def check(to_stock: Path | None, others: Mapping[str, Path | None], archive: Path | None) -> None:
    """:raises UserError: nothing is asked for, a package is missing, or the archive has no model to hold"""
    asked = [option for option, target in others.items() if target is not None]
    if to_stock is None and not asked:
        raise UserError(f"nothing to export: give --to-stock, {', '.join(others)}, or some of them")
    if archive is not None:
        if to_stock is None:
            raise UserError("--zip is of the model that --to-stock writes: give that, too")
        check_archive(archive)
    for option in asked:
        package, name = _ENGINES[option]
        if importlib.util.find_spec(package) is None:
            raise missing(name, package, option)


def check_archive(archive: Path) -> None:
    """:raises UserError: it exists, or is not named ``….zip``"""
    if archive.suffix != ".zip":
        raise UserError(f"--zip {archive}: its name must end in .zip")
    if archive.exists():
        raise UserError(f"{archive} exists: remove it or choose another name")
