"""The recording of a run: an HDF5 file in the NeXus layout, written and read."""
