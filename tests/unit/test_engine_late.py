"""What monitoring is told about a mailbox: quiet is not dead, and dead is not quiet."""

from datetime import timedelta

import pytest

from agent.cli.mailboxes import late
from agent.store.schedule.standing import State

LIMIT = timedelta(minutes=30)


def state(name: str, *, lag: timedelta | None = timedelta(0), error: str | None = None, advice: str = "") -> State:
    return State(
        address="anna@ourfirm.example",
        connector="hosted-mail",
        state=name,
        lag=lag,
        last_error=error,
        advice=advice or None,
    )


@pytest.mark.parametrize(
    "quiet",
    [
        state("ok", lag=LIMIT),
        state("waiting", lag=timedelta(minutes=5), error="no answer"),
        state("syncing", lag=None),
        state("paused", lag=timedelta(days=9), error="no answer"),
    ],
    ids=lambda one: one.state,
)
def test_a_mailbox_that_keeps_up_or_rests_alarms_nobody(quiet: State) -> None:
    assert late(quiet, LIMIT) == ""


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (state("ok", lag=timedelta(minutes=31)), "crm-agent run"),
        (state("waiting", lag=timedelta(minutes=31), error="no answer"), "no answer"),
        (state("waiting", lag=None, error="no such host"), "no such host"),
        (state("new", lag=None), "never read"),
        (state("stopped", error="wrong CA", advice="set ca_file"), "wrong CA; set ca_file"),
        (state("needs-sign-in", error="refused"), "refused"),
        (state("syncing", lag=timedelta(hours=2)), "behind by 7200 s"),
    ],
)
def test_a_mailbox_that_is_behind_says_why(behind: State, said: str) -> None:
    assert said in late(behind, LIMIT)
