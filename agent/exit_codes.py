"""What a command's exit code says to a script."""

DONE = 0
SOME_FAILED = 1
"""Some of the work failed, or a check found something."""
WRONG_USE = 2
"""Wrong usage or configuration."""
INTERRUPTED = 130
"""128 + SIGINT, as shells count."""
