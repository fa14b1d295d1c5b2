"""What a process remembers between passes; nothing of it is needed after a restart."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from connectors.errors import ConnectorError

if TYPE_CHECKING:
    from agent.tending.remembered import Remembered


@dataclass(frozen=True, kw_only=True)
class Memory:
    """All by mailbox address.

    counts: what it did so far. missing_folders: the configured names that no folder had at the last pass. derived: what
    the reminder rules were last asked about, so that they are asked only when something changed. absence_asked: when
    the owner's automatic replies were last looked at. placed: ids of reminders that a `sync` made and left standing.
    """

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    calendar_errors: dict[str, ConnectorError] = field(default_factory=dict)
    missing_folders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    derived: "dict[str, Remembered]" = field(default_factory=dict)
    absence_asked: dict[str, datetime] = field(default_factory=dict)
    placed: dict[str, frozenset[str]] = field(default_factory=dict)
