"""Records of comparisons from before their intervals were over seeds, too."""

from typing import Any

from nnunet_lunet.compare import margins


def is_older(content: dict[str, Any]) -> bool:
    """:param content: of a ``comparison.json``"""
    return "margins" not in content


def stripped(content: dict[str, Any]) -> dict[str, Any]:
    """Without what it claimed, which its scores have to show anew, and with the margin that it had."""
    used = {test["metric"]: test["margin"] for test in content["tests"] if test["margin"] is not None}
    return {**content, "tests": [], "summaries": [], "margins": used or dict(margins.DEFAULT)}
