"""Comparisons of several data sets in one answer: differences, ranks and how stable they are, page and tables."""
