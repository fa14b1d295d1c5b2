"""The hands of the people at their mailboxes: mail arrives, is moved, flagged, thrown away; appointments are changed.

Nothing here goes through EWS, so no client's request is counted for it. Items are named by their ItemId, which changes
when they move: methods that move return the new one. Folders are named by their path ("Inbox/Customers") or by their
distinguished name ("inbox"). All times are aware; on the wire they are whole seconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from tests.servers.ews import mime, planner
from tests.servers.ews.calls import Account
from tests.servers.ews.fields import SNOOZED, Field, Key, Path, extended, flag, moment, simple, stamp, value
from tests.servers.ews.shapes import Shape
from tests.servers.ews.soap import tag, text
from tests.servers.ews.store import Box, Folder, Folders, Item, World

Status = Literal["Flagged", "Complete", "NotFlagged"]
Snapshot = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An item as its owner sees it. properties: by name, as text; extended ones by their key."""

    id: str
    change_key: str
    kind: str
    folder: str
    properties: dict[Key, str]

    def __getitem__(self, name: Key) -> str:
        return self.properties.get(name, "")


class Mailbox:
    """One person's mailbox. address, password: what a client signs in with."""

    def __init__(self, world: World, box: Box, account: Account) -> None:
        self._world = world
        self.box = box
        self.account = account
        self.address = box.address

    @property
    def password(self) -> str:
        """The password of the owner's account, as it is now."""
        return self.account.password

    # Mail.

    def deliver(
        self, raw: bytes, folder: str = "Inbox", *, received: datetime | None = None, read: bool = False
    ) -> str:
        """A message (RFC 5322) arrives; its ItemId. received: now, unless said."""
        return self._store(raw, folder, received, "NewMail", {"IsRead": flag("IsRead", read)})

    def save_draft(self, raw: bytes, folder: str = "Drafts") -> str:
        """A message that was not sent yet; its ItemId."""
        return self._store(
            raw, folder, None, "Created", {"IsRead": flag("IsRead", True), "IsDraft": flag("IsDraft", True)}
        )

    def send(self, raw: bytes, *, sent: datetime | None = None) -> str:
        """The copy that lies in Sent Items after the owner sent a message; its ItemId."""
        return self._store(raw, "sentitems", sent, "Created", {"IsRead": flag("IsRead", True)})

    def _store(self, raw: bytes, folder: str, at: datetime | None, event: str, more: dict[Key, Field]) -> str:
        with self._world.changed:
            header = mime.headers_of(raw)
            fields: dict[Key, Field] = {
                "ItemClass": simple("ItemClass", mime.item_class(header, raw)),
                "IsDraft": flag("IsDraft", False),
                "IsSubmitted": flag("IsSubmitted", False),
                "IsFromMe": flag("IsFromMe", event == "Created"),
            }
            fields.update(mime.envelope_fields(header, at or self._world.clock(), len(raw)).items())
            fields |= more
            kind = mime.KINDS.get(fields["ItemClass"].value, "Message")
            return self.box.add(self.folder(folder), kind, fields, raw, event=event).id

    def move(self, item: str, folder: str) -> str:
        """Put an item into another folder; its new ItemId."""
        with self._world.changed:
            return self.box.move(self._item(item), self.folder(folder)).id

    def copy(self, item: str, folder: str) -> str:
        """Copy an item; the ItemId of the copy."""
        with self._world.changed:
            return self.box.copy(self._item(item), self.folder(folder)).id

    def delete(self, item: str, *, trash: bool = False) -> str | None:
        """Delete an item for good, or put it into the trash: then its new ItemId."""
        if trash:
            return self.move(item, "deleteditems")
        with self._world.changed:
            self.box.remove(self._item(item))
        return None

    def mark_read(self, item: str, read: bool = True) -> None:
        """Read, or unread again."""
        with self._world.changed:
            found = self._item(item)
            found.fields["IsRead"] = flag("IsRead", read)
            self.box.touch(found, "IsRead", only_read=True)

    def flag(
        self, item: str, status: Status = "Flagged", *, start: datetime | None = None, due: datetime | None = None
    ) -> None:
        """Set the follow-up flag, with dates; take it off with "NotFlagged"."""
        inside = text("t:FlagStatus", status)
        if status == "Complete":
            inside += text("t:CompleteDate", stamp(self._world.clock()))
        elif due is not None:
            inside += text("t:StartDate", stamp(start or due)) + text("t:DueDate", stamp(due))
        self.set(item, "Flag", Field(tag("t:Flag", inside), status))

    def categorise(self, item: str, *categories: str) -> None:
        """Give an item these categories and no others."""
        listed = "".join(text("t:String", category) for category in categories)
        self.set(item, "Categories", Field(tag("t:Categories", listed), "; ".join(categories)) if categories else None)

    def sensitivity(self, item: str, level: Literal["Normal", "Personal", "Private", "Confidential"]) -> None:
        """Mark an item."""
        self.set(item, "Sensitivity", simple("Sensitivity", level))

    def rewrite_person(self, item: str, element: str, name: str, address: str) -> None:
        """Another name and address in From or Sender: such as an X.500 address, which no header can carry."""
        self.set(item, element, mime.recipients(element, [(name, address)]))

    def set(self, item: str, name: Key, field: Field | None) -> None:
        """Change one property, or take it away."""
        with self._world.changed:
            found = self._item(item)
            if field is None:
                found.fields.pop(name, None)
            else:
                found.fields[name] = field
            self.box.touch(found, name)

    # Folders.

    def create_folder(self, path: str, *, folder_class: str = "IPF.Note") -> str:
        """A folder, and those above it that are missing; its FolderId."""
        with self._world.changed:
            above = self.box.names["msgfolderroot"]
            for name in path.split("/"):
                inner = [f for f in self.box.folders.values() if f.parent is above and f.name == name]
                kind = Folders.KINDS[folder_class]
                above = inner[0] if inner else self.box.add_folder(name, above, folder_class=folder_class, kind=kind)
            return above.id

    def rename_folder(self, path: str, name: str) -> None:
        """Another name for a folder; its id stays."""
        with self._world.changed:
            folder = self.folder(path)
            folder.name, folder.changed = name, self.box.next()

    def move_folder(self, path: str, into: str) -> None:
        """A folder goes below another one; its id and those of its items stay."""
        with self._world.changed:
            folder = self.folder(path)
            folder.parent, folder.changed = self.folder(into), self.box.next()

    def delete_folder(self, path: str) -> None:
        """A folder goes for good, with everything in it."""
        with self._world.changed:
            self.box.remove_folder(self.folder(path))

    def folder(self, name: str) -> Folder:
        """A folder by its path or distinguished name. Raises LookupError."""
        top = Folders.TOP + "/"
        for folder in self.box.folders.values():
            if name in (folder.distinguished, folder.path.removeprefix(top)):
                return folder
        raise LookupError(name)

    # What the owner sees.

    def items(self, folder: str = "Inbox") -> list[Seen]:
        """What lies in a folder, in the order of its arrival."""
        with self._world.changed:
            return [self._seen(item) for item in self.folder(folder).items.values()]

    def item(self, item: str) -> Seen:
        """One item. Raises LookupError if it is not here (any more)."""
        with self._world.changed:
            return self._seen(self._item(item))

    def find(self, message_id: str) -> list[Seen]:
        """All items with this Message-ID, wherever they lie."""
        with self._world.changed:
            everything = [item for folder in self.box.folders.values() for item in folder.items.values()]
            return [self._seen(item) for item in everything if item.value("InternetMessageId") == message_id]

    def snapshot(self, *, without: Iterable[str] = ()) -> Snapshot:
        """Everything in the mailbox except some folders: two that are equal prove that nothing was changed."""
        with self._world.changed:
            left_out = {self.folder(name).id for name in without}
            return {
                folder.path: [_written(item) for item in folder.items.values()]
                for folder in self.box.folders.values()
                if folder.id not in left_out
            }

    def _item(self, identity: str) -> Item:
        box, item = self._world.items[identity]
        if box is not self.box:
            raise LookupError(identity)
        return item

    def _seen(self, item: Item) -> Seen:
        properties = {key: field.value for key, field in item.fields.items()}
        top = Folders.TOP + "/"
        folder = item.folder.path.removeprefix(top)
        return Seen(id=item.id, change_key=item.change_key, kind=item.kind, folder=folder, properties=properties)

    # The calendar, and the owner's absence.

    def appointment(self, subject: str, start: datetime, *, minutes: int = 30, folder: str = "calendar") -> str:
        """The owner makes an appointment; its ItemId."""
        fields: dict[Key, Field] = {
            "Subject": simple("Subject", subject),
            "Start": moment("Start", start),
            "End": moment("End", start + timedelta(minutes=minutes)),
            "LegacyFreeBusyStatus": simple("LegacyFreeBusyStatus", "Busy"),
            "CalendarItemType": simple("CalendarItemType", "Single"),
            "ReminderIsSet": flag("ReminderIsSet", True),
            "ReminderMinutesBeforeStart": simple("ReminderMinutesBeforeStart", "15"),
        }
        with self._world.changed:
            return self.box.add(self.folder(folder), "CalendarItem", fields, None, event="Created").id

    def meeting(self, subject: str, start: datetime, *, minutes: int = 60, **more: Any) -> str:
        """A meeting with people stands in the calendar; its ItemId. more: as `planner.meeting` has it."""
        fields = planner.meeting(subject, start, start + timedelta(minutes=minutes), **more)
        with self._world.changed:
            return self.box.add(self.folder("calendar"), "CalendarItem", fields, None, event="Created").id

    def series(self, subject: str, starts: Sequence[datetime], **more: Any) -> list[str]:
        """A meeting that comes again; the ItemIds of its times."""
        self.meeting(subject, starts[0], kind="RecurringMaster", **more)
        times = [self.meeting(subject, start, kind="Occurrence", **more) for start in starts]
        for item, start in zip(times, starts, strict=True):
            self.set(item, "OriginalStart", moment("OriginalStart", start))
        return times

    # The address book.

    def contact(
        self, name: str, *emails: str, phones: Mapping[str, str] | None = None, company: str = "", title: str = "",
        sensitivity: str = "Normal",
    ) -> str:  # fmt: skip
        """Somebody stands in the address book; their ItemId."""
        fields = planner.contact(name, emails, phones or {}, company, title, sensitivity)
        with self._world.changed:
            return self.box.add(self.folder("contacts"), "Contact", fields, None, event="Created").id

    def distribution_list(self, name: str) -> str:
        """A list of the owner's own; its ItemId."""
        fields = planner.distribution_list(name)
        with self._world.changed:
            return self.box.add(self.folder("contacts"), "DistributionList", fields, None, event="Created").id

    # What was planned changes.

    def reschedule(self, item: str, start: datetime) -> None:
        """Drag an appointment to another time; it stays as long."""
        with self._world.changed:
            found = self._item(item)
            length = datetime.fromisoformat(found.value("End")) - datetime.fromisoformat(found.value("Start"))
            found.fields |= {"Start": moment("Start", start), "End": moment("End", start + length)}
            found.fields.pop(SNOOZED, None)
            self.box.touch(found, "Start", "End")

    def retitle(self, item: str, subject: str) -> None:
        """Another title."""
        self.set(item, "Subject", simple("Subject", subject))

    def note(self, item: str, body: str) -> None:
        """Write into the text of an appointment."""
        self.set(item, "Body", Field(text("t:Body", body, BodyType="Text"), body))

    def dismiss(self, item: str) -> None:
        """Close its reminder for good."""
        self.set(item, "ReminderIsSet", flag("ReminderIsSet", False))

    def snooze(self, item: str, until: datetime) -> None:
        """Be reminded again later: PidLidReminderSignalTime and ReminderNextTime say when."""
        self.set(item, SNOOZED, value(stamp(until)))

    def automatic_replies(self, on: bool, *, start: datetime | None = None, end: datetime | None = None) -> None:
        """Turn them on or off; with both moments they are scheduled."""
        with self._world.changed:
            if not on:
                self.box.out_of_office = {"state": "Disabled"}
            elif start is None or end is None:
                self.box.out_of_office = {"state": "Enabled", "message": "I am away."}
            else:
                times = {"start": stamp(start), "end": stamp(end)}
                self.box.out_of_office = {"state": "Scheduled", "message": "I am away.", **times}

    # What happens to a mailbox as a whole.

    def invalidate_sync_states(self) -> None:
        """All sync states handed out until now are void: ErrorInvalidSyncStateData."""
        with self._world.changed:
            self.box.epoch += 1

    def refuse_all(self, code: str | None) -> None:
        """Every request for this mailbox is refused with a code (ErrorMailboxMoveInProgress …) until None is said."""
        self.box.refusal = code


def _written(item: Item) -> tuple[object, ...]:
    plain = Shape(base="IdOnly").render(item)
    listed = sorted((str(key), extended(Path(key, ""), field)) for key, field in item.fields.items())
    return plain, item.raw, tuple(listed)
