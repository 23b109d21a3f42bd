"""``lunet demo``: a lean network and its baseline get the same minutes of training, from raw data to a picture."""
