"""The everyday of mailboxes on Exchange Server: what arrives, moves, changes and goes, and what the server does wrong."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from config.model import Mailbox
from tests.acceptance.scenarios.exchange_desk import complete, read_exchange
from tests.acceptance.scenarios.harness import Desk
from tests.acceptance.scenarios.letters import ANNA, BOB, KIM, STARTED, STRANGER, letter, letters
from tests.servers.dovecot import DovecotUser
from tests.servers.ews import EwsServer
from tests.servers.ews import Mailbox as Box


@pytest.fixture
def box(ews: EwsServer) -> Box:
    return ews.mailbox()


@pytest.fixture
def anna(desk: Desk, ews: EwsServer, box: Box, tmp_path: Path) -> Mailbox:
    """Anna's mailbox lies on the Exchange of the firm."""
    return read_exchange(desk, ews, box, tmp_path, address=ANNA)


def test_mail_is_logged_once_with_text_folders_and_direction(desk: Desk, box: Box, anna: Mailbox) -> None:
    box.deliver(letter(subject="Offer", text="We would like ten."))
    box.send(letter(from_=ANNA, to=KIM, subject="Re: Offer", text="Thank you."))
    box.deliver(letter(from_=STRANGER, subject="Nobody's"))
    desk.sync()
    received, sent = desk.history()
    assert (received.subject, received.direction, received.text) == ("Offer", "inbound", "We would like ten.")
    assert (sent.subject, sent.direction, sent.folders) == ("Re: Offer", "outbound", ("Sent Items",))
    desk.sync()
    assert len(desk.history()) == 2
    complete(desk, anna)


def test_new_mail_moves_copies_and_deletions_are_followed(desk: Desk, box: Box, anna: Mailbox) -> None:
    """Scenarios 12 to 16: an id changes with every move, the interaction stays one."""
    box.create_folder("Customers")
    first = box.deliver(letter(subject="First"))
    desk.sync()
    second = box.deliver(letter(subject="Second"))
    moved = box.move(first, "Customers")
    desk.sync()
    assert desk.subjects() == ["First", "Second"]
    box.copy(second, "Customers")
    box.move(moved, "inbox")
    desk.sync()
    assert desk.subjects() == ["First", "Second"]
    assert [one.folders for one in desk.history()] == [("INBOX",), ("Customers", "INBOX")]
    box.delete(second)
    desk.sync()
    assert desk.subjects() == ["First", "Second"]
    complete(desk, anna)


def test_mail_that_arrives_while_the_history_is_read_is_logged_in_the_same_pass(
    desk: Desk, ews: EwsServer, box: Box, anna: Mailbox
) -> None:
    for raw in letters(20):
        box.deliver(raw)
    ews.faults.before(lambda: box.deliver(letter(subject="Meanwhile")), "FindItem")
    desk.sync(meanwhile=True)
    assert len(desk.history()) == 21
    complete(desk, anna)


def test_a_private_category_takes_back_what_was_logged_and_crm_asks_for_what_was_not(
    desk: Desk, box: Box, anna: Mailbox
) -> None:
    """Scenario 44, told by SyncFolderItems alone."""
    kept, other = box.deliver(letter(subject="Kept")), box.deliver(letter(from_=STRANGER, subject="Other"))
    desk.sync()
    assert desk.subjects() == ["Kept"]
    box.categorise(kept, "Private")
    box.categorise(other, "CRM")
    desk.sync()
    assert desk.subjects() != ["Kept"]
    assert "Kept" not in desk.subjects()


def test_the_same_mail_by_imap_and_by_exchange_is_one_interaction_with_both_mailboxes(
    desk: Desk, box: Box, anna: Mailbox, user: DovecotUser
) -> None:
    """Although one of the two ways adds a banner."""
    raw = letter(to=f"{ANNA}, {BOB}", subject="To both", text="Hello.")
    box.deliver(raw)
    user.append("INBOX", raw.replace(b"Hello.", b"CAUTION: external mail\r\n\r\nHello."))
    desk.read(user, BOB)
    desk.sync()
    assert desk.only().mailboxes == (ANNA, BOB)


def test_a_mailbox_that_moves_from_imap_to_exchange_logs_nothing_twice(
    desk: Desk, ews: EwsServer, box: Box, user: DovecotUser, tmp_path: Path
) -> None:
    mail = [letter(subject=f"Mail {number}") for number in range(5)]
    for raw in mail:
        user.append("INBOX", raw)
        box.deliver(raw)
    desk.read(user, ANNA)
    desk.sync()
    read_exchange(desk, ews, box, tmp_path, address=ANNA)
    box.deliver(letter(subject="New"))
    desk.sync()
    assert desk.subjects() == [*(f"Mail {number}" for number in range(5)), "New"]


@pytest.mark.parametrize(
    "fault",
    [
        lambda ews: ews.faults.busy(10, "GetItem"),
        lambda ews: ews.faults.reset("GetItem", times=2),
        lambda ews: ews.faults.malformed("GetItem"),
        lambda ews: ews.faults.malformed("FindItem"),
        lambda ews: ews.faults.lose_answer("SyncFolderItems", times=2),
        lambda ews: ews.faults.http(503, "GetItem", headers={"Retry-After": "1"}),
        lambda ews: ews.faults.refuse("ErrorMailboxMoveInProgress", "FindItem"),
    ],
    ids=["busy", "reset", "cut-off", "cut-off-list", "lost", "503", "moving"],
)
def test_after_a_fault_the_next_pass_completes_the_history_exactly(
    desk: Desk, ews: EwsServer, box: Box, anna: Mailbox, fault: Callable[[EwsServer], Any]
) -> None:
    """Scenario 9."""
    for raw in letters(30):
        box.deliver(raw)
    fault(ews)
    desk.fail()
    desk.sync()
    assert len(desk.history()) == 30
    complete(desk, anna)


def test_a_forgotten_sync_state_costs_nothing_and_doubles_nothing(desk: Desk, box: Box, anna: Mailbox) -> None:
    """Scenario 35: what came, what went and what was flagged meanwhile is seen all the same."""
    ids = [box.deliver(letter(subject=f"Old {number}")) for number in range(3)]
    desk.sync()
    box.invalidate_sync_states()
    box.deliver(letter(subject="New"))
    box.delete(ids[0])
    box.categorise(ids[1], "Private")
    desk.sync()
    assert desk.subjects()[:2] == ["New", "Old 0"]
    assert "Old 1" not in desk.subjects()
    desk.sync()
    complete(desk, anna)


def test_one_message_that_cannot_be_read_holds_nothing_up(desk: Desk, ews: EwsServer, box: Box, anna: Mailbox) -> None:
    """Scenario 7: it waits, is retried, and is logged when it can be had."""
    for raw in letters(5):
        box.deliver(raw)
    ews.faults.refuse("ErrorItemCorrupt", "GetItem", whole=False, share=1, times=1)
    desk.sync()
    desk.sync()
    assert len(desk.history()) == 5
    complete(desk, anna)


def test_older_mail_than_the_start_is_counted_and_not_kept(
    desk: Desk, ews: EwsServer, box: Box, tmp_path: Path
) -> None:
    box.deliver(letter(subject="Before"), received=STARTED - timedelta(days=30))
    box.deliver(letter(subject="After"), received=STARTED)
    since = (STARTED - timedelta(days=10)).date()
    read_exchange(desk, ews, box, tmp_path, address=ANNA, since=since)
    desk.sync()
    assert desk.subjects() == ["After"]


def test_moments_with_fractions_of_a_second_are_read(desk: Desk, ews: EwsServer, box: Box, anna: Mailbox) -> None:
    ews.exchange.fractional = True
    box.deliver(letter(date=STARTED, message_id="fractional@mail.example"), received=STARTED)
    desk.sync()
    assert desk.only().occurred_at == STARTED
    complete(desk, anna)
