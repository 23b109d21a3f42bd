"""The ten public data sets of the Medical Segmentation Decathlon: fetched, unpacked, converted."""
