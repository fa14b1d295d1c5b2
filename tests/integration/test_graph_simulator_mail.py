"""Mail in the Graph simulator: folders, envelopes, bodies, attachments, and ids that do or do not outlive a move."""

import base64
from datetime import UTC, datetime

import pytest

from tests.data.corpus import samples
from tests.integration.graph_lab import IMMUTABLE, Asker, mail
from tests.servers.graph import Tenant
from tests.servers.graph.mailbox import Mailbox

INBOX = "/users/anna@firm.example/mailFolders/inbox"


def test_folders_come_ten_at_a_time_with_their_counts_and_the_hidden_ones_only_if_asked_for(
    graph_client: Asker, graph_anna: Mailbox
) -> None:
    """List mailFolders: ten a page unless $top says otherwise, only those right below the root."""
    customers = graph_anna.create_folder("Customers")
    graph_anna.create_folder("Old", customers)
    for number in range(4):
        graph_anna.create_folder(f"Project {number}")
    graph_anna.deliver(mail(), customers)

    first = graph_client.get("/users/anna@firm.example/mailFolders")
    second = graph_client.get(first["@odata.nextLink"])
    assert len(first["value"]) == 10
    assert "@odata.nextLink" not in second
    found = {folder["displayName"]: folder for folder in first["value"] + second["value"]}
    assert found["Customers"]["childFolderCount"] == found["Customers"]["totalItemCount"] == 1
    assert "Old" not in found
    assert "Sync Issues" not in found
    below = graph_client.get(f"/users/anna@firm.example/mailFolders/{customers.id}/childFolders")["value"]
    assert [(folder["displayName"], folder["parentFolderId"]) for folder in below] == [("Old", customers.id)]
    every = graph_client.get("/users/anna@firm.example/mailFolders?includeHiddenFolders=true&$top=100")["value"]
    assert [folder["displayName"] for folder in every if folder["isHidden"]] == ["Sync Issues"]


def test_a_well_known_folder_is_found_whatever_it_is_called(graph_client: Asker, graph_tenant: Tenant) -> None:
    """Well-known names are the same in every language."""
    graph_tenant.mailbox("dieter@firm.example", names={"sentitems": "Gesendete Elemente"})
    assert graph_client.get("/users/dieter@firm.example/mailFolders/SentItems")["displayName"] == "Gesendete Elemente"
    assert (
        graph_client.refused(400, "GET", "/users/dieter@firm.example/mailFolders/gesendet") == "ErrorInvalidIdMalformed"
    )


def test_an_envelope_shows_what_the_message_says(graph_client: Asker, graph_anna: Mailbox) -> None:
    """from is the owner of the words, sender the delegate; times are UTC in whole seconds."""
    people = "Sender: Eve <eve@customer.example>\r\nCc: x@a.example, Y <y@b.example>\r\nReply-To: z@c.example\r\n"
    message = graph_anna.deliver(
        mail("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", headers=people + "Importance: high\r\n"),
        received=datetime(2026, 11, 2, 9, 0, 5, tzinfo=UTC),
    )
    shown = graph_client.get(f"/users/anna@firm.example/messages/{message.id}")
    assert shown["subject"] == "Grüße"
    assert shown["from"]["emailAddress"] == {"name": "Bob Miller", "address": "bob@customer.example"}
    assert shown["sender"]["emailAddress"] == {"name": "Eve", "address": "eve@customer.example"}
    assert [one["emailAddress"]["address"] for one in shown["ccRecipients"]] == ["x@a.example", "y@b.example"]
    assert [one["emailAddress"]["address"] for one in shown["replyTo"]] == ["z@c.example"]
    assert (shown["receivedDateTime"], shown["sentDateTime"]) == ("2026-11-02T09:00:05Z", "2026-11-02T09:00:00Z")
    assert (shown["importance"], shown["isDraft"], shown["parentFolderId"]) == ("high", False, message.folder.id)


def test_only_the_selected_properties_come_and_an_unknown_one_is_refused(
    graph_client: Asker, graph_anna: Mailbox
) -> None:
    """$select narrows; id is always there."""
    graph_anna.deliver(mail())
    (shown,) = graph_client.get(f"{INBOX}/messages?$select=subject,isRead")["value"]
    assert {name for name in shown if not name.startswith("@")} == {"id", "subject", "isRead"}
    assert graph_client.refused(400, "GET", f"{INBOX}/messages?$select=subjekt") == "BadRequest"


def test_headers_and_what_is_new_come_only_with_a_single_message_that_selects_them(
    graph_client: Asker, graph_anna: Mailbox
) -> None:
    """internetMessageHeaders and uniqueBody are returned for one message, by $select."""
    text = "I agree.\r\n\r\nOn Monday, Anna wrote:\r\n> Do you?"
    message = graph_anna.deliver(mail(headers="List-Id: <x.example>\r\n", text=text))
    (listed,) = graph_client.get(f"{INBOX}/messages?$select=uniqueBody,internetMessageHeaders")["value"]
    assert set(listed) == {"@odata.etag", "id"}
    assert "internetMessageHeaders" not in graph_client.get(f"/users/anna@firm.example/messages/{message.id}")
    path = f"/users/anna@firm.example/messages/{message.id}?$select=uniqueBody,internetMessageHeaders"
    alone = graph_client.get(path, Prefer='outlook.body-content-type="text"')
    assert alone["uniqueBody"] == {"contentType": "text", "content": "I agree."}
    assert {"name": "List-Id", "value": "<x.example>"} in alone["internetMessageHeaders"]


def test_a_body_is_html_unless_text_is_preferred(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Prefer: outlook.body-content-type, and the answer says that it was obeyed."""
    html = "Content-Type: text/html; charset=utf-8\r\n"
    message = graph_anna.deliver(mail(headers=html, text="<p>One &amp; two</p><style>p {}</style>"))
    path = f"/users/anna@firm.example/messages/{message.id}?$select=body"
    assert graph_client.get(path)["body"]["contentType"] == "html"
    answer = graph_client.ask("GET", path, headers={"Prefer": 'outlook.body-content-type="text"'})
    assert answer.json()["body"] == {"contentType": "text", "content": "One & two"}
    assert answer.headers["Preference-Applied"] == 'outlook.body-content-type="text"'


def test_the_ordinary_id_ends_with_a_move_and_the_immutable_one_stays(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Obtain immutable identifiers: only by preference, and only for items."""
    message = graph_anna.deliver(mail())
    ordinary = graph_client.get(f"{INBOX}/messages")["value"][0]["id"]
    lasting = graph_client.get(f"{INBOX}/messages", **IMMUTABLE)["value"][0]["id"]
    assert ordinary != lasting
    graph_anna.move(message, "archive")
    assert graph_client.refused(404, "GET", f"/users/anna@firm.example/messages/{ordinary}") == "ErrorItemNotFound"
    assert graph_client.get(f"/users/anna@firm.example/messages/{lasting}", **IMMUTABLE)["id"] == lasting


def test_a_copy_is_another_message_with_the_same_message_id(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Two ids, one internetMessageId."""
    first = graph_anna.deliver(mail())
    second = graph_anna.copy(first, "archive")
    shown = [graph_client.get(f"/users/anna@firm.example/messages/{m.id}", **IMMUTABLE) for m in (first, second)]
    assert shown[0]["id"] != shown[1]["id"]
    assert shown[0]["internetMessageId"] == shown[1]["internetMessageId"]


def test_a_search_folder_says_that_it_is_one(graph_client: Asker, graph_anna: Mailbox) -> None:
    """mailSearchFolder: it only shows what stands elsewhere."""
    folder = graph_anna.create_folder("Unread", search=True)
    shown = graph_client.get(f"/users/anna@firm.example/mailFolders/{folder.id}")
    assert shown["@odata.type"] == "#microsoft.graph.mailSearchFolder"


def test_ids_that_differ_in_case_are_different_messages(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Identifiers are case-sensitive."""
    messages = {message.id: message for message in [graph_anna.deliver(mail(f"mail {n}")) for n in range(3)]}
    folded = [key.lower() for key in messages]
    alike = [message for key, message in messages.items() if folded.count(key.lower()) == 2]
    assert len(alike) == 2
    for message in alike:
        shown = graph_client.get(f"/users/anna@firm.example/messages/{message.id}")
        assert shown["subject"] == message.fields["subject"]


def test_a_sent_draft_keeps_its_immutable_id(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Immutable ID with sending mail."""
    draft = graph_anna.draft(mail())
    path = f"/users/anna@firm.example/messages/{draft.immutable_id}"
    assert graph_client.get(path)["isDraft"] is True
    graph_anna.send_draft(draft)
    sent = graph_client.get(path)
    assert (sent["isDraft"], sent["parentFolderId"]) == (False, graph_anna.folder("sentitems").id)


def test_attachments_are_listed_without_their_octets_when_they_are_expanded(
    graph_client: Asker, graph_anna: Mailbox
) -> None:
    """hasAttachments leaves out pictures in the text; $expand takes a $select of its own."""
    content = base64.b64encode(b"%PDF-1.7").decode()
    parts = (
        "--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
        '--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="offer.pdf"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{content}\r\n--b--"
    )
    message = graph_anna.deliver(mail(headers='Content-Type: multipart/mixed; boundary="b"\r\n', text=parts))
    path = f"/users/anna@firm.example/messages/{message.id}"
    shown = graph_client.get(f"{path}?$select=hasAttachments&$expand=attachments($select=id,name,contentType,size)")
    assert shown["hasAttachments"] is True
    (attachment,) = shown["attachments"]
    assert (attachment["name"], attachment["contentType"], attachment["size"]) == ("offer.pdf", "application/pdf", 8)
    assert "contentBytes" not in attachment
    assert graph_client.get(f"{path}/attachments")["value"][0]["contentBytes"] == content
    assert graph_client.get(f"{path}/attachments/{attachment['id']}")["name"] == "offer.pdf"


def test_what_outlook_adds_is_shown(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Categories, a flag with its due date, and sensitivity as the extended property PidTagSensitivity."""
    message = graph_anna.deliver(mail(headers="Sensitivity: Private\r\n"))
    graph_anna.categorise(message, "CRM")
    graph_anna.flag(message, due="2026-12-01T00:00:00", zone="W. Europe Standard Time")
    asked = "$select=categories,flag&$expand=singleValueExtendedProperties($filter=id eq 'Integer 0x36')"
    (shown,) = graph_client.get(f"{INBOX}/messages?{asked}")["value"]
    due = {"dateTime": "2026-12-01T00:00:00.0000000", "timeZone": "W. Europe Standard Time"}
    assert shown["categories"] == ["CRM"]
    assert shown["flag"] == {"flagStatus": "flagged", "startDateTime": due, "dueDateTime": due}
    assert shown["singleValueExtendedProperties"] == [{"id": "Integer 0x36", "value": "2"}]


def test_replies_share_a_conversation_and_the_head_of_its_index(graph_client: Asker, graph_anna: Mailbox) -> None:
    """The first 22 octets of the conversation index name the thread; an answer adds five."""
    first = graph_anna.deliver(mail("one"))
    answer = graph_anna.deliver(mail("two", headers="In-Reply-To: <one@customer.example>\r\n"), "sentitems")
    other = graph_anna.deliver(mail("three"))
    shown = [graph_client.get(f"/users/anna@firm.example/messages/{m.id}") for m in (first, answer, other)]
    heads = [base64.b64decode(one["conversationIndex"]) for one in shown]
    assert shown[0]["conversationId"] == shown[1]["conversationId"] != shown[2]["conversationId"]
    assert heads[1][:22] == heads[0]
    assert len(heads[1]) == 27


@pytest.mark.parametrize(
    ("method", "kind", "said"),
    [
        ("REQUEST", "#microsoft.graph.eventMessageRequest", "meetingRequest"),
        ("CANCEL", "#microsoft.graph.eventMessage", "meetingCancelled"),
        ("REPLY", "#microsoft.graph.eventMessageResponse", "meetingAccepted"),
    ],
)
def test_an_invitation_is_a_message_of_its_own_type(
    graph_client: Asker, graph_anna: Mailbox, method: str, kind: str, said: str
) -> None:
    """eventMessage: the type is annotated even where $select names nothing of it."""
    calendar = "BEGIN:VCALENDAR\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@customer.example\r\nEND:VCALENDAR"
    message = graph_anna.deliver(mail(headers=f"Content-Type: text/calendar; method={method}\r\n", text=calendar))
    assert graph_client.get(f"{INBOX}/messages?$select=subject")["value"][0]["@odata.type"] == kind
    assert graph_client.get(f"/users/anna@firm.example/messages/{message.id}")["meetingMessageType"] == said


def test_a_list_is_filtered_ordered_counted_and_paged(graph_client: Asker, graph_anna: Mailbox) -> None:
    """$filter, $orderby, $count, $top, the $ left out as one likes; what is ordered by must be filtered by first."""
    for day in range(1, 6):
        graph_anna.deliver(mail(f"day {day}"), received=datetime(2026, 11, day, tzinfo=UTC))
    asked = (
        "$filter=receivedDateTime ge 2026-11-02T00:00:00Z&$orderby=receivedDateTime&$count=true&$top=3&$select=subject"
    )
    first = graph_client.get(f"{INBOX}/messages?{asked}")
    second = graph_client.get(first["@odata.nextLink"])
    assert first["@odata.count"] == 4
    assert [one["subject"] for one in first["value"] + second["value"]] == ["day 2", "day 3", "day 4", "day 5"]
    found = graph_client.get(f"{INBOX}/messages?$filter=internetMessageId eq '<day-3@customer.example>'")["value"]
    assert [one["subject"] for one in found] == ["day 3"]
    bare = graph_client.get(f"{INBOX}/messages?select=subject&top=1&orderby=receivedDateTime asc")["value"]
    assert [one["subject"] for one in bare] == ["day 1"]
    wrong = f"{INBOX}/messages?$filter=isRead eq false&$orderby=receivedDateTime desc"
    assert graph_client.refused(400, "GET", wrong) == "InefficientFilter"


def test_automatic_replies_are_told(graph_client: Asker, graph_anna: Mailbox) -> None:
    """mailboxSettings/automaticRepliesSetting."""
    path = "/users/anna@firm.example/mailboxSettings/automaticRepliesSetting"
    assert graph_client.get(path)["status"] == "disabled"
    graph_anna.automatic_replies("scheduled", start="2026-12-24T00:00:00", end="2027-01-02T00:00:00")
    shown = graph_client.get("/users/anna@firm.example/mailboxSettings?$select=automaticRepliesSetting")
    assert shown["automaticRepliesSetting"]["scheduledEndDateTime"]["dateTime"].startswith("2027-01-02")
    assert graph_client.get(path)["status"] == "scheduled"


def test_reading_changes_nothing_and_a_snapshot_proves_it(
    graph_client: Asker, graph_anna: Mailbox, graph_tenant: Tenant
) -> None:
    """Not even the mark that a message was read; a change of the owner's shows."""
    message = graph_anna.deliver(mail())
    before = graph_tenant.snapshot()
    graph_client.get(f"/users/anna@firm.example/messages/{message.id}?$select=body,uniqueBody")
    graph_client.round(f"{INBOX}/messages/delta")
    assert graph_tenant.snapshot() == before
    graph_anna.change(message, isRead=True)
    assert graph_tenant.snapshot() != before


def test_an_application_that_may_only_read_cannot_change_mail(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Mail.Read: PATCH, move and DELETE are refused."""
    path = f"/users/anna@firm.example/messages/{graph_anna.deliver(mail()).id}"
    assert graph_client.refused(403, "PATCH", path, json={"isRead": True}) == "ErrorAccessDenied"
    assert graph_client.refused(403, "POST", f"{path}/move", json={"destinationId": "archive"}) == "ErrorAccessDenied"
    assert graph_client.refused(403, "DELETE", path) == "ErrorAccessDenied"


def test_a_message_is_given_as_its_octets(graph_client: Asker, graph_anna: Mailbox) -> None:
    """/$value: the MIME content."""
    message = graph_anna.deliver(mail())
    assert graph_client.ask("GET", f"/users/anna@firm.example/messages/{message.id}/$value").content == mail()


def test_pages_that_were_written_before_are_the_same(graph_client: Asker, graph_anna: Mailbox) -> None:
    """prebuild() is only for the clock; what changes afterwards shows."""
    asked = "$select=subject,isRead&$expand=singleValueExtendedProperties($filter=id eq 'Integer 0x36')"
    first, second = graph_anna.deliver(mail("one")), graph_anna.deliver(mail("two"))
    graph_anna.prebuild(asked)
    graph_anna.change(second, isRead=True)
    entries, _ = graph_client.round(f"{INBOX}/messages/delta?{asked}", **IMMUTABLE)
    told = {entry["id"]: (entry["subject"], entry["isRead"]) for entry in entries}
    assert told == {first.immutable_id: ("one", False), second.immutable_id: ("two", True)}


def test_odd_mail_is_shown_as_well(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Whatever is wrong with a message, it is delivered, listed and read."""
    messages = [graph_anna.deliver(sample.raw) for sample in samples()]
    listed, _ = graph_client.round(f"{INBOX}/messages/delta?$select=subject,from,toRecipients,internetMessageId")
    assert len(listed) == len(messages) > 100
    assert all(entry["internetMessageId"] for entry in listed)
    asked = "$select=uniqueBody,internetMessageHeaders&$expand=attachments($select=id,name)"
    parts = [
        {"id": str(at), "method": "GET", "url": f"/users/anna@firm.example/messages/{message.id}?{asked}"}
        for at, message in enumerate(messages)
    ]
    for at in range(0, len(parts), 20):
        assert {part["status"] for part in graph_client.batch(*parts[at : at + 20]).values()} == {200}


def test_a_header_that_is_no_ascii_is_read_as_utf_8(graph_client: Asker, graph_anna: Mailbox) -> None:
    """RFC 6532, and what older programs write."""
    graph_anna.deliver("Subject: Größe\r\nFrom: Jürgen <j@x.example>\r\n\r\nx".encode())
    graph_anna.deliver("Subject: Größe\r\nFrom: Jürgen <j@x.example>\r\n\r\nx".encode("latin-1"))
    for shown in graph_client.get(f"{INBOX}/messages?$select=subject,from")["value"]:
        assert (shown["subject"], shown["from"]["emailAddress"]["name"]) == ("Größe", "Jürgen")


def test_the_text_and_attachments_of_an_attached_message_are_its_own(graph_client: Asker, graph_anna: Mailbox) -> None:
    """A forwarded message is one attachment, an itemAttachment."""
    inner = mail("inner", text="inner text").decode()
    parts = (
        "--b\r\nContent-Type: text/html\r\n\r\n<p>outer</p>\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--b--"
    )
    message = graph_anna.deliver(mail(headers='Content-Type: multipart/mixed; boundary="b"\r\n', text=parts))
    path = f"/users/anna@firm.example/messages/{message.id}?$select=bodyPreview&$expand=attachments($select=id,name)"
    shown = graph_client.get(path)
    assert shown["bodyPreview"] == "outer"
    assert [one["@odata.type"] for one in shown["attachments"]] == ["#microsoft.graph.itemAttachment"]
