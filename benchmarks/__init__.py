"""Scripts that make the pages in ``docs/results`` from ``data``; README.md says which makes which."""
