"""Push beside the daemon: the receiver, the keeper and the hints between them, in threads of their own.

A hint only makes a mailbox due. Lost, doubled, mixed up or invented ones change nothing but the hour of a poll.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial

import structlog

from agent.push.keeper import Keeper, Subscriptions, Wanted
from agent.push.notices import Doorplate, News
from agent.push.receiver import Receiver
from agent.store.errors import StoreError
from agent.store.hashes import Hasher
from config.model import GraphAccess, Settings
from config.model import Push as PushSettings
from matchers.address import normalise

DRAIN_SECONDS = 0.5
"""Hints of so long are one: a thread of twenty messages is read once."""
KEEP_SECONDS = 10.0
_log = structlog.get_logger(__name__)

Wake = Callable[[Collection[str]], None]


class Push:
    """wake: makes mailboxes due, by normalised address. Without `[push]` in the settings it does nothing."""

    def __init__(
        self,
        subscriptions: Callable[[], Subscriptions],
        hasher: Hasher,
        wake: Wake,
        clock: Callable[[], datetime],
        *,
        keep_seconds: float = KEEP_SECONDS,
    ) -> None:
        self._hasher, self._wake = hasher, wake
        self._keeper = Keeper(subscriptions, clock)
        self._receiver: Receiver | None = None
        self._listening: tuple[str, int] | None = None
        self._news: dict[str, set[News]] = defaultdict(set)
        self._lifecycle: list[tuple[str, News]] = []
        self._settings: Settings | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=partial(self._again, DRAIN_SECONDS, self._drain), name="hints", daemon=True),
            threading.Thread(target=partial(self._again, keep_seconds, self._keep), name="subscriptions", daemon=True),
        ]

    def start(self) -> None:
        """Begins, if `over` was given something to do, or as soon as it is."""
        for thread in self._threads:
            thread.start()

    def over(self, settings: Settings) -> None:
        """From now on the mailboxes of these settings."""
        wanted = wanted_of(settings, self._hasher)
        self._listen(settings.push)
        with self._lock:
            self._settings = settings
            if self._receiver is not None:
                self._receiver.doors = {one.door.path: one.door for one in wanted.values()}

    def stop(self, seconds: float) -> None:
        """Ends. Subscriptions stay: the next process finds them."""
        self._stopped.set()
        self._listen(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(seconds)

    def _listen(self, push: PushSettings | None) -> None:
        place = (push.host, push.port) if push else None
        if place == self._listening:
            return
        if self._receiver is not None:
            self._receiver.close()
        self._receiver, self._listening = None, place
        if place is None:
            return
        try:
            self._receiver = Receiver(*place, self._hear)
        except OSError as error:
            _log.error("notices cannot be received, mailboxes are polled", reason=error.strerror)
            self._listening = None

    def _hear(self, address: str, news: News) -> None:
        with self._lock:
            self._news[address].add(news)

    def _drain(self) -> None:
        with self._lock:
            heard, self._news = self._news, defaultdict(set)
        if not heard:
            return
        try:
            self._wake(list(heard))
        except StoreError as error:
            _log.warning("the schedule cannot be reached, mailboxes are polled", sentence=str(error))
        with self._lock:
            self._lifecycle += [(address, one) for address, news in heard.items() for one in news]

    def _keep(self) -> None:
        with self._lock:
            settings, self._settings = self._settings, None
            lifecycle, self._lifecycle = self._lifecycle, []
        if settings is not None:
            base = settings.push.url if settings.push else ""
            self._keeper.want(wanted_of(settings, self._hasher), base)
        for address, news in lifecycle:
            self._keeper.heard(address, news)
        self._keeper.keep()

    def _again(self, seconds: float, step: Callable[[], None]) -> None:
        while not self._stopped.is_set():
            try:
                step()
            except Exception as error:  # noqa: BLE001 - a job boundary: hints never end the daemon
                _log.error("unexpected error at notices", error=type(error).__name__)
            self._stopped.wait(seconds)


def wanted_of(settings: Settings, hasher: Hasher) -> Mapping[str, Wanted]:
    """What is to be followed, by normalised address: mailboxes of Exchange Online, where there is a `[push]`. Pure."""
    if settings.push is None:
        return {}
    found: dict[str, Wanted] = {}
    for mailbox in settings.mailboxes:
        if isinstance(mailbox.access, GraphAccess):
            address = normalise(mailbox.address).normalised
            door = _door(address, hasher)
            url = f"{settings.push.url}{door.path}"
            found[address] = Wanted(door=door, access=mailbox.access, url=url)
    return found


def _door(address: str, hasher: Hasher) -> Doorplate:
    """Path and secret follow from the installation's key, so nothing of them is stored."""
    return Doorplate(
        address=address,
        path=hasher.hash("push-path", address).hex(),
        client_state=hasher.hash("push-state", address).hex(),
    )
