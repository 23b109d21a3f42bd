import io

import matplotlib
import numpy as np
from matplotlib.image import imread

from nnunet_lunet.pruning.history import Epoch, History


def picture(history):
    file = io.BytesIO()
    history.draw(file)
    file.seek(0)
    return imread(file)


def test_the_picture_is_the_same_whatever_style_nnunet_has_left_behind():
    epochs = [Epoch(i, [], "stamp", {}, [8, 16 - i], 1000 - i, 10, 0.1 * i) for i in range(3)]
    expected = picture(History(epochs))
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "axes.labelsize": 30}):
        styled = picture(History(epochs))
        assert matplotlib.rcParams["font.size"] == 30
    assert np.array_equal(styled, expected)
