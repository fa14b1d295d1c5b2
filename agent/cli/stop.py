"""How a command ends early: with one sentence and an exit code. `agent.cli.main` prints the one, returns the other."""

from agent.exit_codes import SOME_FAILED


class Stop(Exception):
    """Ends the command. The sentence says what is wrong and what to do; it goes to stderr."""

    def __init__(self, sentence: str, *, code: int = SOME_FAILED) -> None:
        super().__init__(sentence)
        self.code = code
