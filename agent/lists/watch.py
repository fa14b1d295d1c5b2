"""Looks at lists while the daemon runs, in a thread of its own: a directory that hangs holds up nobody's mail."""

import threading
import time
from collections.abc import Callable

import structlog

from agent.lists.look import Looked
from agent.store.errors import StoreError
from config.model import MailboxList, Settings

SOON = 300.0
"""Seconds until a list that was not taken is looked at again, unless it is looked at more often anyway."""
_log = structlog.get_logger(__name__)


class Watch:
    """look: one look; tell: what to do after one. Start it once; `over` says which lists, as often as they change."""

    def __init__(self, look: Callable[[MailboxList], Looked], tell: Callable[[], None]) -> None:
        self._look = look
        self._tell = tell
        self._lists: dict[str, MailboxList] = {}
        self._due: dict[str, float] = {}
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="lists", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def over(self, settings: Settings) -> None:
        """From now on these lists, each of them at once."""
        with self._changed:
            self._lists = {one.connector: one for one in settings.lists}
            self._due = dict.fromkeys(self._lists, 0.0)
            self._changed.notify_all()

    def stop(self, seconds: float) -> None:
        """Ends, and waits so long for a look under way. One that hangs on a server ends with the process."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        while (one := self._next()) is not None:
            taken = self._looked(one)
            with self._changed:
                pause = one.every.total_seconds() if taken else min(SOON, one.every.total_seconds())
                if self._lists.get(one.connector) is one:  # or it was described anew meanwhile, and is due
                    self._due[one.connector] = time.monotonic() + pause
                is_over = self._stopped
            if not is_over:
                self._tell()

    def _next(self) -> MailboxList | None:
        """The list whose turn it is, as soon as it is; None at the end."""
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                first = min(self._due, key=lambda name: self._due[name], default=None)
                if first is not None and self._due[first] <= now:
                    self._due[first] = float("inf")  # until it was looked at
                    return self._lists[first]
                self._changed.wait(None if first is None else min(self._due[first] - now, threading.TIMEOUT_MAX))
        return None

    def _looked(self, one: MailboxList) -> bool:
        try:
            return self._look(one).doubt is None
        except StoreError as error:
            _log.error("a list cannot be kept", connector=one.connector, sentence=str(error))
        except Exception as error:  # noqa: BLE001 - a job boundary: one list's fault stays its own
            _log.error("unexpected error at a list", connector=one.connector, error=type(error).__name__)
        return False
