"""The tube and its room between two ticks: models with a state."""
