"""When a mailbox is tried again, by the kind of what went wrong."""

from datetime import timedelta

import pytest

from agent.engine.backoff import LONGEST, after_failure, after_success
from agent.store.schedule.mailboxes import NEVER, Due
from connectors.errors import Fatal, NeedsSignIn, Retriable
from tests.unit.store_room import NOW

HOUR = timedelta(hours=1)


def known(failures: int = 0, problem: str | None = None) -> Due:
    return Due(id=1, address="anna@ourfirm.example", failures=failures, problem=problem)


def test_a_good_pass_is_followed_by_the_next_poll() -> None:
    turn = after_success(known(), 60, NOW, 0.5)
    assert (turn.due, turn.failures, turn.failed) == (NOW + timedelta(seconds=60), 0, None)


def test_polls_of_many_mailboxes_spread() -> None:
    dues = {after_success(known(), 60, NOW, dice / 10).due for dice in range(11)}
    assert len(dues) == 11
    assert max(dues) - min(dues) == timedelta(seconds=12)


def test_waits_grow_to_a_quarter_of_an_hour() -> None:
    waits = [(after_failure(known(n), Retriable("no answer"), NOW, 0).due - NOW).total_seconds() for n in range(8)]
    assert waits == [30, 60, 120, 240, 480, LONGEST, LONGEST, LONGEST]


def test_a_mailbox_that_has_failed_for_years_is_still_tried() -> None:
    assert after_failure(known(10**6), Retriable("no answer"), NOW, 0).due == NOW + timedelta(seconds=LONGEST)


@pytest.mark.parametrize("dice", [0.0, 0.5, 1.0])
def test_a_server_in_trouble_for_an_hour_sees_at_most_ten_sign_ins(dice: float) -> None:
    now, failures, tries = NOW, 0, 0
    while now < NOW + HOUR:
        turn = after_failure(known(failures), Retriable("dropped"), now, dice)
        now, failures, tries = turn.due, turn.failures, tries + 1

    assert tries <= 10


def test_a_mailbox_that_fails_every_other_time_does_not_begin_anew_each_time() -> None:
    failures = 5
    failed = after_failure(known(failures), Retriable("dropped"), NOW, 0)
    recovered = after_success(known(failed.failures), 60, NOW, 0.5)

    assert recovered.failures == failures
    assert after_failure(known(recovered.failures), Retriable("dropped"), NOW, 0).due == failed.due


def test_health_for_minutes_forgets_every_failure() -> None:
    failures = 6
    for _ in range(6):
        failures = after_success(known(failures), 60, NOW, 0.5).failures
    assert failures == 0


@pytest.mark.parametrize("dice", [0.0, 0.5, 1.0])
def test_the_wait_a_server_asks_for_is_obeyed(dice: float) -> None:
    asked = after_failure(known(), Retriable("busy", after=300), NOW, dice).due - NOW
    assert timedelta(seconds=300) <= asked <= timedelta(seconds=360)


def test_a_server_that_asks_for_a_year_gets_a_day() -> None:
    asked = after_failure(known(), Retriable("busy", after=3e7), NOW, 0).due - NOW
    assert asked == timedelta(days=1)


def test_a_short_wait_asked_for_does_not_shorten_ours() -> None:
    assert after_failure(known(4), Retriable("busy", after=1), NOW, 0).due == NOW + timedelta(seconds=480)


def test_a_refused_password_is_tried_once_more_after_an_hour_and_then_never() -> None:
    first = after_failure(known(), NeedsSignIn("refused", advice="sign in"), NOW, 1.0)
    assert first.due == NOW + HOUR
    assert first.failed is not None
    assert first.failed.problem == "needs-sign-in"

    second = after_failure(known(1, first.failed.problem), NeedsSignIn("refused"), NOW + HOUR, 0)
    assert second.due == NEVER


def test_no_answer_in_between_does_not_win_a_refused_password_another_try() -> None:
    down = after_failure(known(1, "needs-sign-in"), Retriable("no answer"), NOW, 0)
    assert down.failed is not None
    assert down.failed.problem == "needs-sign-in"
    assert after_failure(known(2, down.failed.problem), NeedsSignIn("refused"), NOW, 0).due == NEVER


def test_what_only_a_person_can_mend_is_not_tried_again() -> None:
    turn = after_failure(known(), Fatal("the certificate is not trusted", advice="set ca_file"), NOW, 0)
    assert turn.due == NEVER
    assert turn.failed is not None
    assert (turn.failed.problem, turn.failed.sentence, turn.failed.advice) == (
        "stopped",
        "the certificate is not trusted",
        "set ca_file",
    )


def test_an_error_nobody_foresaw_is_tried_again_and_its_text_is_not_shown() -> None:
    turn = after_failure(known(), ValueError("Subject: the secret of jane@acme.example"), NOW, 0)
    assert turn.due == NOW + timedelta(seconds=30)
    assert turn.failed is not None
    assert "ValueError" in turn.failed.sentence
    assert "secret" not in turn.failed.sentence + turn.failed.advice
