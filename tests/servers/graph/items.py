"""What stands in a mailbox: folders with a journal of what changed in them, and messages as Graph shows them."""

import base64
import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.servers.graph import mime
from tests.servers.graph.odata import Call, Expand, check_select, expands, names, words
from tests.servers.graph.properties import canonical, wanted_properties

if TYPE_CHECKING:
    from tests.servers.graph.mailbox import Mailbox

MESSAGE_PROPERTIES = words(
    "id categories changeKey createdDateTime lastModifiedDateTime bccRecipients body bodyPreview ccRecipients"
    " conversationId conversationIndex flag from hasAttachments importance inferenceClassification"
    " internetMessageHeaders internetMessageId isDeliveryReceiptRequested isDraft isRead isReadReceiptRequested"
    " parentFolderId receivedDateTime replyTo sender sentDateTime subject toRecipients uniqueBody webLink"
    " meetingMessageType attachments"
)
_ATTACHMENT_PROPERTIES = words("id contentType isInline lastModifiedDateTime name size contentBytes")


@dataclass(frozen=True, kw_only=True)
class Gone:
    """A message has left a folder. Both of its ids, as they were there."""

    number: int
    id: str
    immutable_id: str


@dataclass(kw_only=True, eq=False)
class Folder:
    """A folder. number: names its id. journal: what changed in it, by the mailbox's sequence, the newest last."""

    id: str
    name: str
    parent: "Folder | None"
    known_as: str | None = None
    hidden: bool = False
    search: bool = False
    messages: "dict[int, Message]" = field(default_factory=dict)
    journal: "list[tuple[int, Message | Gone]]" = field(default_factory=list)
    changed: int = 0
    deleted: bool = False

    def since(self, sequence: int, *, immutable: bool) -> "list[Message | Gone]":
        """What changed after `sequence`, each id of the wanted kind once, as it is or was last."""
        start = bisect_right(self.journal, sequence, key=lambda entry: entry[0])
        latest: dict[object, Message | Gone] = {}
        for _, entry in self.journal[start:]:
            key = entry.number if immutable else entry.id
            latest.pop(key, None)
            latest[key] = entry
        return list(latest.values())


@dataclass(kw_only=True, eq=False)
class Message:
    """A message. number: lasts. place: changes with every move. entered: the sequence at which it came here.

    fraction: microseconds of receivedDateTime, which Exchange reckons with and does not show.
    """

    mailbox: "Mailbox"
    folder: Folder
    number: int
    place: int
    raw: bytes
    kind: str
    fields: dict[str, Any]
    headers: Sequence[Mapping[str, str]]
    attachments: Sequence[dict[str, Any]]
    extended: dict[str, str]
    fraction: int = 0
    entered: int = 0
    version: int = 0
    _shown: dict[object, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The ordinary id."""
        return self.mailbox.ids.item(self.place)

    @property
    def immutable_id(self) -> str:
        """The id that a move does not change."""
        return self.mailbox.ids.immutable(self.number)

    @property
    def received(self) -> str:
        """receivedDateTime to the microsecond, which sorts as text."""
        return f"{str(self.fields['receivedDateTime']).removesuffix('Z')}.{self.fraction:06d}Z"

    def changed(self) -> None:
        """Forget how it was shown, and take a new changeKey."""
        self.version += 1
        self._shown.clear()

    @property
    def change_key(self) -> str:
        """Names this state of it."""
        return base64.b64encode(f"CQAAABYAAAA{self.number:06d}{self.version:04d}".encode()).decode()

    def text(self, call: Call, *, alone: bool, typed: bool = False) -> str:
        """It as JSON for this request. alone: asked for by its id. typed: `@odata.type` also on a plain message."""
        key = (call.query.get("$select"), call.query.get("$expand"), call.immutable, call.text_bodies, alone, typed)
        shown = self._shown.get(key)
        if shown is None:
            shown = self._shown[key] = json.dumps(self.show(call, alone=alone, typed=typed), ensure_ascii=False)
        return shown

    def show(self, call: Call, *, alone: bool, typed: bool = False) -> dict[str, Any]:
        """It as an entity."""
        select = [name.rpartition("/")[2] for name in names(call.query.get("$select"))]
        check_select(select, MESSAGE_PROPERTIES, "message")
        entity = self._annotations(typed)
        entity |= self._selected(select, alone, call.text_bodies)
        entity["id"] = self.immutable_id if call.immutable else self.id
        if "parentFolderId" in select or not select:
            entity["parentFolderId"] = self.folder.id
        for expand in expands(call.query.get("$expand")):
            entity |= self._expanded(expand, str(entity["id"]))
        return entity

    def whole(self) -> dict[str, Any]:
        """Every property that a filter may ask for."""
        own = {"id": self.id, "parentFolderId": self.folder.id, "receivedDateTime": self.received}
        return {**self.fields, **own, "extended": self.extended}

    def _annotations(self, typed: bool) -> dict[str, Any]:
        entity: dict[str, Any] = {"@odata.etag": f'W/"{self.change_key}"'}
        if typed or self.kind != "#microsoft.graph.message":
            entity["@odata.type"] = self.kind
        return entity

    def _selected(self, select: Sequence[str], alone: bool, text: bool) -> dict[str, Any]:
        everything = {
            **self.fields,
            "changeKey": self.change_key,
            "webLink": f"https://outlook.example/?ItemID={self.id}",
        }
        shown = {name: value for name, value in everything.items() if not select or name in select}
        if "body" in shown:
            shown["body"] = _formatted(shown["body"], text)
        if alone and "uniqueBody" in select:
            shown["uniqueBody"] = self._unique(text)
        if alone and "internetMessageHeaders" in select and self.headers:
            shown["internetMessageHeaders"] = list(self.headers)
        return shown

    def _unique(self, text: bool) -> dict[str, str]:
        body = self.fields["body"]
        shown = body["content"] if body["contentType"] == "text" else mime.plain(body["content"])
        return _formatted({"contentType": "text", "content": mime.unique(shown)}, text)

    def _expanded(self, expand: Expand, item: str) -> dict[str, Any]:
        if expand.name == "attachments":
            return {"attachments": self.list_attachments(item, expand.options.get("$select"), whole=False)}
        ids = wanted_properties(expand)
        found = [{"id": name, "value": self.extended[name]} for name in map(canonical, ids) if name in self.extended]
        return {"singleValueExtendedProperties": found} if found else {}

    def list_attachments(self, item: str, select: str | None, *, whole: bool = True) -> list[dict[str, Any]]:
        """The attachments. item: the id of the message, as the caller knows it. whole: with contentBytes."""
        chosen = [name.rpartition("/")[2] for name in names(select)]
        check_select(chosen, _ATTACHMENT_PROPERTIES, "attachment")
        when = self.fields["lastModifiedDateTime"]
        every = [
            {"id": self.mailbox.ids.attachment(item, number), "lastModifiedDateTime": when, **attachment}
            for number, attachment in enumerate(self.attachments)
        ]
        if not chosen and whole:
            return every
        keep = {*(chosen or _ATTACHMENT_PROPERTIES), "id", "@odata.type"}
        return [{name: value for name, value in one.items() if name in keep} for one in every]


def _formatted(body: Mapping[str, str], text: bool) -> dict[str, str]:
    """A body as text if that is preferred, else as HTML, which is Graph's default."""
    if (body["contentType"] == "text") == text:
        return dict(body)
    if text:
        return {"contentType": "text", "content": mime.plain(body["content"])}
    return {"contentType": "html", "content": mime.html_of(body["content"])}
