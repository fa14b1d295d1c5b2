"""Proves by counting that no message is missing: a set difference of what the server lists and what has a row.

Read-only on both sides and without a lease: mail that arrives meanwhile is above the cursor and not counted.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from agent.store.database import Database
from agent.store.mail import decisions, folders
from agent.store.mail.folders import FolderState
from connectors.base import MailSource
from connectors.errors import Skippable


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What became of one folder's messages. on_server: ids below the cursors. problem: why it cannot be counted."""

    folder: str
    on_server: int = 0
    outcomes: Counter[str]
    skipped: Counter[str]
    missing: int = 0
    problem: str | None = None

    def told(self, mailbox: str) -> dict[str, object]:
        """As the contract shows it."""
        kept = {name: self.outcomes[name] for name in ("logged", "review", "quarantined", "pending")}
        return {
            "mailbox": mailbox,
            "folder": self.folder,
            "on_server": self.on_server,
            "logged": kept.pop("logged"),
            "skipped": dict(sorted(self.skipped.items())),
            **kept,
            "missing": self.missing,
            **({"problem": self.problem} if self.problem else {}),
        }


def reconcile(database: Database, source: MailSource, mailbox_id: int, since: date | None) -> Iterator[Account]:
    """One account a folder that the server lists. Raises ConnectorError."""
    listed = source.folders()
    with database.read() as connection:
        known = folders.load(connection, mailbox_id)
    for folder in listed:
        state = known.get(folder.key)
        try:
            if state is None or state.forward is None:
                ids = source.ids(folder, since).ids
                yield _unread(folder.name, len(ids))
            else:
                yield _count(database, source, state, since)
        except Skippable as refusal:
            yield Account(folder=folder.name, outcomes=Counter(), skipped=Counter(), problem=str(refusal))


def _count(database: Database, source: MailSource, state: FolderState, since: date | None) -> Account:
    listing = source.ids(state.folder, since)
    if listing.validity != state.validity:
        return _unread(state.name, len(listing.ids), problem="renumbered since the last pass: sync it first")
    above = _not_read_yet(source, state, since)
    with database.read() as connection:
        rows = decisions.places(connection, state.id, listing.validity)
    below = listing.ids - above
    found = {uid: rows[uid] for uid in below & rows.keys()}
    return Account(
        folder=state.name,
        on_server=len(below),
        outcomes=Counter(outcome for outcome, _ in found.values()),
        skipped=Counter(str(reason) for outcome, reason in found.values() if outcome == "skipped"),
        missing=len(below - rows.keys()),
    )


def _not_read_yet(source: MailSource, state: FolderState, since: date | None) -> frozenset[str]:
    """Ids that a lane has still before it."""
    ahead = {envelope.id for page in source.changes(state.folder, state.forward) for envelope in page.envelopes}
    if state.history is not None and not state.history_done:
        for page in source.history(state.folder, state.history, since):
            ahead |= {envelope.id for envelope in page.envelopes}
    return frozenset(ahead)


def _unread(folder: str, on_server: int, problem: str = "not read yet: sync it first") -> Account:
    return Account(
        folder=folder, on_server=on_server, outcomes=Counter(), skipped=Counter(), missing=on_server, problem=problem
    )
