"""Values that may name the mailbox they are for, by `{address}` and `{local}`, and that may point to files and servers.

In URLs a placeholder is percent-encoded; in paths it is refused when it could lead elsewhere.
"""

import ipaddress
import re
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from config.node import Node
from config.reading import Kind, Reading, Wrong, converted, name_of, text_of
from config.secrets import Secret

_PLACEHOLDER = re.compile(r"\{([a-z_]*)\}")
_REFERENCES = ("env", "file", "keyring")
_VARIABLE = re.compile(r"[^=\0\s]+")

Use = Literal["text", "url", "path"]


def filled(written: str, address: str | None, use: Use) -> str:
    """The text with placeholders filled, or as it is if there is no address yet. Raises Wrong."""
    values = {} if address is None else {"address": address, "local": address.rpartition("@")[0]}

    def fill(match: re.Match[str]) -> str:
        if match[1] not in ("address", "local"):
            raise Wrong(f"unknown placeholder {match[0]}", "write {address} or {local}")
        return _fitting(values.get(match[1], match[0]), match[0], use)

    return _PLACEHOLDER.sub(fill, written)


def _fitting(value: str, placeholder: str, use: Use) -> str:
    leads_away = value in (".", "..") if use == "url" else "/" in value or "\\" in value or ".." in value
    if use != "text" and leads_away:
        raise Wrong(f"{placeholder} is {value} here, which would lead to another place", "write this one out")
    return quote(value, safe="{}") if use == "url" else value


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or number, without asking any name server (RFC 6761 section 6.3)."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        name = host.lower().rstrip(".")
        return name == "localhost" or name.endswith(".localhost")


def _text(node: Node, reading: Reading) -> str:
    return filled(text_of(node), reading.address, "text")


personal_text = converted({"type": "string", "minLength": 1}, _text)


def located(written: str, node: Node) -> Path:
    """A path as its file means it: relative ones start at that file's folder, `~` is the user's home."""
    try:
        return node.file.absolute().parent / Path(written).expanduser()
    except RuntimeError:
        raise Wrong(f"{written} starts at a home folder that nobody has", "write the whole path") from None


def _path(node: Node, reading: Reading) -> Path:
    return located(filled(text_of(node, "write a path in quotes"), reading.address, "path"), node)


path = converted({"type": "string", "minLength": 1}, _path)


def _existing_file(node: Node, reading: Reading) -> Path:
    found = _path(node, reading)
    try:
        there = found.is_file() or _PLACEHOLDER.search(str(found))
    except OSError:
        there = None
    if not there:
        raise Wrong(f"there is no file {found} that can be read", "write the path of one")
    return found


existing_file = converted({"type": "string", "minLength": 1}, _existing_file)


def _url(node: Node, reading: Reading) -> str:
    value = filled(text_of(node, 'write a URL such as "https://…"'), reading.address, "url")
    try:
        parts = urlsplit(value)
        named = parts.hostname
        parts.port  # noqa: B018 - raises where the port is no number
    except ValueError:
        raise Wrong("is no URL", 'write one such as "https://dav.ourfirm.example/anna/"') from None
    if parts.scheme not in ("http", "https") or not named:
        raise Wrong("is no URL of the web", 'write one such as "https://dav.ourfirm.example/anna/"')
    if parts.username is not None or parts.password is not None:
        raise Wrong("holds a name or password", "write them as username = … and password = { env = … }")
    if parts.scheme == "http" and not is_loopback(named):
        raise Wrong(f"http:// would send everything to {named} readable by all", "write https://")
    return value


web_url = converted({"type": "string", "pattern": "^https?://"}, _url)


def _collection(node: Node, reading: Reading) -> str:
    value = _url(node, reading)
    return value if value.endswith("/") else f"{value}/"


collection_url = converted(web_url.schema, _collection)


def _graph(node: Node, reading: Reading) -> str:
    """Scheme and host: the version belongs to the program, and is no harm where people write it."""
    return _url(node, reading).rstrip("/").removesuffix("/v1.0")


graph_url = converted(web_url.schema, _graph)


def _service(node: Node, reading: Reading) -> str:
    value = _url(node, reading)
    host = (urlsplit(value).hostname or "").rstrip(".")
    if any(host == one or host.endswith(f".{one}") for one in EXCHANGE_ONLINE):
        raise Wrong(
            f"{host} is Exchange Online, which refuses EWS by default since 2026-10-01 and for good on 2027-04-01",
            'write type = "graph"',
        )
    if urlsplit(value).path in ("", "/"):
        raise Wrong("names a server but no service on it", f'write "{value.rstrip("/")}/EWS/Exchange.asmx"')
    return value


EXCHANGE_ONLINE = (
    "office365.com",
    "office.com",
    "outlook.com",
    "office365.us",
    "apps.mil",
    "partner.outlook.cn",
    "office.de",
)
"""Domains of Microsoft's own clouds, national ones among them (Microsoft 365 URLs and IP address ranges)."""
service_url = converted(web_url.schema, _service)


def _directory(node: Node, reading: Reading) -> str:
    value = text_of(node, 'write a URL such as "ldaps://dc.ourfirm.example"')
    try:
        parts = urlsplit(value)
        host = parts.hostname
        parts.port  # noqa: B018 - raises where the port is no number
    except ValueError:
        raise Wrong("is no URL", 'write one such as "ldaps://dc.ourfirm.example"') from None
    if parts.scheme not in ("ldap", "ldaps") or not host or parts.path.strip("/") or parts.username is not None:
        raise Wrong("names no directory server", 'write only scheme and host, such as "ldaps://dc.ourfirm.example"')
    if parts.scheme == "ldap" and not is_loopback(host):
        raise Wrong(f"ldap:// would send everything to {host} readable by all", "write ldaps://")
    return value.rstrip("/")


directory_url = converted({"type": "string", "pattern": "^ldaps?://"}, _directory)

_WRITE_REFERENCE = 'write { env = "NAME" }, { file = "…" } or { keyring = "service/user" }'


def _secret_from(node: Node, reading: Reading) -> Secret:
    if isinstance(node.value, str):
        raise Wrong("a secret in plain text", _WRITE_REFERENCE)
    if not isinstance(node.value, dict):
        raise Wrong(f"{name_of(node)} stands where a reference to a secret belongs", _WRITE_REFERENCE)
    if len(node.value) != 1 or not set(node.value) <= set(_REFERENCES):
        raise Wrong("is no reference to one secret", _WRITE_REFERENCE)
    ((name, child),) = node.value.items()
    if name == "file":
        return Secret(file=_path(child, reading))
    written = _text(child, reading)
    if name == "keyring" and not all(written.partition("/")):
        raise Wrong("names no keyring entry", 'write { keyring = "service/user" }')
    if name == "env" and not _VARIABLE.fullmatch(written):
        raise Wrong("names no environment variable", 'write { env = "NAME" }')
    return Secret(env=written) if name == "env" else Secret(keyring=written)


def _secret_kind() -> Kind:
    kind = converted(_SECRET_SCHEMA, _secret_from)

    def read(node: Node, reading: Reading) -> object:
        value = kind.read(node, reading)
        if isinstance(value, Secret):
            reading.secrets.append((node, value))
        return value

    return Kind(schema=kind.schema, read=read)


def _reference(name: str, about: str) -> dict[str, object]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name],
        "properties": {name: {"type": "string", "minLength": 1, "description": about}},
    }


_SECRET_SCHEMA = {
    "anyOf": [
        _reference("env", "Environment variable that holds the secret."),
        _reference("file", "File that holds the secret; nobody but its owner may read it."),
        _reference("keyring", "Keyring entry, as service/user."),
    ]
}

secret = _secret_kind()
