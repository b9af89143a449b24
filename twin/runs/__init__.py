"""One run: from a job to an outcome, and all that it leaves behind."""
