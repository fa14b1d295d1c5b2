"""One look at a list: read, judged, and kept in the database either way. And the settings with all that is kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from agent.lists.judge import Doubt, change, judge
from agent.store.database import Database
from agent.store.schedule import lists
from config.listed import with_members
from config.model import MailboxList, Member, Settings
from connectors.errors import ConnectorError

Read = Callable[[MailboxList], Sequence[Member]]
"""Asks for a list. Raises ConnectorError."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What a look came to. doubt: why nothing was changed, None if the list was taken."""

    connector: str
    doubt: Doubt | None = None


def look(database: Database, one: MailboxList, read: Read, now: datetime) -> Looked:
    """Looks at one list. Raises StoreError; whatever else goes wrong is the doubt."""
    with database.read() as connection:
        known = lists.known(connection).get(one.connector, lists.Known(connector=one.connector))
    try:
        found = read(one)
    except ConnectorError as error:
        doubt: Doubt | None = Doubt(sentence=f"the list cannot be read: {error}", advice=error.advice)
    else:
        doubt = judge(known.members, found, one.most_change)
        if doubt is None:
            _take(database, known, one, found, now)
    if doubt is not None:
        _refuse(database, known, doubt)
    return Looked(connector=one.connector, doubt=doubt)


def with_lists(database: Database, described: Settings) -> Settings:
    """The settings with everybody on the lists that were last taken. Raises StoreError."""
    if not described.lists:
        return described
    with database.read() as connection:
        known = lists.known(connection)
    members = {connector: one.members for connector, one in known.items() if one.members is not None}
    settings, _ = with_members(described, members)  # what is wrong with entries was told when the list was taken
    return settings


def _take(database: Database, known: lists.Known, one: MailboxList, found: Sequence[Member], now: datetime) -> None:
    if known.fault is None and known.members == tuple(found):
        return
    lists.take(database, known.connector, found, now)
    for problem in one.make(found).problems:  # by place: what is wrong may name the entry
        where = {"file": str(problem.file), "line": problem.line, "key": problem.key}
        _log.warning("an entry of a list cannot be a mailbox", connector=known.connector, **where)
    differs = change(known.members, found)
    if differs.joined or differs.left or known.fault:
        _log.info("list taken", connector=known.connector, joined=differs.joined, left=differs.left)


def _refuse(database: Database, known: lists.Known, doubt: Doubt) -> None:
    """The log warns when the reason is news; `mailboxes` tells it until it is gone."""
    if (known.fault, known.advice) == (doubt.sentence, doubt.advice):
        return
    lists.refuse(database, known.connector, doubt.sentence, doubt.advice)
    _log.warning("list not taken, nothing was changed", connector=known.connector, sentence=doubt.sentence)
