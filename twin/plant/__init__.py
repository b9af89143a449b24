"""What the tube does between two ticks: models with a state, and the room around it."""
