"""SOAP 1.1 as Exchange speaks it: reading requests, writing envelopes, and the two ways of saying no.

A `SoapFault` refuses the whole request (HTTP 500); a `Refusal` refuses one of the things that were asked for, in a
response message of its own. Sources: [MS-OXWSCORE], [MS-OXWSCDATA] 2.2.5.24 (response codes), Microsoft's page on EWS
throttling (BackOffMilliseconds).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias
from xml.sax.saxutils import escape as _escape
from xml.sax.saxutils import quoteattr

from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
Node: TypeAlias = Any  # an element: lxml gives its class no public name and no types
S, M, T = f"{{{SOAP}}}", f"{{{MESSAGES}}}", f"{{{TYPES}}}"

# Exchange Server 2019: what the header of every answer says.
SERVER_VERSION = (
    f'<h:ServerVersionInfo xmlns:h="{TYPES}" MajorVersion="15" MinorVersion="2" MajorBuildNumber="1544" '
    'MinorBuildNumber="4" Version="V2017_07_11"/>'
)
_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    f'<s:Envelope xmlns:s="{SOAP}"><s:Header>{SERVER_VERSION}</s:Header>'
    f'<s:Body xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">'
)
_TAIL = "</s:Body></s:Envelope>"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Refusal(Exception):
    """One of the things asked for cannot be had. code: a response code. values: what MessageXml says by name."""

    def __init__(self, code: str, text: str = "", *, values: Mapping[str, str] | None = None) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text or f"The request was refused: {code}."
        self.values = values or {}


class SoapFault(Refusal):
    """The whole request is refused."""


def parse(body: bytes) -> Node:
    """The envelope of a request. Raises etree.XMLSyntaxError; entities and the network are off."""
    return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=False))


def escape(text: str) -> str:
    """Text for XML. What no XML document may hold is written as Exchange does: left out."""
    return text if text.isalnum() and text.isascii() else _escape(_NOT_XML.sub("", text))


def attributes(**named: str | int) -> str:
    """Attributes with a leading space each; names as given."""
    if not named:
        return ""
    return "".join(f" {name}={quoteattr(_NOT_XML.sub('', str(value)))}" for name, value in named.items())


def tag(name: str, content: str = "", **named: str | int) -> str:
    """An element with content that is XML already. `name` carries its prefix."""
    return f"<{name}{attributes(**named)}>{content}</{name}>" if content else f"<{name}{attributes(**named)}/>"


def text(name: str, content: str, **named: str | int) -> str:
    """An element that holds text."""
    return tag(name, escape(content), **named)


def envelope(content: str) -> bytes:
    """A whole answer."""
    return (_HEAD + content + _TAIL).encode()


def answer(operation: str, messages: Iterable[str]) -> str:
    """The usual answer: response messages in one list."""
    return tag(f"m:{operation}Response", tag("m:ResponseMessages", "".join(messages)))


def success(operation: str, content: str = "") -> str:
    """A response message that says yes."""
    inside = "<m:ResponseCode>NoError</m:ResponseCode>" + content
    return tag(f"m:{operation}ResponseMessage", inside, ResponseClass="Success")


def failure(operation: str, refusal: Refusal, content: str = "") -> str:
    """A response message that says no, with the parts that must be there all the same."""
    inside = text("m:MessageText", refusal.text) + text("m:ResponseCode", refusal.code)
    inside += "<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>" + _message_xml("m:MessageXml", refusal.values)
    return tag(f"m:{operation}ResponseMessage", inside + content, ResponseClass="Error")


def fault(refusal: Refusal) -> bytes:
    """The envelope of a SOAP fault, as Exchange words it; MessageXml is in the namespace of types here."""
    detail = (
        f'<e:ResponseCode xmlns:e="{ERRORS}">{refusal.code}</e:ResponseCode>'
        f'<e:Message xmlns:e="{ERRORS}">{escape(refusal.text)}</e:Message>'
    )
    values = _message_xml("t:MessageXml", refusal.values).replace("<t:MessageXml>", f'<t:MessageXml xmlns:t="{TYPES}">')
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault>'
        f'<faultcode xmlns:a="{TYPES}">a:{refusal.code}</faultcode>'
        f'<faultstring xml:lang="en-US">{escape(refusal.text)}</faultstring>'
        f"<detail>{detail}{values}</detail></s:Fault></s:Body></s:Envelope>"
    ).encode()


def _message_xml(name: str, values: Mapping[str, str]) -> str:
    if not values:
        return ""
    return tag(name, "".join(text("t:Value", value, Name=key) for key, value in values.items()))


def local(element: Node) -> str:
    """The name of an element without its namespace."""
    return str(etree.QName(element).localname)


def children(element: Node) -> list[Node]:
    """Child elements, without comments."""
    return [child for child in element if isinstance(child.tag, str)]


def canonical(element: Node) -> str:
    """An element of the types namespace as text with our prefix, whatever prefixes the client used."""
    inside = "".join(canonical(child) for child in children(element)) or escape(element.text or "")
    named = "".join(f" {name}={quoteattr(value)}" for name, value in element.attrib.items() if "}" not in name)
    name = f"t:{local(element)}"
    return f"<{name}{named}>{inside}</{name}>" if inside else f"<{name}{named}/>"
