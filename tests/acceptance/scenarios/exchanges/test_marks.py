"""Scenario 44 for both Exchanges: mail marked private after it was logged, whatever the server does meanwhile."""

import pytest

from tests.acceptance.scenarios.exchanges.words import Owner, fair_weather, keep_back
from tests.acceptance.scenarios.graph_user import GraphUser
from tests.acceptance.scenarios.harness import Desk
from tests.acceptance.scenarios.letters import KIM, STRANGER, letter


@pytest.fixture(params=[True, False], ids=["usual", "plain"])
def logged(request: pytest.FixtureRequest, desk: Desk, user: Owner) -> int:
    """A logged message; its number in the inbox. plain: listings of Exchange Online tell no MAPI properties, so that
    each changed message is asked for as on Exchange Server.
    """
    if not request.param:
        if not isinstance(user, GraphUser):
            pytest.skip("of Exchange Server each changed message is asked for anyhow")
        user.tenant.faults.fail(400, r"/messages/delta\?.*\$expand", times=None)
    number = user.append("INBOX", letter(subject="Kept back", message_id="one@customer.example"))
    desk.policy(categories={"private": "Private"})
    desk.read(user)
    desk.sync()
    assert desk.subjects() == ["Kept back"]
    return number


def test_scenario_44_a_mark_that_the_server_keeps_back_takes_the_text_when_it_can_be_read(
    desk: Desk, user: Owner, logged: int
) -> None:
    """The change is told and the message cannot be asked for: it is asked for again, though it never changes again."""
    user.flag("INBOX", logged, "Private")
    keep_back(user, logged)
    desk.sync()
    user.append("INBOX", letter(subject="Later"))
    desk.sync()
    fair_weather(user)
    desk.sync()
    assert desk.subjects() == ["Later"]
    assert desk.outcome("one@customer.example") == "skipped: private"
    desk.complete()


def test_scenario_44_new_mail_whose_marks_are_kept_back_waits_and_blocks_nothing(
    desk: Desk, user: Owner, logged: int
) -> None:
    """Nobody knows yet whether it is private: the next pass that can ask decides."""
    for sender in (KIM, STRANGER):
        keep_back(user, user.append("INBOX", letter(subject=f"From {sender}", from_=sender)))
    user.append("INBOX", letter(subject="Later"))
    desk.sync()
    assert desk.subjects() == ["Kept back", "Later"]
    fair_weather(user)
    desk.sync()
    assert desk.subjects() == [f"From {KIM}", "Kept back", "Later"]
    assert desk.count("gaps") == 0
    desk.complete()
