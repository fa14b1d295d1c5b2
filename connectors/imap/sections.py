"""The text sections of large messages: which are missing, fetching them together, and the finished message.

The structure says where the text stands; nothing else of the message is transferred. Whatever does not fit the
structure is left to the caller, who reads the message itself.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from connectors import mime
from connectors.imap.fetch import Items
from connectors.imap.session import Session
from connectors.imap.structure import Part, Plan
from connectors.imap.syntax import fetch_items, id_set, number
from connectors.imap.wire import Response, bursts
from connectors.message import TEXT_LIMIT, Message

LARGEST = 1024 * 1024
"""Octets of one text part: `TEXT_LIMIT` characters in the widest encoding, or in a lot of markup."""
FLIGHT_OCTETS = 6 * 1024 * 1024
"""Octets asked for in one flight."""
_STEPS = (64 * 1024, 256 * 1024)
_NOTHING = 2
"""An empty text is a line end at most."""
_PGP = "-----BEGIN PGP MESSAGE-----"
_PART = re.compile(r"--\S{1,200}[ \t]*\nContent-", re.IGNORECASE)
"""A text that begins as a part does: the server did not understand the message's own structure."""


@dataclass(kw_only=True)
class Draft:
    """A message in the making: its plan, the octets of its text sections so far, and how many were asked for."""

    uid: int
    size: int
    plan: Plan
    sections: dict[str, bytes] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)

    def missing(self) -> list[Part]:
        return [part for part in self.plan.texts if part.section not in self.sections]


def flights(drafts: Sequence[Draft]) -> Iterator[list[Draft]]:
    """Portions whose missing sections fit into memory at once."""
    portion: list[Draft] = []
    octets = 0
    for draft in drafts:
        portion.append(draft)
        octets += sum(_bound(part) for part in draft.missing())
        if octets >= FLIGHT_OCTETS:
            yield portion
            portion, octets = [], 0
    if portion:
        yield portion


def _bound(part: Part) -> int:
    """Octets to ask for: the least step that holds twice the size the structure names, which may be inexact."""
    return next((step for step in _STEPS if part.size * 2 <= step), LARGEST)


def read_sections(session: Session, drafts: Sequence[Draft]) -> None:
    """Fetch what is missing, one command for all messages that miss the same section."""
    by_uid = {draft.uid: draft for draft in drafts}
    groups: dict[tuple[str, int], list[int]] = {}
    for draft in drafts:
        for part in draft.missing():
            draft.asked[part.section] = _bound(part)
            groups.setdefault((part.section, _bound(part)), []).append(draft.uid)

    def take(response: Response) -> None:
        items = fetch_items(response) or {}
        draft = by_uid.get(number(items.get(b"UID")) or 0)
        for section in draft.asked if draft else ():
            octets = section_of(items, section.encode("ascii"))
            if draft is not None and octets is not None:
                draft.sections[section] = octets

    command = b"UID FETCH %s (UID BODY.PEEK[%s]<0.%d>)"
    commands = [command % (id_set(uids), section.encode("ascii"), n) for (section, n), uids in groups.items()]
    for burst in bursts(commands):
        session.burst(burst, take)


def section_of(items: Items, section: bytes) -> bytes | None:
    """The octets of one section in a FETCH answer; None if absent or NIL."""
    names = (b"BODY[%s]" % section, b"BODY.PEEK[%s]" % section)  # as asked for, some servers say
    for name, value in items.items():
        if name.startswith(names) and isinstance(value, bytes):
            return value
    return None


def inner_section(container: Part, wanted: Part, octets: bytes) -> bytes | None:
    """The body of `wanted`, which is the first leaf of `container`, out of the container's octets; None if unsure.

    Sure means: it ends exactly where the structure says, and there the next boundary stands (RFC 2046 section 5.1.1).
    """
    while True:
        delimiter = b"--" + container.parameters.get("boundary", "").encode("ascii", "replace")
        start = octets.find(delimiter + b"\r\n") if len(delimiter) > 2 else -1
        end_of_header = octets.find(b"\r\n\r\n", start + len(delimiter))
        if start < 0 or end_of_header < 0 or not container.children:
            return None
        child, octets = container.children[0], octets[end_of_header + 4 :]
        if child.section == wanted.section:
            ends_there = octets.startswith(b"\r\n" + delimiter, wanted.size)
            return octets[: wanted.size] if ends_there else None
        container = child


def is_sound(draft: Draft) -> bool:
    """Whether what came fits the structure: no text is missing, none is empty that should not be."""
    texts = draft.plan.texts
    if not texts:
        return bool(draft.plan.attachments) or draft.plan.encrypted or not draft.size
    if any(part.section not in draft.sections for part in texts):
        return False
    if any(part.size > _NOTHING and not draft.sections[part.section] for part in texts):
        return False
    return bool(draft.plan.attachments) or any(len(draft.sections[part.section]) > _NOTHING for part in texts)


def message(draft: Draft) -> Message | None:
    """The finished message, or None where all of it is needed: another form of the text, parts, armour to take off."""
    read = [_text_of(draft, part) for part in draft.plan.texts]
    texts = [text for text, _, _ in read if text]
    whole = "\n".join(texts)
    if (draft.plan.spare and not whole) or _PGP in whole or _PART.match(whole):
        return None
    defects = [defect for _, found, _ in read for defect in found]
    defects += ["encrypted"] if draft.plan.encrypted else []
    defects += ["tnef"] if any(a.type == "application/ms-tnef" for a in draft.plan.attachments) else []
    return Message(
        id=str(draft.uid),
        text=whole[:TEXT_LIMIT],
        attachments=draft.plan.attachments,
        truncated=len(whole) > TEXT_LIMIT or any(cut for _, _, cut in read),
        encrypted=draft.plan.encrypted,
        calendar_method=draft.plan.calendar_method,
        report=draft.plan.report,
        defects=tuple(dict.fromkeys(defects)),
    )


def _text_of(draft: Draft, part: Part) -> tuple[str, tuple[str, ...], bool]:
    """(text, defects, whether its end is missing). What a cut breaks is no defect."""
    octets = draft.sections[part.section]
    cut = len(octets) >= draft.asked.get(part.section, LARGEST)
    charset = part.parameters.get("charset")
    text, defects = mime.decode_text(octets, media_type=part.type, charset=charset, encoding=part.encoding)
    return text, () if cut else defects, cut
