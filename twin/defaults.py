"""The defaults of the command line. No imports here, so that the command line starts fast."""

DEFAULT_TUBE = "cu-50w-air"
DEFAULT_SCENARIO = "ramp"
SHORT_SCENARIO = "bench-short"
"""For targets and tests that are too slow for DEFAULT_SCENARIO."""
