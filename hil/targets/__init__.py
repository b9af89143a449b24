"""What the firmware can be run on."""
