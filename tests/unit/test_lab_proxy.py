"""The proxy's faults happen exactly where a scenario asks for them."""

import contextlib
import imaplib
import itertools
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.http_proxy import HttpProxy
from tests.servers.imap_proxy import ImapProxy
from tests.servers.imap_stream import Answer, ClientStream, Command, Raw, ServerStream
from tests.servers.proxy import Proxy
from tests.servers.radicale import Radicale

MAIL = b"From: bo@customer.example\r\nSubject: Hello\r\n\r\nText\r\n"
EVENT = "\r\n".join(
    [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//t//EN",
        "BEGIN:VTODO",
        "UID:a",
        "SUMMARY:Call",
        "END:VTODO",
        "END:VCALENDAR",
    ]
)


@pytest.fixture
def mailbox(dovecot: Dovecot) -> DovecotUser:
    user = dovecot.user()
    dovecot.bulk(user, "INBOX", ((MAIL, None, ()) for _ in range(40)))
    return user


@contextlib.contextmanager
def signed_in(proxy: Proxy, user: DovecotUser) -> Iterator[imaplib.IMAP4_SSL]:
    context = ssl.create_default_context(cafile=str(user.server.ca_file))
    imap = imaplib.IMAP4_SSL("127.0.0.1", proxy.port, ssl_context=context, timeout=10)
    imap.login(user.username, user.password)
    yield imap
    imap.shutdown()


def fetch_all(imap: imaplib.IMAP4, items: str = "(UID BODY.PEEK[])") -> list[bytes]:
    imap.select("INBOX", readonly=True)
    return [part[0] for part in imap.uid("FETCH", "1:*", items)[1] if isinstance(part, tuple)]


def test_without_faults_everything_passes_and_is_counted(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    with signed_in(proxy, mailbox) as imap:
        assert len(fetch_all(imap)) == 40
        imap.append("Sent", None, None, MAIL)
        imap.noop()
    assert proxy.commands["EXAMINE"] == proxy.commands["UID FETCH"] == proxy.commands["APPEND"] == 1
    assert (proxy.connections, proxy.logins, proxy.logged_in) == (1, 1, 1)
    assert proxy.round_trips == 7, "capability, login, capability, examine, fetch, append twice, noop"


def test_a_raw_proxy_passes_tls_through(dovecot: Dovecot, mailbox: DovecotUser) -> None:
    with Proxy(dovecot.imaps_port) as proxy, signed_in(proxy, mailbox) as imap:
        proxy.split_every(100)
        assert len(fetch_all(imap)) == 40


def test_the_line_dies_in_the_middle_of_the_thirtieth_answer_once(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    proxy.cut_after(rb"\* \d+ FETCH", count=30)
    with signed_in(proxy, mailbox) as imap, pytest.raises(imaplib.IMAP4.abort):
        fetch_all(imap)
    with signed_in(proxy, mailbox) as imap:
        assert len(fetch_all(imap)) == 40


def test_the_line_dies_behind_thirty_complete_answers(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    proxy.cut_after_answers(rb"\* \d+ FETCH", count=30)
    seen: list[bytes] = []

    def note(raw: bytes) -> bytes:
        seen.extend([raw] if b"FETCH (" in raw else [])
        return raw

    proxy.rewrite_server(note)
    with signed_in(proxy, mailbox) as imap, pytest.raises(imaplib.IMAP4.abort):
        fetch_all(imap)
    assert len(seen) == 29, "the thirtieth ends the connection before later rules"


def test_the_line_dies_after_exactly_so_many_octets(dovecot: Dovecot) -> None:
    with Proxy(dovecot.imap_port) as proxy:
        proxy.cut_after_bytes(7)
        with socket.create_connection(("127.0.0.1", proxy.port)) as client:
            assert client.recv(100) + client.recv(100) == b"* OK [C"


def test_refusing_ends_with_accepting(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    for _ in range(3):
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", proxy.port))
        proxy.accept()
        with signed_in(proxy, mailbox) as imap:
            assert imap.noop()[0] == "OK"


def test_a_stalled_connection_stays_open_and_says_nothing_while_new_ones_work(
    proxy: ImapProxy, mailbox: DovecotUser
) -> None:
    with signed_in(proxy, mailbox) as old:
        proxy.stall()
        old.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            old.noop()
        with signed_in(proxy, mailbox) as new:
            assert new.noop()[0] == "OK"


def test_connections_over_the_limit_are_told_so(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    proxy.limit(1, b"* BYE [UNAVAILABLE] Too many connections\r\n")
    with signed_in(proxy, mailbox), pytest.raises(imaplib.IMAP4.error, match="Too many"), signed_in(proxy, mailbox):
        pass
    assert (proxy.connections, proxy.refused, proxy.most_open) == (1, 1, 1)


def test_an_answer_can_be_split_into_two_records_and_two_held_into_one(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    proxy.split_after(rb"\* \d+ EX", pause=0.2)
    proxy.hold_back(rb"^\+ idling")
    with signed_in(proxy, mailbox) as imap:
        imap.select("INBOX", readonly=True)
        imap.send(b"a IDLE\r\n")
        time.sleep(0.2)
        mailbox.append("INBOX", MAIL)
        assert imap.sock.recv(100) == b"+ idling\r\n* 41 EX"
        assert imap.sock.recv(100).startswith(b"ISTS\r\n")


def test_the_server_ends_a_session_politely(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    with signed_in(proxy, mailbox) as imap:
        proxy.bye_open()
        assert imap.readline().startswith(b"* BYE ")
        assert imap.readline() == b""


def test_a_withheld_message_is_left_out_and_said_so(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    proxy.withhold({7}, during=rb"BODY", times=1)
    with signed_in(proxy, mailbox) as imap:
        imap.select("INBOX", readonly=True)
        assert imap.uid("FETCH", "6:8", "(FLAGS)")[0] == "OK"
        status, data = imap.uid("FETCH", "6:8", "(BODY.PEEK[])")
        assert (status, b"UNAVAILABLE" in data[0]) == ("NO", True)
        assert imap.uid("FETCH", "6:8", "(BODY.PEEK[])")[0] == "OK"


def test_a_body_can_come_back_empty(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    proxy.empty_body({7})
    with signed_in(proxy, mailbox) as imap:
        imap.select("INBOX", readonly=True)
        answer = imap.uid("FETCH", "7", "(BODY.PEEK[])")[1]
    assert answer == [b'7 (UID 7 BODY[] "")']


def test_the_test_acts_between_listing_and_fetching(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    proxy.on_command(rb"^UID FETCH", lambda: mailbox.expunge("INBOX", 1, 2, 3, 4))
    with signed_in(proxy, mailbox) as imap:
        assert len(fetch_all(imap)) == 36


def test_a_command_is_answered_without_the_server(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    proxy.answer(rb'^EXAMINE "?INBOX', b"NO [SERVERBUG] broken", times=1)
    with signed_in(proxy, mailbox) as imap:
        assert imap.select("INBOX", readonly=True) == ("NO", [b"[SERVERBUG] broken"])
        assert imap.select("INBOX", readonly=True)[0] == "OK"


def test_a_command_ends_the_connection_before_the_server_hears_it(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    proxy.cut_on_command(rb"^CREATE New")
    with signed_in(proxy, mailbox) as imap, pytest.raises(imaplib.IMAP4.abort):
        imap.create("New")
    assert "New" not in mailbox.folders()
    proxy.clear()
    proxy.cut_on_command(rb"^CREATE New", forward=True)
    with signed_in(proxy, mailbox) as imap, pytest.raises(imaplib.IMAP4.abort):
        imap.create("New")
    time.sleep(0.2)
    assert "New" in mailbox.folders()


def test_numbers_and_capabilities_can_be_hidden_and_faked(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    proxy.hide_capability("CONDSTORE", "QRESYNC", "IDLE")
    proxy.announce("X-LAB")
    proxy.hide("UIDNEXT", "HIGHESTMODSEQ")
    proxy.fake("UIDVALIDITY", itertools.count(5).__next__, folder="INBOX")
    with signed_in(proxy, mailbox) as imap:
        capabilities = set(imap.capability()[1][0].split())
        assert {b"X-LAB", b"UIDPLUS"} < capabilities
        assert not {b"CONDSTORE", b"QRESYNC", b"IDLE"} & capabilities
        items = "(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
        assert imap.status("INBOX", items)[1] == [b"INBOX (MESSAGES 40 UIDVALIDITY 5)"]
        assert b"UIDVALIDITY 6)" not in imap.status("Sent", items)[1][0]
        imap.select("INBOX", readonly=True)
        assert imap.response("UIDVALIDITY")[1] == [b"6"]
        assert imap.response("UIDNEXT")[1] == [None]


def test_list_can_be_empty_or_nonsense(proxy: ImapProxy, mailbox: DovecotUser) -> None:
    with signed_in(proxy, mailbox) as imap:
        proxy.empty_list()
        assert imap.list() == ("OK", [None])
        proxy.clear()
        proxy.garble_list()
        assert all(b"\xff" in line for line in imap.list()[1] if isinstance(line, bytes))


def test_a_failing_hook_fails_the_test(dovecot: Dovecot, mailbox: DovecotUser, make_proxy: object) -> None:
    def act() -> None:
        raise ValueError("the hook")

    with pytest.raises(ValueError, match="the hook"), ImapProxy(dovecot.imap_port) as proxy:
        proxy.on_command(rb"^NOOP", act)
        with contextlib.suppress(imaplib.IMAP4.abort), imaplib.IMAP4("127.0.0.1", proxy.port) as imap:
            imap.noop()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_streams_are_cut_alike_however_they_arrive(size: int) -> None:
    down = b"* OK hi\r\n* 1 FETCH (UID 4 BODY[] {7}\r\na\r\nb c\n FLAGS ())\r\na OK {x}\r\n"
    server = ServerStream()
    answers = [i for n in range(0, len(down), size) for i in server.feed(down[n : n + size])]
    assert [a.text for a in answers if isinstance(a, Answer)] == [
        b"* OK hi\r\n",
        b"* 1 FETCH (UID 4 BODY[] {7}\r\n FLAGS ())\r\n",
        b"a OK {x}\r\n",
    ]
    assert b"".join(a.raw for a in answers if isinstance(a, Answer)) == down
    up = b"a LOGIN {2+}\r\nx\n {1}\r\ny\r\nb UID FETCH 1 (FLAGS)\r\nc IDLE\r\nDONE\r\nd noop\r\n"
    client = ClientStream()
    items = [i for n in range(0, len(up), size) for i in client.feed(up[n : n + size])]
    assert [i.verb for i in items if isinstance(i, Command)] == ["LOGIN", "UID FETCH", "IDLE", "NOOP"]
    assert b"".join(i.data if isinstance(i, Raw) else i.line for i in items) == up


def test_a_lost_answer_leaves_the_write_done_and_a_lost_request_does_not(
    radicale: Radicale, dav_proxy: HttpProxy
) -> None:
    calendar = radicale.calendar()
    seen = calendar.through(dav_proxy.port)
    dav_proxy.lose_answer("PUT")
    with pytest.raises(requests.ConnectionError):
        seen.put("a.ics", EVENT)
    assert len(calendar.items()) == 1
    dav_proxy.lose_request("DELETE")
    with pytest.raises(requests.ConnectionError):
        seen.delete("a.ics")
    assert len(calendar.items()) == 1
    seen.delete("a.ics")
    assert calendar.items() == []
    assert dav_proxy.methods == {"PUT": 1, "DELETE": 2}


def test_requests_are_answered_hooked_and_answers_rewritten(radicale: Radicale, dav_proxy: HttpProxy) -> None:
    calendar = radicale.calendar()
    seen = calendar.through(dav_proxy.port)
    dav_proxy.answer(503, headers={"Retry-After": "7"})
    with pytest.raises(requests.HTTPError, match="503"):
        seen.items()
    calendar.put("a.ics", EVENT)
    item = calendar.items()[0]
    dav_proxy.on_request(lambda: calendar.edit(item, "Call", "Call Bo"), "GET")
    assert "Call Bo" in seen.items()[0].text
    assert calendar.items()[0].etag != item.etag


def test_radicale_speaks_tls_with_the_authority(radicale_tls: Radicale, ca_file: Path) -> None:
    calendar = radicale_tls.calendar()
    calendar.put("a.ics", EVENT)
    assert [item.href for item in calendar.items()] == [f"/{calendar.username}/reminders/a.ics"]
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(calendar.url, timeout=5)
