"""What a mailbox in memory holds: folders, messages, and the faults that its server has just now."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from connectors.errors import ConnectorError
from connectors.message import Flags


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One message in one folder. change: the folder's count of changes when its flags last changed."""

    raw: bytes
    when: datetime | None
    flags: Flags
    change: int
    guid: str


@dataclass(kw_only=True)
class MemoryFolder:
    """A folder as the server holds it. changes grows with everything that happens in it (HIGHESTMODSEQ)."""

    name: str
    role: str | None
    validity: int
    next: int = 1
    changes: int = 0
    messages: dict[int, Stored] = field(default_factory=dict)


@dataclass(kw_only=True)
class Faults:
    """What the server does wrong from now on; empty it to heal the server.

    refuse: (folder key, id) → why its header or body is not handed out. broken: folder keys that cannot be opened.
    error: raised by every call. before: called first thing in every call with its name and the folder's key, without
    the lock: the place to let something happen in between, or to raise. hide_folders: folders() answers nothing.
    """

    refuse: dict[tuple[str, str], str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    error: ConnectorError | None = None
    before: Callable[[str, str], None] | None = None
    hide_folders: bool = False
