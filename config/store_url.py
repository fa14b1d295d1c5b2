"""The database's URL as the file means it: its place, its password put in, and what is refused about it."""

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from config.model import Store
from config.node import Node
from config.reading import Reading, Wrong
from config.secrets import Secret, SecretError

DEFAULT = "sqlite:///crm-agent.db"
_SQLITE = "sqlite:///"
_POSTGRES = "postgresql+psycopg"


def store_from(node: Node, values: dict[str, object], reading: Reading, *, fill: bool) -> Store:
    """The store of a checked table. `fill` puts the password into the URL; what is wrong is noted."""
    url_node = node.table().get("url", node)
    url = str(values.get("url", DEFAULT))
    password, key = values.get("password"), values.get("key")
    given = password if isinstance(password, Secret) else None
    try:
        address = _sqlite(url, node.file.absolute().parent) if _is_sqlite(url) else _postgres(url, given, fill=fill)
    except Wrong as wrong:
        reading.note(url_node, wrong.what, wrong.instead)
        address = url
    except SecretError as error:
        reading.note(node.table().get("password", node), str(error))
        address = url
    _check_company(node, url, reading)
    return Store(url=address, password=given, key=key if isinstance(key, Secret) else None)


def _is_sqlite(url: str) -> bool:
    return url.split(":", 1)[0].split("+", 1)[0] == "sqlite"


def _check_company(node: Node, url: str, reading: Reading) -> None:
    """Which keys the URL asks for, and which it leaves no room for."""
    table = node.table()
    if _is_sqlite(url) and "password" in table:
        reading.note(table["password"], "an SQLite file has no password", "remove it")
    if not _is_sqlite(url) and "key" not in table:
        reading.note(node, "key is missing, which PostgreSQL needs", 'write key = { file = "…" }')


def _sqlite(url: str, folder: Path) -> str:
    """An absolute URL; a relative path starts at `folder`."""
    written, question, options = url.removeprefix(_SQLITE).partition("?")
    if not url.startswith(_SQLITE) or not written or written == ":memory:":
        raise Wrong("names no SQLite file", f'write "{DEFAULT}"')
    return f"{_SQLITE}{folder / written}{question}{options}"


def _postgres(url: str, password: Secret | None, *, fill: bool) -> str:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where the port is no number
    except ValueError:
        raise Wrong("is no URL", f'write "{_POSTGRES}://crm@db.ourfirm.example/crm"') from None
    if parts.scheme in ("postgresql", "postgres"):
        raise Wrong(f"{parts.scheme}:// names no driver", f"write {_POSTGRES}://…")
    if parts.scheme != _POSTGRES:
        raise Wrong("is neither SQLite nor PostgreSQL", f'write "{DEFAULT}" or "{_POSTGRES}://USER@HOST/NAME"')
    if parts.password is not None:
        raise Wrong("holds a password in plain text", "take it out and write password = { env = … }")
    if password is None:
        return url
    if not parts.username:
        raise Wrong("names no user for the password", f"write {_POSTGRES}://USER@HOST/NAME")
    if not fill:
        return url
    name, at, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{name}:{quote(password.read(), safe='')}{at}{place}"))
