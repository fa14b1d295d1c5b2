"""Mail that was moved, renumbered or renamed and is decided otherwise then: where it lay before holds nothing back."""

import pytest

from tests.acceptance.scenarios.harness import Desk
from tests.acceptance.scenarios.letters import KIM, letter
from tests.servers.dovecot import DovecotUser

marks = pytest.mark.parametrize(
    ("mark", "outcome"), [("Private", "skipped: private"), ("Not_CRM", "skipped: removed")], ids=["private", "removed"]
)


@pytest.fixture
def read(desk: Desk, user: DovecotUser) -> int:
    """A logged message; its UID in the inbox."""
    uid = user.append("INBOX", letter(message_id="one@mail.example"))
    user.create("Clients")
    desk.policy(categories={"private": "Private", "remove": "Not_CRM"})
    desk.read(user)
    desk.sync()
    assert len(desk.history()) == 1
    return uid


@marks
def test_mail_that_is_marked_after_it_was_moved_is_taken_back(
    desk: Desk, user: DovecotUser, read: int, mark: str, outcome: str
) -> None:
    moved = user.move(read, "INBOX", "Clients")
    desk.sync()
    user.flag("Clients", moved, mark)
    desk.sync()
    assert desk.history() == []
    assert desk.outcome("one@mail.example") == outcome
    assert desk.count("texts") == 0


@marks
@pytest.mark.parametrize("back", [False, True], ids=["to a later folder", "to an earlier folder"])
def test_mail_that_is_moved_and_marked_between_two_passes_is_taken_back(
    desk: Desk, user: DovecotUser, read: int, mark: str, outcome: str, *, back: bool
) -> None:
    source, target = ("Clients", "INBOX") if back else ("INBOX", "Clients")
    if back:
        read = user.move(read, "INBOX", "Clients")
        desk.sync()
    moved = user.move(read, source, target)
    user.flag(target, moved, mark)
    desk.sync()
    assert desk.history() == []
    assert desk.outcome("one@mail.example") == outcome


def test_mail_that_is_marked_while_its_folder_is_renumbered_is_taken_back(
    desk: Desk, user: DovecotUser, read: int
) -> None:
    user.set_uidvalidity("INBOX", user.uidvalidity("INBOX") + 1)
    user.flag("INBOX", read, "Private")
    desk.sync()
    assert desk.history() == []


def test_mail_that_is_marked_while_its_folder_is_renamed_is_taken_back(
    desk: Desk, user: DovecotUser, read: int
) -> None:
    moved = user.move(read, "INBOX", "Clients")
    desk.sync()
    user.flag("Clients", moved, "Private")
    user.rename("Clients", "Customers")
    desk.sync()
    assert desk.history() == []


def test_a_deleted_copy_that_was_logged_stays_history_of_its_own_mailbox(
    desk: Desk, user: DovecotUser, read: int
) -> None:
    """A colleague's mark speaks for the colleague's copy."""
    bob = user.server.user()
    uid = bob.append("INBOX", user.fetch("INBOX", read))
    desk.read(bob, "bob@ourfirm.example")
    desk.sync()
    user.expunge("INBOX", read)
    desk.sync()
    bob.flag("INBOX", uid, "Private")
    desk.sync()
    assert len(desk.history()) == 1


def test_mail_whose_conversation_became_doubtful_waits_wherever_it_lay_before(
    desk: Desk, user: DovecotUser, read: int
) -> None:
    """A stranger's answer was logged to the one contact of its conversation, which has two now."""
    answer = letter(from_="someone@nowhere.example", references=("one@mail.example",), message_id="two@mail.example")
    uid = user.append("INBOX", answer)
    desk.sync()
    assert len(desk.history()) == 2
    user.move(uid, "INBOX", "Clients")
    user.append("INBOX", letter(from_="max@else.example", references=("one@mail.example",)))
    desk.know("Max", "max@else.example", company="Else AG")
    desk.sync()
    assert desk.outcome("two@mail.example") == "review"
    assert [one.subject for one in desk.history() if one.message_id == "two@mail.example"] == []
    assert KIM in {email for one in desk.history() for email, _ in one.contacts}
