"""Questions that take many runs: error budget, sensitivity, autotune."""
