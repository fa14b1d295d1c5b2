"""Creates and upgrades the database, and refuses one that does not fit this program.

`crm-agent migrate` upgrades; `crm-agent run` and `sync` create a new one and refuse an old one with the command
that upgrades it, and one from the future with the sentence that says so.
"""

import os
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.errors import SchemaMismatch as SchemaMismatch
from agent.store.errors import Unfit
from agent.store.hashes import Hasher
from agent.store.tables import installation

_MIGRATIONS = Path(__file__).with_name("migrations")
KEY_FILE = "installation.key"


def schema_state(database: Database) -> str:
    """`new`, `current`, `old` or `future`."""
    current = _current_revision(database)
    if current is None:
        return "new"
    earlier = _revisions()
    if current not in earlier:
        return "future"
    return "old" if current in earlier.values() else "current"


def _current_revision(database: Database) -> str | None:
    """What Alembic noted in the database, read without Alembic: it takes 11 MB and a third of the start."""
    with database.read() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return None if found is None else str(found)


def _revisions() -> dict[str, str | None]:
    """Revision -> the one before it, of every migration this program brings."""
    found: dict[str, str | None] = {}
    for path in (_MIGRATIONS / "versions").glob("*.py"):
        told = dict(re.findall(r"^(revision|down_revision)\b[^=]*= *[\"']?(\w+)", path.read_text(), re.MULTILINE))
        before = told.get("down_revision", "None")
        found[told["revision"]] = None if before == "None" else before
    return found


def upgrade(database: Database, hasher: Hasher) -> str:
    """Brings the database to this program's schema and returns what it was. Raises SchemaMismatch for a newer one."""
    state = schema_state(database)
    if state == "future":
        raise SchemaMismatch("the database was made by a newer crm-agent: install that version, or restore a backup")
    if state != "current":
        _run_migrations(database)
    _settle_installation(database, hasher)
    return state


def require_current(database: Database, hasher: Hasher) -> None:
    """Creates a new database; refuses an old or future one, and one that was made under another key."""
    if schema_state(database) == "old":
        raise SchemaMismatch("the database has an older schema: stop the service and run `crm-agent migrate`")
    upgrade(database, hasher)


def installation_id(database: Database) -> str:
    """The name of this installation, part of every calendar uid."""
    with database.read() as connection:
        return str(connection.execute(sa.select(installation.c.id)).scalar_one())


def read_or_make_key(path: Path) -> bytes:
    """The key file beside an SQLite database, made with mode 0600 where there is none."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return _checked_key(path)
    except OSError as error:
        raise Unfit(f"{path} cannot be written: {error.strerror}; let the service write there") from error
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(handle)  # whoever has the database has its key, also after the power was cut
    except OSError as error:
        path.unlink()  # a full disk: half a key would be taken for a lost one at every later start
        raise Unfit(f"{path} cannot be written: {error.strerror}; make room there") from error
    return _checked_key(path)


def _checked_key(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise Unfit(f"{path} can be read by others: run chmod 600 {path}")
        key = path.read_text(encoding="ascii").strip().encode()
    except OSError as error:
        raise Unfit(f"{path} cannot be read: {error.strerror}; let the service read it") from error
    except UnicodeDecodeError as error:
        raise Unfit(f"{path} is no key: restore it from the backup, the database needs it") from error
    if len(key) < 32:
        raise Unfit(f"{path} is too short to be a key: restore it from the backup, the database needs it")
    return key


def _run_migrations(database: Database) -> None:
    from alembic import command  # loaded when there is something to migrate
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with database.write(durable=True) as connection:
        database.serialise(connection)  # a second copy that starts now waits, and finds the work done
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _settle_installation(database: Database, hasher: Hasher) -> None:
    """Names a new installation, and refuses another's key. Writes once in its life: readers wait for no writer."""
    check = hasher.hash("installation")
    with database.read() as connection:
        known = connection.execute(sa.select(installation.c.key_check)).scalar_one_or_none()
    if known is None:
        known = _name_installation(database, check)
    if known != check:
        raise Unfit("the store key is not the one this database was made with: restore the key")


def _name_installation(database: Database, check: bytes) -> bytes:
    """The key check that stands then: ours, or that of a copy which was as quick."""
    with database.write(durable=True) as connection:
        database.serialise(connection)
        known: bytes | None = connection.execute(sa.select(installation.c.key_check)).scalar_one_or_none()
        if known is None:
            row = {"id": secrets.token_hex(8), "key_check": check, "created_at": datetime.now(UTC)}
            connection.execute(sa.insert(installation), row)
    return known or check
