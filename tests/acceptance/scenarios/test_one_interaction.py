"""The same mail in many places is one interaction, and different mail never is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.scenarios.harness import Desk, both
from tests.acceptance.scenarios.letters import ANNA, BOB, KIM, LEA, letter
from tests.servers.dovecot import Dovecot, DovecotUser


def test_scenario_14_moving_to_the_archive_and_back_is_one_interaction(desk: Desk, user: DovecotUser) -> None:
    """INBOX, Archive, INBOX again, with a pass after each move: one interaction that lies where the mail lies."""
    user.create("Archive")
    uid = user.append("INBOX", letter())
    desk.read(user)
    desk.sync()
    seen = [desk.only().folders]
    uid = user.move(uid, "INBOX", "Archive")
    desk.sync()
    seen.append(desk.only().folders)
    user.move(uid, "Archive", "INBOX")
    desk.sync()
    seen.append(desk.only().folders)
    assert seen == [("INBOX",), ("Archive",), ("INBOX",)]
    assert [event for event, _ in desk.feed()] == ["logged"]
    assert desk.count("locations") == 3
    assert desk.count("locations", "gone_at IS NULL") == 1
    desk.complete()


def test_scenario_14_moving_twice_between_two_passes_is_one_interaction(desk: Desk, user: DovecotUser) -> None:
    """Moved away and back before anybody looked: one interaction."""
    user.create("Archive")
    uid = user.append("INBOX", letter())
    desk.read(user)
    with desk.daemon() as poll:
        poll()
        user.move(user.move(uid, "INBOX", "Archive"), "Archive", "INBOX")
        poll()
    assert desk.only().folders == ("INBOX",)
    assert [event for event, _ in desk.feed()] == ["logged"]
    desk.complete()


def test_scenario_15_copies_in_three_folders_are_one_interaction(desk: Desk, user: DovecotUser) -> None:
    """A letter copied into three folders is logged once, with every folder named."""
    uid = user.append("INBOX", letter())
    for folder in ("Archive", "Customers", "Customers/Big ones"):
        user.create(folder)
        user.copy(uid, "INBOX", folder)
    desk.read(user)
    desk.sync()
    assert desk.only().folders == ("Archive", "Customers", "Customers/Big ones", "INBOX")
    assert [event for event, _ in desk.feed()] == ["logged"]
    desk.complete()


@both
@pytest.mark.parametrize("sent_first", [True, False], ids=["sent copy first", "received copy first"])
def test_scenario_16_sent_copy_and_the_copy_to_oneself_are_one_outbound_mail(
    desk: Desk, user: DovecotUser, *, sent_first: bool
) -> None:
    """We write to a customer with a copy to ourselves: one interaction, outbound, whichever copy is read first."""
    same: dict[str, Any] = {
        "from_": ANNA,
        "to": KIM,
        "cc": ANNA,
        "subject": "Offer",
        "message_id": "offer@ourfirm.example",
    }
    sent = letter(**same, text="Our offer.", date="Mon, 02 Nov 2026 10:00:00 +0100")
    received = b"Received: from relay.example by mx.ourfirm.example; Mon, 02 Nov 2026 10:00:03 +0100\r\n" + sent
    places = [("Sent", sent), ("INBOX", received)]
    desk.read(user)
    for folder, raw in places if sent_first else reversed(places):
        user.append(folder, raw)
        desk.sync()
    assert (desk.only().direction, desk.only().folders) == ("outbound", ("INBOX", "Sent"))
    assert desk.only().contacts == ((KIM, "address"),)
    desk.complete()


@both
def test_scenario_16_the_same_mail_in_two_mailboxes_is_one_with_both_named(
    desk: Desk, dovecot: Dovecot, user: DovecotUser
) -> None:
    """A customer writes to two salespeople: one interaction that names both mailboxes."""
    colleague = dovecot.user()
    raw = letter(to=f"{ANNA}, {BOB}")
    for one in (user, colleague):
        one.deliver(raw)
    desk.read(user, ANNA)
    desk.read(colleague, BOB)
    desk.sync()
    assert desk.only().mailboxes == (ANNA, BOB)
    assert desk.only().direction == "inbound"
    assert [event for event, _ in desk.feed()] == ["logged"]
    desk.complete(ANNA)
    desk.complete(BOB)


SHARED: dict[str, Any] = {
    "message_id": "shared@broken.example",
    "subject": "Order",
    "date": "Mon, 02 Nov 2026 10:00:00 +0100",
}


@both
@pytest.mark.parametrize(
    "other",
    [
        {"from_": LEA, "text": "The same words."},
        {"date": "Mon, 02 Nov 2026 10:00:01 +0100", "text": "The same words."},
        {"text": "Quite different words."},
    ],
    ids=["another From", "another Date", "another text"],
)
@pytest.mark.parametrize("together", [True, False], ids=["in one pass", "in two passes"])
def test_scenario_17_two_messages_under_one_message_id_are_two_interactions(
    desk: Desk, user: DovecotUser, other: dict[str, Any], *, together: bool
) -> None:
    """A broken program gives two messages one Message-ID: two interactions, and the doubled id is told."""
    desk.know("Lea Leser", LEA)
    desk.read(user)
    user.append("INBOX", letter(**{"text": "The same words.", **SHARED}))
    if not together:
        desk.sync()
    user.append("INBOX", letter(**{**SHARED, **other}))
    desk.sync()
    assert len(desk.history()) == 2
    assert all("shared-message-id" in one.flagged_as for one in desk.history())
    assert desk.sync()["logged"] == 0
    assert len(desk.explain(SHARED["message_id"])) == 2
    desk.complete()


@both
@pytest.mark.parametrize("banner_first", [True, False], ids=["with banner first", "without banner first"])
def test_scenario_17_a_banner_on_one_of_two_ways_makes_no_second_interaction(
    desk: Desk, dovecot: Dovecot, user: DovecotUser, *, banner_first: bool
) -> None:
    """A gateway adds a banner, a list adds a footer, on the way into one of two mailboxes: still one interaction."""
    colleague = dovecot.user()
    plain: dict[str, Any] = {"to": f"{ANNA}, {BOB}", **SHARED}
    user.append("INBOX", letter(**plain, text="We order ten."))
    colleague.append("INBOX", letter(**plain, text="[EXTERNAL MAIL]\r\nWe order ten.\r\n--\r\nA footer"))
    desk.read(user, ANNA)
    desk.read(colleague, BOB)
    for address in (BOB, ANNA) if banner_first else (ANNA, BOB):
        desk.sync(address)
    assert desk.only().mailboxes == (ANNA, BOB)
    desk.complete(ANNA)
    desk.complete(BOB)


@pytest.mark.parametrize("together", [True, False], ids=["in one pass", "in two passes"])
def test_scenario_18_without_message_id_the_text_tells_two_apart(
    desk: Desk, user: DovecotUser, *, together: bool
) -> None:
    """Two machine-written letters of one second, without an id, equal but for their text: two interactions."""
    same: dict[str, Any] = {"message_id": "", "subject": "Status", "date": "Mon, 02 Nov 2026 10:00:00 +0100"}
    desk.read(user)
    user.append("INBOX", letter(**same, text="Pump one runs."))
    if not together:
        desk.sync()
    user.append("INBOX", letter(**same, text="Pump two runs."))
    desk.sync()
    assert sorted(str(one.text).strip() for one in desk.history()) == ["Pump one runs.", "Pump two runs."]
    assert all("same-header" in one.flagged_as for one in desk.history())
    assert desk.sync()["logged"] == 0
    desk.complete()


@pytest.mark.parametrize("message_id", ["twice@customer.example", ""], ids=["with id", "without id"])
def test_scenario_19_the_same_octets_delivered_twice_are_one(desk: Desk, user: DovecotUser, message_id: str) -> None:
    """A relay delivers one letter twice, with and without a pass in between: one interaction."""
    raw = letter(message_id=message_id)
    desk.read(user)
    user.deliver(raw)
    user.deliver(raw)
    desk.sync()
    first = desk.only()
    user.append("INBOX", raw)
    desk.sync()
    assert desk.only().id == first.id
    assert desk.complete()["INBOX"].outcomes == {"logged": 3}


ODD_DATES = {
    "2099": "Fri, 01 May 2099 10:00:00 +0000",
    "1970": "Thu, 01 Jan 1970 00:00:00 +0000",
    "absent": "",
    "naive": "Mon, 02 Nov 2026 10:00:00",
    "nonsense": "yesterday, about noon",
}


@pytest.mark.parametrize("date", ODD_DATES.values(), ids=ODD_DATES.keys())
def test_scenario_20_a_date_nobody_can_trust_gives_way_to_the_server(desk: Desk, user: DovecotUser, date: str) -> None:
    """2099, 1970, no Date, one without zone: logged once, placed at the earliest time a server received it."""
    received = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    raw = letter(date=date)
    user.create("Archive")
    user.append("Archive", raw, when=received + timedelta(days=2))
    desk.read(user)
    desk.sync()
    user.append("INBOX", raw, when=received)
    desk.sync()
    assert desk.only().occurred_at == received
    desk.complete()


def test_scenario_20_a_date_that_can_be_trusted_places_the_mail(desk: Desk, user: DovecotUser) -> None:
    """A migrated mailbox carries the migration day as server time: the Date of the letter counts."""
    written = datetime(2019, 5, 4, 10, 0, tzinfo=UTC)
    user.append("INBOX", letter(date=written))
    desk.read(user)
    desk.sync()
    assert desk.only().occurred_at == written


OWN: dict[str, Any] = {"from_": ANNA, "to": KIM, "subject": "Offer", "message_id": "draft@ourfirm.example"}


def _write(user: DovecotUser, text: str, *flags: str, date: str = "Mon, 02 Nov 2026 10:00:00 +0100") -> int:
    return user.append("Sent", letter(**OWN, text=text, date=date), flags)


@both
def test_scenario_41_a_draft_saved_three_times_into_sent_is_logged_when_it_is_sent(
    desk: Desk, user: DovecotUser
) -> None:
    """Drafts are nobody's mail, wherever they lie; the sent letter is logged once with its last text."""
    desk.read(user)
    for text in ("Dear Kim", "Dear Kim, our offer", "Dear Kim, our offer is ten"):
        uid = _write(user, text, "\\Draft")
        desk.sync()
        assert desk.history() == []
        assert desk.outcome(OWN["message_id"]) == "skipped: draft"
        user.expunge("Sent", uid)
    _write(user, "Dear Kim, our offer is ten euros.")
    desk.sync()
    assert str(desk.only().text).strip() == "Dear Kim, our offer is ten euros."
    assert desk.only().direction == "outbound"
    desk.complete()


def test_scenario_41_a_draft_in_sent_is_logged_when_only_its_flag_goes(desk: Desk, user: DovecotUser) -> None:
    """A program that sends by taking the flag away from the saved draft: logged then."""
    desk.read(user)
    uid = _write(user, "Dear Kim", "\\Draft")
    desk.sync()
    user.unflag("Sent", uid, "\\Draft")
    desk.sync()
    assert desk.outcome(OWN["message_id"]) == "logged"
    desk.complete()


SaveDates = Callable[[int], str]


@both
@pytest.mark.parametrize(
    "dated",
    [lambda minute: "Mon, 02 Nov 2026 10:00:00 +0100", lambda minute: f"Mon, 02 Nov 2026 10:{minute:02}:00 +0100"],
    ids=["one Date", "a new Date each time"],
)
@pytest.mark.parametrize("polled", [True, False], ids=["seen each time", "seen at the end"])
def test_scenario_41_each_save_replaces_the_one_before_and_the_last_text_stays(
    desk: Desk, user: DovecotUser, dated: SaveDates, *, polled: bool
) -> None:
    """A program saves drafts into Sent without a flag, each save taking the place of the last: one interaction."""
    desk.read(user)
    before: int | None = None
    with desk.daemon() as poll:
        for minute, text in enumerate(("Dear Kim", "Dear Kim, our offer", "Dear Kim, our offer is ten euros.")):
            uid = _write(user, text, date=dated(minute))
            if before is not None:
                user.expunge("Sent", before)
            before = uid
            if polled or minute == 2:
                poll()
    assert str(desk.only().text).strip() == "Dear Kim, our offer is ten euros."
    assert desk.only().folders == ("Sent",)
    desk.complete()


@both
def test_scenario_41_a_program_that_saves_sent_mail_twice_makes_one_interaction(desk: Desk, user: DovecotUser) -> None:
    """The mail program and the server both put a copy into Sent, one with more header lines: one interaction."""
    raw = letter(**OWN, text="Our offer.", date="Mon, 02 Nov 2026 10:00:00 +0100")
    desk.read(user)
    user.append("Sent", raw)
    desk.sync()
    user.append("Sent", b"X-Mailer: Two Copies 1.0\r\nReceived: by mx.ourfirm.example\r\n" + raw)
    desk.sync()
    assert desk.only().folders == ("Sent",)
    assert desk.complete()["Sent"].outcomes == {"logged": 2}
