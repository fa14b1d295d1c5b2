"""What the salesperson does in the mail program after a message was decided: categories and flags."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.acceptance.scenarios.harness import Desk, texts_asked
from tests.acceptance.scenarios.letters import STRANGER, letter
from tests.servers.dovecot import DovecotUser
from tests.servers.imap_proxy import ImapProxy

SECRET = "the zebra clause of our divorce"


def _private(user: DovecotUser) -> int:
    raw = letter(subject=SECRET, text=SECRET, cc=STRANGER, message_id="private@customer.example")
    return user.append("INBOX", raw)


@pytest.mark.parametrize("told", [True, False], ids=["server tells of flags", "server tells nothing"])
def test_scenario_44_mail_marked_private_after_it_was_logged_is_taken_back(
    desk: Desk, user: DovecotUser, proxy: ImapProxy, *, told: bool
) -> None:
    """The category Private is set on a logged mail: text and interaction go, and others are told so."""
    if not told:
        proxy.hide_capability("CONDSTORE", "QRESYNC", "LIST-STATUS")
        proxy.hide("HIGHESTMODSEQ")
    uid = _private(user)
    user.append("INBOX", letter(subject="Business"))
    desk.read(user, proxy=proxy)
    desk.sync()
    gone = next(one.id for one in desk.history() if one.subject == SECRET)
    user.flag("INBOX", uid, "Private")
    desk.sync()
    assert desk.subjects() == ["Business"]
    assert desk.outcome("private@customer.example") == "skipped: private"
    assert desk.count("texts") == 1
    assert desk.feed()[-1] == ("withdrawn", gone)
    assert [event for event, _ in desk.feed()] == ["logged", "logged", "withdrawn"]
    desk.complete()


def test_scenario_44_nothing_of_private_mail_is_left_in_the_database_file(desk: Desk, user: DovecotUser) -> None:
    """Not in a table, not in a free page, not in the log beside it: subject, text and a stranger's address."""
    uid = _private(user)
    desk.read(user)
    desk.sync()
    file = Path(str(sa.make_url(desk.settings.store.url).database))
    assert SECRET.encode() in _octets(file)
    user.flag("INBOX", uid, "Private")
    desk.sync()
    left = _octets(file)
    assert SECRET.encode() not in left
    assert STRANGER.encode() not in left


def _octets(file: Path) -> bytes:
    return b"".join(one.read_bytes() for one in file.parent.glob(f"{file.name}*"))


def test_scenario_44_mail_that_is_no_longer_private_comes_back(desk: Desk, user: DovecotUser) -> None:
    """The category is taken away again: the mail is logged again, as if it had never been private."""
    uid = _private(user)
    desk.read(user)
    desk.sync()
    before = desk.only()
    user.flag("INBOX", uid, "Private")
    desk.sync()
    assert desk.history() == []
    user.unflag("INBOX", uid, "Private")
    desk.sync()
    assert desk.only() == before
    desk.complete()


def test_scenario_44_private_mail_is_never_fetched(desk: Desk, user: DovecotUser, proxy: ImapProxy) -> None:
    """Mail that is private when it is first seen: no text leaves the server."""
    user.append("INBOX", letter(message_id="private@customer.example"), ("Private",))
    desk.read(user, proxy=proxy)
    desk.sync()
    assert desk.history() == []
    assert not texts_asked(proxy)
    desk.complete()


def test_scenario_44_mail_marked_private_in_the_daemon_is_taken_back_at_the_next_poll(
    desk: Desk, user: DovecotUser
) -> None:
    """On a kept connection, where the server tells of the changed flag."""
    uid = _private(user)
    desk.read(user)
    with desk.daemon() as poll:
        poll()
        user.flag("INBOX", uid, "$Private")
        poll()
    assert desk.history() == []
    desk.complete()
