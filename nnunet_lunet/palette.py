"""Colours of Okabe and Ito, which the colour-blind can tell apart."""

OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
