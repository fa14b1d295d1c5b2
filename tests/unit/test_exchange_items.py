"""What Exchange hands out, read: XML as servers write it, envelopes, flags, texts, places, refusals."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from connectors.errors import ConnectorError, Crowded, Fatal, Interrupted, NeedsSignIn, Retriable, Skippable
from connectors.exchange import faults, replies, xml
from connectors.exchange.cursors import BEGINNING, History, midnight, read_history
from connectors.exchange.folders import Place, seen
from connectors.exchange.items import read_envelope, read_flags, read_message, read_whole
from connectors.message import TEXT_LIMIT

SPACE = 'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'


def item(content: str, kind: str = "Message") -> xml.Element:
    return etree.fromstring(f'<t:{kind} {SPACE}><t:ItemId Id="AAA" ChangeKey="K"/>{content}</t:{kind}>')


def mailbox(field: str, name: str, address: str) -> str:
    inside = f"<t:Name>{name}</t:Name><t:EmailAddress>{address}</t:EmailAddress>"
    return f"<t:{field}><t:Mailbox>{inside}</t:Mailbox></t:{field}>"


def prop(uri: str, value: str) -> str:
    return f"<t:ExtendedProperty><t:ExtendedFieldURI {uri}/><t:Value>{value}</t:Value></t:ExtendedProperty>"


# -- XML


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-02T09:00:00Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00:00.1234567Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T10:00:00.5+01:00", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00:00", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_moments_are_read_with_fractions_and_without_zones(written: str, read: datetime | None) -> None:
    assert xml.moment(written) == read


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_year_that_cannot_be_moved_to_another_zone_is_no_time_of_arrival(year: str) -> None:
    assert read_envelope(item(f"<t:DateTimeReceived>{year}-12-31T23:59:59Z</t:DateTimeReceived>")).server_time is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"<a><b></a>", b"<a><b>cut", b"not xml"])
def test_an_answer_that_is_not_whole_is_refused(body: bytes) -> None:
    with pytest.raises(Interrupted):
        xml.parse(body)


def test_characters_that_xml_forbids_cost_themselves_alone() -> None:
    assert xml.parse(b"<a>x&#x1F;y&#31;&#65;&#xD800;</a>").text == "xyA"


def test_an_entity_bomb_is_not_unfolded() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "boom"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'
    assert "boom" not in (xml.parse(bomb).text or "")


def test_what_xml_cannot_hold_is_not_written() -> None:
    assert etree.tostring(xml.t("Value", "a\x00b\x1fc\ud800d")).endswith(b">abcd</t:Value>")


# -- envelopes


def test_the_owner_of_a_mailbox_counts_and_who_sent_for_them_is_the_sender() -> None:
    envelope = read_envelope(item(mailbox("Sender", "Bob", "b@x.example") + mailbox("From", "Anna", "a@x.example")))
    assert [one.address for one in envelope.from_] == ["a@x.example"]
    assert [one.address for one in envelope.sender] == ["b@x.example"]


def test_the_conversation_is_told_by_index_and_by_id() -> None:
    envelope = read_envelope(item("<t:ConversationId Id='C1'/><t:ConversationIndex>AQID\nBAUG</t:ConversationIndex>"))
    assert (envelope.headers["thread-index"], envelope.provider_thread) == ("AQIDBAUG", "C1")


@pytest.mark.parametrize(
    ("kind", "header", "method", "report"),
    [
        ("IPM.Schedule.Meeting.Request", "text/calendar; method=REQUEST", "REQUEST", None),
        ("IPM.Schedule.Meeting.Canceled", "text/calendar; method=CANCEL", "CANCEL", None),
        ("IPM.Schedule.Meeting.Resp.Pos", "text/calendar; method=REPLY", "REPLY", None),
        ("REPORT.IPM.Note.NDR", "multipart/report; report-type=delivery-status", None, "delivery-status"),
        ("REPORT.IPM.Note.IPNRN", "multipart/report; report-type=disposition-notification", None,
         "disposition-notification"),
        ("IPM.Note", None, None, None),
    ],
)  # fmt: skip
def test_invitations_bounces_and_receipts_are_told_by_their_class(
    kind: str, header: str | None, method: str | None, report: str | None
) -> None:
    found = item(f"<t:ItemClass>{kind}</t:ItemClass>")
    assert read_envelope(found).headers.get("content-type") == header
    message = read_message(found)
    assert (message.calendar_method, message.report) == (method, report)


def test_the_header_as_it_came_in_beats_what_exchange_made_of_it() -> None:
    header = (
        "From: Kim &lt;kim@customer.example&gt;\r\nTo: anna@x.example\r\nMessage-ID: &lt;m1@customer.example&gt;\r\n"
        "Date: Mon, 02 Mar 2026 10:00:00 -0000\r\nAuto-Submitted: auto-replied\r\nSensitivity: Private\r\n\r\n"
    )
    content = (
        "<t:Subject>S</t:Subject><t:Sensitivity>Normal</t:Sensitivity><t:Size>900</t:Size>"
        "<t:DateTimeReceived>2026-03-02T10:00:05Z</t:DateTimeReceived>"
        + prop('PropertyTag="0x007D" PropertyType="String"', header)
        + "<t:ConversationIndex>AQID</t:ConversationIndex>"
        "<t:DateTimeSent>2026-03-02T10:00:00Z</t:DateTimeSent>" + mailbox("From", "Kim", "/O=X/CN=kim")
    )
    envelope = read_whole(item(content))
    assert [one.address for one in envelope.from_] == ["kim@customer.example"]
    assert (envelope.message_id, envelope.date) == ("m1@customer.example", None)  # -0000 is no zone
    assert envelope.headers["auto-submitted"] == "auto-replied"
    assert envelope.headers["thread-index"] == "AQID"
    assert not envelope.flags.private  # its owner took that back
    assert envelope.size == 900


def test_mail_that_never_left_the_firm_is_told_by_its_properties() -> None:
    content = "<t:Subject>S</t:Subject>" + mailbox("From", "Anna", "a@x.example")
    assert read_whole(item(content)) == read_envelope(item(content))


# -- flags


@pytest.mark.parametrize(
    ("content", "due"),
    [
        (prop('PropertyTag="0x1090" PropertyType="Integer"', "2")
         + prop('DistinguishedPropertySetId="Task" PropertyId="33029" PropertyType="SystemTime"',
                "2026-03-10T00:00:00Z"), date(2026, 3, 10)),
        ("<t:Flag><t:FlagStatus>Flagged</t:FlagStatus><t:DueDate>2026-03-10T03:00:00Z</t:DueDate></t:Flag>",
         date(2026, 3, 9)),
        ("<t:Flag><t:FlagStatus>Flagged</t:FlagStatus></t:Flag>", None),
    ],
)  # fmt: skip
def test_a_flag_is_due_on_its_owners_day(content: str, due: date | None) -> None:
    flags = read_flags(item(content), ZoneInfo("America/New_York"))
    assert (flags.flagged, flags.flag_due) == (True, due)


@pytest.mark.parametrize("status", ["Complete", "NotFlagged"])
def test_a_completed_flag_is_none(status: str) -> None:
    content = f"<t:Flag><t:FlagStatus>{status}</t:FlagStatus><t:DueDate>2026-03-10T00:00:00Z</t:DueDate></t:Flag>"
    flags = read_flags(item(content))
    assert (flags.flagged, flags.flag_due) == (False, None)


# -- texts


def test_a_text_is_cut_and_said_so_and_the_new_part_is_the_servers() -> None:
    long = "a" * (TEXT_LIMIT + 1)
    message = read_message(item(f"<t:Body BodyType='Text'>{long}</t:Body><t:UniqueBody>new</t:UniqueBody>"))
    assert (len(message.text), message.truncated, message.new_text) == (TEXT_LIMIT, True, "new")
    assert read_message(item("<t:Body>x\r\ny\r\n</t:Body>")).text == "x\ny"
    assert read_message(item("<t:Body>x</t:Body>")).new_text is None
    assert read_message(item("<t:Body BodyType='HTML'>&lt;p&gt;x&lt;br&gt;y&lt;/p&gt;</t:Body>")).text == "x\ny"


def test_attachments_are_named_and_hidden_texts_are_told() -> None:
    files = "<t:FileAttachment><t:Name>a.pdf</t:Name><t:ContentType>application/pdf</t:ContentType><t:Size>7</t:Size>"
    message = read_message(item(f"<t:Attachments>{files}</t:FileAttachment></t:Attachments>"))
    assert [(one.name, one.type, one.size) for one in message.attachments] == [("a.pdf", "application/pdf", 7)]
    assert read_message(item("<t:ItemClass>IPM.Note.SMIME</t:ItemClass>")).encrypted
    assert not read_message(item("<t:ItemClass>IPM.Note.SMIME.MultipartSigned</t:ItemClass>")).encrypted


# -- folders


def test_only_folders_of_mail_are_read_by_their_paths_and_roles() -> None:
    def place(id: str, name: str, parent: str = "root", kind: str = "ipf.note", *, hidden: bool = False) -> Place:
        return Place(id=id, parent=parent, name=name, kind=kind, hidden=hidden)

    places = [
        place("1", "Posteingang"), place("2", "Kunden", "1"), place("3", "Kalender", kind="ipf.appointment"),
        place("4", "Synchronisierungsprobleme"), place("5", "Konflikte", "4"), place("6", "Alt", kind=""),
        place("7", "Gelöschte Elemente"), place("8", "Altes", "7"), place("9", "Add-in", hidden=True),
        place("10", "Log", "9"),
    ]  # fmt: skip
    found = seen(places, {"1": "inbox", "4": "syncissues", "7": "deleteditems"})
    assert [(one.name, one.role) for one in found] == [
        ("INBOX", "inbox"),
        ("Posteingang/Kunden", None),
        ("Alt", None),
        ("Gelöschte Elemente", "trash"),
        ("Gelöschte Elemente/Altes", None),
    ]


# -- places


def test_a_place_in_the_history_keeps_apart_the_messages_of_one_second() -> None:
    when = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
    place = History(state="S").after(when.replace(microsecond=700_000), ["a"]).after(when, ["b"])
    again = read_history(place.write())
    assert again == place
    assert (again.holds("a", when), again.holds("b", when), again.holds("c", when)) == (True, True, False)
    assert not again.holds("a", when.replace(second=1))
    assert again.below == when.replace(second=1)


def test_a_floor_that_was_reached_is_not_read_again() -> None:
    place = History(state="S").down_to(midnight(date(2026, 3, 2)))
    assert place.reached(midnight(date(2026, 3, 3)))
    assert not place.reached(midnight(date(2026, 3, 1)))
    assert not place.reached(None)
    assert place.down_to(None).below == BEGINNING


# -- refusals


@pytest.mark.parametrize(
    ("code", "folder", "kind"),
    [
        ("ErrorServerBusy", False, Retriable),
        ("ErrorInvalidSyncStateData", True, faults.NoState),
        ("ErrorExceededConnectionCount", False, Crowded),
        ("ErrorFolderNotFound", True, Skippable),
        ("ErrorInvalidIdMalformed", True, Skippable),
        ("ErrorItemNotFound", True, Skippable),
        ("ErrorAccessDenied", True, Skippable),
        ("ErrorAccessDenied", False, Fatal),
        ("ErrorPasswordExpired", False, NeedsSignIn),
        ("ErrorInvalidServerVersion", False, Fatal),
        ("", False, Retriable),
    ],
)
def test_a_code_is_an_error_named_by_what_to_do(code: str, folder: bool, kind: type[ConnectorError]) -> None:
    assert type(faults.explain(code, folder=folder)) is kind


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (401, {"connection": "close"}, NeedsSignIn),
        (403, {}, Fatal),
        (404, {}, Fatal),
        (302, {"location": "/ews/genericerrorpage.htm?aspxerrorpath=/ews/exchange.asmx"}, Retriable),
        (302, {"location": "https://mail.x.example/owa"}, Fatal),
        (500, {}, Retriable),
        (502, {"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, Retriable),
    ],
)
def test_a_status_is_an_error_named_by_what_to_do(
    status: int, headers: dict[str, str], kind: type[ConnectorError]
) -> None:
    told = replies.refusal(status, headers, b"", "https://mail.x.example/EWS/Exchange.asmx", "ntlm")
    assert type(told) is kind


@pytest.mark.parametrize(
    "body",
    [
        b"<?xml version='1.0'?><s:Envelope xmlns:s='x'/>",
        b"\xef\xbb\xbf\r\n<SOAP-ENV:Envelope xmlns:SOAP-ENV='x'>",
        b"<Envelope xmlns='x'>",
    ],
)
def test_a_fault_in_a_500_is_read_and_not_refused_whatever_its_prefix(body: bytes) -> None:
    assert replies.refusal(500, {}, body, "https://x.example/", "basic") is None


def test_a_page_of_a_proxy_in_a_500_is_no_fault() -> None:
    page = b"<?xml version='1.0'?><html><body>Envelope</body></html>"
    assert type(replies.refusal(500, {}, page, "https://x.example/", "basic")) is Retriable


def test_what_stands_before_a_document_is_passed_over() -> None:
    assert xml.parse(b"\xef\xbb\xbf\r\n<?xml version='1.0'?><a/>").tag == "a"
