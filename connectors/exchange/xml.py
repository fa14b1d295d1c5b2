"""XML of Exchange Web Services: written with two short words, read without surprises.

An answer is parsed strictly: what was cut off on the way must never pass for a shorter list. Exchange escapes
characters that XML 1.0 forbids (`&#x1F;` in a subject); only those references are dropped before a second try.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from connectors.errors import Interrupted

Element = Any
"""An lxml element; lxml has no types."""

MESSAGES = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
TYPES = "{http://schemas.microsoft.com/exchange/services/2006/types}"
_SPACES = {"m": MESSAGES[1:-1], "t": TYPES[1:-1]}
_REFERENCE = re.compile(rb"&#(?:[xX]([0-9A-Fa-f]{1,6})|([0-9]{1,7}));")
_BEFORE = b"\xef\xbb\xbf \t\r\n"
"""What proxies put before a document."""
_FRACTION = re.compile(r"\.\d+")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def m(name: str, *children: Element | str | None, **attributes: str) -> Element:
    """An element of the messages namespace. A child that is None is left out."""
    return _element(MESSAGES + name, children, attributes)


def t(name: str, *children: Element | str | None, **attributes: str) -> Element:
    """An element of the types namespace."""
    return _element(TYPES + name, children, attributes)


def _element(tag: str, children: tuple[Element | str | None, ...], attributes: dict[str, str]) -> Element:
    made = etree.Element(tag, attributes, nsmap=_SPACES)
    for child in children:
        if isinstance(child, str):
            made.text = writable(child)
        elif child is not None:
            made.append(child)
    return made


def writable(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold (section 2.2)."""
    return _ILLEGAL.sub("", text)


def parse(body: bytes) -> Element:
    """The root of an answer. Raises Interrupted if it is no XML, or not all of it."""
    body = body.lstrip(_BEFORE)
    try:
        return _strictly(body)
    except etree.XMLSyntaxError:
        pass
    try:
        return _strictly(_REFERENCE.sub(_allowed, body))
    except etree.XMLSyntaxError:
        # without its cause, which quotes the answer: a piece of somebody's mail
        raise Interrupted("the mail server's answer is no readable XML, or was cut off") from None


def _strictly(body: bytes) -> Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    return etree.fromstring(body, parser)


def _allowed(found: "re.Match[bytes]") -> bytes:
    code = int(found[1], 16) if found[1] else int(found[2])
    fine = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
    return found[0] if fine else b""


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def find(element: Element | None, *path: str) -> Element | None:
    """The first element along a path of types names; None where a step is missing."""
    for name in path:
        if element is None:
            return None
        element = element.find(TYPES + name)
    return element


def text(element: Element | None, *path: str) -> str:
    """The text at a path, '' if nothing stands there."""
    found = find(element, *path)
    return "" if found is None else (found.text or "")


def children(element: Element | None, *path: str) -> Iterator[Element]:
    """The elements below a path, without comments."""
    found = find(element, *path)
    yield from () if found is None else (child for child in found if isinstance(child.tag, str))


def moment(written: str) -> datetime | None:
    """An xs:dateTime as an aware time; one without a zone is UTC. Fractions of a second, which some servers send, are
    dropped: Exchange itself writes whole seconds. None if it is no time.
    """
    try:
        found = datetime.fromisoformat(_FRACTION.sub("", written.strip()))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
