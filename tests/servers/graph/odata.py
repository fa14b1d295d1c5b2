"""How Graph's URLs are written: keys in segments or in brackets, system query options, and the Prefer header.

OData 4.01 URL Conventions; "Use query parameters" and "Best practices" of the Graph documentation.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote

from tests.servers.graph import refusals

if TYPE_CHECKING:
    from tests.servers.graph.tenant import Access, Tenant

_SYSTEM = frozenset({"select", "filter", "expand", "orderby", "top", "skip", "count", "search"})
_KEYED = re.compile(r"(?P<name>[^()/]+)\('(?P<key>(?:[^']|'')*)'\)")
_PREFERENCE = re.compile(r'\s*([A-Za-z.\-]+)\s*(?:=\s*(?:"([^"]*)"|([^,;\s]*)))?\s*(?:[,;]|$)')


def words(text: str) -> frozenset[str]:
    """Names written in a row."""
    return frozenset(text.split())


@lru_cache(maxsize=4096)
def segments(path: str) -> tuple[str, ...]:
    """`/users('a')/messages/delta()` as ("users", "a", "messages", "delta")."""
    found: list[str] = []
    for piece in unquote_keys(path.strip("/")):
        keyed = _KEYED.fullmatch(piece)
        if keyed:
            found += [keyed["name"], keyed["key"].replace("''", "'")]
        else:
            found.append(piece.removesuffix("()").removeprefix("microsoft.graph."))
    return tuple(found)


def unquote_keys(path: str) -> list[str]:
    """Segments, each decoded after the path was split, so that a key may hold an encoded slash."""
    return [unquote(piece) for piece in path.split("/")]


@dataclass(frozen=True, kw_only=True)
class Expand:
    """One part of `$expand`: `attachments($select=id,name)`, with the options in its brackets by their name."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request that Graph judges: sent by itself, or a part of a batch.

    base: where this server's `/v1.0` begins. query: by name, `$`-options in lower case. headers: by lower-case name.
    token: None where nobody asks.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base: str
    token: "Access | None"

    @property
    def access(self) -> "Access":
        """What the token stands for."""
        assert self.token is not None
        return self.token

    @property
    def tenant(self) -> "Tenant":
        """Whose token it is."""
        return self.access.tenant

    @property
    def prefer(self) -> Mapping[str, str]:
        """The preferences by lower-case name."""
        return preferences(self.headers.get("prefer", ""))

    @property
    def immutable(self) -> bool:
        """Are ids to be given that survive a move?"""
        return self.prefer.get("idtype", "").lower() == "immutableid"

    @property
    def text_bodies(self) -> bool:
        """Are bodies wanted as text?"""
        return self.prefer.get("outlook.body-content-type", "").lower() == "text"

    def number(self, option: str, default: int, most: int) -> int:
        """A whole number of the query, at most `most`; refused if it is none."""
        text = self.query.get(option)
        if text is None:
            return default
        if not text.isdigit() or int(text) > most or (option == "$top" and int(text) < 1):
            raise refusals.bad_request(f"Invalid value '{text}' for {option} query option found.")
        return int(text)

    def page_size(self, default: int, most: int) -> int:
        """How many entries a page may hold: `$top`, else the preference odata.maxpagesize, else the default."""
        preferred = self.prefer.get("odata.maxpagesize", "")
        if preferred.isdigit() and int(preferred) > 0:
            default = min(int(preferred), most)
        return self.number("$top", default, most)

    def json(self) -> Any:  # noqa: ANN401  # whatever JSON holds
        """The body; refused if it is none of JSON's objects."""
        try:
            content = json.loads(self.body or b"null")
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise refusals.bad_request("Unable to read JSON request payload. Please ensure Content-Type header is set.")
        return content

    def link(self, **options: str) -> str:
        """This request's URL with these options instead of its own of the same name (`skip` stands for `$skip`)."""
        query = dict(self.query) | {f"${name}": value for name, value in options.items()}
        return f"{self.base}{self.path}?{join_query(query)}"


def join_query(query: Mapping[str, str]) -> str:
    """A query string with `$` left readable, as Graph writes its links."""
    return "&".join(f"{quote(name, safe='$')}={quote(value, safe='$,/:()')}" for name, value in query.items())


def split_query(text: str) -> dict[str, str]:
    """Options by name; the system's own in lower case, with their `$` even where the client left it out."""
    return {_option(name): value for name, value in parse_qsl(text, keep_blank_values=True)}


def _option(name: str) -> str:
    if name.startswith("$"):
        return name.lower()
    return f"${name.lower()}" if name.lower() in _SYSTEM else name


@lru_cache(maxsize=256)
def preferences(header: str) -> Mapping[str, str]:
    """The Prefer header (RFC 7240): values by lower-case name."""
    return {found[1].lower(): found[2] or found[3] or "" for found in _PREFERENCE.finditer(header)}


@lru_cache(maxsize=256)
def names(option: str | None) -> tuple[str, ...]:
    """The names of `$select`; empty if there is none."""
    return tuple(name.strip() for name in (option or "").split(",") if name.strip())


@lru_cache(maxsize=256)
def expands(option: str | None) -> tuple[Expand, ...]:
    """The parts of `$expand` with their options."""
    return tuple(_expand(part) for part in _split(option or "", ",") if part.strip())


def _expand(part: str) -> Expand:
    name, bracket, inner = part.strip().partition("(")
    options = [piece.partition("=") for piece in _split(inner.removesuffix(")"), ";")] if bracket else []
    return Expand(name=name, options={key.strip().lower(): value for key, _, value in options})


def _split(text: str, separator: str) -> list[str]:
    """Split where neither brackets nor quotes are open."""
    pieces, depth, quoted = [""], 0, False
    for letter in text:
        quoted ^= letter == "'"
        depth += 0 if quoted else (letter == "(") - (letter == ")")
        if letter == separator and depth == 0 and not quoted:
            pieces.append("")
        else:
            pieces[-1] += letter
    return pieces


def chosen(entity: Mapping[str, Any], select: Sequence[str], known: frozenset[str], kind: str) -> dict[str, Any]:
    """The selected properties of an entity and its annotations; everything if nothing was selected."""
    if not select:
        return dict(entity)
    check_select(select, known, kind)
    return {name: value for name, value in entity.items() if name in select or name == "id" or name.startswith("@")}


def check_select(select: Sequence[str], known: frozenset[str], kind: str) -> None:
    """Refuse a name that the type does not have."""
    for name in select:
        if name.rpartition("/")[2] not in known:
            raise refusals.unknown_property(name, kind)
