"""Predicts with a folder that ``lunet export --portable`` wrote: needs numpy, scipy, SimpleITK and openvino alone.

This package is copied into such folders, so it imports nothing of this project, of nnU-Net or torch. It does what
nnU-Net 2.8 does between an image's file and a label map's, by the same steps: see the function each docstring names.
"""
