"""The corpus of broken mail: every file of `mail/`, written by `generate.py`, each with one fault or a few together."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent / "mail"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """name: file name without ending, says what is wrong. raw: the message as it came."""

    name: str
    raw: bytes


@lru_cache(maxsize=1)
def samples() -> tuple[Sample, ...]:
    """All of them, in the order of their names."""
    return tuple(Sample(name=path.stem, raw=path.read_bytes()) for path in sorted(FOLDER.glob("*.eml")))


def sample(name: str) -> bytes:
    """One of them."""
    return (FOLDER / f"{name}.eml").read_bytes()
