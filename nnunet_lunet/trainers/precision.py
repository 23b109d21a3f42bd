"""Training in bfloat16 by torch's autocast: nnU-Net has half precision on a CUDA GPU and single elsewhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class InSinglePrecision(nn.Module):
    """A loss that computes in single precision, whatever the logits are in; on a CPU torch would leave it in bfloat16.

    :param loss: of nnU-Net's: logits, one tensor or one a resolution, and targets alike
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, logits: Tensor | Sequence[Tensor], target: Any) -> Tensor:
        several = not isinstance(logits, Tensor)
        device = (logits[0] if several else logits).device.type  # type: ignore[union-attr]
        with torch.autocast(device, enabled=False):
            found: Tensor = self.loss([each.float() for each in logits] if several else logits.float(), target)  # type: ignore[union-attr]
        return found


@contextmanager
def bfloat16(device: torch.device) -> Iterator[None]:
    """Convolutions in bfloat16; weights, their gradients and the optimiser stay in single precision.

    On a CUDA GPU nnU-Net's step has an autocast of its own, whose precision this sets.
    """
    before = torch.get_autocast_dtype(device.type)
    torch.set_autocast_dtype(device.type, torch.bfloat16)
    try:
        with torch.autocast(device.type, torch.bfloat16):
            yield
    finally:
        torch.set_autocast_dtype(device.type, before)


def is_fast(device: torch.device) -> bool:
    """Whether a device computes in bfloat16, and does not only imitate it."""
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
