"""Exchange Server tells by itself that a mailbox has news: one hanging connection a mailbox, in a thread of its own.

A server allows an account few such connections (10, or 3 before Exchange 2016), so few mailboxes of one account are
listened to; the others are polled, with the same result.
"""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

import structlog

from agent.store.errors import StoreError
from config.model import ExchangeAccess, Settings
from connectors.errors import ConnectorError, Fatal
from matchers.address import normalise

MOST_AN_ACCOUNT = 3
MOST = 100
AGAIN_SECONDS = 60.0
LONGEST_REST = 1800.0
_log = structlog.get_logger(__name__)

Listen = Callable[[ExchangeAccess], Iterator[bool]]
Wake = Callable[[Collection[str]], None]


@dataclass(eq=False, kw_only=True)
class _Ear:
    access: ExchangeAccess
    ended: threading.Event = field(default_factory=threading.Event)


class Streams:
    """listen: True for news, False for a sign of life, until its time is over. wake: makes mailboxes due."""

    def __init__(self, listen: Listen, wake: Wake, *, again_seconds: float = AGAIN_SECONDS) -> None:
        self._listen, self._wake, self._again = listen, wake, again_seconds
        self._ears: dict[str, _Ear] = {}
        self._wanted: Mapping[str, ExchangeAccess] = {}
        self._started = False

    def over(self, settings: Settings) -> None:
        """From now on the mailboxes of these settings."""
        self._wanted = listened(settings)
        if self._started:
            self._settle()

    def start(self) -> None:
        """Begins to listen."""
        self._started = True
        self._settle()

    def stop(self, seconds: float) -> None:
        """Ends; connections that hang end with the process."""
        for ear in self._ears.values():
            ear.ended.set()

    def _settle(self) -> None:
        for address in [one for one, ear in self._ears.items() if self._wanted.get(one) != ear.access]:
            self._ears.pop(address).ended.set()
        for address, access in self._wanted.items():
            if address not in self._ears:
                ear = self._ears[address] = _Ear(access=access)
                threading.Thread(target=self._hear, args=(address, ear), name="stream", daemon=True).start()

    def _hear(self, address: str, ear: _Ear) -> None:
        """Listens until told to end. After a break there may be news that nobody told of."""
        rest, told = self._again, ""
        while not ear.ended.is_set():
            try:
                self._hear_once(address, ear)
                rest, told = self._again, ""
            except (ConnectorError, StoreError) as error:
                if str(error) != told:
                    told = str(error)
                    _log.warning("a mailbox is polled, its news are not heard", sentence=told)
                ear.ended.wait(LONGEST_REST if isinstance(error, Fatal) else rest)
                rest = min(2 * rest, LONGEST_REST)
            except Exception as error:  # noqa: BLE001 - a job boundary: one stream's fault stays its own
                _log.error("unexpected error at a stream", error=type(error).__name__)
                ear.ended.wait(LONGEST_REST)

    def _hear_once(self, address: str, ear: _Ear) -> None:
        fresh = True
        for is_news in self._listen(ear.access):
            if ear.ended.is_set():
                return
            if is_news or fresh:
                self._wake([address])
            fresh = False


def listened(settings: Settings) -> Mapping[str, ExchangeAccess]:
    """Mailboxes to listen to, by normalised address: the first few of every account. Pure."""
    found: dict[str, ExchangeAccess] = {}
    taken: Counter[tuple[str, str]] = Counter()
    for mailbox in settings.mailboxes:
        if isinstance(mailbox.access, ExchangeAccess):
            account = (mailbox.access.endpoint or "", mailbox.access.username or mailbox.connector)
            if taken[account] < MOST_AN_ACCOUNT and len(found) < MOST:
                taken[account] += 1
                found[normalise(mailbox.address).normalised] = mailbox.access
    return found
