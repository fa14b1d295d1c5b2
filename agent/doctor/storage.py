"""Looks at the database: whether it is there, fits this program and its key, and has room to grow."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from agent.bootstrap import open_store, store_key
from agent.doctor.examine import Look
from agent.doctor.finding import Said, failed, fine, warning
from agent.store import health, migrate
from agent.store.database import Database, sqlite_file
from agent.store.hashes import Hasher
from agent.store.schedule import lists
from agent.store.tokens import StoredTokens
from config.model import Member, Store
from connectors.oauth import MemoryTokens, TokenCache

MB = 1_000_000
LITTLE = 1_000 * MB
TOO_LITTLE = 100 * MB
"""Bytes free where the database lies: below the one warned of, below the other failed."""
_MIGRATE = "stop the service and run `crm-agent migrate`"


@dataclass(kw_only=True)
class StoreVisit:
    """One visit to the database. `close` it at the end; nothing is opened, or made, before a look needs it."""

    store: Store

    @cached_property
    def file(self) -> Path | None:
        """Where an SQLite database lies; None for PostgreSQL. Raises StoreError."""
        return sqlite_file(self.store.url)

    @cached_property
    def opened(self) -> tuple[Database, Hasher]:
        return open_store(self.store)

    @cached_property
    def state(self) -> str:
        return migrate.schema_state(self.opened[0])

    @property
    def is_current(self) -> bool:
        """Whether it can be read by this program. Call it after the looks."""
        return self.__dict__.get("state") == "current"

    def tokens(self) -> TokenCache:
        """The sign-ins that are stored, where they can be; else none. Call it after the looks."""
        if not self.is_current:
            return MemoryTokens()
        return StoredTokens(self.opened[0], store_key(self.store))

    def known_lists(self) -> Mapping[str, Sequence[Member]]:
        """Lists of mailboxes as last taken, by connector, where the database can tell. Call it after the looks."""
        if not self.is_current:
            return {}
        with self.opened[0].read() as connection:
            known = lists.known(connection)
        return {name: one.members for name, one in known.items() if one.members is not None}

    def close(self) -> None:
        if "opened" in self.__dict__:
            self.opened[0].close()


def looks(visit: StoreVisit) -> Sequence[Look[StoreVisit]]:
    """What there is to look at: before the first run less. Raises StoreError for an unusable url."""
    if visit.file is None:
        return _STANDING
    return (*(_STANDING if visit.file.exists() else _NEW), Look(check="space", at=_space))


def _new(visit: StoreVisit) -> Said:
    assert visit.file is not None  # noqa: S101 - asked of files only; tells the type checker
    folder = visit.file.parent
    if not folder.is_dir():
        return failed(f"there is no folder {folder} for the database", f"make {folder}, or correct `store.url`")
    if not os.access(folder, os.W_OK | os.X_OK):
        return failed(f"{folder} cannot be written", "let the service write there, or correct `store.url`")
    return warning("there is no database yet", "the first `crm-agent sync` or `run` makes it")


def _key_file(visit: StoreVisit) -> Said:
    """Before anything opens the store, which would make a key where there is none."""
    if visit.store.key is not None:
        visit.store.key.read()
        return fine("by reference")
    if visit.file is None:
        return failed("PostgreSQL needs a key of the installation", "write store.key = { file = … }")
    key = visit.file.with_name(migrate.KEY_FILE)
    if not key.exists():
        return failed(f"{key} is missing", "restore it from the backup: the database needs it")
    if not os.access(key, os.R_OK):
        return failed(f"{key} cannot be read", "let the service read it, and nobody else")
    return fine(str(key))


def _schema(visit: StoreVisit) -> Said:
    return judge_schema(visit.state)


def judge_schema(state: str) -> Said:
    """state: as `agent.store.migrate.schema_state` says. Pure."""
    match state:
        case "current":
            return fine("reachable, schema current")
        case "new":
            return failed("the database is empty", "run `crm-agent migrate`")
        case "old":
            return failed("the database has an older schema", _MIGRATE)
        case _:
            return failed("the database was made by a newer crm-agent", "install that version, or restore a backup")


def _belongs(visit: StoreVisit) -> Said:
    if health.key_belongs(*visit.opened):
        return fine("the key belongs to the database")
    return failed("the key is not the one this database was made with", "restore the key from the backup")


def _write(visit: StoreVisit) -> Said:
    health.try_writing(visit.opened[0])
    return fine("can be written")


def _space(visit: StoreVisit) -> Said:
    assert visit.file is not None  # noqa: S101 - asked of files only; tells the type checker
    folder = next((each for each in visit.file.absolute().parents if each.is_dir()), Path("/"))
    return judge_space(shutil.disk_usage(folder).free)


def judge_space(free: int) -> Said:
    """free: bytes. Pure."""
    detail = f"{free / (1000 * MB):.1f} GB free" if free >= 1000 * MB else f"{free // MB} MB free"
    advice = "make room where the database lies"
    if free < TOO_LITTLE:
        return failed(detail, advice)
    return warning(detail, advice) if free < LITTLE else fine(detail)


_NEW: Sequence[Look[StoreVisit]] = (Look(check="database", at=_new),)
_STANDING: Sequence[Look[StoreVisit]] = (
    Look(check="key file", at=_key_file),
    Look(check="schema", at=_schema, after=("key file",)),
    Look(check="key", at=_belongs, after=("schema",)),
    Look(check="write", at=_write, after=("schema", "key")),
)
