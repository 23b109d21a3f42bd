import re

import pytest

from nnunet_lunet.trainers import names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LUnetTrainer", {"profile": "flat"}),
        ("LUnetTrainer_w16_100epochs", {"profile": "flat", "width": 16, "epochs": 100}),
        ("LUnetTrainer_100epochs_w16", {"profile": "flat", "width": 16, "epochs": 100}),
        ("LUnetTrainer_linear_sgd_5iters", {"profile": "linear", "recipe": "sgd", "iters": 5}),
        (
            "UNetTrainer_20epochs_25iters_adamw",
            {"profile": "planned", "recipe": "adamw", "epochs": 20, "iters": 25},
        ),
        (
            "LUnetPruningTrainer_keep25_drop_randomAtLargest_l1_recover3_w8",
            {
                "profile": "planned",
                "keep": 25,
                "drop": True,
                "strategy": "randomAtLargest",
                "importance": "l1",
                "recover": 3,
                "width": 8,
            },
        ),
        ("LUnetTrainer_seed0", {"profile": "flat", "seed": 0}),
        ("LUnetTrainer_seed12_w4", {"profile": "flat", "seed": 12, "width": 4}),
        ("UNetTrainer_noDS_w8", {"profile": "planned", "width": 8, "deep_supervision": False}),
        ("LUnetPruningTrainer_keep25_noDS", {"profile": "planned", "keep": 25, "deep_supervision": False}),
        ("LUnetTrainer_paper_w4", {"profile": "flat", "recipe": "paper", "width": 4}),
        ("UNetTrainer_paperLarge", {"profile": "planned", "recipe": "paperLarge"}),
        ("LUnetPruningTrainer_keep25_paper", {"profile": "planned", "recipe": "paper", "keep": 25}),
        ("UNetTrainer_paper_noDS", {"profile": "planned", "recipe": "paper", "deep_supervision": False}),
        ("LUnetTrainer_w1024_100000epochs", {"profile": "flat", "width": 1024, "epochs": 100_000}),
    ],
)
def test_options_mean_the_same_in_any_order(name, expected):
    assert names.parse(name) == names.TrainerOptions(family=name.partition("_")[0], **expected)


@pytest.mark.parametrize(
    ("name", "culprit"),
    [
        ("LUnetTrainer_w0", "_w0"),
        ("LUnetTrainer_w-3", "_w-3"),
        ("LUnetTrainer_w16_w8", "_w8"),
        ("LUnetTrainer_w016", "_w016"),
        ("LUnetTrainer_w1025", "_w1025"),
        ("LUnetTrainer_w٣", "_w٣"),
        ("LUnetTrainer_5000000000epochs", "_5000000000epochs"),
        ("LUnetTrainer_0iters", "_0iters"),
        ("LUnetTrainer_seed", "_seed"),
        ("LUnetTrainer_seed00", "_seed00"),
        ("LUnetTrainer_seed1_seed2", "_seed2"),
        ("LUnetTrainer_seed1000000", "_seed1000000"),
        ("LUnetTrainer_banana", "_banana"),
        ("LUnetTrainer_W16", "_W16"),
        ("LUnetTrainer__w16", "_"),
        ("LUnetTrainer_w16_", "_"),
        ("LUnetTrainer_w16\n", "_w16"),
        ("LUnetTrainer_adamw_sgd", "_sgd"),
        ("LUnetTrainer_paper_sgd", "_sgd"),
        ("LUnetTrainer_adamw_paper", "_paper"),
        ("LUnetPruningTrainer_paper_paperLarge", "_paperLarge"),
        ("LUnetTrainer_papers", "_papers"),
        ("LUnetTrainer_noDS_noDS", "_noDS"),
        ("UNetTrainer_linear", "_linear"),
        ("LUnetTrainer_keep25", "_keep25"),
        ("LUnetPruningTrainer_keep0", "_keep0"),
        ("LUnetPruningTrainer_keep100", "_keep100"),
        ("LUnetPruningTrainer_keep101", "_keep101"),
        ("LUnetPruningTrainer_stamp_randomAtStamp", "_randomAtStamp"),
        ("LUnetPruningTrainer_l2_taylor", "_taylor"),
        ("LUnetPruningTrainer_drop_drop", "_drop"),
        ("LUnetPruningTrainer_sparse_sparse", "_sparse"),
        ("UNetTrainer_sparse", "_sparse"),
        ("LUnetTrainer_finetune", "_finetune"),
        ("LUnetPruningTrainer_finetune5", "_finetune5"),
        ("LUnetPruningTrainer_linear", "_linear"),
        ("LUnetTrainer_" + "9" * 5000 + "epochs", "_999"),
        ("LUnetTrainerX", "LUnetTrainerX"),
    ],
)
def test_anything_else_is_refused_in_one_short_line_that_names_it(name, culprit):
    with pytest.raises(names.TrainerNameError) as error:
        names.parse(name)
    message = str(error.value)
    family = name.partition("_")[0]
    wrong, _, help_text = message.partition("; ")
    # The help names most options, so the culprit has to stand before it.
    assert re.search(rf"(option|trainer) {re.escape(culprit)}(?!\w)", wrong) or (culprit == "_999" and culprit in wrong)
    assert help_text == names.grammar(family if family in names.FAMILIES else None)
    assert len(message.splitlines()) == 1 and len(message) < 600


@pytest.mark.parametrize(
    ("name", "shared"),
    [
        ("LUnetTrainer_w8_seed1", "LUnetTrainer_w8"),
        ("LUnetTrainer_seed0_w8", "LUnetTrainer_w8"),
        ("LUnetTrainer_w8", "LUnetTrainer_w8"),
        ("nnUNetTrainer_seed1", "nnUNetTrainer_seed1"),
        ("LUnetTrainer_seed1_banana", "LUnetTrainer_seed1_banana"),
    ],
)
def test_repetitions_of_a_training_share_a_name(name, shared):
    assert names.without_seed(name) == shared
