"""Connections kept open between polls, one a mailbox. A poll of an unchanged mailbox then needs no sign-in."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from agent.engine.servers import server_of
from config.model import Mailbox
from connectors.base import MailSource
from connectors.errors import Crowded, Retriable

Result = TypeVar("Result")

CROWDED_SECONDS = 3600.0
"""How long no idle connection is kept at a server that had no room for one more."""

MOST = 500
"""Connections kept at a time; mailboxes beyond that sign in at every poll."""


@dataclass(frozen=True, kw_only=True)
class _Kept:
    mailbox: Mailbox
    source: MailSource


class Sources:
    """Opens, keeps and closes the source of each mailbox. A source is used by one thread at a time."""

    def __init__(self, open_source: Callable[[Mailbox], MailSource], *, most: int = MOST) -> None:
        self._open = open_source
        self._most = most
        self._kept: dict[str, _Kept] = {}
        self._crowded: dict[str, float] = {}
        self._lock = threading.Lock()

    def use(self, mailbox: Mailbox, do: Callable[[MailSource], Result]) -> Result:
        """Runs `do` with the mailbox's source, and keeps the source if that went well.

        A kept connection may have died between two polls: that is no failure, `do` runs once more on a fresh one.
        """
        kept = self._take(mailbox)
        if kept is not None:
            try:
                return self._run(mailbox, kept, do)
            except Retriable as error:
                if error.after is not None:  # the server lives, and asks to be left alone
                    raise
        try:
            return self._run(mailbox, self._open(mailbox), do)
        except Crowded:
            if not self._make_room(server_of(mailbox)):
                raise
        return self._run(mailbox, self._open(mailbox), do)

    def forget(self, address: str) -> None:
        """Closes what is kept for this mailbox."""
        with self._lock:
            kept = self._kept.pop(address, None)
        if kept:
            kept.source.close()

    def close(self) -> None:
        """Closes everything that is kept."""
        for address in list(self._kept):
            self.forget(address)

    def _run(self, mailbox: Mailbox, source: MailSource, do: Callable[[MailSource], Result]) -> Result:
        done = False
        try:
            result = do(source)
            done = True
        finally:
            if not (done and self._keep(mailbox, source)):
                source.close()
        return result

    def _make_room(self, server: str) -> bool:
        """Lets go of what is idle at a server, now and for a while. False if there was nothing."""
        with self._lock:
            self._crowded[server] = time.monotonic() + CROWDED_SECONDS
            idle = [address for address, kept in self._kept.items() if server_of(kept.mailbox) == server]
        for address in idle:
            self.forget(address)
        return bool(idle)

    def _is_crowded(self, server: str) -> bool:
        return time.monotonic() < self._crowded.get(server, 0.0)

    def _take(self, mailbox: Mailbox) -> MailSource | None:
        with self._lock:
            kept = self._kept.pop(mailbox.address, None)
        if kept is None or kept.mailbox == mailbox:
            return kept.source if kept else None
        kept.source.close()
        return None

    def _keep(self, mailbox: Mailbox, source: MailSource) -> bool:
        with self._lock:
            full = len(self._kept) >= self._most or self._is_crowded(server_of(mailbox))
            if full or mailbox.address in self._kept:
                return False
            self._kept[mailbox.address] = _Kept(mailbox=mailbox, source=source)
        return True
