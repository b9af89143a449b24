"""Files and processes: TOML in, whole-file writes, child processes, and the one kind of error."""
