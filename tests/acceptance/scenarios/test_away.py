"""Somebody is away, or answers that they will answer: of the one only the day stays, the other is history."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from agent.sync.timing import WEIGHED_FOR
from tests.acceptance.scenarios.harness import Desk
from tests.acceptance.scenarios.letters import KIM, STARTED, letter
from tests.servers.dovecot import DovecotUser

AUTOMATIC = {"Auto-Submitted": "auto-replied"}
BACK = (STARTED + timedelta(days=14)).date()
SECRET = "Only Kim's doctor knows why."


def away(desk: Desk, user: DovecotUser, *, subject: str = "Out of office", text: str = "", **more: str) -> int:
    """An automatic reply arrives and is read; how many signals name the day."""
    headers: Mapping[str, str] = {**AUTOMATIC, **more}
    user.append("INBOX", letter(from_=KIM, subject=subject, text=text or SECRET, headers=headers))
    desk.read(user)
    desk.sync()
    return desk.count("signals", f"back_on = '{BACK}'")


@pytest.mark.parametrize(
    ("subject", "text"),
    [(f"Out of office until {BACK}", ""), ("Out of office", f"{SECRET} I am back in the office on {BACK}.")],
)
def test_of_a_contacts_automatic_reply_only_the_day_of_return_stays(
    desk: Desk, user: DovecotUser, subject: str, text: str
) -> None:
    """Subject or text name it; neither is kept anywhere."""
    assert away(desk, user, subject=subject, text=text) == 1
    assert desk.history() == []
    assert desk.count("texts") == 0
    assert desk.count("locations", "outcome = 'skipped' and reason = 'auto-reply'") == 1


def test_a_strangers_automatic_reply_says_nothing(desk: Desk, user: DovecotUser) -> None:
    stranger = {**AUTOMATIC}
    user.append("INBOX", letter(from_="someone@nowhere.example", text=f"Back on {BACK}.", headers=stranger))
    desk.read(user)
    desk.sync()
    assert desk.count("signals") == 0


def test_an_answer_that_promises_an_answer_says_by_when(desk: Desk, user: DovecotUser) -> None:
    user.append("INBOX", letter(from_=KIM, text=f"Thank you! I'll get back to you by {BACK}."))
    user.append("INBOX", letter(from_=KIM, text=f"Thank you! Could you come on {BACK}? I'll get back to you."))
    desk.read(user)
    desk.sync()
    assert len(desk.history()) == 2
    assert desk.count("interactions", f"holds_until = '{BACK}'") == 1


def test_what_an_old_mail_asks_is_looked_at_only_where_reminders_reach_so_far(desk: Desk, user: DovecotUser) -> None:
    old = datetime.now(UTC) - 2 * WEIGHED_FOR
    user.append("INBOX", letter(from_=KIM, text="Could you send an offer?", date=old))
    user.append("INBOX", letter(from_=KIM, text="Could you send an offer?", date=datetime.now(UTC)))
    anna = desk.read(user)
    desk.sync()
    assert desk.count("interactions", "asks is null") == 1
    assert desk.count("interactions", "asks") == 1

    far = anna.reminders.model_copy(update={"max_age": 3 * WEIGHED_FOR})
    desk.settings = desk.settings.model_copy(update={"mailboxes": (anna.model_copy(update={"reminders": far}),)})
    user.append("INBOX", letter(from_=KIM, text="Could you send another?", date=old))
    desk.sync()
    assert desk.count("interactions", "asks") == 2
