"""The link to a host: frames, a session, and the entry point that serves one."""
