"""What Outlook says of a message reaches the filters, the threads and the reminders in the words that all mail has."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from connectors import mime
from connectors.graph.source import GraphSource
from connectors.message import NO_FLAGS, Away, Envelope, Message
from matchers.filters import sign_of
from tests.contracts.mail_owner import envelopes
from tests.integration.graph_mailroom import MORNING, Lab, begin, inbox
from tests.servers.graph import Tenant
from tests.servers.graph.items import Message as Stored

RAW = (
    b"Return-Path: <kim@customer.example>\r\nFrom: =?utf-8?q?Kim_K=C3=BCnde?= <kim@customer.example>\r\n"
    b"Sender: Desk <desk@customer.example>\r\nTo: Anna <anna@lab.example>, bob@lab.example\r\nCc: lea@other.example\r\n"
    b"Reply-To: orders@customer.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Date: Mon, 02 Mar 2026 10:00:00 +0100\r\nMessage-ID: <m1@customer.example>\r\n"
    b"References: <r0@lab.example> <r1@lab.example>\r\nIn-Reply-To: <r1@lab.example>\r\n"
    b"List-Id: <news.customer.example>\r\nAuto-Submitted: no\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nYes, ten.\r\n\r\nOn Monday Anna wrote:\r\n> Ten?\r\n"
)


@pytest.fixture
def lab(graph_tenant: Tenant, ca_file: Path, tmp_path: Path) -> Lab:
    return Lab.make(graph_tenant, ca_file, tmp_path)


def listed(source: GraphSource) -> list[Envelope]:
    folder = inbox(source)
    _, history = begin(source, folder)
    return envelopes(source.history(folder, history, None))


def completed(source: GraphSource, stored: Sequence[Stored], *, texts: bool = False) -> list[Envelope]:
    ids = [one.immutable_id for one in stored]
    return envelopes(source.complete(inbox(source), "graph", ids, texts=texts))


def test_a_whole_envelope_is_what_imap_would_make_of_the_same_message(lab: Lab) -> None:
    stored = lab.mailbox.deliver(RAW, received=MORNING)
    (found,) = completed(lab.open(), [stored])
    same = mime.read_header(RAW, id=found.id, size=None, server_time=MORNING, flags=NO_FLAGS)
    for part in Envelope.__dataclass_fields__:
        if part not in ("headers", "provider_id", "provider_thread"):
            assert getattr(found, part) == getattr(same, part), part
    assert {name: value for name, value in found.headers.items() if name != "thread-index"} == same.headers


def test_a_listed_envelope_tells_people_subject_and_ids(lab: Lab) -> None:
    lab.mailbox.deliver(RAW, received=MORNING)
    (found,) = listed(lab.open())
    same = mime.read_header(RAW, id=found.id, size=None, server_time=MORNING, flags=NO_FLAGS)
    for part in ("message_id", "date", "subject", "from_", "sender", "reply_to", "to", "cc"):
        assert getattr(found, part) == getattr(same, part), part
    assert found.provider_id == found.id
    assert found.provider_thread


def test_texts_come_with_the_headers_and_are_asked_for_once(lab: Lab) -> None:
    stored = [lab.mailbox.deliver(RAW.replace(b"m1@", b"m%d@" % n), received=MORNING) for n in range(25)]
    source = lab.open()
    folder = inbox(source)
    assert len(completed(source, stored, texts=True)) == 25
    before = lab.tenant.http.total()
    read = list(source.bodies(folder, "graph", [one.immutable_id for one in stored]))
    assert lab.tenant.http.total() == before
    assert {one.new_text for one in read if isinstance(one, Message)} == {"Yes, ten."}
    assert all(isinstance(one, Message) and one.text.startswith("Yes, ten.\n\nOn Monday") for one in read)


def test_mail_that_never_travelled_tells_its_thread_all_the_same(lab: Lab) -> None:
    stored = lab.mailbox.draft(RAW, received=MORNING)
    lab.mailbox.set_extended(stored, "String 0x1042", "<r1@lab.example>")
    lab.mailbox.set_extended(stored, "String 0x1039", "<r0@lab.example> <r1@lab.example>")
    lab.mailbox.move(stored, "inbox")
    (found,) = completed(lab.open(), [stored])
    assert found.in_reply_to == ("r1@lab.example",)
    assert found.references == ("r0@lab.example", "r1@lab.example")
    assert found.date == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_a_header_of_a_few_fields_is_completed_by_what_the_message_says_of_itself(lab: Lab) -> None:
    """Nothing that Exchange tells elsewhere is called missing, and nobody's thread is lost."""
    stored = lab.mailbox.deliver(RAW, received=MORNING)
    stored.headers = [{"name": "X-MS-Has-Attach", "value": ""}]
    lab.mailbox.set_extended(stored, "String 0x1042", "<r1@lab.example>")
    (found,) = completed(lab.open(), [stored])
    assert (found.defects, found.in_reply_to, found.message_id) == ((), ("r1@lab.example",), "m1@customer.example")
    assert found.date == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert found.from_[0].address == "kim@customer.example"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"text/calendar; method=REQUEST", "calendar"),
        (b"text/calendar; method=CANCEL", "calendar"),
        (b"multipart/report; report-type=delivery-status; boundary=b", "bounce"),
        (b"multipart/report; report-type=disposition-notification; boundary=b", "receipt"),
    ],
)
def test_invitations_and_reports_are_told_by_the_listing(lab: Lab, header: bytes, reason: str) -> None:
    stored = lab.mailbox.deliver(RAW.replace(b"text/plain; charset=utf-8", header), received=MORNING)
    classes = {"bounce": "REPORT.IPM.Note.NDR", "receipt": "REPORT.IPM.Note.IPNRN"}
    if reason in classes:
        lab.mailbox.set_extended(stored, "String 0x1A", classes[reason])
    (found,) = listed(lab.open())
    sign = sign_of(found)
    assert sign is not None
    assert sign.reason == reason


def test_flag_category_sensitivity_and_draft_are_flags(lab: Lab) -> None:
    stored = lab.mailbox.deliver(RAW, received=MORNING, draft=True)
    lab.mailbox.flag(stored, due="2026-03-09T00:00:00")
    lab.mailbox.categorise(stored, "CRM", "Private")
    lab.mailbox.set_extended(stored, "Integer 0x36", "2")
    (found,) = listed(lab.open())
    flags = found.flags
    assert (flags.draft, flags.flagged, flags.flag_due, flags.private) == (True, True, date(2026, 3, 9), True)
    assert flags.categories == {"CRM", "Private"}
    lab.mailbox.flag(stored, status="complete")
    (page,) = [lab.open().flags(inbox(lab.open()), "graph", [found.id])]
    assert [change.flags.flagged for change in page.flags] == [False]


def test_addresses_of_exchange_are_looked_up_once(lab: Lab) -> None:
    name = "/O=Lab/OU=First Group/cn=Recipients/cn=Bob"
    lab.tenant.user("bob@lab.example", x500=(name,))
    for number, who in enumerate((name, "/o=Lab/cn=nobody")):
        person = {"emailAddress": {"name": "Somebody", "address": who}}
        lab.mailbox.deliver(
            RAW.replace(b"m1@", b"m%d@" % number), received=MORNING, fields={"from": person, "sender": person}
        )
    for _ in range(2):
        found = listed(lab.open())
        assert sorted(one.from_[0].address for one in found) == ["/o=Lab/cn=nobody", "bob@lab.example"]
    assert lab.tenant.requests["GET users"] == 2


def test_a_directory_in_trouble_is_asked_again_and_is_no_miss(lab: Lab) -> None:
    name = "/O=Lab/cn=Bob"
    lab.tenant.user("bob@lab.example", x500=(name,))
    lab.mailbox.deliver(RAW, received=MORNING, fields={"from": {"emailAddress": {"name": "Bob", "address": name}}})
    lab.tenant.faults.fail(500, "GET /users\\?", times=2)
    assert [one.from_[0].address for one in listed(lab.open())] == [name]
    assert [one.from_[0].address for one in listed(lab.open())] == ["bob@lab.example"]


def test_without_the_right_to_read_people_their_addresses_stay(lab: Lab) -> None:
    next(iter(lab.tenant.applications.values())).roles.discard("User.Read.All")
    person = {"emailAddress": {"name": "Somebody", "address": "/o=Lab/cn=x"}}
    lab.mailbox.deliver(RAW, received=MORNING, fields={"from": person})
    (found,) = listed(lab.open())
    assert found.from_[0].address == "/o=Lab/cn=x"


def test_automatic_replies_tell_that_the_owner_is_away(lab: Lab) -> None:
    source = lab.open()
    assert source.away() is None
    lab.mailbox.automatic_replies("alwaysEnabled")
    assert source.away() == Away()
    lab.mailbox.automatic_replies("scheduled", start="2026-12-24T00:00:00", end="2027-01-02T00:00:00")
    assert source.away() == Away(start=datetime(2026, 12, 24, tzinfo=UTC), end=datetime(2027, 1, 2, tzinfo=UTC))
    next(iter(lab.tenant.applications.values())).roles.discard("MailboxSettings.Read")
    lab.tenant.expire_tokens()
    assert source.away() is None


def test_hidden_folders_searches_and_what_holds_no_mail_are_not_read(lab: Lab) -> None:
    lab.mailbox.create_folder("Customers")
    lab.mailbox.create_folder("Inner", "inbox")
    lab.mailbox.create_folder("Hidden", hidden=True)
    lab.mailbox.create_folder("Unread", search=True)
    found = [folder.name for folder in lab.open().folders()]
    assert found[:2] == ["Inbox", "Sent Items"]
    assert set(found) == {"Inbox", "Inbox/Inner", "Sent Items", "Archive", "Customers"}


def test_roles_do_not_depend_on_the_language(graph_tenant: Tenant, lab: Lab) -> None:
    names = {"inbox": "Posteingang", "sentitems": "Verschickt", "deleteditems": "Weg"}
    mailbox = graph_tenant.mailbox("bea@lab.example", names=names)
    lab.access = lab.access.model_copy(update={"user": mailbox.address})
    roles = {folder.name: folder.role for folder in lab.open().folders()}
    assert roles == {"Posteingang": "inbox", "Verschickt": "sent", "Archive": "archive"}
