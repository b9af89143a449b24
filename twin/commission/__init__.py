"""Commissioning: the calibration of one tube, found as at a bench, and where it is kept."""
