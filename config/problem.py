"""What is wrong in the configuration, told all at once: `file:line: key: what is wrong, what to write`."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """One mistake. `line` counts from 1, 0 where none applies; `key` is dotted, empty for the file as a whole.

    what: what is wrong, never holding a secret. instead: what to write, or empty.
    """

    file: Path
    line: int
    key: str
    what: str
    instead: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        sentence = ", ".join(filter(None, (self.what, self.instead)))
        return ": ".join(filter(None, (place, self.key, sentence)))


class ConfigProblems(Exception):
    """The configuration cannot be used. `problems` holds every one of them, by file and line, each once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))
