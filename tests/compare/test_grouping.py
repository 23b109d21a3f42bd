import pytest

from nnunet_lunet.compare import grouping
from nnunet_lunet.errors import UserError


def written(tmp_path, text):
    file = tmp_path / "groups.csv"
    file.write_bytes(text.encode())
    return file


def test_the_group_of_each_case(tmp_path):
    file = written(tmp_path, "\ufeffscanner,case,group\r\n3T,a_2,p 1\r\n3T, a_1 ,p 1\r\n3T,b,p2\r\n1T,other,\r\n")
    assert grouping.read(file, ["b", "a_1", "a_2"]) == {"a_1": "p 1", "a_2": "p 1", "b": "p2"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("case,patient\na,p\n", "no column 'group'"),
        ("", "no column 'case'"),
        ("case,group\na,p\nb,\n", "no group of case b"),
        ("case,group\na,p\n", "no group of case b"),
        ("case,group\na,p\nb,q\na,q\n", "case a has two groups, p and q"),
        ("case,group\na,p\nb,p\n", "all cases are of one group"),
    ],
)
def test_what_is_wrong_with_the_file_is_told_in_one_line(tmp_path, text, told):
    with pytest.raises(UserError) as error:
        grouping.read(written(tmp_path, text), ["a", "b"])
    assert told in error.value.message and "\n" not in error.value.message
    assert str(tmp_path / "groups.csv") in error.value.message


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"--groups .*nowhere\.csv cannot be read"):
        grouping.read(tmp_path / "nowhere.csv", ["a", "b"])
