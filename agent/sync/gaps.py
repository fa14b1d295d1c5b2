"""What a server listed and did not hand out: five tries, further and further apart, then quarantine. Pure part."""

from datetime import datetime, timedelta

TRIES = 5
_WAITS = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))


_COSTLY = timedelta(hours=1)
"""Between two tries that end a session each: a server that is asked to sign in too often locks the account."""


def next_try(attempts: int, now: datetime, *, costly: bool = False) -> datetime:
    """When to ask again after so many failures (1 or more): at the next pass first, then later and later."""
    return now + (_COSTLY if costly else _WAITS[min(attempts, len(_WAITS)) - 1])


def given_up(attempts: int) -> bool:
    """Whether the message goes to quarantine, where a person sees it and may ask for it again."""
    return attempts >= TRIES
