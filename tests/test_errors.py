import pickle

import pytest

from nnunet_lunet.errors import UserError, did_you_mean, without_prefix


def test_a_message_is_one_line_with_the_name_of_this_package_before_it_once():
    error = UserError("plans  'a'\nare\tmissing")
    again = UserError(str(error))
    assert str(error) == str(again) == "nnunet-lunet: plans 'a' are missing"
    assert error.message == again.message == without_prefix(str(error)) == "plans 'a' are missing"


def test_a_message_survives_the_way_from_another_process():
    error = pickle.loads(pickle.dumps(UserError("no room")))
    assert (str(error), error.message) == ("nnunet-lunet: no room", "no room")


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("LUnet61", ["LUnet16", "UNet"], "did you mean LUnet16?"),
        ("LUnet61", {"LUnet16": 1, "LUnet6": 2}, "did you mean LUnet6 or LUnet16?"),
        ("banana", ["LUnet16"], ""),
    ],
)
def test_near_names_are_suggested_the_nearest_first(name, known, said):
    assert did_you_mean(name, known) == said


def test_several_spellings_of_the_same_are_one_suggestion():
    spellings = {"hippocampus": "Task04_Hippocampus", "hippocampi": "Task04_Hippocampus"}
    assert did_you_mean("hipocampus", spellings, means=spellings.__getitem__) == "did you mean Task04_Hippocampus?"
