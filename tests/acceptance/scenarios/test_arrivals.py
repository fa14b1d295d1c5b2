"""Mail that comes and goes while it is read: every arrival is logged, whatever left meanwhile is no error."""

import pytest

from tests.acceptance.scenarios.harness import HEADERS, TEXTS, Desk, both
from tests.acceptance.scenarios.letters import letter, letters
from tests.servers.dovecot import DovecotUser
from tests.servers.imap_proxy import ImapProxy


@pytest.mark.parametrize("moment", [HEADERS, TEXTS], ids=["header", "text"])
@pytest.mark.parametrize("lane", ["history", "forward"])
def test_scenario_05_messages_expunged_before_they_are_fetched_are_no_error(
    desk: Desk, user: DovecotUser, proxy: ImapProxy, moment: bytes, lane: str
) -> None:
    """Of ten listed messages four are deleted before their header (or text) is asked for: six are logged."""
    desk.read(user, proxy=proxy)
    if lane == "forward":
        desk.sync()
    uids = [user.append("INBOX", letter(subject=f"Letter {number}")) for number in range(10)]
    proxy.on_command(moment, lambda: user.expunge("INBOX", *uids[3:7]))
    desk.sync(meanwhile=True)
    assert desk.subjects() == [f"Letter {number}" for number in (0, 1, 2, 7, 8, 9)]
    assert desk.count("gaps") == 0
    assert desk.state().last_error is None
    assert desk.complete()["INBOX"].outcomes == {"logged": 6}
    assert desk.sync()["logged"] == 0


def test_scenario_06_a_jump_of_uids_costs_nothing(desk: Desk, user: DovecotUser, proxy: ImapProxy) -> None:
    """UIDs jump from 10 to 5000: the new message is logged, and nobody asks for the 4,990 that never were."""
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(10)))
    desk.read(user, proxy=proxy)
    desk.sync()
    user.set_next_uid("INBOX", 5000)
    assert user.append("INBOX", letter(subject="After the jump")) == 5000
    proxy.reset_counters()
    desk.sync()
    assert "After the jump" in desk.subjects()
    assert len(proxy.lines) < 25
    assert not [line for line in proxy.lines if b"FETCH" in line and b"11:" in line]
    desk.complete()


@pytest.mark.parametrize("during", [HEADERS[1:], TEXTS[1:]], ids=["header", "text"])
def test_scenario_07_a_refused_message_is_retried_though_later_ones_succeed(
    desk: Desk, user: DovecotUser, proxy: ImapProxy, during: bytes
) -> None:
    """One message answers [UNAVAILABLE] while a higher one is read: the refused one waits, visibly, and is logged."""
    desk.read(user, proxy=proxy)
    desk.sync()
    refused = user.append("INBOX", letter(subject="Refused", message_id="refused@customer.example"))
    user.append("INBOX", letter(subject="Later"))
    proxy.withhold({refused}, during=during)
    desk.sync()
    assert desk.subjects() == ["Later"]
    desk.complete(pending=1)
    assert desk.state().counts["pending"] == 1
    proxy.clear()
    desk.sync()
    assert desk.subjects() == ["Later", "Refused"]
    assert desk.count("gaps") == 0
    desk.complete()


def test_scenario_07_a_refused_message_does_not_make_the_cursor_wait(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """While one message is refused for good, mail goes on arriving; after five tries it lies in quarantine."""
    desk.read(user, proxy=proxy)
    refused = user.append("INBOX", letter(subject="Refused", message_id="refused@customer.example"))
    proxy.withhold({refused})
    for number in range(5):
        user.append("INBOX", letter(subject=f"Letter {number}"))
        desk.sync()
    assert desk.subjects() == [f"Letter {number}" for number in range(5)]
    assert desk.complete()["INBOX"].outcomes == {"logged": 5, "quarantined": 1}


def test_scenario_07_a_message_that_ends_every_session_keeps_no_other_out(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """Whenever one text is asked for the server hangs up: the others are logged, this one ends in quarantine."""
    uids = [user.append("INBOX", letter(subject=f"Letter {number}")) for number in range(12)]
    proxy.cut_after_answers(rb"^\* \d+ FETCH .*UID %d .*BODY\[\]" % uids[5], times=None)
    desk.read(user, proxy=proxy)
    with desk.open() as house:
        for _ in range(7):
            desk.attempt(house)
    assert len(desk.history()) == 11
    assert desk.complete()["INBOX"].outcomes == {"logged": 11, "quarantined": 1}
    assert proxy.logins <= 16, proxy.logins
    user.append("INBOX", letter(subject="Later"))
    desk.sync()
    assert "Later" in desk.subjects()
    assert desk.state().state == "ok"


@both
@pytest.mark.parametrize("answers", [1, 30, 99])
def test_scenario_09_a_session_that_breaks_inside_a_fetch_leaves_neither_gap_nor_double(
    desk: Desk, user: DovecotUser, proxy: ImapProxy, answers: int
) -> None:
    """The server hangs up after 30 of 100 answers: in the end there are exactly 100 interactions."""
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(100)))
    desk.read(user, proxy=proxy)
    proxy.cut_after_answers(rb"^\* \d+ FETCH", count=answers)
    (ended,) = desk.fail()
    assert "broke off" in str(ended.ended.error)
    assert desk.state().state == "waiting"
    desk.sync()
    assert len(desk.history()) == 100
    assert [event for event, _ in desk.feed()] == ["logged"] * 100
    desk.complete()


def test_scenario_09_a_session_that_breaks_again_and_again_still_gets_to_the_end(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """Every pass ends early, always further on: what was committed stays, and nothing doubles."""
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(400)))
    desk.read(user, proxy=proxy)
    proxy.cut_after_answers(rb"^\* \d+ FETCH", count=510, times=None)
    passes = 0
    with desk.open() as house:
        while len(desk.history()) < 400:
            desk.attempt(house)
            passes += 1
            assert passes < 8
    proxy.clear()
    desk.sync()
    assert passes > 1
    assert len(desk.history()) == 400
    desk.complete()


@both
@pytest.mark.parametrize(
    "moment",
    [rb"^LIST", rb"^EXAMINE", rb"^UID SEARCH", HEADERS, TEXTS, rb"^NOOP"],
    ids=["listing", "opening", "searching", "headers", "texts", "looking again"],
)
def test_scenario_12_mail_that_arrives_during_a_pass_is_logged_in_the_next_one(
    desk: Desk, user: DovecotUser, proxy: ImapProxy, moment: bytes
) -> None:
    """Letters come into two folders in the middle of a pass: the next ordinary poll has them, no resync is needed."""
    user.append("INBOX", letter(subject="Before"))
    desk.read(user, proxy=proxy)

    def arrive() -> None:
        user.append("INBOX", letter(subject="Meanwhile"))
        user.append("Sent", letter(subject="Sent meanwhile", from_="anna@ourfirm.example", to="kim@customer.example"))

    with desk.daemon() as poll:
        proxy.on_command(moment, arrive)
        poll(meanwhile=True)
        poll()
    assert desk.subjects() == ["Before", "Meanwhile", "Sent meanwhile"]
    desk.complete()


def test_scenario_12_on_a_kept_connection_no_arrival_is_missed(desk: Desk, user: DovecotUser) -> None:
    """The daemon stays signed in with one folder open: whatever arrives there is logged at the very next poll."""
    desk.read(user)
    with desk.daemon() as poll:
        poll()
        for number in range(6):
            user.append("INBOX", letter())
            poll()
            assert len(desk.history()) == number + 1
    desk.complete()


def test_scenario_13_an_arrival_is_seen_though_the_number_of_messages_is_the_same(
    desk: Desk, user: DovecotUser
) -> None:
    """One letter goes, one comes, and the count stays: the new one is logged, the old one remains as history."""
    old = user.append("INBOX", letter(subject="Old"))
    user.append("INBOX", letter(subject="Stays"))
    desk.read(user)
    with desk.daemon() as poll:
        poll()
        user.expunge("INBOX", old)
        user.append("INBOX", letter(subject="New"))
        poll()
    assert desk.subjects() == ["New", "Old", "Stays"]
    assert {one.subject: one.folders for one in desk.history()} == {"Old": (), "Stays": ("INBOX",), "New": ("INBOX",)}
    assert desk.complete()["INBOX"].on_server == 2


def test_scenario_13_without_condstore_an_arrival_is_seen_as_well(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """The same on a server that tells of no changes."""
    proxy.hide_capability("CONDSTORE", "QRESYNC", "LIST-STATUS")
    proxy.hide("HIGHESTMODSEQ")
    old = user.append("INBOX", letter(subject="Old"))
    desk.read(user, proxy=proxy)
    with desk.daemon() as poll:
        poll()
        user.expunge("INBOX", old)
        user.append("INBOX", letter(subject="New"))
        poll()
    assert desk.subjects() == ["New", "Old"]
    assert {one.subject: one.folders for one in desk.history()} == {"Old": (), "New": ("INBOX",)}
    desk.complete()
