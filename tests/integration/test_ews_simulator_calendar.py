"""Calendar items on the EWS server of the lab: made, changed, in conflict, followed and thrown away."""

from datetime import UTC, datetime, timedelta

import pytest
from exchangelib import UTC as ZULU
from exchangelib import CalendarItem, EWSDateTime, EWSTimeZone
from exchangelib.errors import ErrorIrresolvableConflict

from tests.integration.ews_client import (
    Answer,
    Soap,
    exchangelib_account,
    extended,
    field,
    get_item,
    item_ids,
    sync_items,
)
from tests.servers.ews import EwsServer

KEY = extended(PropertySetId="7b9c4a4e-1f0f-4c39-9a0e-0f5b8f6d1c11", PropertyName="key", PropertyType="String")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ATTENDEES = (
    "<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>a@b.example</t:EmailAddress></t:Mailbox></t:Attendee>"
    "</t:RequiredAttendees>"
)
INVITES = 'SendMeetingInvitations="SendToNone"'


def create(inside: str, *, more: str = INVITES, folder: str = "calendar") -> str:
    """A CreateItem request for one calendar item."""
    where = f'<m:SavedItemFolderId><t:DistinguishedFolderId Id="{folder}"/></m:SavedItemFolderId>'
    return f"<m:CreateItem {more}>{where}<m:Items><t:CalendarItem>{inside}</t:CalendarItem></m:Items></m:CreateItem>"


def update(item: str, key: str, *changes: str, resolution: str = "AutoResolve") -> str:
    """An UpdateItem request for one calendar item. changes: SetItemField and others."""
    manners = f'ConflictResolution="{resolution}" SendMeetingInvitationsOrCancellations="SendToNone"'
    changed = f'<t:ItemId Id="{item}" ChangeKey="{key}"/><t:Updates>{"".join(changes)}</t:Updates>'
    return (
        f"<m:UpdateItem {manners}><m:ItemChanges><t:ItemChange>{changed}</t:ItemChange></m:ItemChanges></m:UpdateItem>"
    )


def put(uri: str, xml: str) -> str:
    """SetItemField."""
    return f"<t:SetItemField>{field(uri)}<t:CalendarItem>{xml}</t:CalendarItem></t:SetItemField>"


def made(answer: Answer) -> tuple[str, str]:
    """Id and change key of what was made."""
    (identity,) = answer.all("//t:CalendarItem/t:ItemId")
    return identity.get("Id"), identity.get("ChangeKey")


def test_what_a_client_writes_comes_back(ews: EwsServer) -> None:
    """Moments in UTC and whole seconds, words for true and false, the property of the client's own."""
    box = ews.mailbox()
    client = Soap.of(ews, box)
    item, _ = made(
        client.ask(
            create(
                "<t:Subject>Call Ann</t:Subject><t:Sensitivity>Private</t:Sensitivity>"
                '<t:Body BodyType="Text">why &amp; when</t:Body>'
                "<t:Categories><t:String>CRM</t:String></t:Categories><t:ReminderIsSet>1</t:ReminderIsSet>"
                "<t:ReminderMinutesBeforeStart>10</t:ReminderMinutesBeforeStart>"
                f"<t:ExtendedProperty>{KEY}<t:Value>k1</t:Value></t:ExtendedProperty>"
                "<t:Start>2026-05-01T11:00:00.123+02:00</t:Start><t:End>2026-05-01T11:30:00+02:00</t:End>"
                "<t:LegacyFreeBusyStatus>Free</t:LegacyFreeBusyStatus>"
            )
        )
    )
    answer = client.ask(get_item(item, base="AllProperties", more=KEY, shape="<t:BodyType>Text</t:BodyType>"))
    assert (answer.text("//t:Start"), answer.text("//t:End")) == ("2026-05-01T09:00:00Z", "2026-05-01T09:30:00Z")
    assert answer.text("//t:ReminderIsSet") == "true"
    assert answer.text("//t:ExtendedProperty/t:Value") == "k1"
    assert answer.text("//t:Body") == "why & when"
    assert (answer.text("//t:LegacyFreeBusyStatus"), answer.text("//t:Sensitivity")) == ("Free", "Private")
    assert answer.text("//t:UID").startswith("040000008200E00074C5B7101A82E008")
    assert answer.text("//t:IsMeeting") == "false"
    assert box.item(item)["Subject"] == "Call Ann"


def test_what_is_not_said_is_as_in_outlook(ews: EwsServer) -> None:
    """Busy, half an hour, a reminder fifteen minutes before: who wants it otherwise must say so."""
    box = ews.mailbox()
    item, _ = made(Soap.of(ews, box).ask(create("<t:Start>2026-05-01T09:00:00Z</t:Start>")))
    seen = box.item(item)
    assert (seen["LegacyFreeBusyStatus"], seen["End"]) == ("Busy", "2026-05-01T09:30:00Z")
    assert (seen["ReminderIsSet"], seen["ReminderMinutesBeforeStart"]) == ("true", "15")


@pytest.mark.parametrize(
    ("request_body", "code"),
    [
        (create("<t:Subject>x</t:Subject>", more=""), "ErrorSendMeetingInvitationsRequired"),
        (create("<t:Subject>x</t:Subject>", folder="inbox"), "ErrorCannotCreateCalendarItemInNonCalendarFolder"),
        (
            create("<t:Start>2026-05-01T09:00:00Z</t:Start><t:End>2026-05-01T08:00:00Z</t:End>"),
            "ErrorCalendarEndDateIsEarlierThanStartDate",
        ),
        (
            create(ATTENDEES, more='SendMeetingInvitations="SendToAllAndSaveCopy"'),
            "ErrorSendAsDenied",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(ews: EwsServer, request_body: str, code: str) -> None:
    box = ews.mailbox()
    before = box.snapshot()
    assert Soap.of(ews, box).ask(request_body).codes == [code]
    assert box.snapshot() == before


def test_an_update_changes_what_it_names_and_makes_a_new_key(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    item, key = made(client.ask(create('<t:Subject>a</t:Subject><t:Body BodyType="Text">note</t:Body>')))
    gone = f"<t:DeleteItemField>{field('item:Body')}</t:DeleteItemField>"
    own = f"<t:SetItemField>{KEY}<t:CalendarItem><t:ExtendedProperty>{KEY}<t:Value>k</t:Value></t:ExtendedProperty>"
    own += "</t:CalendarItem></t:SetItemField>"
    answer = client.ask(update(item, key, put("item:Subject", "<t:Subject>b</t:Subject>"), gone, own))
    assert answer.text("//m:ConflictResults/t:Count") == "0"
    same, newer = made(answer)
    assert (same, newer == key) == (item, False)
    assert (box.item(item)["Subject"], box.item(item)["Body"]) == ("b", "")


@pytest.mark.parametrize(
    ("resolution", "own", "code"),
    [
        ("NeverOverwrite", "Subject", "ErrorIrresolvableConflict"),
        ("NeverOverwrite", "Location", "ErrorIrresolvableConflict"),
        ("AutoResolve", "Subject", "ErrorIrresolvableConflict"),
        ("AutoResolve", "Location", "NoError"),
        ("AlwaysOverwrite", "Subject", "NoError"),
    ],
)
def test_a_change_key_of_before_is_a_conflict(ews: EwsServer, resolution: str, own: str, code: str) -> None:
    """The owner retitled the item meanwhile. AutoResolve merges as long as both touched different properties."""
    box = ews.mailbox()
    client = Soap.of(ews, box)
    item, key = made(client.ask(create("<t:Subject>a</t:Subject>")))
    box.retitle(item, "mine")
    uri = "item:Subject" if own == "Subject" else "calendar:Location"
    answer = client.ask(update(item, key, put(uri, f"<t:{own}>theirs</t:{own}>"), resolution=resolution))
    assert answer.codes == [code]
    assert box.item(item)["Subject"] == ("theirs" if code == "NoError" and own == "Subject" else "mine")


def test_a_key_must_be_given_and_be_one(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    item, _ = made(client.ask(create("<t:Subject>a</t:Subject>")))
    change = put("item:Subject", "<t:Subject>b</t:Subject>")
    without = update(item, "", change).replace(' ChangeKey=""', "")
    assert client.ask(without).codes == ["ErrorChangeKeyRequired"]
    assert client.ask(update(item, "bm9uc2Vuc2U=", change)).codes == ["ErrorInvalidChangeKey"]


def test_exchangelib_writes_a_reminder_and_meets_a_conflict(ews: EwsServer) -> None:
    box = ews.mailbox()
    account = exchangelib_account(ews, box)
    start = EWSDateTime(2026, 5, 1, 9, tzinfo=EWSTimeZone("Europe/Berlin"))
    item = CalendarItem(account=account, folder=account.calendar, subject="call", start=start, end=start).save()
    seen = box.item(item.id)
    assert (seen["Subject"], seen["Start"]) == ("call", "2026-05-01T07:00:00Z")
    box.retitle(item.id, "mine")
    item.subject = "theirs"
    with pytest.raises(ErrorIrresolvableConflict):
        item.save(update_fields=["subject"])
    item.refresh()
    assert (item.subject, item.start) == ("mine", EWSDateTime(2026, 5, 1, 7, tzinfo=ZULU))
    item.delete()
    assert box.items("calendar") == []


def test_what_the_owner_does_is_followed_by_synchronisation(ews: EwsServer) -> None:
    """Moved in time, retitled, categorised, noted, dismissed, snoozed: an update. Deleted, or put away: gone."""
    box = ews.mailbox()
    ids = [box.appointment(str(number), NOON) for number in range(5)]
    client = Soap.of(ews, box)
    state = client.ask(sync_items(folder="calendar")).text("//m:SyncState")
    box.reschedule(ids[0], NOON.replace(hour=15))
    box.note(ids[1], "spoke to her")
    box.snooze(ids[2], NOON.replace(hour=13))
    box.delete(ids[3], trash=True)
    box.dismiss(ids[4])
    box.categorise(ids[4], "Done")
    more = field("calendar:Start", "item:ReminderIsSet", "item:Categories", "item:ReminderNextTime")
    answer = client.ask(sync_items(state, folder="calendar", more=more))
    assert [e.get("Id") for e in answer.all("//t:Update//t:ItemId")] == [ids[0], ids[1], ids[2], ids[4]]
    assert [e.get("Id") for e in answer.all("//t:Delete//t:ItemId")] == [ids[3]]
    assert answer.texts("//t:Update[1]//t:Start") == ["2026-05-01T15:00:00Z"]
    assert answer.texts("//t:Update//t:ReminderNextTime") == [
        "2026-05-01T14:45:00Z",
        "2026-05-01T11:45:00Z",
        "2026-05-01T13:00:00Z",
    ]
    assert answer.texts("//t:Categories/t:String") == ["Done"]
    signal = extended(DistinguishedPropertySetId="Common", PropertyId="34144", PropertyType="SystemTime")
    snoozed = client.ask(get_item(ids[2], more=signal + field("item:Body"), shape="<t:BodyType>Text</t:BodyType>"))
    assert snoozed.text("//t:ExtendedProperty/t:Value") == "2026-05-01T13:00:00Z"
    assert box.item(ids[0])["End"] == "2026-05-01T15:30:00Z"


def test_who_is_invited_is_told_of_no_change(ews: EwsServer) -> None:
    """Whoever wants to tell them is refused, so a test can prove that a client does not."""
    box = ews.mailbox()
    client = Soap.of(ews, box)
    item, key = made(client.ask(create(ATTENDEES)))
    change = put("item:Subject", "<t:Subject>x</t:Subject>")
    assert client.ask(update(item, key, change).replace("SendToNone", "SendOnlyToAll")).codes == ["ErrorSendAsDenied"]
    delete = f'<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendOnlyToAll">{item_ids(item)}'
    assert client.ask(f"{delete}</m:DeleteItem>").codes == ["ErrorSendAsDenied"]
    assert client.ask(update(item, key, change)).codes == ["NoError"]
    assert box.item(item)["IsMeeting"] == "true"


@pytest.mark.parametrize(
    ("how", "where"),
    [("MoveToDeletedItems", "deleteditems"), ("SoftDelete", "recoverableitemsdeletions"), ("HardDelete", None)],
)
def test_items_are_deleted_in_three_ways(ews: EwsServer, how: str, where: str | None) -> None:
    box = ews.mailbox()
    item = box.appointment("x", NOON)
    client = Soap.of(ews, box)
    assert client.ask(f'<m:DeleteItem DeleteType="{how}">{item_ids(item)}</m:DeleteItem>').codes == [
        "ErrorSendMeetingCancellationsRequired"
    ]
    delete = f'<m:DeleteItem DeleteType="{how}" SendMeetingCancellations="SendToNone">{item_ids(item)}</m:DeleteItem>'
    assert client.ask(delete).codes == ["NoError"]
    assert client.ask(delete).codes == ["ErrorItemNotFound"]
    assert box.items("calendar") == []
    assert [seen["Subject"] for seen in (box.items(where) if where else [])] == (["x"] if where else [])


def test_times_of_a_series_are_seen_in_a_view_alone_and_nobody_in_a_list(ews: EwsServer) -> None:
    """Whoever synchronises the folder is told of the series as one item; who takes part, GetItem says."""
    box = ews.mailbox()
    weeks = [NOON, NOON + timedelta(days=7), NOON + timedelta(days=14)]
    people = {"organiser": ("Anna", box.address), "required": [("Kim", "kim@customer.example")]}
    times = box.series("Jour fixe", weeks, uid="u", **people)
    client = Soap.of(ews, box)
    view = f'<m:CalendarView StartDate="{NOON:%Y-%m-%d}T00:00:00Z" EndDate="{weeks[1]:%Y-%m-%d}T23:00:00Z"/>'
    more = f"<t:AdditionalProperties>{field('calendar:RequiredAttendees')}</t:AdditionalProperties>"
    shape = f"<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>{more}</m:ItemShape>"
    where = '<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds>'
    seen = client.ask(f'<m:FindItem Traversal="Shallow">{shape}{view}{where}</m:FindItem>')
    assert seen.all("//t:ItemId/@Id") == times[:2]
    assert seen.texts("//t:Attendee") == []
    assert client.ask(get_item(times[0], more=field("calendar:RequiredAttendees"))).texts("//t:Mailbox/t:Name") == [
        "Kim"
    ]
    folder = '<m:SyncFolderId><t:DistinguishedFolderId Id="calendar"/></m:SyncFolderId>'
    sync = f"<m:SyncFolderItems>{shape}{folder}<m:MaxChangesReturned>10</m:MaxChangesReturned></m:SyncFolderItems>"
    listed = client.ask(sync).all("//t:Create//t:ItemId/@Id")
    assert len(listed) == 1
    assert not set(listed) & set(times)
