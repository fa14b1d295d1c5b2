"""What an answer says of an item: the shape that a request asks for, and properties made when somebody wants them.

Sources: [MS-OXWSCDATA] 2.2.4.39 (ItemResponseShapeType), Microsoft's page on response shapes, [MS-OXPROPS].
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from tests.servers.ews.fields import (
    DEFAULT_SHAPE,
    NOT_IN_LISTS,
    ONLY_WHEN_NAMED,
    RANKS,
    REFUSED_IN_LISTS,
    SNOOZED,
    Field,
    Key,
    Path,
    extended,
    flag,
    named,
    path_of,
    simple,
    stamp,
    tagged,
    value,
)
from tests.servers.ews.mime import header_lines, headers_of, transport_headers, with_markup, without_markup
from tests.servers.ews.soap import Node, Refusal, T, children, tag, text
from tests.servers.ews.store import Item

Part = Callable[[Item], str]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What to say of each item. listing: the answer is of FindItem or SyncFolderItems."""

    base: str
    mime: bool = False
    body: str = "Best"
    unique: str = "Best"
    most: int | None = None
    more: tuple[Path, ...] = ()
    listing: bool = False
    plans: dict[str, list[Part]] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, element: Node, *, listing: bool = False) -> "Shape":
        """Read an ItemShape. Raises Refusal for what lists do not give."""
        paths = tuple(
            path_of(path) for holder in element.findall(f"{T}AdditionalProperties") for path in children(holder)
        )
        refused = [path for path in paths if listing and path.key in REFUSED_IN_LISTS]
        if refused:
            raise Refusal("ErrorInvalidPropertyRequest", f"Property is not valid for this operation: {refused[0].key}.")
        most = element.findtext(f"{T}MaximumBodySize")
        return cls(
            base=element.findtext(f"{T}BaseShape"),
            mime=element.findtext(f"{T}IncludeMimeContent") in ("true", "1"),
            body=element.findtext(f"{T}BodyType") or "Best",
            unique=element.findtext(f"{T}UniqueBodyType") or element.findtext(f"{T}BodyType") or "Best",
            most=int(most) if most else None,
            more=paths,
            listing=listing,
        )

    def render(self, item: Item) -> str:
        """The item as an answer holds it."""
        if item.kind not in self.plans:
            self.plans[item.kind] = self._plan(item.kind)
        return f"<t:{item.kind}>" + "".join([part(item) for part in self.plans[item.kind]]) + f"</t:{item.kind}>"

    def _plan(self, kind: str) -> list[Part]:
        """What makes the parts of an item of this kind, in the order of the schema."""
        ranks, wanted = RANKS[kind], self._wanted(kind)
        parts: list[tuple[int, Part]] = [(ranks[key], self._plain(key)) for key in wanted]
        for path in self.more:
            if not isinstance(path.key, str) and path.key[0] != "indexed":
                parts.append((ranks["ExtendedProperty"], partial(_extended, path=path)))
        if "InternetMessageHeaders" not in wanted:
            parts.append((ranks["InternetMessageHeaders"], self._indexed))
        return [part for _, part in sorted(parts, key=lambda part: part[0])]

    def _wanted(self, kind: str) -> set[str]:
        """The plain properties to give."""
        known = set(RANKS[kind])
        if self.base == "IdOnly":
            wanted = {"ItemId"}
        elif self.base == "Default":
            wanted = set(DEFAULT_SHAPE.get(kind, DEFAULT_SHAPE["Message"]))
        else:
            wanted = known - ONLY_WHEN_NAMED
        wanted |= {path.key for path in self.more if isinstance(path.key, str)} | (
            {"MimeContent"} if self.mime else set()
        )
        return known & (wanted - NOT_IN_LISTS - REFUSED_IN_LISTS if self.listing else wanted)

    def _plain(self, key: str) -> Part:
        if key == "Body":
            return partial(_body, "Body", wanted=self.body, most=self.most)
        if key == "UniqueBody":
            return partial(_unique, wanted=self.unique)
        if self.listing and key in ("From", "Sender", "Organizer"):
            return partial(_name_only, key=key)
        return partial(_kept, key=key)

    def _indexed(self, item: Item) -> str:
        """The headers that were asked for by name."""
        names = {
            path.key[2] for path in self.more if path.key[0] == "indexed" and "InternetMessageHeader" in path.key[1]
        }
        if not names or item.raw is None or not item.transported:
            return ""
        header = headers_of(item.raw)
        for name in set(header.keys()):
            if name.lower() not in names:
                del header[name]
        return header_lines(header).xml if len(header) else ""


def _kept(item: Item, key: Key) -> str:
    found = look(item, key)
    return "" if found is None else found.xml


def _name_only(item: Item, key: str) -> str:
    found = look(item, key)
    return "" if found is None else tag(f"t:{key}", tag("t:Mailbox", text("t:Name", found.value)))


def _extended(item: Item, path: Path) -> str:
    found = look(item, path.key)
    return "" if found is None else extended(path, found)


def look(item: Item, key: Key) -> Field | None:
    """A property of an item, made now if it is not kept. None if the item has none."""
    if key in item.fields:
        return item.fields[key]
    if key not in item.made:
        maker = _MADE.get(key)
        item.made[key] = maker(item) if maker else None
    return item.made[key]


def _item_id(item: Item) -> Field:
    return Field(f'<t:ItemId Id="{item.id}" ChangeKey="{item.change_key}"/>', item.id)


def _attachments(item: Item) -> Field | None:
    if item.raw is None or not item.texts.files:
        return None
    listed = [_attachment(item, number, *file) for number, file in enumerate(item.texts.files)]
    return Field(tag("t:Attachments", "".join(listed)), "")


def _attachment(item: Item, number: int, name: str, kind: str, content: bytes, inline: bool, identity: str) -> str:
    inside = tag("t:AttachmentId", Id=f"{item.id}/{number}") + text("t:Name", name or f"ATT{number:05}")
    inside += text("t:ContentType", kind) + (text("t:ContentId", identity) if identity else "")
    inside += text("t:Size", str(len(content))) + text("t:IsInline", "true" if inline else "false")
    return tag("t:ItemAttachment" if kind == "message/rfc822" else "t:FileAttachment", inside)


def _has_attachments(item: Item) -> Field:
    return flag("HasAttachments", item.raw is not None and any(not file[3] for file in item.texts.files))


def _of_raw(make: Callable[[bytes], Field]) -> Callable[[Item], Field | None]:
    return lambda item: None if item.raw is None else make(item.raw)


def _of_transport(make: Callable[[bytes], Field]) -> Callable[[Item], Field | None]:
    """Headers of the way that a message took. What was only saved here (drafts, Sent Items) has gone no way."""
    return lambda item: make(item.raw) if item.raw is not None and item.transported else None


def _same_as(name: str) -> Callable[[Item], Field | None]:
    return lambda item: value(item.value(name)) if name in item.fields else None


def _number_of(name: str, words: tuple[str, ...]) -> Callable[[Item], Field | None]:
    def find(item: Item) -> Field | None:
        return value(str(words.index(item.value(name)))) if item.value(name) in words else None

    return find


def _address_of(name: str) -> Callable[[Item], Field | None]:
    def find(item: Item) -> Field | None:
        xml = item.fields[name].xml if name in item.fields else ""
        address = xml.partition("<t:EmailAddress>")[2].partition("</t:EmailAddress>")[0]
        return Field(f"<t:Value>{address}</t:Value>", address) if address else None

    return find


def _from_flag(part: str, words: tuple[str, ...] = ()) -> Callable[[Item], Field | None]:
    def find(item: Item) -> Field | None:
        xml = item.fields["Flag"].xml if "Flag" in item.fields else ""
        said = xml.partition(f"<t:{part}>")[2].partition(f"</t:{part}>")[0]
        if words:
            return value(str(words.index(said))) if said in words[1:] else None
        return value(said) if said else None

    return find


def _keywords(item: Item) -> Field | None:
    words = item.fields.get("Categories")
    inner = words.xml.replace("t:String>", "t:Value>").replace("t:Categories>", "t:Values>") if words else ""
    return Field(inner, "") if inner else None


def _mime(raw: bytes) -> Field:
    return Field(tag("t:MimeContent", b64encode(raw).decode(), CharacterSet="UTF-8"), "")


def _signal(item: Item) -> str:
    """When the reminder comes up next: as the owner snoozed it, else so many minutes before the start."""
    if item.value("ReminderIsSet") != "true" or "Start" not in item.fields:
        return ""
    if (snoozed := item.fields.get(SNOOZED)) is not None:
        return snoozed.value
    start = datetime.fromisoformat(item.value("Start"))
    return stamp(start - timedelta(minutes=int(item.value("ReminderMinutesBeforeStart") or 0)))


def _next_time(item: Item) -> Field | None:
    return simple("ReminderNextTime", signal) if (signal := _signal(item)) else None


def _signal_time(item: Item) -> Field | None:
    return value(signal) if (signal := _signal(item)) else None


_FLAGS = ("NotFlagged", "Complete", "Flagged")
_SENSITIVITIES = ("Normal", "Personal", "Private", "Confidential")
_MADE: dict[Key, Callable[[Item], Field | None]] = {
    "ItemId": _item_id,
    "ParentFolderId": lambda item: Field(tag("t:ParentFolderId", Id=item.folder.id, ChangeKey="AQAAAA=="), ""),
    "MimeContent": _of_raw(_mime),
    "Attachments": _attachments,
    "HasAttachments": _has_attachments,
    "InternetMessageHeaders": _of_transport(lambda raw: header_lines(headers_of(raw))),
    "Preview": lambda item: None if item.raw is None else simple("Preview", item.texts.preview()),
    "TextBody": lambda item: Field(_body("TextBody", item, "Text", None), ""),
    "ReminderNextTime": _next_time,
    "ReminderDueBy": lambda item: simple("ReminderDueBy", item.value("Start")) if _signal(item) else None,
    named("Common", 0x8501, "Integer"): _same_as("ReminderMinutesBeforeStart"),
    named("Common", 0x8503, "Boolean"): _same_as("ReminderIsSet"),
    named("Common", 0x8560, "SystemTime"): _signal_time,
    "Flag": lambda item: Field("<t:Flag><t:FlagStatus>NotFlagged</t:FlagStatus></t:Flag>", "NotFlagged"),
    tagged(0x007D, "String"): _of_transport(lambda raw: value(transport_headers(raw))),
    tagged(0x001A, "String"): _same_as("ItemClass"),
    tagged(0x0036, "Integer"): _number_of("Sensitivity", _SENSITIVITIES),
    tagged(0x0017, "Integer"): _number_of("Importance", ("Low", "Normal", "High")),
    tagged(0x0037, "String"): _same_as("Subject"),
    tagged(0x0039, "SystemTime"): _same_as("DateTimeSent"),
    tagged(0x0E06, "SystemTime"): _same_as("DateTimeReceived"),
    tagged(0x3008, "SystemTime"): _same_as("LastModifiedTime"),
    tagged(0x0070, "String"): _same_as("ConversationTopic"),
    tagged(0x0071, "Binary"): _same_as("ConversationIndex"),
    tagged(0x1035, "String"): _same_as("InternetMessageId"),
    tagged(0x1039, "String"): _same_as("References"),
    tagged(0x1042, "String"): _same_as("InReplyTo"),
    tagged(0x5D01, "String"): _address_of("Sender"),
    tagged(0x5D02, "String"): _address_of("From"),
    tagged(0x0065, "String"): _address_of("From"),
    tagged(0x0C1F, "String"): _address_of("Sender"),
    tagged(0x1090, "Integer"): _from_flag("FlagStatus", _FLAGS),
    tagged(0x1091, "SystemTime"): _from_flag("CompleteDate"),
    named("Task", 0x8105, "SystemTime"): _from_flag("DueDate"),
    named("Task", 0x8104, "SystemTime"): _from_flag("StartDate"),
    named("PublicStrings", "Keywords", "StringArray"): _keywords,
}


def _body(element: str, item: Item, wanted: str, most: int | None) -> str:
    """The text of a message as it came, of another item as it was written; turned into what is wanted."""
    plain, marked_up = _both(item)
    as_text = wanted == "Text" or (wanted == "Best" and marked_up is None)
    whole = (plain or "") if as_text else (marked_up or "")
    if as_text and plain is None:
        whole = without_markup(marked_up or "")
    elif not as_text and marked_up is None:
        whole = with_markup(plain or "")
    cut = "true" if most is not None and len(whole) > most else "false"
    return text(f"t:{element}", whole[:most], BodyType="Text" if as_text else "HTML", IsTruncated=cut)


def _both(item: Item) -> tuple[str | None, str | None]:
    """The text of an item, plain and marked up: what there is of it."""
    if item.raw is not None and "Body" not in item.fields:
        return item.texts.plain, item.texts.marked_up
    kept = item.fields.get("Body")
    if kept is not None and 'BodyType="HTML"' in kept.xml:
        return None, kept.value
    return "" if kept is None else kept.value, None


def _unique(item: Item, wanted: str) -> str:
    if item.raw is None:
        return ""
    unique = item.texts.unique()
    if wanted == "Text" or (wanted == "Best" and item.texts.marked_up is None):
        return text("t:UniqueBody", unique, BodyType="Text", IsTruncated="false")
    lines = "".join(text("div", line) for line in unique.splitlines())
    markup = f"<html><body><div>{lines}</div></body></html>"
    return text("t:UniqueBody", markup, BodyType="HTML", IsTruncated="false")
