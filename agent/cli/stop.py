"""How a command ends early: with one sentence and an exit code. `agent.cli.main` prints the one, returns the other."""

DONE = 0
SOME_FAILED = 1
"""Some of the work failed, or a check found something."""
WRONG_USE = 2
"""Wrong usage or configuration."""
INTERRUPTED = 130
"""128 + SIGINT, as shells count."""


class Stop(Exception):
    """Ends the command. The sentence says what is wrong and what to do; it goes to stderr."""

    def __init__(self, sentence: str, *, code: int = SOME_FAILED) -> None:
        super().__init__(sentence)
        self.code = code
