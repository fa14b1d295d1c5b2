"""Extended properties: how their ids are written, and which ones a `$expand` asks for.

`Integer 0x36`, `String {guid} Name word`, `String {guid} Id 0x8502`; the documentation of
singleValueLegacyExtendedProperty. Types and GUIDs compare without case, names with it.
"""

import re

from tests.servers.graph import refusals
from tests.servers.graph.odata import Expand

_TYPES = (
    "ApplicationTime Binary Boolean CLSID Currency Double Error Float Integer Long Null Object Short String SystemTime"
)
_TYPE = {name.lower(): name for name in _TYPES.split()}
_GUID = r"\{[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}"
_TAGGED = re.compile(r"(\w+)\s+0x([0-9a-fA-F]{1,4})")
_NAMED = re.compile(rf"(\w+)\s+({_GUID})\s+(Name|Id)\s+(.+)", re.IGNORECASE)
_ASKED = re.compile(r"\bid\s+eq\s+'((?:[^']|'')+)'", re.IGNORECASE)


def canonical(written: str) -> str:
    """The id in the one form that Graph answers with. Refused if it names no property."""
    tagged, named = _TAGGED.fullmatch(written.strip()), _NAMED.fullmatch(written.strip())
    kind = _TYPE.get((tagged or named)[1].lower()) if tagged or named else None  # type: ignore[index]  # one of them is
    if kind is None:
        raise refusals.bad_request(f"The property id '{written}' is invalid.", "ErrorInvalidPropertyId")
    if tagged:
        return f"{kind} 0x{int(tagged[2], 16):x}"
    return f"{kind} {named[2].lower()} {named[3].capitalize()} {named[4]}"  # type: ignore[index]  # not tagged, so named


def wanted_properties(expand: Expand) -> list[str]:
    """The ids that `singleValueExtendedProperties($filter=id eq '...')` asks for."""
    if expand.name != "singleValueExtendedProperties":
        raise refusals.unknown_property(expand.name, "message")
    found = [name.replace("''", "'") for name in _ASKED.findall(expand.options.get("$filter", ""))]
    if not found:
        raise refusals.bad_request("$expand of extended properties must have a $filter by id.", "ErrorInvalidProperty")
    return found
