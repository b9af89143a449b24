"""The commands of the bench, one file each."""
