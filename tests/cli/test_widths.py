import pytest

from nnunet_lunet.cli.widths import widths
from nnunet_lunet.errors import UserError


def test_channels_by_stage(capsys):
    widths("linear", width=8, stages=3)
    assert capsys.readouterr().out == "8, 16, 24\n"


def test_an_unknown_profile_is_told_in_one_line():
    with pytest.raises(UserError, match="'wavy' is unknown: use one of flat"):
        widths("wavy")
