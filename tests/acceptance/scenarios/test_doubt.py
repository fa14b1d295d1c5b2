"""What waits in the review queue when its message moves or leaves."""

import pytest

from agent.store.mail import reviews
from tests.acceptance.scenarios.harness import Desk
from tests.acceptance.scenarios.letters import KIM, letter
from tests.servers.dovecot import DovecotUser

OFFICE = "office@shared.example"


def _asked(desk: Desk) -> list[str]:
    """Addresses that somebody is asked about."""
    with desk.open() as house, house.database.read() as connection:
        return [item.address for item in reviews.open_items(connection)]


@pytest.fixture
def doubtful(desk: Desk, user: DovecotUser) -> int:
    """A message from an address that two contacts share, already read; its UID in the inbox."""
    desk.know("Office One", OFFICE)
    desk.know("Office Two", OFFICE)
    uid = user.append("INBOX", letter(from_=OFFICE))
    desk.read(user)
    desk.sync()
    assert _asked(desk) == [OFFICE]
    return uid


def test_nobody_is_asked_about_a_message_that_left(desk: Desk, user: DovecotUser, doubtful: int) -> None:
    user.expunge("INBOX", doubtful)
    desk.sync()
    assert _asked(desk) == []


def test_a_message_that_was_moved_is_still_asked_about(desk: Desk, user: DovecotUser, doubtful: int) -> None:
    user.create("Clients")
    user.move(doubtful, "INBOX", "Clients")
    desk.sync()
    assert _asked(desk) == [OFFICE]


def test_a_message_in_a_renumbered_folder_is_still_asked_about(desk: Desk, user: DovecotUser, doubtful: int) -> None:
    user.set_uidvalidity("INBOX", user.uidvalidity("INBOX") + 1)
    desk.sync()
    assert _asked(desk) == [OFFICE]


def test_a_doubt_about_a_logged_message_outlives_it(desk: Desk, user: DovecotUser, doubtful: int) -> None:
    uid = user.append("INBOX", letter(from_=KIM, cc=OFFICE))
    desk.sync()
    user.expunge("INBOX", uid)
    user.expunge("INBOX", doubtful)
    desk.sync()
    assert _asked(desk) == [OFFICE]
    assert len(desk.history()) == 1
