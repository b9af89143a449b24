"""Files and processes: reading TOML, writing whole files, child processes, errors of the user."""
