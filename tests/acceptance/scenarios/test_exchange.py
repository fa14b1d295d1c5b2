"""Everyday life of mailboxes on Exchange Server: what arrives, moves, changes and goes, and what servers do wrong."""

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


def test_a_folder_that_is_renamed_or_thrown_away_takes_nothing_with_it(desk: Desk, box: Box, anna: Mailbox) -> None:
    """Scenario 22, and a folder that is gone."""
    for name in ("Renamed", "Thrown away"):
        box.create_folder(name)
        box.deliver(letter(subject=name), name)
    desk.sync()
    box.rename_folder("Renamed", "Other")
    box.delete_folder("Thrown away")
    desk.sync()
    assert desk.subjects() == ["Renamed", "Thrown away"]
    assert [one.folders for one in desk.history()] == [("Other",), ()]
    complete(desk, anna)


def test_mail_that_arrives_while_the_history_is_read_is_logged_in_the_same_pass(
    desk: Desk, ews: EwsServer, box: Box, anna: Mailbox
) -> None:
    for raw in letters(3):
        box.deliver(raw)
    ews.faults.before(lambda: box.deliver(letter(subject="Meanwhile")), "FindItem")
    desk.sync(meanwhile=True)
    assert len(desk.history()) == 4
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


def test_an_arrival_that_is_told_as_a_change_alone_is_logged(
    desk: Desk, ews: EwsServer, box: Box, anna: Mailbox
) -> None:
    """A server that merges changes tells of mail that was categorised at once as changed, and never as new."""
    desk.sync()
    ews.world.merges = True
    box.categorise(box.deliver(letter(subject="Hello")), "Blue")
    desk.sync()
    assert desk.subjects() == ["Hello"]
    complete(desk, anna)


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
        lambda ews: ews.faults.busy(600_000, "GetItem"),
        lambda ews: ews.faults.reset("GetItem", times=2),
        lambda ews: ews.faults.malformed("GetItem"),
        lambda ews: ews.faults.lose_answer("SyncFolderItems", times=2),
        lambda ews: ews.faults.http(503, "GetItem", headers={"Retry-After": "600"}),
        lambda ews: ews.faults.refuse("ErrorMailboxMoveInProgress", "FindItem"),
    ],
    ids=["busy", "reset", "cut-off", "lost", "503", "moving"],
)
def test_after_a_fault_the_next_pass_completes_the_history_exactly(
    desk: Desk, ews: EwsServer, box: Box, anna: Mailbox, fault: Callable[[EwsServer], Any]
) -> None:
    """Scenario 9."""
    for raw in letters(6):
        box.deliver(raw)
    fault(ews)
    desk.fail()
    desk.sync()
    assert len(desk.history()) == 6
    complete(desk, anna)


def test_a_server_that_knows_no_automatic_replies_is_asked_for_them_now_and_then(
    desk: Desk, ews: EwsServer, anna: Mailbox
) -> None:
    """Not at every poll, and mail is read all the same."""
    ews.faults.refuse("ErrorInvalidOperation", "GetUserOofSettingsRequest", times=None)
    with desk.daemon() as poll:
        poll()
        poll()
    assert ews.operations["GetUserOofSettingsRequest"] == 1


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


class TestReminders:
    """A flagged mail asks for an answer, in the calendar of the mailbox it lies in."""

    @pytest.fixture
    def flagged(self, desk: Desk, ews: EwsServer, box: Box, tmp_path: Path) -> str:
        """A flagged mail, not read yet; its id."""
        read_exchange(desk, ews, box, tmp_path, address=ANNA, flagged=3)
        id = box.deliver(letter(subject="Offer"))
        box.flag(id)
        return id

    def test_a_reminder_comes_goes_with_its_reason_and_stays_away_once_thrown_out(
        self, desk: Desk, box: Box, flagged: str
    ) -> None:
        """Scenario 38."""
        desk.sync(meanwhile=True)
        (item,) = box.items("calendar")
        assert item["Sensitivity"] == "Private"
        box.flag(flagged, "Complete")
        desk.sync(meanwhile=True)
        assert box.items("calendar") == []
        box.flag(box.deliver(letter(subject="Another")))
        desk.sync(meanwhile=True)
        (item,) = box.items("calendar")
        box.delete(item.id)
        desk.sync(meanwhile=True)
        desk.sync(meanwhile=True)
        assert box.items("calendar") == []

    @pytest.mark.parametrize("lost", ["answer", "backup"])
    def test_whatever_is_lost_on_our_side_there_is_one_item(
        self, desk: Desk, ews: EwsServer, box: Box, flagged: str, tmp_path: Path, lost: str
    ) -> None:
        """Scenarios 37 and 45: the answer to the write, or the database since yesterday's backup."""
        if lost == "answer":
            ews.faults.lose_answer("CreateItem")
            with desk.open() as house:
                desk.attempt(house, meanwhile=True)
        else:
            database = tmp_path / "desk0.db"
            backup = database.read_bytes()
            desk.sync(meanwhile=True)
            for file in tmp_path.glob("desk0.db*"):
                file.unlink()
            database.write_bytes(backup)
        desk.sync(meanwhile=True)
        desk.sync(meanwhile=True)
        assert len(box.items("calendar")) == 1
        assert ews.operations["CreateItem"] == 1


def test_a_very_large_folder_shows_its_newest_mail_first_and_all_of_it_once(
    desk: Desk, ews: EwsServer, box: Box, anna: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ((("lanes", "_MOST_PASSED"), 1), (("reading", "MOST_CHANGES"), 5), (("lanes", "PAGE"), 3)):
        monkeypatch.setattr(f"connectors.exchange.{'.'.join(name)}", value)
    for number in range(20):
        box.deliver(letter(subject=f"Mail {number}"), received=STARTED + timedelta(minutes=number))
    ews.faults.refuse("ErrorTimeoutExpired", "SyncFolderItems", times=1, skip=2)
    desk.fail()
    assert desk.subjects() == [f"Mail {number}" for number in (17, 18, 19)]
    desk.sync()
    assert len(desk.history()) == 20
    complete(desk, anna)


def test_meetings_with_contacts_come_out_of_the_same_mailbox(
    desk: Desk, ews: EwsServer, box: Box, tmp_path: Path
) -> None:
    mailbox = read_exchange(desk, ews, box, tmp_path, address=ANNA, flagged=3)
    asking = mailbox.model_copy(update={"reminders": mailbox.reminders.model_copy(update={"meetings": True})})
    desk.settings = desk.settings.model_copy(update={"mailboxes": (asking,)})
    soon = STARTED.replace(microsecond=0) + timedelta(days=2)
    box.meeting("Demo", soon, uid="demo", organiser=("Anna", ANNA), required=[("Kim", KIM)])
    desk.sync()
    desk.sync()
    assert (desk.only().subject, desk.only().occurred_at) == ("Demo", soon)


def test_doubles_and_lookalikes_are_told_apart_as_anywhere(desk: Desk, box: Box, anna: Mailbox) -> None:
    """Scenarios 17 to 19: one id with other words, no id at all in one second, and the same octets once more."""
    for text in ("One text.", "Quite another one."):
        shared = letter(subject="Shared", text=text, message_id="shared@mail.example", date=STARTED)
        box.deliver(shared, received=STARTED)
    for text in ("First of two.", "Second of two."):
        box.deliver(letter(subject="Nameless", text=text, message_id="", date=STARTED), received=STARTED)
    same = letter(subject="Same")
    box.deliver(same)
    box.deliver(same)
    desk.sync()
    assert desk.subjects() == ["Nameless", "Nameless", "Same", "Shared", "Shared"]
    complete(desk, anna)


def test_wrong_dates_are_logged_once_and_placed_by_the_servers_time(desk: Desk, box: Box, anna: Mailbox) -> None:
    """Scenario 20."""
    dates = (
        "Mon, 02 Mar 2099 10:00:00 +0000",
        "Thu, 01 Jan 1970 00:00:00 +0000",
        "",
        "Mon, 02 Mar 2026 10:00:00 -0000",
    )
    for number, date in enumerate(dates):
        box.deliver(letter(subject=f"Dated {number}", date=date), received=STARTED)
    desk.sync()
    assert desk.subjects() == [f"Dated {number}" for number in range(4)]
    assert {one.occurred_at for one in desk.history()} == {STARTED}


def test_a_draft_that_was_saved_again_and_sent_is_one_interaction(desk: Desk, box: Box, anna: Mailbox) -> None:
    """Scenario 41."""
    raw = letter(from_=ANNA, to=KIM, subject="Offer")
    draft = box.save_draft(raw)
    desk.sync()
    assert desk.history() == []
    box.delete(draft)
    box.send(raw)
    box.send(raw)
    desk.sync()
    assert desk.only().direction == "outbound"


def test_a_stranger_in_a_thread_that_is_read_backwards_belongs_to_it(desk: Desk, box: Box, anna: Mailbox) -> None:
    """Scenario 42: history is read newest first, so the answer comes before what it answers."""
    first = letter(subject="Fair", message_id="fair@mail.example")
    reply = letter(from_=STRANGER, subject="Re: Fair", references=["fair@mail.example"])
    box.deliver(first, received=STARTED)
    box.deliver(reply, received=STARTED + timedelta(hours=1))
    desk.sync()
    together = desk.subjects()
    assert "Fair" in together
    desk.know("Some One", STRANGER)
    desk.sync()
    assert desk.subjects() == ["Fair", "Re: Fair"]


def test_contacts_that_come_later_bring_their_mail(desk: Desk, box: Box, anna: Mailbox) -> None:
    """Scenario 43."""
    box.deliver(letter(from_="lea@other.example", subject="Lea's"))
    desk.sync()
    assert desk.history() == []
    desk.know("Lea", "lea@other.example")
    desk.sync()
    assert desk.only().subject == "Lea's"
