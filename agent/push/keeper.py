"""Keeps one subscription a mailbox: takes over those that exist, makes what is missing, renews in time, ends leavers'.

Nothing is stored: after a restart Graph is asked what there is.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from agent.push.notices import Doorplate, News
from config.model import GraphAccess
from connectors.errors import ConnectorError

if TYPE_CHECKING:
    from connectors.graph.subscriptions import Subscription

LIFE = timedelta(days=3)
RENEW_BEFORE = timedelta(days=1)
AGAIN = timedelta(minutes=5)
"""After a failure. Until then polling does the work."""
_log = structlog.get_logger(__name__)


class Subscriptions(Protocol):
    """`connectors.graph.subscriptions`."""

    def existing(self, access: GraphAccess) -> "Iterator[Subscription]": ...

    def create(self, access: GraphAccess, url: str, client_state: str, ends: datetime) -> "Subscription | None": ...

    def renew(self, access: GraphAccess, id: str, ends: datetime) -> "Subscription | None": ...

    def delete(self, access: GraphAccess, id: str) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A mailbox to be followed. url: where its notices go, which no other mailbox shares."""

    door: Doorplate
    access: GraphAccess
    url: str


@dataclass(kw_only=True, slots=True)
class _Kept:
    """A mailbox that is followed. due: when something is to be done about it. told: the last failure that was said."""

    wanted: Wanted
    due: datetime
    subscription: "Subscription | None" = None
    told: str = ""

    @property
    def tenant(self) -> tuple[str, str, str]:
        access = self.wanted.access
        return access.endpoint, access.tenant_id, access.client_id


class Keeper:
    """Not for several threads at once: one thread calls `want`, `heard` and `keep`.

    subscriptions: loaded when a mailbox is followed, because few installations have any.
    """

    def __init__(self, subscriptions: Callable[[], Subscriptions], clock: Callable[[], datetime]) -> None:
        self._subscriptions, self._clock = subscriptions, clock
        self._kept: dict[str, _Kept] = {}
        self._known: set[tuple[str, str, str]] = set()
        self._base = ""

    def want(self, wanted: Mapping[str, Wanted], base: str) -> None:
        """From now on these mailboxes, by address. base: how all our URLs begin."""
        self._base = base
        for address in [one for one, kept in self._kept.items() if wanted.get(one) != kept.wanted]:
            self._end(self._kept.pop(address))
        for address, one in wanted.items():
            self._kept.setdefault(address, _Kept(wanted=one, due=self._clock()))

    def heard(self, address: str, news: News) -> None:
        """What a notice says of the subscription itself."""
        kept = self._kept.get(address)
        if kept is None:
            return
        if news is News.REMOVED:
            kept.subscription = None
        if news in (News.REMOVED, News.REAUTHORISE):
            kept.due = self._clock()

    def keep(self) -> None:
        """Makes and renews what is due. A failure is told once and tried again later."""
        now = self._clock()
        for kept in [one for one in self._kept.values() if one.due <= now]:
            kept.due = now + AGAIN
            try:
                self._keep_one(kept, now)
            except ConnectorError as error:
                self._tell(kept, error)
            else:
                kept.told = ""

    def _keep_one(self, kept: _Kept, now: datetime) -> None:
        if kept.tenant not in self._known:
            self._find(kept)
            self._known.add(kept.tenant)
        wanted, found = kept.wanted, kept.subscription
        if found is not None:
            found = self._subscriptions().renew(wanted.access, found.id, now + LIFE)
        if found is None:
            found = self._subscriptions().create(wanted.access, wanted.url, wanted.door.client_state, now + LIFE)
        kept.subscription = found
        if found is not None:
            kept.due = max(found.ends - RENEW_BEFORE, now + AGAIN)

    def _find(self, asking: _Kept) -> None:
        """Takes over what the last process left in this tenant, and ends what belongs to nobody any more."""
        by_url = {kept.wanted.url: kept for kept in self._kept.values()}
        access = asking.wanted.access
        for found in list(self._subscriptions().existing(access)):
            if not found.url.startswith(self._base):
                continue
            kept = by_url.get(found.url)
            if kept is not None and kept.subscription is None:
                kept.subscription = found
            else:
                self._subscriptions().delete(access, found.id)

    def _end(self, kept: _Kept) -> None:
        if kept.subscription is None:
            return
        try:
            self._subscriptions().delete(kept.wanted.access, kept.subscription.id)
        except ConnectorError as error:  # it ends by itself in days; what it posts until then is not believed
            self._tell(kept, error)

    def _tell(self, kept: _Kept, error: ConnectorError) -> None:
        if str(error) != kept.told:
            kept.told = str(error)
            _log.warning("a mailbox is polled, its changes are not told", sentence=kept.told, advice=error.advice)
