"""The known name a wrong one was probably meant to be."""

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The most similar of the known names, None if none is near (less than 60 of 100 by weighted edits)."""
    from rapidfuzz import fuzz, process  # loaded only when something is wrong

    found = process.extractOne(name.lower(), list(known), scorer=fuzz.ratio, processor=str.lower, score_cutoff=60)
    return str(found[0]) if found else None


def one_of(known: Iterable[str]) -> str:
    """`a, b or c`."""
    *first, last = known
    return f"{', '.join(first)} or {last}" if first else last
