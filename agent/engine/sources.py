"""Connections kept open between polls, one a mailbox. A poll of an unchanged mailbox then needs no sign-in."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from config.model import Mailbox
from connectors.base import MailSource
from connectors.errors import Retriable

Result = TypeVar("Result")

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

    def _take(self, mailbox: Mailbox) -> MailSource | None:
        with self._lock:
            kept = self._kept.pop(mailbox.address, None)
        if kept is None or kept.mailbox == mailbox:
            return kept.source if kept else None
        kept.source.close()
        return None

    def _keep(self, mailbox: Mailbox, source: MailSource) -> bool:
        with self._lock:
            if len(self._kept) >= self._most or mailbox.address in self._kept:
                return False
            self._kept[mailbox.address] = _Kept(mailbox=mailbox, source=source)
        return True
