"""What is asked of an item: the fields an envelope is made of, and no more.

GetItem hands out people and extended properties, which SyncFolderItems and FindItem do not; those two are asked for
ids alone. Property tags and names are those of [MS-OXPROPS].
"""

import copy
from collections.abc import Sequence

from connectors.exchange.xml import Element, m, t

FLAG_STATUS = "0x1090"
"""PidTagFlagStatus: 2 while a follow-up flag is set, 1 when it is completed."""
SENDER_SMTP, FROM_SMTP = "0x5D01", "0x5D02"
"""PidTagSenderSmtpAddress, PidTagSentRepresentingSmtpAddress: what is left of a sender whom the directory forgot."""
TRANSPORT_HEADERS = "0x007D"
"""PidTagTransportMessageHeaders: the whole header as it came in; mail from inside the organisation has none."""
TASK_DUE = 0x8105
"""PidLidTaskDueDate in the set of tasks: the day a flag is due."""

_FLAGS = ("item:Sensitivity", "item:Categories", "item:IsDraft", "item:Flag")
_ENVELOPE = (
    "item:ItemClass", "item:Subject", "item:DateTimeReceived", "item:DateTimeSent", "item:Size", "item:InReplyTo",
    "item:ConversationId", "message:Sender", "message:ToRecipients", "message:CcRecipients", "message:BccRecipients",
    "message:ConversationIndex", "message:From", "message:InternetMessageId", "message:References", "message:ReplyTo",
)  # fmt: skip
_TEXTS = ("item:Body", "item:UniqueBody", "item:Attachments", "item:ItemClass", "item:Size")


def field(uri: str) -> Element:
    """A path to a property that the schema names."""
    return t("FieldURI", FieldURI=uri)


def tagged(tag: str, kind: str) -> Element:
    """A path to a property that has a tag alone."""
    return t("ExtendedFieldURI", PropertyTag=tag, PropertyType=kind)


def _flag_paths() -> list[Element]:
    due = t("ExtendedFieldURI", DistinguishedPropertySetId="Task", PropertyId=str(TASK_DUE), PropertyType="SystemTime")
    return [*map(field, _FLAGS), tagged(FLAG_STATUS, "Integer"), due]


def _envelope_paths() -> list[Element]:
    return [*map(field, _ENVELOPE), *_flag_paths(), tagged(SENDER_SMTP, "String"), tagged(FROM_SMTP, "String")]


def ids_alone() -> Element:
    return m("ItemShape", t("BaseShape", "IdOnly"))


def flags() -> Element:
    return shape(_flag_paths())


def envelope() -> Element:
    return shape(_envelope_paths())


def whole(*, texts: bool) -> Element:
    """The envelope with the header as it came in, and the texts if `bodies` is asked next."""
    more = [field(uri) for uri in _TEXTS if uri not in _ENVELOPE] if texts else []
    return shape([*_envelope_paths(), tagged(TRANSPORT_HEADERS, "String"), *more])


def texts() -> Element:
    """Texts with whatever Exchange makes of HTML, and the names of attachments."""
    return shape([field(uri) for uri in _TEXTS])


def shape(paths: Sequence[Element]) -> Element:
    """An item's shape with these paths and the id. Bodies come as text."""
    asks_body = any(path.get("FieldURI") in ("item:Body", "item:UniqueBody") for path in paths)
    body = t("BodyType", "Text") if asks_body else None
    return m("ItemShape", t("BaseShape", "IdOnly"), body, t("AdditionalProperties", *paths))


def again(element: Element | None) -> Element | None:
    """The same element for another request: it can stand in one alone."""
    return copy.deepcopy(element)
