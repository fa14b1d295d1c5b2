"""Operations that change items: CreateItem, UpdateItem, MoveItem, CopyItem, DeleteItem ([MS-OXWSCORE], [MS-OXWSMTGS]).

Nothing is ever sent: a client that asks for it is refused with ErrorSendAsDenied.
"""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.servers.ews.calls import Call, operation
from tests.servers.ews.fields import SNOOZED, Field, Key, flag, given, moment, path_of, simple, value_of
from tests.servers.ews.soap import M, Node, Refusal, T, attributes, children, local, tag, text
from tests.servers.ews.store import Box, Folder, Item

_HOME = {"CalendarItem": "calendar", "Message": "drafts", "Task": "tasks", "Contact": "contacts"}
_READ_ONLY = frozenset({"ItemId", "ParentFolderId", "Size", "LastModifiedTime", "UID", "DateTimeCreated", "Organizer"})
_REMINDING = frozenset({"Start", "ReminderIsSet", "ReminderMinutesBeforeStart"})
_BODILY = frozenset({"RequiredAttendees", "OptionalAttendees", "Resources"})


@operation("CreateItem")
def create_item(call: Call) -> str:
    """New items."""

    def one(element: Node) -> str:
        kind = local(element)
        _refuse_to_send(call, element)
        box, folder = _home(call, kind)
        _must_fit(kind, folder)
        fields: dict[Key, Field] = {}
        for part in children(element):
            path, field = given(part)
            fields[path.key] = field
        item = box.add(folder, kind, _completed(box, kind, fields), None, event="Created")
        return tag("m:Items", _brief(item))

    return call.each(call.all("Items"), one, empty="<m:Items/>")


def _refuse_to_send(call: Call, element: Node) -> None:
    """Tests prove with this that nobody is ever written to."""
    sends = call.element.get("MessageDisposition", "SaveOnly") != "SaveOnly"
    invites = call.element.get("SendMeetingInvitations", "SendToNone") != "SendToNone"
    if local(element) == "CalendarItem" and "SendMeetingInvitations" not in call.element.attrib:
        raise Refusal("ErrorSendMeetingInvitationsRequired", "SendMeetingInvitations is required for calendar items.")
    attended = any(element.find(f"{T}{name}") is not None for name in _BODILY)
    if (local(element) != "CalendarItem" and sends) or (invites and attended):
        raise Refusal("ErrorSendAsDenied", "Nothing is sent from here.")


def _home(call: Call, kind: str) -> tuple[Box, Folder]:
    named = call.element.find(f"{M}SavedItemFolderId")
    if named is not None:
        return call.folder(named, write=True)
    box = call.mine()
    return box, box.names[_HOME.get(kind, "drafts")]


def _must_fit(kind: str, folder: Folder) -> None:
    if kind == "CalendarItem" and folder.kind != "CalendarFolder":
        raise Refusal("ErrorCannotCreateCalendarItemInNonCalendarFolder", "Calendar items belong into calendars.")


def _completed(box: Box, kind: str, fields: dict[Key, Field]) -> dict[Key, Field]:
    """What the server itself adds to a new item."""
    now = box.world.clock()
    made: dict[Key, Field] = {
        "DateTimeCreated": moment("DateTimeCreated", now),
        "Sensitivity": simple("Sensitivity", "Normal"),
        "Importance": simple("Importance", "Normal"),
        "Size": simple("Size", "1024"),
        "IsDraft": flag("IsDraft", kind == "Message"),
        "ItemClass": simple("ItemClass", {"CalendarItem": "IPM.Appointment", "Task": "IPM.Task"}.get(kind, "IPM.Note")),
    }
    if kind == "Message":
        made |= {"IsRead": flag("IsRead", True), "InternetMessageId": simple("InternetMessageId", f"<{uuid4()}@ews>")}
    return made | (_appointment(box, now, fields) if kind == "CalendarItem" else {}) | fields


def _appointment(box: Box, now: datetime, fields: dict[Key, Field]) -> dict[Key, Field]:
    """The next half hour, busy, with a reminder 15 minutes before: what Exchange takes where nothing is said."""
    half, meets = timedelta(minutes=30), bool(_BODILY & fields.keys())
    begin = now.replace(minute=30 if now.minute >= 30 else 0, second=0, microsecond=0) + half
    start = fields.get("Start", moment("Start", begin))
    end = moment("End", datetime.fromisoformat(start.value).astimezone(UTC) + half)
    if "End" in fields and fields["End"].value < start.value:
        raise Refusal("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate")
    uid = f"040000008200E00074C5B7101A82E008{uuid4().hex.upper()}"
    return {
        "Start": start,
        "End": end,
        "UID": simple("UID", uid),
        "LegacyFreeBusyStatus": simple("LegacyFreeBusyStatus", "Busy"),
        "IsAllDayEvent": flag("IsAllDayEvent", False),
        "IsMeeting": flag("IsMeeting", meets),
        "IsCancelled": flag("IsCancelled", False),
        "IsRecurring": flag("IsRecurring", False),
        "CalendarItemType": simple("CalendarItemType", "Single"),
        "ReminderIsSet": flag("ReminderIsSet", True),
        "ReminderMinutesBeforeStart": simple("ReminderMinutesBeforeStart", "15"),
        "Organizer": _person("Organizer", box),
    }


def _person(element: str, box: Box) -> Field:
    inside = text("t:Name", box.name) + text("t:EmailAddress", box.address) + text("t:RoutingType", "SMTP")
    return Field(tag(f"t:{element}", tag("t:Mailbox", inside)), box.name)


def _brief(item: Item) -> str:
    identity = f"<t:ItemId{attributes(Id=item.id, ChangeKey=item.change_key)}/>"
    return tag(f"t:{item.kind}", identity)


@operation("UpdateItem")
def update_item(call: Call) -> str:
    """Changes of items. A change key that is not the item's is a conflict, unless the client overwrites."""
    resolution = call.element.get("ConflictResolution")

    def one(element: Node) -> str:
        identity = element.find(f"{T}ItemId")
        box, item = call.item(identity, write=True)
        updates = children(element.find(f"{T}Updates"))
        keys = [path_of(children(update)[0]).key for update in updates]
        _check_key(identity.get("ChangeKey"), box, item, resolution, keys)
        if item.kind == "CalendarItem" and "SendMeetingInvitationsOrCancellations" not in call.element.attrib:
            raise Refusal("ErrorSendMeetingInvitationsOrCancellationsRequired", "Say whether to send updates.")
        fields = dict(item.fields)
        for update in updates:
            _apply(update, fields)
        if _REMINDING & set(keys):
            fields.pop(SNOOZED, None)
        _must_end_after_start(fields)
        item.fields = fields
        box.touch(item, *keys)
        return tag("m:Items", _brief(item)) + tag("m:ConflictResults", "<t:Count>0</t:Count>")

    return call.each(call.all("ItemChanges"), one, empty="<m:Items/>")


def _check_key(key: str | None, box: Box, item: Item, resolution: str, keys: list[Key]) -> None:
    """NeverOverwrite wants the newest change key. AutoResolve also takes an older one, as long as nobody has since set
    a property that is to be set now. AlwaysOverwrite asks for none ([MS-OXWSCORE] 2.2.5.2)."""
    if resolution == "AlwaysOverwrite":
        return
    if not key:
        raise Refusal("ErrorChangeKeyRequired", "Use of a change key is required for this operation.")
    known = box.number_of(key)
    if known is None:
        raise Refusal("ErrorInvalidChangeKey", "The change key is invalid.")
    contested = resolution == "NeverOverwrite" or any(item.set_at.get(name, 0) > known for name in keys)
    if key != item.change_key and contested:
        said = "The send or update operation could not be performed because the change key passed in the request"
        raise Refusal("ErrorIrresolvableConflict", f"{said} does not match the current change key for the item.")


def _apply(update: Node, fields: dict[Key, Field]) -> None:
    """SetItemField, DeleteItemField or AppendToItemField. Raises Refusal."""
    path = path_of(children(update)[0])
    if path.key in _READ_ONLY:
        raise Refusal("ErrorInvalidPropertySet", "Set action is invalid for property.")
    if local(update) == "DeleteItemField":
        fields.pop(path.key, None)
        return
    holder = children(children(update)[1])
    if len(holder) != 1:
        raise Refusal("ErrorIncorrectUpdatePropertyCount", "An update must hold exactly one property.")
    written, field = given(holder[0])
    if written.key != path.key:
        raise Refusal("ErrorUpdatePropertyMismatch", "The property does not match the path.")
    fields[path.key] = _appended(fields.get(path.key), field) if local(update) == "AppendToItemField" else field


def _appended(old: Field | None, new: Field) -> Field:
    """A body with more text at its end."""
    if old is None:
        return new
    open_tag = new.xml[: new.xml.index(">") + 1]
    name = open_tag[1:].split(" ")[0].rstrip("/>")
    xml = text(name, old.value + new.value)
    return Field(open_tag.replace("/>", ">") + xml[xml.index(">") + 1 :], value_of(xml))


def _must_end_after_start(fields: dict[Key, Field]) -> None:
    if "Start" in fields and "End" in fields and fields["End"].value < fields["Start"].value:
        raise Refusal("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate")


@operation("MoveItem")
def move_item(call: Call) -> str:
    """Items go to another folder, with new ids."""

    def one(element: Node) -> str:
        box, item = call.item(element, write=True)
        there, folder = call.folder(call.element.find(f"{M}ToFolderId"), write=True)
        _must_fit(item.kind, folder)
        moved = box.move(item, folder, home=there)
        return (
            tag("m:Items", _brief(moved)) if call.element.findtext(f"{M}ReturnNewItemIds") != "false" else "<m:Items/>"
        )

    return call.each(call.all("ItemIds"), one, empty="<m:Items/>")


@operation("CopyItem")
def copy_item(call: Call) -> str:
    """Items appear in another folder too."""

    def one(element: Node) -> str:
        _, item = call.item(element, write=True)
        there, folder = call.folder(call.element.find(f"{M}ToFolderId"), write=True)
        return tag("m:Items", _brief(there.copy(item, folder)))

    return call.each(call.all("ItemIds"), one, empty="<m:Items/>")


@operation("DeleteItem")
def delete_item(call: Call) -> str:
    """Items go: to Deleted Items, to where they can be recovered from, or for good."""
    how = call.element.get("DeleteType")

    def one(element: Node) -> str:
        box, item = call.item(element, write=True)
        if item.kind == "CalendarItem" and "SendMeetingCancellations" not in call.element.attrib:
            raise Refusal("ErrorSendMeetingCancellationsRequired", "Say whether to send cancellations.")
        if how == "HardDelete":
            box.remove(item)
        else:
            box.move(item, box.names["deleteditems" if how == "MoveToDeletedItems" else "recoverableitemsdeletions"])
        return ""

    return call.each(call.all("ItemIds"), one)
