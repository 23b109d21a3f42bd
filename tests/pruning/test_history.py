import io
import json

import matplotlib
import numpy as np
from matplotlib.image import imread

from nnunet_lunet.pruning.history import Epoch, History
from nnunet_lunet.pruning.strategies import Removal


def made_history():
    epochs = [Epoch(i, [], "stamp", {}, [8, 16 - i], 1000 - i, 10, 0.1 * i) for i in range(3)]
    epochs[1].removed = [Removal("a", 3, float("nan"))]
    return History(7, "l2", True, epochs, {"75": 2})


def picture(history):
    file = io.BytesIO()
    history.draw(file)
    file.seek(0)
    return imread(file)


def test_the_picture_is_the_same_whatever_style_nnunet_has_left_behind():
    expected = picture(made_history())
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "axes.labelsize": 30}):
        styled = picture(made_history())
        assert matplotlib.rcParams["font.size"] == 30
    assert np.array_equal(styled, expected)


def test_it_comes_back_from_plain_data_and_tells_how_it_was_made():
    history = made_history()
    plain = history.to_dict()
    assert str(History.from_dict(plain)) == str(history)
    file = io.BytesIO()
    history.write_json(file)
    written = json.loads(file.getvalue())
    assert (written["seed"], written["importance"], written["by_layer"], written["marks"]) == (7, "l2", True, {"75": 2})
    assert written["epochs"][1]["removed"][0]["importance"] is None
