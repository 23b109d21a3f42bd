"""``lunet profile``: what networks cost, counted and measured."""
