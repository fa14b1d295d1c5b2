"""Texts and attachment names from a real Dovecot: the same as if the whole message were read, in few octets."""

import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors import mime
from connectors.imap import ImapSource
from connectors.message import TEXT_LIMIT, Message, Withheld
from tests.integration.imap_lab import Lab, inbox, mail
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.imap_proxy import ImapProxy

PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\nDear Anna,\r\nthe offer für you.\r\n"
HTML = "Content-Type: text/html; charset=utf-8\r\n\r\n<p>Dear <b>Anna</b>,<br>the offer.</p>\r\n"
PDF = (
    'Content-Type: application/pdf; name="offer.pdf"\r\nContent-Disposition: attachment; filename="offer.pdf"\r\n'
    "Content-Transfer-Encoding: base64\r\n\r\n" + "QUJD" * 19 + "\r\n" + "QUJD" * 19 + "\r\nQUI=\r\n"
)
INVITE = "Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
LONG_HTML = "Content-Type: text/html\r\n\r\n" + "<p>A long paragraph of text.</p>\r\n" * 2_000


def multi(kind: str, *parts: str, boundary: str = "=_b", more: str = "") -> str:
    """A multipart as header lines and body."""
    inner = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"{more}\r\n\r\n{inner}--{boundary}--\r\n'


ALTERNATIVE = multi("alternative", PLAIN, HTML, boundary="alt")
BODIES = {
    "plain": PLAIN,
    "html": HTML,
    "latin-1 quoted-printable": "Content-Type: text/plain; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\nSch=F6ne Gr=FC=DFe\r\n",
    "base64": "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ==\r\n",
    "no content type": "\r\nJust text.\r\n",
    "alternative": ALTERNATIVE,
    "alternative with an empty plain form": multi("alternative", "Content-Type: text/plain\r\n\r\n\r\n", HTML),
    "alternative with a plain form of spaces": multi("alternative", "Content-Type: text/plain\r\n\r\n      \r\n", HTML),
    "mixed": multi("mixed", PLAIN, PDF),
    "mixed around an alternative": multi("mixed", ALTERNATIVE, PDF),
    "mixed around a long alternative": multi("mixed", multi("alternative", PLAIN, LONG_HTML, boundary="alt"), PDF),
    "mixed with the file first": multi("mixed", PDF, PLAIN),
    "related": multi("related", HTML, 'Content-Type: image/png; name="logo.png"\r\n\r\nxx\r\n'),
    "text around a picture": multi("mixed", PLAIN, "Content-Type: image/png\r\n\r\nxx\r\n", PLAIN),
    "text file attached": multi(
        "mixed",
        PLAIN,
        "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=notes.txt\r\n\r\nNotes\r\n",
    ),
    "only a file": PDF,
    "name by RFC 2231": multi(
        "mixed",
        PLAIN,
        "Content-Type: application/pdf\r\n"
        "Content-Disposition: attachment; filename*0*=utf-8''Angebot%20; filename*1*=%C3%9Cbersicht.pdf\r\n\r\nx\r\n",
    ),
    "name by encoded word": multi(
        "mixed", PLAIN, 'Content-Type: application/pdf; name="=?utf-8?q?=C3=9Cbersicht=2Epdf?="\r\n\r\nx\r\n'
    ),
    "invitation": multi("alternative", PLAIN, INVITE),
    "forwarded as attachment": multi("mixed", PLAIN, "Content-Type: message/rfc822\r\n\r\n" + mail("inner").decode()),
    "encrypted": multi("encrypted", "Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n", PDF),
    "signed": multi("signed", PLAIN, "Content-Type: application/pgp-signature\r\n\r\nxx\r\n"),
    "armoured": "Content-Type: text/plain\r\n\r\n-----BEGIN PGP MESSAGE-----\r\nhQ\r\n-----END PGP MESSAGE-----\r\n",
    "bounce": multi(
        "report",
        PLAIN,
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n",
        more="; report-type=delivery-status",
    ),
    "winmail": multi("mixed", PLAIN, 'Content-Type: application/ms-tnef; name="winmail.dat"\r\n\r\nx\r\n'),
    "unknown charset": "Content-Type: text/plain; charset=x-klingon\r\n\r\nnuqneH\r\n",
    "boundary that never comes": 'Content-Type: multipart/mixed; boundary="never"\r\n\r\nNothing inside.\r\n',
    "empty": "Content-Type: text/plain\r\n\r\n",
    "long": "Content-Type: text/plain\r\n\r\n" + "A line of a long text.\r\n" * 4_000,
}


def whole(body: str, number: int) -> bytes:
    header = f"From: a@customer.example\r\nTo: b@lab.example\r\nSubject: s\r\nMessage-ID: <b{number}@lab.example>\r\n"
    return (header + "MIME-Version: 1.0\r\n" + body).encode()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path) as lab:
        yield lab


@pytest.fixture
def user(dovecot: Dovecot) -> DovecotUser:
    return dovecot.user(())


@pytest.fixture
def source(lab: Lab, user: DovecotUser, dovecot: Dovecot, proxy: ImapProxy) -> ImapSource:
    return lab.source(user, dovecot, port=proxy.port)


def read(source: ImapSource, user: DovecotUser, *ids: int) -> dict[str, Message | Withheld]:
    folder = inbox(source)
    found = list(source.bodies(folder, str(user.uidvalidity("INBOX")), [str(uid) for uid in ids]))
    assert len(found) == len(ids)
    return {message.id: message for message in found}


def essence(message: Message | Withheld) -> object:
    """What must agree however a message was read. A file's size is an estimate where only the structure is seen."""
    assert isinstance(message, Message)
    files = [(a.name, a.type) for a in message.attachments]
    return (message.text, files, message.truncated, message.encrypted, message.calendar_method, message.report)


def test_every_kind_of_message_reads_the_same_by_section_and_as_a_whole(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    raws = {uid: whole(body, uid) for uid, body in enumerate(BODIES.values(), 1)}
    user.append_many("INBOX", [(raw, None, ()) for raw in raws.values()])
    found = read(source, user, *raws)
    for (uid, raw), kind in zip(raws.items(), BODIES, strict=True):
        assert (kind, essence(found[str(uid)])) == (kind, essence(mime.read_message(raw, id=str(uid))))
    assert proxy.commands["UID FETCH"] < 12


def test_sizes_of_attachments_are_those_after_decoding(source: ImapSource, user: DovecotUser) -> None:
    user.append("INBOX", whole(BODIES["mixed"], 1))
    message = read(source, user, 1)["1"]
    assert isinstance(message, Message)
    assert [(a.name, a.type) for a in message.attachments] == [("offer.pdf", "application/pdf")]
    assert message.attachments[0].size == pytest.approx(116, abs=3)


def test_usual_mail_takes_one_round_trip_for_a_hundred(source: ImapSource, user: DovecotUser, proxy: ImapProxy) -> None:
    usual = [BODIES[kind] for kind in ("plain", "html", "alternative", "mixed around an alternative", "base64")]
    user.append_many("INBOX", [(whole(usual[n % 5], n), None, ()) for n in range(100)])
    folder, validity = inbox(source), str(user.uidvalidity("INBOX"))
    list(source.bodies(folder, validity, ["1"]))
    before = source.round_trips
    found = list(source.bodies(folder, validity, [str(uid) for uid in range(1, 101)]))
    assert all(isinstance(message, Message) and message.text for message in found)
    assert source.round_trips - before == 1


def test_attachments_are_never_transferred(source: ImapSource, user: DovecotUser) -> None:
    big = PDF + "QUJD" * 500_000
    user.append("INBOX", whole(multi("mixed", ALTERNATIVE, big), 1))
    message = read(source, user, 1)["1"]
    assert isinstance(message, Message)
    assert "the offer" in message.text
    assert source._session is not None
    assert source._session.wire.octets < 100_000


def test_ids_that_left_are_gone(source: ImapSource, user: DovecotUser) -> None:
    user.append_many("INBOX", [(whole(PLAIN, n), None, ()) for n in range(3)])
    user.expunge("INBOX", 2)
    found = read(source, user, 1, 2, 3)
    assert isinstance(found["2"], Withheld)
    assert found["2"].gone
    assert isinstance(found["1"], Message)
    assert isinstance(found["3"], Message)


@pytest.mark.parametrize("reply", [b"NO [SERVERBUG] cannot parse", b"BAD Internal error"])
def test_a_refused_structure_means_reading_the_message_itself(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy, reply: bytes
) -> None:
    user.append_many("INBOX", [(whole(PLAIN, n), None, ()) for n in range(5)])
    proxy.withhold([2, 4], during=rb"BODYSTRUCTURE", reply=reply)
    found = read(source, user, 1, 2, 3, 4, 5)
    assert all(isinstance(m, Message) and "the offer" in m.text for m in found.values())


@pytest.mark.parametrize(
    "garbled",
    [
        rb"BODYSTRUCTURE ((((",
        rb"BODYSTRUCTURE NIL",
        rb'BODYSTRUCTURE ("TEXT" "PLAIN" ("CHARSET" "x"y"z") NIL NIL "7BIT" 99 1',
        rb"BODYSTRUCTURE " + rb"(" * 5_000,
    ],
)
def test_a_garbled_structure_means_reading_the_message_itself(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy, garbled: bytes
) -> None:
    user.append_many("INBOX", [(whole(PLAIN, n), None, ()) for n in range(2)])
    proxy.rewrite_server(lambda raw: raw.replace(b"BODYSTRUCTURE (", garbled) if b" UID 2 " in raw else raw)
    found = read(source, user, 1, 2)
    assert all(isinstance(m, Message) and "the offer" in m.text for m in found.values())


def test_a_structure_that_names_the_wrong_section_does_not_hide_the_text(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    user.append("INBOX", whole(multi("mixed", PDF, PLAIN), 1))
    proxy.rewrite_server(lambda raw: raw.replace(b"BODY[2]<0>", b"BODY[2]<0> NIL BODY[9]"))
    (message,) = read(source, user, 1).values()
    assert isinstance(message, Message)
    assert "the offer" in message.text


def test_a_server_that_sees_one_text_where_there_are_parts_is_not_believed(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    """Courier does where it cannot read the Content-Type of the whole."""
    user.append("INBOX", whole(multi("mixed", PLAIN, PDF, LONG_HTML), 1))
    one_text = rb'BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 70000 2000)'
    proxy.rewrite_server(lambda raw: re.sub(rb"BODYSTRUCTURE \(.*\)(?= BODY)", one_text, raw, flags=re.DOTALL))
    proxy.rewrite_client(lambda line: line.replace(b"BODY.PEEK[1]", b"BODY.PEEK[TEXT]"))
    proxy.rewrite_server(lambda raw: raw.replace(b"BODY[TEXT]", b"BODY[1]"))
    (message,) = read(source, user, 1).values()
    assert isinstance(message, Message)
    assert message.text.startswith("Dear Anna")
    assert [a.name for a in message.attachments] == ["offer.pdf"]


def test_lines_that_end_in_two_returns_hide_neither_the_text_nor_what_is_attached(
    source: ImapSource, user: DovecotUser
) -> None:
    """No server finds an empty line in such a message, so that its structure is one part without a text."""
    raw = whole(multi("mixed", PLAIN, PDF, LONG_HTML), 1)
    user.append_many("INBOX", [(raw.replace(b"\r\n", b"\r\r\n"), None, ())])
    (message,) = read(source, user, 1).values()
    assert essence(message) == essence(mime.read_message(raw, id="1"))


def test_an_empty_body_that_should_not_be_is_withheld_and_read_later(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    user.append_many("INBOX", [(whole(PLAIN, n), None, ()) for n in range(3)])
    proxy.empty_body([2])
    found = read(source, user, 1, 2, 3)
    assert found["2"] == Withheld(id="2", reason="the server handed out an empty body")
    assert isinstance(found["3"], Message)
    proxy.clear()
    assert isinstance(read(source, user, 2)["2"], Message)


def test_a_message_refused_altogether_is_withheld_with_the_servers_reason(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    user.append_many("INBOX", [(whole(PLAIN, n), None, ()) for n in range(3)])
    proxy.withhold([2], reply=b"NO [UNAVAILABLE] disk on fire")
    found = read(source, user, 1, 2, 3)
    withheld = found["2"]
    assert isinstance(withheld, Withheld)
    assert not withheld.gone
    assert "disk on fire" in withheld.reason


def test_a_text_beyond_the_limit_is_cut_and_said_so(source: ImapSource, user: DovecotUser) -> None:
    user.append("INBOX", whole("Content-Type: text/plain\r\n\r\n" + "Twenty characters.\r\n" * 200_000, 1))
    (message,) = read(source, user, 1).values()
    assert isinstance(message, Message)
    assert message.truncated
    assert len(message.text) == TEXT_LIMIT


def test_a_server_that_ignores_the_bound_is_cut_off_and_read_on(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    user.append("INBOX", whole("Content-Type: text/plain\r\n\r\n" + "0123456789" * 500_000, 1))
    user.append("INBOX", whole(PLAIN, 2))
    proxy.rewrite_client(lambda line: re.sub(rb"<0\.\d+>", b"", line))
    found = read(source, user, 1, 2)
    long, short = found["1"], found["2"]
    assert isinstance(long, Message)
    assert isinstance(short, Message)
    assert (long.truncated, len(long.text), short.truncated) == (True, TEXT_LIMIT, False)


def test_a_huge_message_without_structure_costs_little_memory(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    raw = whole("Content-Type: text/plain\r\n\r\n" + "0123456789" * 6 * 1024 * 1024, 1)
    user.append("INBOX", raw)
    del raw
    proxy.rewrite_server(lambda answer: answer.replace(b"BODYSTRUCTURE (", b"BODYSTRUCTURE ((("))
    tracemalloc.start()
    try:
        (message,) = read(source, user, 1).values()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(message, Message)
    assert message.truncated
    assert peak < 40_000_000


def test_ten_thousand_nested_parts_are_read_in_bounded_time(source: ImapSource, user: DovecotUser) -> None:
    nested = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(10_000))
    user.append("INBOX", whole(nested + PLAIN, 1))
    user.append("INBOX", whole(PLAIN, 2))
    found = read(source, user, 1, 2)
    assert isinstance(found["1"], Message | Withheld)
    assert isinstance(found["2"], Message)
