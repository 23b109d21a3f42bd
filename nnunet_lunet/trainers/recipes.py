"""How a network is trained: the recipes that a trainer's name can ask for, as data. No torch."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Recipe:
    """What a recipe has; what is left out is nnU-Net's.

    :param about: a few words
    :param optimizer: name of a class in ``torch.optim``
    :param learning_rate: that training starts with
    :param decays_weights: whether the optimiser has nnU-Net's weight decay, or none
    :param learning_rate_falls: by nnU-Net's polynomial, or stays as it is
    :param loss: ``nnU-Net``, its Dice and cross entropy, or ``dice``, soft Dice alone
    :param augments: whether training sees changed images, and prediction mirrored ones
    :param deep_supervision: whether the loss also looks at the lower resolutions
    """

    about: str
    optimizer: str
    learning_rate: float
    decays_weights: bool = True
    learning_rate_falls: bool = True
    loss: str = "nnU-Net"
    augments: bool = True
    deep_supervision: bool = True


#: Hassler et al., arXiv 2512.03834, as its code has it (github.com/tureture/LUnet, ``configs/`` and ``training/``).
_PAPER = Recipe(
    "the paper's: Adam, constant 1e-2, Dice alone, no augmentation, no deep supervision", "Adam", 1e-2,
    decays_weights=False, learning_rate_falls=False, loss="dice", augments=False, deep_supervision=False,
)  # fmt: skip
#: By their options; the default comes first.
RECIPES = {
    "adamw": Recipe("AdamW with learning rate 1e-2 (default)", "AdamW", 1e-2),
    "sgd": Recipe("nnU-Net's SGD", "SGD", 1e-2),
    "paper": _PAPER,
    "paperLarge": replace(_PAPER, about="the same at 1e-3, as its large networks are trained", learning_rate=1e-3),
}
DEFAULT = next(iter(RECIPES))


@dataclass(frozen=True)
class FineTuning:
    """How a network that is trained already goes on.

    :param share: of the recipe's learning rate that training starts with
    :param warm_up_steps: in which the learning rate rises to that, linearly
    """

    share: float
    warm_up_steps: int


#: Found by trying (docs/results/pruning.md).
FINE_TUNING = FineTuning(share=0.1, warm_up_steps=50)
