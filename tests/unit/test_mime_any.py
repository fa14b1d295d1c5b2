"""Whatever bytes come: nothing raises, everything is bounded and clean, and the same bytes read the same."""

import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import mime
from connectors.message import NO_FLAGS, TEXT_LIMIT, Address, Envelope, Message
from connectors.mime.addresses import MOST_ADDRESSES, read_addresses
from connectors.mime.dates import read_date
from connectors.mime.html import html_to_text
from connectors.mime.words import decode_words
from tests.data.corpus import samples
from tests.unit.test_mime_corpus import JUNK, envelope, message, texts_of

_SPECIAL = (
    b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b":", b";", b",", b"<", b">", b"@", b'"', b"\\", b"(", b")", b"=?",
    b"?=", b"=?utf-8?B?", b"=?utf-8?Q?", b"=", b"--", b"--b", b"\r\n\r\n", b"From: ", b"To: ", b"Subject: ", b"Date: ",
    b"Message-ID: ", b"References: ", b"Content-Type: ", b"multipart/mixed; boundary=b", b"text/html", b"text/plain",
    b"charset=", b"utf-7", b"utf-16", b"iso-2022-jp", b"unicode_escape", b"idna", b"Content-Transfer-Encoding: base64",
    b"Content-Disposition: attachment; filename", b"*0*=", b"*=utf-8''%FF", b"\xff", b"\xc3\xbc", b"\xed\xa0\x80",
    b"<div>", b"<!--", b"</", b"&#0;", b"&#xD800;", b"<style", b"<blockquote>", b"[", b"]", b"+2AA-", b"\x1b$B",
)  # fmt: skip
PIECES = st.lists(st.one_of(st.sampled_from(_SPECIAL), st.binary(max_size=12)), max_size=60).map(b"".join)
MUTATED = st.tuples(
    st.sampled_from([each.raw for each in samples()]), st.integers(0, 4_000), st.integers(0, 40), PIECES
).map(lambda cut: cut[0][: cut[1]] + cut[3] + cut[0][cut[1] + cut[2] :])
ANY = st.one_of(st.binary(max_size=400), PIECES, MUTATED)


def clean(found: Envelope | Message) -> bool:
    return not any(junk in text for text in texts_of(found) for junk in JUNK)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANY)
def test_any_bytes_give_a_clean_bounded_envelope_twice_the_same(raw: bytes) -> None:
    found = envelope(raw)
    assert clean(found)
    assert found == envelope(raw)
    assert len(found.references) <= 200
    assert all(len(value) <= 1_000 for value in found.headers.values())
    assert len(found.subject) <= 2_000
    assert found.date is None or found.date.utcoffset() is not None


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANY)
def test_any_bytes_give_a_clean_bounded_message_twice_the_same(raw: bytes) -> None:
    found = message(raw)
    assert clean(found)
    assert found == message(raw)
    assert len(found.text) <= TEXT_LIMIT
    assert all(len(attachment.name) <= 250 for attachment in found.attachments)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300) | PIECES,
    st.sampled_from(["text/plain", "text/html", "", "text/x"]),
    st.none() | st.text(max_size=20) | st.sampled_from(["utf-8", "utf-7", "utf-16", "gb2312", "hz", "iso-2022-jp"]),
    st.none() | st.text(max_size=10) | st.sampled_from(["base64", "quoted-printable", "x-uuencode", "8BIT"]),
)
def test_any_part_gives_clean_text(payload: bytes, kind: str, charset: str | None, encoding: str | None) -> None:
    text, _ = mime.decode_text(payload, media_type=kind, charset=charset, encoding=encoding)
    text.encode("utf-8")
    assert not any(junk in text for junk in JUNK)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_as_addresses_words_dates_and_html(value: str) -> None:
    for mailbox in read_addresses(value):
        assert mailbox.address == "" or "@" in mailbox.address or mailbox.address.lower().startswith(("/o=", "/cn="))
        assert mailbox.address or mailbox.name
    decode_words(value)
    date, defect = read_date(value)
    assert (date is None) == (defect is not None)
    html_to_text(value)


NAME = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=20)
LOCAL = st.from_regex(r"[a-z0-9][a-z0-9._+-]{0,20}", fullmatch=True)
DOMAIN = st.from_regex(r"[a-z0-9-]{1,10}\.[a-z]{2,5}", fullmatch=True)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(NAME, LOCAL, DOMAIN), max_size=6), st.booleans())
def test_well_formed_addresses_are_read_back(people: list[tuple[str, str, str]], quoted: bool) -> None:
    written = ", ".join(f'"{name}" <{a}@{b}>' if quoted else f"{name} <{a}@{b}>" for name, a, b in people)
    expected = [(name, f"{a}@{b}") for name, a, b in people]
    assert [(mailbox.name, mailbox.address) for mailbox in read_addresses(written)] == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Jane <j@x.example> Bob <b@y.example>", [("Jane", "j@x.example"), ("Bob", "b@y.example")]),
        ("j@x.example b@y.example", [("", "j@x.example"), ("", "b@y.example")]),
        ("Doe, j@x.example b@y.example", [("", "j@x.example"), ("", "b@y.example"), ("Doe", "")]),
        ("Jane <j@x.example> Cc: b@y.example", [("Jane", "j@x.example")]),
        ('"Doe, Jane" j@x.example', [("Doe, Jane", "j@x.example")]),
        ("Jane [mailto:j@x.example]", [("Jane", "j@x.example")]),
        ("'Jane Doe' <j@x.example>, \"'Bob'\" <b@y.example>", [("Jane Doe", "j@x.example"), ("Bob", "b@y.example")]),
        ("'t Hooft <h@x.example>", [("'t Hooft", "h@x.example")]),
    ],
)
def test_nobody_is_lost_or_mixed_up_where_a_mailer_left_out_a_comma(
    written: str, expected: list[tuple[str, str]]
) -> None:
    assert [(mailbox.name, mailbox.address) for mailbox in read_addresses(written)] == expected


def test_lines_that_end_in_two_returns_hide_no_text() -> None:
    """As programs leave them that write CRLF in text mode: no line of theirs is empty."""
    raw = b"From: jane@x.example\nContent-Transfer-Encoding: quoted-printable\n\nTo: nobody=\n, said =\nJane\n\nBye\n"
    odd = raw.replace(b"\n", b"\r\r\n")
    assert message(odd).text == message(raw).text == "To: nobody, said Jane\n\nBye"
    assert envelope(odd).to == ()


def test_an_address_inside_the_name_is_not_the_senders() -> None:
    """Mailers that rewrite put the old address there; so do those who pretend to be somebody."""
    (mailbox,) = read_addresses("Jane <jane@x.example> <other@y.example>")
    assert mailbox.address == "other@y.example"
    (mailbox,) = read_addresses('"jane@x.example" </O=Firm/CN=Jane>')
    assert mailbox.address == "/O=Firm/CN=Jane", "nobody vouches for the name: no domain stands there to be checked"


EXCHANGE = "/O=Firm/OU=Administrative Group (FYDIBOHF23SPDLT)/CN=Recipients/CN=Doe, J"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (f"<{EXCHANGE}>", ""),
        (f'"Doe, Jane" <{EXCHANGE}>', "Doe, Jane"),
        (f"Doe, Jane <EX:{EXCHANGE}>", "Doe, Jane"),
        (f'=?utf-8?q?J=C3=BC?= <"{EXCHANGE}">', "Jü"),
        (EXCHANGE, ""),
    ],
)
def test_a_mailbox_that_exchange_names_without_an_address_is_read(written: str, name: str) -> None:
    assert [(mailbox.name, mailbox.address) for mailbox in read_addresses(written)] == [(name, EXCHANGE)]


def test_people_around_such_a_mailbox_are_read_too() -> None:
    people = read_addresses(f"Kim <k@x.example>, Jane <{EXCHANGE}> Bob <b@x.example>; l@x.example")
    assert [mailbox.address for mailbox in people] == ["k@x.example", EXCHANGE, "b@x.example", "l@x.example"]


@pytest.mark.parametrize("written", ["j@x.example\u200b", "\ufeffj@x.example", "Jane <\u202aj@x.example\u202c>"])
def test_marks_that_nobody_sees_are_no_part_of_an_address(written: str) -> None:
    assert [mailbox.address for mailbox in read_addresses(written)] == ["j@x.example"]


@pytest.mark.parametrize(
    ("written", "address", "name"),
    [
        ("kim＠acme.example", "kim@acme.example", ""),
        ("Kim <kim＠acme．example>", "kim@acme．example", "Kim"),
        ("山田＠営業 <taro@acme.example>", "taro@acme.example", "山田＠営業"),
        ("山田＠営業", "", "山田＠営業"),
    ],
)
def test_a_wide_at_sign_stands_for_one_before_a_domain(written: str, address: str, name: str) -> None:
    """As keyboards of East Asia write it; in a name it stands before a department."""
    assert read_addresses(written) == (Address(address=address, name=name),)


def test_what_only_begins_like_such_a_name_is_an_address() -> None:
    (gateway,) = read_addresses("Jane </O=FIRM/S=DOE/@gateway.example>")
    assert gateway.address == "/O=FIRM/S=DOE/@gateway.example"


HOSTILE: dict[str, Callable[[int], str]] = {
    "open comments": lambda n: "(" * n,
    "names of exchange": lambda n: "</o=" * n,
    "long names of exchange": lambda n: ("</o=" + " " * 999) * (n // 999),
    "nested comments": lambda n: "(" * n + ")" * n,
    "many comments": lambda n: "(x)" * n,
    "escaped quotes": lambda n: '\\"' * n,
    "quotes": lambda n: '"' * n,
    "quotes with escapes": lambda n: '"a\\"' * n,
    "angles": lambda n: "<" * n,
    "routes": lambda n: "<@a," * n,
    "one route": lambda n: "<@a" + ",@a" * n,
    "words begun": lambda n: "=?a?q?" * n,
    "brackets": lambda n: "[" * n,
    "colons": lambda n: ":" * n,
    "commas": lambda n: "x," * n,
    "spaces": lambda n: " " * n + "x",
    "ats": lambda n: "a@" * n,
    "bare addresses": lambda n: "a@b " * n,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_addresses_are_read_in_bounded_time(kind: str) -> None:
    started = time.thread_time()
    found = read_addresses(HOSTILE[kind](100_000))
    assert len(found) <= MOST_ADDRESSES
    envelope(b"From: " + HOSTILE[kind](100_000).encode() + b"\r\nSubject: " + HOSTILE[kind](100_000).encode())
    assert time.thread_time() - started < 5


HOSTILE_HTML: dict[str, Callable[[int], str]] = {
    "deep blocks": lambda n: "<div>" * n,
    "deep quotes": lambda n: "<blockquote>" * n + "x",
    "deep lists": lambda n: "<ul><li>" * n,
    "many attributes": lambda n: "<a " + " ".join(f"a{i}=1" for i in range(n)) + ">x",
    "comments begun": lambda n: "<!--" * n,
    "styles begun": lambda n: "<style>" * n,
    "quotes begun": lambda n: "<a x='" * n + '<a x="' * n,
    "less than": lambda n: "<" * n,
    "entities": lambda n: "&lt" * n,
    "spaces": lambda n: "<b> " * n,
    "breaks": lambda n: "<br>" * n + "x",
    "paragraphs": lambda n: "<p> </p>" * n + "x",
    "preformatted": lambda n: "<pre>\n" * n + "x",
}


@pytest.mark.parametrize("kind", HOSTILE_HTML)
def test_hostile_html_is_read_in_bounded_time(kind: str) -> None:
    started = time.thread_time()
    html_to_text(HOSTILE_HTML[kind](150_000))
    assert time.thread_time() - started < 5


HOSTILE_RAW: dict[str, Callable[[int], bytes]] = {
    "boundaries": lambda n: b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n" * n,
    "almost boundaries": lambda n: b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"\n--bb" * n,
    "parameters": lambda n: b"Content-Type: text/plain" + b"; a=b" * n,
    "open parameter": lambda n: b'Content-Type: text/plain; a="' + b"\\" * n,
    "name pieces": lambda n: b"Content-Disposition: x" + b"".join(b"; filename*%d*=a" % i for i in range(n)),
    "folds": lambda n: b"Subject: a" + b"\r\n " * n + b"b",
    "fields": lambda n: b"To: a@b.example\r\n" * n,
    "references": lambda n: b"References: " + b"<a@b>" * n,
    "armour begun": lambda n: b"\r\n" + b"-----BEGIN PGP MESSAGE-----\r\n" * n,
    "separators": lambda n: b"Content-Type: multipart/mixed; boundary=" + b"b" * 70 + b"\r\n\r\n" + b"\n--" * n,
    "base64": lambda n: b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=*" * n,
    "same boundary inside": lambda n: (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n") * n,
}


@pytest.mark.parametrize("kind", HOSTILE_RAW)
def test_hostile_messages_are_read_in_bounded_time(kind: str) -> None:
    raw = HOSTILE_RAW[kind](150_000)
    started = time.thread_time()
    message(raw)
    mime.read_header(raw, id="1", size=None, server_time=None, flags=NO_FLAGS)
    assert time.thread_time() - started < 5
