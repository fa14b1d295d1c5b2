"""One user's mailbox, as its owner uses it: mail comes in, is moved, flagged, categorised and thrown away.

What a method changes stands in the journal of the folder, which is what delta queries read.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.servers.graph import mime, refusals
from tests.servers.graph.calendar import Calendars, Event
from tests.servers.graph.conversations import Conversations
from tests.servers.graph.delta import LinkExpiry, Tokens
from tests.servers.graph.ids import Ids
from tests.servers.graph.items import Folder, Gone, Message
from tests.servers.graph.notifications import Change, Happened
from tests.servers.graph.odata import Call, split_query
from tests.servers.graph.properties import canonical

if TYPE_CHECKING:
    from tests.servers.graph.tenant import User

WELL_KNOWN = {
    "inbox": "Inbox",
    "drafts": "Drafts",
    "sentitems": "Sent Items",
    "deleteditems": "Deleted Items",
    "junkemail": "Junk Email",
    "outbox": "Outbox",
    "archive": "Archive",
    "conversationhistory": "Conversation History",
}
_HIDDEN = {"recoverableitemsdeletions": "Deletions", "syncissues": "Sync Issues"}
# "Applying $filter in a delta query returns only up to 5,000 messages"
_FILTERED_AT_MOST = 5000


class Mailbox:
    """See the module. names: what well-known folders are called, `{"inbox": "Posteingang"}`.

    filtered_at_most: messages that a filtered first round lists; a test may make it smaller.

    sequence: counts changes. version: changes whenever anything in it does, so that a test can prove that nothing did.
    """

    def __init__(
        self,
        user: "User",
        names: Mapping[str, str] | None = None,
        tell: Callable[[Happened], None] = lambda _: None,
    ) -> None:
        self.user, self._tell = user, tell
        self.ids = Ids()
        self.lock = threading.RLock()
        self.sequence = 0
        self.tokens = Tokens()
        self.filtered_at_most = _FILTERED_AT_MOST
        self.link_expiry = LinkExpiry()
        owner = mime.recipient(user.mail, user.name)
        self.calendars = Calendars(self.ids, owner, self._tell_event)
        self.transactions: dict[str, tuple[str, str, float]] = {}
        self.transaction_memory = 3600.0
        self.contacts: list[dict[str, Any]] = []
        self.settings: dict[str, Any] = _settings()
        self.folders: dict[str, Folder] = {}
        self.folder_journal: list[tuple[int, Folder]] = []
        self._numbers = 0
        self._messages: dict[str, Message] = {}
        self._conversations = Conversations()
        self.root = self._add_folder("Top of Information Store", None, known_as="msgfolderroot")
        for known_as, name in WELL_KNOWN.items():
            self._add_folder((names or {}).get(known_as, name), self.root, known_as=known_as)
        for known_as, name in _HIDDEN.items():
            parent = self.root if known_as == "syncissues" else None
            self._add_folder(name, parent, known_as=known_as, hidden=True)

    @property
    def address(self) -> str:
        """Its primary address."""
        return self.user.mail

    # What arrives and what its owner does.

    def deliver(
        self,
        raw: bytes,
        folder: "str | Folder" = "inbox",
        *,
        received: datetime | None = None,
        fields: Mapping[str, Any] | None = None,
        read: bool = False,
        draft: bool = False,
    ) -> Message:
        """Put a message, as it came over SMTP, into a folder. fields: Graph's properties that are to be otherwise.

        A well-known folder may be named; `received` is now unless given.
        """
        with self.lock:
            where = self.folder(folder)
            arrived = received or datetime.now(UTC)
            parsed = mime.parse(raw, arrived)
            shown = (
                _outlook_fields(draft, read) | parsed.fields | self._conversations.place(parsed) | dict(fields or {})
            )
            message = Message(
                mailbox=self,
                folder=where,
                number=self._number(),
                place=self._numbers,
                raw=raw,
                kind=parsed.kind,
                fields=shown,
                headers=() if draft else parsed.headers,
                attachments=parsed.attachments,
                extended=parsed.extended,
                fraction=arrived.microsecond,
            )
            self._enter(message, where)
            return message

    def draft(self, raw: bytes, *, received: datetime | None = None) -> Message:
        """The owner begins to write: a draft in Drafts."""
        return self.deliver(raw, "drafts", received=received, read=True, draft=True)

    def send_draft(self, draft: Message) -> Message:
        """The draft is sent: it leaves Drafts and stands in Sent Items, with the same immutable id."""
        draft.fields |= {"isDraft": False, "sentDateTime": mime.stamp(datetime.now(UTC))}
        return self.move(draft, "sentitems")

    def move(self, message: Message, folder: "str | Folder") -> Message:
        """To another folder: the ordinary id ends, the immutable one stays."""
        with self.lock:
            self._leave(message)
            message.place = self._number()
            self._enter(message, self.folder(folder))
            return message

    def copy(self, message: Message, folder: "str | Folder") -> Message:
        """A second message with other ids."""
        return self.deliver(message.raw, folder, fields={**message.fields})

    def delete(self, message: Message, *, soft: bool = False) -> None:
        """For ever; soft: into Deleted Items."""
        with self.lock:
            if soft:
                self.move(message, "deleteditems")
            else:
                self._leave(message)

    def change(self, message: Message, **fields: object) -> None:
        """Set properties of Graph, `isRead=True`."""
        with self.lock:
            message.fields.update(fields, lastModifiedDateTime=mime.stamp(datetime.now(UTC)))
            self._note(message)

    def categorise(self, message: Message, *categories: str) -> None:
        """Give it exactly these categories."""
        self.change(message, categories=list(categories))

    def flag(self, message: Message, *, due: str | None = None, status: str = "flagged", zone: str = "UTC") -> None:
        """Flag for follow-up; due: `2026-12-01T00:00:00` in `zone`. status: flagged, complete or notFlagged."""
        flag: dict[str, Any] = {"flagStatus": status}
        if due is not None:
            moment = {"dateTime": f"{due[:19]}.0000000", "timeZone": zone}
            flag |= {"startDateTime": moment, "dueDateTime": moment}
        self.change(message, flag=flag)

    def set_extended(self, message: Message, name: str, value: str) -> None:
        """Set an extended property, `Integer 0x36` (sensitivity) for one."""
        with self.lock:
            message.extended[canonical(name)] = value
            self._note(message)

    def automatic_replies(self, status: str, *, start: str | None = None, end: str | None = None) -> None:
        """`disabled`, `alwaysEnabled`, or `scheduled` with start and end (`2026-12-24T00:00:00`, UTC)."""
        setting = self.settings["automaticRepliesSetting"]
        setting["status"] = status
        for name, moment in (("scheduledStartDateTime", start), ("scheduledEndDateTime", end)):
            if moment:
                setting[name] = {"dateTime": f"{moment[:19]}.0000000", "timeZone": "UTC"}

    def add_contact(
        self, *, sensitivity: str | None = "0", message_class: str = "IPM.Contact", **fields: object
    ) -> str:
        """A contact in the main address book; fields are Graph's properties. Its immutable id."""
        properties = {"Integer 0x36": sensitivity, "String 0x1a": message_class}
        key = self.ids.immutable(self._number())
        extended = {name: value for name, value in properties.items() if value is not None}
        self.contacts.append({"id": key, "extended": extended, **fields})
        return key

    def expire_links(
        self,
        *,
        next_links: bool = True,
        delta_links: bool = True,
        code: str = "syncStateNotFound",
        status: int = 410,
        located: bool = False,
    ) -> None:
        """The server forgets these links: this status and code; located: and with the Location of a full round."""
        self.link_expiry = LinkExpiry(status=status, code=code, located=located)
        self.tokens.expire(next_links=next_links, delta_links=delta_links)

    # Folders.

    def folder(self, which: "str | Folder") -> Folder:
        """By well-known name or id. Refused if there is none."""
        if isinstance(which, Folder):
            return which
        known = self.folders.get(which) or next(
            (folder for folder in self.folders.values() if folder.known_as == which.lower()), None
        )
        if known is None:
            raise refusals.item_not_found() if which.startswith("AA") else refusals.malformed_id()
        return known

    def create_folder(
        self, name: str, parent: "str | Folder" = "msgfolderroot", *, hidden: bool = False, search: bool = False
    ) -> Folder:
        """A folder of the owner's. search: a search folder, which only shows what stands elsewhere."""
        with self.lock:
            return self._add_folder(name, self.folder(parent), hidden=hidden, search=search)

    def rename_folder(self, folder: Folder, name: str) -> None:
        """Give it another name; its id stays."""
        with self.lock:
            folder.name = name
            self._note_folder(folder)

    def delete_folder(self, folder: Folder) -> None:
        """It goes with all that is in it, folders too."""
        with self.lock:
            for child in self.children(folder, hidden=True):
                self.delete_folder(child)
            for message in list(folder.messages.values()):
                self._leave(message)
            folder.deleted = True
            del self.folders[folder.id]
            self._note_folder(folder)

    def children(self, folder: Folder, *, hidden: bool = False) -> list[Folder]:
        """The folders right below, by name; hidden ones only if wanted."""
        below = [child for child in self.folders.values() if child.parent is folder and (hidden or not child.hidden)]
        return sorted(below, key=lambda child: child.name.lower())

    # What the server asks.

    def message(self, key: str) -> Message:
        """By either id. Refused if there is none."""
        found = self._messages.get(key)
        if found is None:
            raise refusals.item_not_found() if key.startswith("AA") and len(key) > 40 else refusals.malformed_id()
        return found

    def messages(self) -> Sequence[Message]:
        """All of them, whatever the folder."""
        return [message for folder in self.folders.values() for message in folder.messages.values()]

    def prebuild(self, query: str, *, immutable: bool = True) -> None:
        """Write every message down as delta queries with these options will give it, before a benchmark asks.

        query: `$select=id,subject` as it will be sent.
        """
        prefer = {"prefer": 'IdType="ImmutableId"'} if immutable else {}
        asked = Call(method="GET", path="", query=split_query(query), headers=prefer, body=b"", base="", token=None)
        for message in self.messages():
            message.text(asked, alone=False, typed=True)

    def snapshot(self) -> dict[str, Any]:
        """Everything in it, to be compared with what it was before."""
        with self.lock:
            return {
                "folders": {f.id: (f.name, f.parent and f.parent.id, f.hidden) for f in self.folders.values()},
                "messages": {
                    m.immutable_id: (m.id, m.folder.id, m.change_key, repr(m.fields), repr(m.extended))
                    for m in self.messages()
                },
                "calendars": self.calendars.snapshot(),
                "settings": repr(self.settings),
                "contacts": repr(self.contacts),
                "sequence": self.sequence,
            }

    def _enter(self, message: Message, folder: Folder) -> None:
        message.folder = folder
        folder.messages[message.number] = message
        self._messages[message.id] = self._messages[message.immutable_id] = message
        message.entered = self.sequence + 1
        self._note(message, "created")

    def _leave(self, message: Message) -> None:
        gone = Gone(number=message.number, id=message.id, immutable_id=message.immutable_id)
        del message.folder.messages[message.number]
        del self._messages[gone.id], self._messages[gone.immutable_id]
        self._write(message.folder, gone)
        self._tell_message(message, "deleted", gone.id)

    def _note(self, message: Message, change: Change = "updated") -> None:
        message.changed()
        self._write(message.folder, message)
        self._tell_message(message, change, message.id)

    def _tell_message(self, message: Message, change: Change, key: str) -> None:
        self._tell(
            Happened(
                user=self.user.id,
                collection="messages",
                change=change,
                folder=message.folder.id,
                id=key,
                immutable_id=message.immutable_id,
                etag=f'W/"{message.change_key}"',
            )
        )

    def _tell_event(self, event: Event, change: Change) -> None:
        self._tell(
            Happened(
                user=self.user.id,
                collection="events",
                change=change,
                folder=None,
                id=event.id,
                immutable_id=event.immutable_id,
                etag=event.etag,
            )
        )

    def _write(self, folder: Folder, entry: "Message | Gone") -> None:
        self.sequence += 1
        folder.journal.append((self.sequence, entry))

    def _add_folder(
        self,
        name: str,
        parent: Folder | None,
        *,
        known_as: str | None = None,
        hidden: bool = False,
        search: bool = False,
    ) -> Folder:
        number = self._number()
        folder = Folder(
            id=self.ids.folder(number), name=name, parent=parent, known_as=known_as, hidden=hidden, search=search
        )
        self.folders[folder.id] = folder
        self._note_folder(folder)
        return folder

    def _note_folder(self, folder: Folder) -> None:
        self.sequence += 1
        folder.changed = self.sequence
        self.folder_journal.append((self.sequence, folder))

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers


def _outlook_fields(draft: bool, read: bool) -> dict[str, Any]:
    now = mime.stamp(datetime.now(UTC))
    return {
        "createdDateTime": now,
        "lastModifiedDateTime": now,
        "categories": [],
        "isRead": read,
        "isDraft": draft,
        "inferenceClassification": "focused",
        "flag": {"flagStatus": "notFlagged"},
    }


def _settings() -> dict[str, Any]:
    never = {"dateTime": "2026-01-01T00:00:00.0000000", "timeZone": "UTC"}
    return {
        "automaticRepliesSetting": {
            "status": "disabled",
            "externalAudience": "all",
            "internalReplyMessage": "",
            "externalReplyMessage": "",
            "scheduledStartDateTime": dict(never),
            "scheduledEndDateTime": dict(never),
        },
        "timeZone": "W. Europe Standard Time",
        "language": {"locale": "en-US", "displayName": "English (United States)"},
        "dateFormat": "yyyy-MM-dd",
        "timeFormat": "HH:mm",
        "userPurpose": "user",
    }
