"""Colours of Okabe and Ito, which the colour-blind can tell apart."""

OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
#: Yellow is for areas: as a line on white it can hardly be seen.
LINES = tuple(colour for colour in OKABE_ITO if colour != "#F0E442")
