"""``lunet compare``: what networks score on the same cases, what they cost, and whether a difference means anything."""
