"""When a mailbox is tried again. Pure: an outcome and what is remembered go in, the next turn comes out.

A passing fault waits 30 s, doubling to 15 minutes; a server in trouble for an hour sees nine sign-ins of a mailbox.
Each good pass takes one failure back, so a mailbox that fails every other time does not start from the beginning.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.store.leases import Failed
from agent.store.schedule.mailboxes import NEVER, Due
from connectors.errors import ConnectorError, Fatal, NeedsSignIn, Retriable

FIRST = 30.0
"""Seconds after the first failure."""
LONGEST = 900.0
"""Seconds between two tries of a mailbox that keeps failing."""
OBEYED = 86_400.0
"""Longest wait in seconds that a server may ask for."""
SECOND_SIGN_IN = timedelta(hours=1)
"""Directories lock accounts: a refused password is tried once more after this, then only when settings change."""
SPREAD = 0.1
"""Waits differ by up to this part either way, so that mailboxes of one server do not come back together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """When the mailbox is due next, and what is remembered until then."""

    due: datetime
    failures: int = 0
    failed: Failed | None = None


def after_success(known: Due, poll_seconds: float, now: datetime, dice: float) -> Turn:
    """The turn after a complete pass. dice: 0 to 1, drawn by the caller."""
    return Turn(due=now + _spread(poll_seconds, dice), failures=max(0, known.failures - 1))


def after_failure(known: Due, error: Exception, now: datetime, dice: float) -> Turn:
    """The turn after a pass that failed; an error that no connector raises on purpose counts as a passing fault."""
    failures = min(known.failures + 1, 1000)
    match error:
        case NeedsSignIn():
            due = NEVER if known.problem == "needs-sign-in" else now + SECOND_SIGN_IN
            return Turn(due=due, failures=failures, failed=_failed(error, "needs-sign-in"))
        case Fatal():
            return Turn(due=NEVER, failures=failures, failed=_failed(error, "stopped"))
        case Retriable(after=float() | int() as asked):
            wait = max(_wait(failures), min(asked, OBEYED))
        case _:
            wait = _wait(failures)
    return Turn(due=now + _later(wait, dice), failures=failures, failed=_failed(error, known.problem))


def _wait(failures: int) -> float:
    return min(FIRST * 2.0 ** min(failures - 1, 30), LONGEST)


def _spread(seconds: float, dice: float) -> timedelta:
    return timedelta(seconds=seconds * (1 + SPREAD * (2 * dice - 1)))


def _later(seconds: float, dice: float) -> timedelta:
    """Never earlier than asked for."""
    return timedelta(seconds=seconds * (1 + 2 * SPREAD * dice))


def _failed(error: Exception, problem: str | None) -> Failed:
    if isinstance(error, ConnectorError):
        return Failed(sentence=str(error), advice=error.advice, problem=problem)
    return Failed(
        sentence=f"unexpected {type(error).__name__} while reading",
        advice="This is a fault of the program; it is tried again. The log names the place.",
        problem=problem,
    )
