"""Servers that speak IMAP in their own way: what they hand out is read all the same, and nothing is read twice."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from imapclient.imap_utf7 import decode, encode

from connectors.imap import ImapSource
from connectors.message import Message
from tests.integration.imap_lab import Lab, envelopes, first_contact, inbox, mail, names, news, past
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.imap_proxy import ImapProxy

Rewrite = Callable[[bytes], bytes]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path) as lab:
        yield lab


@pytest.fixture
def user(dovecot: Dovecot) -> DovecotUser:
    user = dovecot.user(["Sent"])
    for number in range(1, 4):
        user.append("INBOX", mail(number))
    return user


@pytest.fixture
def source(lab: Lab, dovecot: Dovecot, user: DovecotUser, proxy: ImapProxy) -> ImapSource:
    return lab.source(user, dovecot, port=proxy.port)


def both_lanes_read_all_of_it(source: ImapSource, user: DovecotUser) -> None:
    """What stood there, then what arrives, with times, flags and texts."""
    folder = inbox(source)
    forward, history = first_contact(source, folder)
    old, _ = past(source, folder, history)
    assert [e.message_id for e in old] == names(3, 2, 1)
    assert all(e.server_time and e.size for e in old)
    user.append("INBOX", mail(4))
    pages, forward = news(source, folder, forward)
    assert envelopes(pages) == names(4)
    assert envelopes(news(source, folder, forward)[0]) == []
    listing = source.ids(folder, None)
    found = source.bodies(folder, listing.validity, sorted(listing.ids))
    assert [m.text for m in found if isinstance(m, Message)] == ["Hello."] * 4


def in_small_letters(raw: bytes) -> bytes:
    """All but names of folders and what stands in a literal."""
    if raw.startswith(b"* LIST"):
        return raw.replace(b"* LIST", b"* list")
    head, brace, rest = raw.partition(b"{")
    if raw.startswith(b"* "):
        return head.lower() + brace + rest
    tag, _, status = raw.partition(b" ")
    return tag + b" " + status.lower()


def without_a_text(raw: bytes) -> bytes:
    return re.sub(rb"^(\w+ (?:OK|NO)) .*\r\n", rb"\1\r\n", raw)


def with_bare_line_feeds(raw: bytes) -> bytes:
    return raw if b"{" in raw else raw.replace(b"\r\n", b"\n")


_ENVELOPE = re.compile(rb"(\* \d+ FETCH \()(UID \d+) (.*?) (BODY\[HEADER.*)\)\r\n", re.DOTALL)


def header_last(raw: bytes) -> bytes:
    return _ENVELOPE.sub(rb"\1\2 \3)\r\n\1\2 \4)\r\n", raw)


def header_first(raw: bytes) -> bytes:
    return _ENVELOPE.sub(rb"\1\2 \4)\r\n\1\2 \3)\r\n", raw)


def uid_last(raw: bytes) -> bytes:
    return _ENVELOPE.sub(rb"\1\4 \3 \2)\r\n", raw)


def named_as_asked(raw: bytes) -> bytes:
    return raw.replace(b" BODY[", b" BODY.PEEK[") if b" FETCH (" in raw else raw


def validity_zero(raw: bytes) -> bytes:
    return re.sub(rb"UIDVALIDITY \d+", b"UIDVALIDITY 0", raw)


@pytest.mark.parametrize(
    "odd",
    [
        in_small_letters,
        without_a_text,
        with_bare_line_feeds,
        header_last,
        header_first,
        uid_last,
        named_as_asked,
        validity_zero,
    ],
)
def test_answers_of_odd_form_are_understood(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy, odd: Rewrite
) -> None:
    proxy.rewrite_server(odd)
    both_lanes_read_all_of_it(source, user)


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (rb"LIST .* RETURN", b"BAD Unknown argument"),
        (rb"LIST .* RETURN", b"NO Not supported"),
        (rb"SEARCH RETURN", b"BAD Unknown argument"),
        (rb"EXAMINE .*CONDSTORE", b"BAD Unknown argument"),
        (rb"CHANGEDSINCE", b"BAD Unknown argument"),
        (rb"NAMESPACE", b"BAD Unknown command"),
        (rb"ENABLE", b"BAD Unknown command"),
        (rb"UNSELECT", b"BAD Unknown command"),
    ],
)
def test_what_was_announced_and_is_not_understood_is_done_without(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy, command: bytes, reply: bytes
) -> None:
    proxy.answer(command, reply)
    both_lanes_read_all_of_it(source, user)


def test_a_server_that_cannot_cut_a_message_is_asked_for_all_of_it(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    """Hoodiecrow answers the second message of one command with an empty part."""
    proxy.rewrite_server(
        lambda raw: re.sub(rb"(BODY\[\]<0>) \{\d+\}\r\n.*\)\r\n", rb"\1 {0}\r\n)\r\n", raw, flags=re.S)
    )
    both_lanes_read_all_of_it(source, user)


def test_a_message_handed_out_without_its_header_is_withheld_and_the_others_are_read(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    """As servers do that cannot open the file of a message: it would pass for one that nobody wrote."""
    proxy.empty_body([2], during=rb"HEADER")
    folder = inbox(source)
    _, history = first_contact(source, folder)
    pages = list(source.history(folder, history, None))
    assert envelopes(pages) == names(3, 1)
    assert [withheld.id for page in pages for withheld in page.withheld] == ["2"]


def test_shared_folders_without_a_prefix_are_not_read(lab: Lab, dovecot: Dovecot, proxy: ImapProxy) -> None:
    """As Cyrus has it: `INBOX.` is the owner's, `user.` another's, and what begins with neither is shared."""
    user = dovecot.user(["INBOX/Sent", "user/bob", "Sales", "Sales/North"])
    spaces = b'* NAMESPACE (("INBOX/" "/")) (("user/" "/")) (("" "/"))\r\n'
    proxy.rewrite_server(lambda raw: spaces if raw.startswith(b"* NAMESPACE") else raw)
    source = lab.source(user, dovecot, port=proxy.port)
    assert [(folder.name, folder.role) for folder in source.folders()] == [("INBOX", "inbox"), ("INBOX/Sent", "sent")]


_NAMED = re.compile(rb'(LIST \([^)]*\) "." |STATUS |EXAMINE )("[^"]*"|[^ \r\n]+)')
_SEARCH = re.compile(rb"\* SEARCH ([0-9 ]+)\r\n")


def by_the_second_revision(raw: bytes) -> bytes | None:
    """Nothing is announced that RFC 9051 implies; names are UTF-8, SEARCH answers ESEARCH, nobody counts RECENT."""
    raw = re.sub(rb"CAPABILITY IMAP4rev1[^\]\r]*", b"CAPABILITY IMAP4rev2 AUTH=PLAIN", raw)
    if raw.endswith(b" RECENT\r\n"):
        return None
    if raw.startswith((b"* LIST", b"* STATUS")):
        return _NAMED.sub(lambda found: found[1] + decode(found[2]).encode(), raw)
    found = _SEARCH.fullmatch(raw)
    return b"* ESEARCH UID ALL %s\r\n" % b",".join(found[1].split()) if found else raw


def as_the_first_revision_wants(line: bytes) -> bytes:
    return _NAMED.sub(lambda found: found[1] + encode(found[2].decode()), line)


def test_a_server_that_knows_only_the_second_revision_is_read(lab: Lab, dovecot: Dovecot, proxy: ImapProxy) -> None:
    """RFC 9051: what is `&AOk-` in a name there means just that."""
    user = dovecot.user(["Año & 日本", "&AOk-"])
    for number in range(1, 4):
        user.append("INBOX", mail(number))
    user.append("Año & 日本", mail(9))
    user.append("&AOk-", mail(8))
    proxy.rewrite_server(by_the_second_revision)
    proxy.rewrite_client(as_the_first_revision_wants)
    source = lab.source(user, dovecot, port=proxy.port)
    there = {folder.name: folder for folder in source.folders()}
    assert there.keys() == {"INBOX", "Año & 日本", "&AOk-"}
    for name, number in (("Año & 日本", 9), ("&AOk-", 8)):
        _, history = first_contact(source, there[name])
        assert [e.message_id for e in past(source, there[name], history)[0]] == names(number)
    both_lanes_read_all_of_it(source, user)
