"""Mail and servers that are broken, huge, or know little: what can be read is logged, the rest is visible."""

import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context

import pytest

from agent.store.mail import gaps
from tests.acceptance.scenarios.harness import TEXTS, Clock, Desk, texts_asked
from tests.acceptance.scenarios.letters import ANNA, KIM, letter
from tests.acceptance.scenarios.processes import growth
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.imap_proxy import ImapProxy
from tests.servers.pymap import Pymap


def test_scenario_08_a_body_that_stays_empty_is_quarantined_and_can_be_retried(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """Five times the server hands out an empty body: the message is set aside, visibly; a retry brings it in."""
    uid = user.append("INBOX", letter(subject="Empty", message_id="empty@customer.example", text="There is a text."))
    user.append("INBOX", letter(subject="Other"))
    proxy.empty_body({uid}, during=TEXTS[1:])
    desk.read(user, proxy=proxy)
    for _ in range(5):
        desk.sync()
    assert desk.subjects() == ["Other"]
    assert desk.outcome("empty@customer.example") == "quarantined: the server handed out an empty body"
    assert desk.state().counts == {"logged": 1, "quarantined": 1}
    assert desk.complete()["INBOX"].outcomes == {"logged": 1, "quarantined": 1}
    proxy.reset_counters()
    desk.sync()
    assert not texts_asked(proxy), "nobody asks again by himself"
    proxy.clear()
    with desk.open() as house, house.database.write() as connection:
        (held,) = gaps.quarantined(connection)
        assert (held["mailbox"], held["folder"], held["uid"], held["attempts"]) == (ANNA, "INBOX", str(uid), 5)
        assert gaps.retry(connection, house.clock(), held["id"]) == 1
    desk.sync()
    assert {one.subject: str(one.text).strip() for one in desk.history()}["Empty"] == "There is a text."
    assert desk.complete()["INBOX"].outcomes == {"logged": 2}


def test_scenario_08_the_daemon_asks_less_and_less_often_and_then_sets_it_aside(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """By the clock: five tries in three hours; no mail waits meanwhile, and the mailbox is not in trouble."""
    uid = user.append("INBOX", letter(message_id="empty@customer.example", text="There is a text."))
    proxy.empty_body({uid}, during=TEXTS[1:])
    desk.read(user, proxy=proxy)
    clock = Clock()
    with desk.open() as house:
        desk.live(house, clock, timedelta(minutes=10))
        assert desk.outcome("empty@customer.example").startswith("pending: the server handed out an empty body")
        user.append("INBOX", letter(subject="Other"))
        desk.live(house, clock, timedelta(minutes=2))
        assert desk.subjects() == ["Other"]
        desk.live(house, clock, timedelta(hours=3))
    assert desk.outcome("empty@customer.example").startswith("quarantined")
    assert desk.state(clock=clock).state == "ok"
    assert proxy.logins == 1
    desk.complete()


def test_scenario_08_a_letter_that_really_is_empty_is_logged_at_once(desk: Desk, user: DovecotUser) -> None:
    """A header and nothing below it, or white space only, is a letter too."""
    user.append("INBOX", letter(subject="Nothing").partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    user.append("INBOX", letter(subject="Space", text=" "))
    desk.read(user)
    desk.sync()
    assert desk.subjects() == ["Nothing", "Space"]
    assert desk.count("gaps") == 0
    desk.complete()


def test_scenario_25_a_huge_message_costs_no_memory_and_is_said_to_be_cut(
    desk: Desk, dovecot: Dovecot, user: DovecotUser
) -> None:
    """700 MB of text: the header is logged, the text is cut and says so, and the process grows by less than 50 MB."""
    user.append("INBOX", letter(subject="Small"))
    huge = dovecot.user()
    head = letter(subject="Huge", to="bob@ourfirm.example", text="It begins harmlessly.")
    huge.append_large("INBOX", head, 700 * 1024 * 1024)
    desk.read(user)
    desk.read(huge, "bob@ourfirm.example")
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as other:
        grown = other.submit(growth, desk.settings, ANNA, "bob@ourfirm.example").result(timeout=120)
    assert grown < 50 * 1024, f"{grown} KB"
    big = next(one for one in desk.history() if one.subject == "Huge")
    assert str(big.text).startswith("It begins harmlessly.")
    assert len(str(big.text)) <= 256 * 1024
    assert "truncated" in big.flagged_as
    desk.complete("bob@ourfirm.example")


def test_scenario_25_attachments_are_named_and_stay_on_the_server(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """Of a letter with 40 MB of attachment only the text and the file's name and size are read."""
    mixed = {"Content-Type": 'multipart/mixed; boundary="b"'}
    text = "--b\r\nContent-Type: text/plain\r\n\r\nSee the plan.\r\n--b\r\nContent-Type: application/pdf\r\n"
    text += "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=plan.pdf\r\n\r\n"
    user.append_large("INBOX", letter(subject="Plan", text=text, headers=mixed), 40 * 1024 * 1024)
    desk.read(user, proxy=proxy)
    desk.sync()
    assert str(desk.only().text).strip() == "See the plan."
    assert "truncated" not in desk.only().flagged_as
    assert proxy.bytes_down < 200_000
    desk.complete()


CHARSETS = {
    "unknown charset": ("text/plain; charset=x-unknown-99", b"Gr\xfc\xdfe"),
    "wrong charset": ("text/plain; charset=utf-8", b"Gr\xfc\xdfe aus K\xf6ln"),
    "broken ISO-2022": ("text/plain; charset=iso-2022-jp", b"\x1b$B\xff\xff\x1b"),
    "no charset": ("text/plain", b"Gr\xfc\xdfe"),
}


@pytest.mark.parametrize("case", CHARSETS)
def test_scenario_26_a_broken_charset_is_logged_with_the_defect(desk: Desk, user: DovecotUser, case: str) -> None:
    """Octets that no charset explains: the letter is logged, readable as far as it is, and marked."""
    content_type, octets = CHARSETS[case]
    raw = letter(subject="=?x-unknown?Q?Gr=FC=DFe?=", text="@@", headers={"Content-Type": content_type})
    user.append("INBOX", raw.replace(b"@@", octets))
    desk.read(user)
    desk.sync()
    assert desk.only().flagged_as
    assert desk.only().text
    desk.complete()


@pytest.mark.parametrize("shape", ["multipart", "message/rfc822", "siblings"])
def test_scenario_26_ten_thousand_parts_are_logged_in_bounded_time(
    desk: Desk, user: DovecotUser, proxy: ImapProxy, shape: str
) -> None:
    """Parts within parts within parts, ten thousand times: logged with a defect, in seconds, with few octets read."""
    user.append("INBOX", _nested(shape, 10_000))
    user.append("INBOX", letter(subject="After it"))
    desk.read(user, proxy=proxy)
    began = time.monotonic()
    desk.sync()
    assert time.monotonic() - began < 20
    assert desk.subjects() == ["After it", "Nested"]
    assert proxy.bytes_down < 8 * 1024 * 1024
    desk.complete()


def _nested(shape: str, depth: int) -> bytes:
    head = letter(subject="Nested", text="@@").partition(b"Content-Type")[0]
    if shape == "message/rfc822":
        return (
            head + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"Content-Type: text/plain\r\n\r\nThe bottom.\r\n"
        )
    if shape == "siblings":
        part = b"--b\r\nContent-Type: text/plain\r\n\r\nOne of many.\r\n"
        return head + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + part * depth + b"--b--\r\n"
    opening = (b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth))
    return head + b"".join(opening) + b"Content-Type: text/plain\r\n\r\nThe bottom.\r\n"


LONG = "The text is there.\r\n" * 2000
"""More than is read of a message at once: only then does its structure matter."""

GARBLED = {
    "unbalanced": lambda raw: raw.replace(b"BODYSTRUCTURE (", b"BODYSTRUCTURE ((((("),
    "nonsense": lambda raw: raw.replace(b'"text" "plain"', b'NIL {} "plain'),
    "NIL": lambda raw: raw.replace(b'"text" "plain"', b"NIL NIL"),
}


@pytest.mark.parametrize("how", GARBLED)
def test_scenario_27_a_garbled_bodystructure_does_not_keep_a_letter_out(
    desk: Desk, user: DovecotUser, proxy: ImapProxy, how: str
) -> None:
    """A server that answers BODYSTRUCTURE with nonsense: the letter is logged all the same, with its text."""
    user.append("INBOX", letter(subject="Odd", text=LONG))
    proxy.rewrite_server(lambda raw: GARBLED[how](raw) if b"BODYSTRUCTURE" in raw else raw)
    desk.read(user, proxy=proxy)
    desk.sync()
    assert desk.only().subject == "Odd"
    assert str(desk.only().text).split() == LONG.split()
    desk.complete()


def test_scenario_27_a_refused_bodystructure_does_not_keep_a_letter_out(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """A server that refuses BODYSTRUCTURE altogether: the letter is read as a whole."""
    user.append("INBOX", letter(subject="Odd", text=LONG))
    proxy.answer(rb"BODYSTRUCTURE", b"BAD internal error in the structure")
    desk.read(user, proxy=proxy)
    desk.sync()
    assert str(desk.only().text).split() == LONG.split()
    desk.complete()


EXTENSIONS = ("CONDSTORE", "QRESYNC", "IDLE", "UIDPLUS", "ESEARCH", "LIST-STATUS", "LIST-EXTENDED", "SPECIAL-USE")


def test_scenario_28_a_server_without_extensions_loses_nothing(desk: Desk, user: DovecotUser, proxy: ImapProxy) -> None:
    """No CONDSTORE, IDLE, UIDPLUS and no UIDNEXT: arrivals, departures and categories are seen at the next poll."""
    proxy.hide_capability(*EXTENSIONS, "ENABLE", "NAMESPACE", "MOVE")
    proxy.hide("UIDNEXT", "HIGHESTMODSEQ")
    first = user.append("INBOX", letter(subject="First"))
    user.append("INBOX", letter(subject="Second"))
    desk.read(user, proxy=proxy)
    with desk.daemon() as poll:
        poll()
        assert desk.subjects() == ["First", "Second"]
        user.append("INBOX", letter(subject="Third"))
        user.append("Sent", letter(subject="Fourth", from_=ANNA, to=KIM))
        poll()
        assert desk.subjects() == ["First", "Fourth", "Second", "Third"]
        user.expunge("INBOX", first)
        poll()
    assert {one.subject: one.folders for one in desk.history()}["First"] == ()
    user.flag("INBOX", user.uids("INBOX")[0], "Private")
    desk.sync()
    assert desk.subjects() == ["First", "Fourth", "Third"]
    assert not [line for line in proxy.lines if b"CHANGEDSINCE" in line or b" RETURN (" in line or b"ENABLE" in line]
    desk.complete()


def test_scenario_28_a_plain_server_of_another_make_is_read_as_well(desk: Desk, pymap: Pymap) -> None:
    """An IMAP server that knows neither CONDSTORE nor special folders: the same result."""
    user = pymap.user()
    user.append("INBOX", letter(subject="First"))
    desk.read(user)
    with desk.daemon() as poll:
        poll()
        user.append("INBOX", letter(subject="Second"))
        poll()
    assert desk.subjects() == ["First", "Second"]
    desk.complete()
