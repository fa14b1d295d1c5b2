"""What the EWS server of the lab says of a message: shapes, extended properties, texts, and what it leaves out."""

from base64 import b64decode
from datetime import UTC, datetime

import pytest

from tests.integration.ews_client import Soap, extended, field, find_item, get_item, message, sync_items
from tests.servers.ews import EwsServer

REPLY = b"""From: Ann Client <ann@client.example>\r
Sender: Assistant <assistant@client.example>\r
To: Sam <sam@corp.example>, =?utf-8?q?J=C3=BCrgen?= <juergen@corp.example>\r
Cc: carla@other.example\r
Subject: RE: Offer\r
Message-ID: <r2@client.example>\r
In-Reply-To: <r1@corp.example>\r
References: <r0@corp.example>\r
 <r1@corp.example>\r
Date: Mon, 02 Mar 2026 10:00:00 +0100\r
Thread-Index: AdkBAgMEBQYHCAkKCwwNDg8QERITFBUWAAAAAAE=\r
Sensitivity: Private\r
X-Auto-Response-Suppress: All\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="b"\r
\r
--b\r
Content-Type: text/html; charset=utf-8\r
\r
<html><body><p>Yes &amp; thanks</p></body></html>\r
--b\r
Content-Type: application/pdf; name="offer.pdf"\r
Content-Disposition: attachment; filename="offer.pdf"\r
Content-Transfer-Encoding: base64\r
\r
JVBERg==\r
--b--\r
"""
QUOTED = (
    b"From: ann@client.example\r\nTo: sam@corp.example\r\nMessage-ID: <q@x>\r\nSubject: Re: x\r\n\r\n"
    b"Agreed.\r\n\r\nOn Monday, Sam wrote:\r\n> Shall we?\r\n"
)
HEADERS = extended(PropertyTag="0x007D", PropertyType="String")


def test_the_envelope_comes_as_properties(ews: EwsServer) -> None:
    box = ews.mailbox()
    item = box.deliver(REPLY, received=datetime(2026, 3, 2, 9, 0, 1, 999999, tzinfo=UTC))
    names = ("References", "InternetMessageId", "From", "Sender", "ToRecipients", "ConversationIndex", "CcRecipients")
    paths = field(*(f"message:{name}" for name in names))
    paths += field("item:InReplyTo", "item:DateTimeReceived", "item:Sensitivity", "item:ConversationId")
    answer = Soap.of(ews, box).ask(get_item(item, more=paths))
    assert answer.text("//t:References") == "<r0@corp.example> <r1@corp.example>"
    assert answer.text("//t:InReplyTo") == "<r1@corp.example>"
    assert answer.text("//t:From//t:EmailAddress") == "ann@client.example"
    assert answer.text("//t:Sender//t:EmailAddress") == "assistant@client.example"
    assert answer.texts("//t:ToRecipients//t:Name") == ["Sam", "Jürgen"]
    assert answer.texts("//t:CcRecipients//t:EmailAddress") == ["carla@other.example"]
    assert answer.text("//t:DateTimeReceived") == "2026-03-02T09:00:01Z"
    assert answer.text("//t:Sensitivity") == "Private"
    assert b64decode(answer.text("//t:ConversationIndex"))[:6] == bytes((1, 217, 1, 2, 3, 4))
    assert answer.all("//t:ConversationId")[0].get("Id")


def test_extended_properties_come_back_as_they_were_asked_for(ews: EwsServer) -> None:
    box = ews.mailbox()
    item = box.deliver(REPLY)
    box.flag(item, due=datetime(2026, 4, 1, tzinfo=UTC))
    box.categorise(item, "Private", "Blue")
    more = HEADERS + extended(PropertyTag="54", PropertyType="Integer")
    more += extended(PropertyTag="0x1090", PropertyType="Integer")
    more += extended(DistinguishedPropertySetId="Task", PropertyId="33029", PropertyType="SystemTime")
    more += extended(DistinguishedPropertySetId="PublicStrings", PropertyName="Keywords", PropertyType="StringArray")
    answer = Soap.of(ews, box).ask(get_item(item, more=more))
    values = {
        tuple(found[0].attrib.values()): ["".join(part.itertext()) for part in found[1:]]
        for found in answer.all("//t:ExtendedProperty")
    }
    headers = values["0x007D", "String"][0].replace("\r\n", "\n")
    assert headers.startswith("From: Ann Client <ann@client.example>\n")
    assert "\nX-Auto-Response-Suppress: All\n" in headers
    assert "Yes" not in headers
    assert values["54", "Integer"] == ["2"]
    assert values["0x1090", "Integer"] == ["2"]
    assert values["Task", "33029", "SystemTime"] == ["2026-04-01T00:00:00Z"]
    assert values["PublicStrings", "Keywords", "StringArray"] == ["PrivateBlue"]


def test_headers_come_all_or_by_name(ews: EwsServer) -> None:
    box = ews.mailbox()
    item, client = box.deliver(REPLY), Soap.of(ews, box)
    names = [
        e.get("HeaderName")
        for e in client.ask(get_item(item, more=field("item:InternetMessageHeaders"))).all("//t:InternetMessageHeader")
    ]
    assert names[:2] == ["From", "Sender"]
    one = '<t:IndexedFieldURI FieldURI="item:InternetMessageHeader" FieldIndex="x-auto-response-suppress"/>'
    answer = client.ask(get_item(item, more=one))
    assert answer.texts("//t:InternetMessageHeader") == ["All"]


def test_what_was_never_on_its_way_has_no_headers_of_its_way(ews: EwsServer) -> None:
    """Drafts and the copies in Sent Items have a Message-ID, but no transport headers."""
    box = ews.mailbox()
    sent = box.send(message())
    answer = Soap.of(ews, box).ask(
        get_item(sent, more=HEADERS + field("item:InternetMessageHeaders", "message:InternetMessageId"))
    )
    assert answer.text("//t:InternetMessageId") == "<1@client.example>"
    assert not answer.all("//t:ExtendedProperty")
    assert not answer.all("//t:InternetMessageHeader")


@pytest.mark.parametrize(
    ("wanted", "kind", "content"),
    [
        ("Text", "Text", "Yes & thanks"),
        ("HTML", "HTML", "<html><body><p>Yes &amp; thanks</p></body></html>"),
        ("Best", "HTML", "<html><body><p>Yes &amp; thanks</p></body></html>"),
    ],
)
def test_a_body_comes_in_the_form_that_is_wanted(ews: EwsServer, wanted: str, kind: str, content: str) -> None:
    box = ews.mailbox()
    item = box.deliver(REPLY)
    shape = f"<t:BodyType>{wanted}</t:BodyType>"
    answer = Soap.of(ews, box).ask(get_item(item, more=field("item:Body"), shape=shape))
    (body,) = answer.all("//t:Body")
    assert (body.get("BodyType"), body.text.strip()) == (kind, content)


def test_the_unique_body_is_what_the_message_adds(ews: EwsServer) -> None:
    box = ews.mailbox()
    item = box.deliver(QUOTED)
    more = field("item:UniqueBody", "item:TextBody", "item:Preview")
    answer = Soap.of(ews, box).ask(get_item(item, more=more))
    assert answer.text("//t:UniqueBody") == "Agreed."
    assert "Shall we?" in answer.text("//t:TextBody")
    assert answer.text("//t:Preview").startswith("Agreed. On Monday")


def test_a_long_body_is_cut_where_the_client_says(ews: EwsServer) -> None:
    box = ews.mailbox()
    item = box.deliver(QUOTED)
    shape = "<t:BodyType>Text</t:BodyType><t:MaximumBodySize>6</t:MaximumBodySize>"
    (body,) = Soap.of(ews, box).ask(get_item(item, more=field("item:Body"), shape=shape)).all("//t:Body")
    assert (body.text, body.get("IsTruncated")) == ("Agreed", "true")


def test_attachments_are_named_with_type_and_size_and_the_message_comes_whole(ews: EwsServer) -> None:
    box = ews.mailbox()
    item = box.deliver(REPLY)
    shape = "<t:IncludeMimeContent>true</t:IncludeMimeContent>"
    answer = Soap.of(ews, box).ask(get_item(item, shape=shape, more=field("item:Attachments", "item:HasAttachments")))
    assert (answer.text("//t:FileAttachment/t:Name"), answer.text("//t:FileAttachment/t:Size")) == ("offer.pdf", "4")
    assert answer.text("//t:FileAttachment/t:ContentType") == "application/pdf"
    assert answer.text("//t:HasAttachments") == "true"
    assert b64decode(answer.text("//t:MimeContent")) == REPLY


def test_a_message_within_a_message_is_an_attachment_and_not_its_text(ews: EwsServer) -> None:
    box = ews.mailbox()
    raw = (
        b"From: a@x.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nInner text\r\n--b--\r\n"
    )
    more = field("item:Attachments", "item:TextBody")
    answer = Soap.of(ews, box).ask(get_item(box.deliver(raw), more=more))
    assert len(answer.all("//t:ItemAttachment")) == 1
    assert answer.text("//t:TextBody") == ""


@pytest.mark.parametrize("base", ["IdOnly", "Default", "AllProperties"])
def test_every_shape_keeps_the_order_of_the_schema(ews: EwsServer, base: str) -> None:
    """The fixture fails this test where the schema is at hand and the order is wrong."""
    box = ews.mailbox()
    ids = [
        box.deliver(REPLY),
        box.save_draft(message()),
        box.appointment("Lunch", datetime(2026, 5, 1, 12, tzinfo=UTC)),
    ]
    box.flag(ids[0], "Complete")
    client = Soap.of(ews, box)
    assert client.ask(get_item(*ids, base=base, more=HEADERS)).codes == ["NoError"] * 3
    assert ews.judged or pytest.skip("Microsoft's schema is not at hand")


def test_lists_give_names_but_no_addresses_and_no_texts(ews: EwsServer) -> None:
    """FindItem and SyncFolderItems know From by name only, no recipients, and refuse bodies."""
    box = ews.mailbox()
    box.deliver(REPLY)
    client = Soap.of(ews, box)
    for request in (find_item, sync_items):
        answer = client.ask(request(more=field("message:From", "message:ToRecipients", "item:Subject")))
        assert answer.text("//t:From/t:Mailbox/t:Name") == "Ann Client"
        assert not answer.all("//t:EmailAddress")
        assert client.ask(request(more=field("item:Body"))).codes == ["ErrorInvalidPropertyRequest"]


def test_meeting_messages_and_reports_are_items_of_their_own_kind(ews: EwsServer) -> None:
    box = ews.mailbox()
    invited = message().replace(b"text/plain; charset=utf-8", b"text/calendar; charset=utf-8;\r\n method=REQUEST")
    bounced = message(2).replace(b"text/plain; charset=utf-8", b"multipart/report; boundary=b")
    answer = Soap.of(ews, box).ask(get_item(box.deliver(invited), box.deliver(bounced), more=field("item:ItemClass")))
    assert answer.texts("//t:MeetingRequest/t:ItemClass") == ["IPM.Schedule.Meeting.Request"]
    assert answer.texts("//t:Message/t:ItemClass") == ["REPORT.IPM.Note.NDR"]


def test_ids_are_told_apart_by_case_and_by_kind(ews: EwsServer) -> None:
    box = ews.mailbox()
    item, client = box.deliver(message()), Soap.of(ews, box)
    folder = box.folder("inbox").id
    other = item[:-10] + item[-10:].swapcase()
    found = client.ask(get_item(item, other, folder, "not an id"))
    assert found.codes == ["NoError", "ErrorItemNotFound", "ErrorCannotUseFolderIdForItemId", "ErrorInvalidIdMalformed"]


def test_neighbours_may_differ_by_the_case_of_letters_alone(ews: EwsServer) -> None:
    box = ews.mailbox()
    ids = [box.deliver(message(number)) for number in range(8)]
    assert len({one.lower() for one in ids}) < len(set(ids))


def test_every_change_makes_a_new_change_key(ews: EwsServer) -> None:
    box = ews.mailbox()
    item = box.deliver(message())
    keys = {box.item(item).change_key}
    for change in (box.mark_read, lambda i: box.sensitivity(i, "Private"), lambda i: box.categorise(i, "Blue")):
        change(item)
        keys.add(box.item(item).change_key)
    assert len(keys) == 4


def test_moments_with_fractions_of_a_second_when_a_test_wants_them(ews: EwsServer) -> None:
    box = ews.mailbox()
    item, client = box.deliver(message(), received=datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)), Soap.of(ews, box)
    ews.exchange.fractional = True
    answer = client.ask(get_item(item, more=field("item:DateTimeReceived")))
    assert answer.text("//t:DateTimeReceived") == "2026-03-02T09:00:01.1234567Z"


def test_reading_changes_nothing(ews: EwsServer) -> None:
    """What a client reads leaves the mailbox as it was; what it writes shows in the snapshot."""
    box = ews.mailbox()
    item, client = box.deliver(REPLY), Soap.of(ews, box)
    before = box.snapshot()
    client.ask(get_item(item, base="AllProperties"))
    client.ask(sync_items())
    assert box.snapshot() == before
    box.mark_read(item)
    assert box.snapshot() != before


def test_a_property_that_cannot_be_is_refused_item_by_item(ews: EwsServer) -> None:
    """A tag above 0x8000 stands for a named property, which has another number in every mailbox."""
    box = ews.mailbox()
    ids = [box.deliver(message(number)) for number in range(2)]
    wrong = extended(PropertyTag="0x8105", PropertyType="SystemTime")
    assert Soap.of(ews, box).ask(get_item(*ids, more=wrong)).codes == ["ErrorInvalidExtendedProperty"] * 2
