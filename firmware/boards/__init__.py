"""One file per board: the two methods of the seam, read(inputs) and write(outputs)."""
