"""Servers that speak IMAP in their own way: what they hand out is read all the same, and nothing is read twice."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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


def test_shared_folders_without_a_prefix_are_not_read(lab: Lab, dovecot: Dovecot, proxy: ImapProxy) -> None:
    """As Cyrus has it: `INBOX.` is the owner's, `user.` another's, and what begins with neither is shared."""
    user = dovecot.user(["INBOX/Sent", "user/bob", "Sales", "Sales/North"])
    spaces = b'* NAMESPACE (("INBOX/" "/")) (("user/" "/")) (("" "/"))\r\n'
    proxy.rewrite_server(lambda raw: spaces if raw.startswith(b"* NAMESPACE") else raw)
    source = lab.source(user, dovecot, port=proxy.port)
    assert [(folder.name, folder.role) for folder in source.folders()] == [("INBOX", "inbox"), ("INBOX/Sent", "sent")]
