"""The whole round: the database first, lists and connectors, then every mailbox with its calendar, several at once."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from agent.bootstrap import selected
from agent.doctor import calendar, exchange, lists, mail, storage, subscriptions
from agent.doctor.calendar import CalendarVisit
from agent.doctor.examine import examine
from agent.doctor.exchange import ConnectorVisit
from agent.doctor.finding import Finding, Verdict
from agent.doctor.lists import ListVisit
from agent.doctor.mail import MailVisit
from agent.doctor.storage import StoreVisit
from agent.doctor.subscriptions import FeedVisit
from agent.engine.servers import PER_SERVER
from config.listed import with_members
from config.model import EntraGroup, ExchangeAccess, GraphAccess, Mailbox, Settings
from connectors.oauth import TokenCache


def round_of(settings: Settings, address: str | None = None, *, write: bool) -> Iterator[Finding]:
    """Every finding, in the order of the configuration. address: of the one mailbox to look at, None for all.

    write: calendars are tried with an item of our own. Raises StoreError if `store.url` means no database at all.
    """
    with closing(StoreVisit(store=settings.store)) as visit:
        yield from examine("database", visit, storage.looks(visit))
        tokens = visit.tokens()
        asked = [ListVisit(one=one, known=visit.known_lists().get(one.connector)) for one in settings.lists]
        for each in asked:
            yield from examine(each.one.connector, each, lists.LOOKS)
        if settings.reminders.feed is not None:
            there = FeedVisit(feed=settings.reminders.feed, store=visit)
            yield from examine("feed", there, subscriptions.LOOKS)
    whole, _ = with_members(settings, {each.one.connector: each.members for each in asked})
    chosen = selected(whole, address)
    shut: list[_Shut] = []
    for name, connector in _connectors(whole, chosen, tokens, everything=address is None).items():
        findings = list(examine(name, connector, exchange.looks(connector)))
        yield from findings
        if any(each.check == "sign-in" and each.ok is not Verdict.OK for each in findings):
            shut.append(_Shut(connector=name, credentials=_credentials(connector.access)))
    listed = {one.address for one in whole.mailboxes} - {one.address for one in settings.mailboxes}
    with ThreadPoolExecutor(max_workers=PER_SERVER, thread_name_prefix="doctor") as pool:
        yield from _of_mailboxes(pool, chosen, _Round(tokens=tokens, write=write, shut=shut, listed=listed))


@dataclass(frozen=True, kw_only=True)
class _Shut:
    """A sign-in that failed: whoever signs in alike waits, or the account would be locked."""

    connector: str
    credentials: object


@dataclass(frozen=True, kw_only=True)
class _Round:
    """What holds for every mailbox. listed: addresses that are on a list."""

    tokens: TokenCache
    write: bool
    shut: Sequence[_Shut] = ()
    listed: frozenset[str] | set[str] = frozenset()


def _connectors(
    settings: Settings, chosen: Sequence[Mailbox], tokens: TokenCache, *, everything: bool
) -> Mapping[str, ConnectorVisit]:
    """The connectors of Exchange by name, each with the access of somebody who stands for all."""
    closed = {one.connector: one for one in settings.must_refuse}
    groups = {one.connector: one.source for one in settings.lists if isinstance(one.source, EntraGroup)}
    accesses = {mailbox.connector: mailbox.access for mailbox in reversed(chosen)}
    if everything:
        others = {name: one.access for name, one in closed.items()} | {name: one.access for name, one in groups.items()}
        accesses = {**others, **accesses}
    return {
        name: ConnectorVisit(
            access=access,
            tokens=tokens,
            now=datetime.now(UTC),
            must_refuse=closed.get(name),
            needs_group=name in groups,
        )
        for name, access in accesses.items()
        if isinstance(access, GraphAccess | ExchangeAccess)
    }


def _credentials(access: object) -> object:
    """What is the same for mailboxes that sign in alike."""
    return access.model_copy(update={"user": ""}) if isinstance(access, GraphAccess | ExchangeAccess) else None


def _of_mailboxes(pool: ThreadPoolExecutor, chosen: Sequence[Mailbox], round_: _Round) -> Iterator[Finding]:
    for findings in pool.map(lambda mailbox: _of_mailbox(mailbox, round_), chosen):
        yield from findings


def _of_mailbox(mailbox: Mailbox, round_: _Round) -> list[Finding]:
    """What there is to say of one mailbox and its calendar."""
    if _Shut(connector=mailbox.connector, credentials=_credentials(mailbox.access)) in round_.shut:
        waits = f"waits for: sign-in of {mailbox.connector}"
        return [Finding(subject=mailbox.address, check="mailbox", ok=Verdict.SKIPPED, detail=waits)]
    now, listed = datetime.now(UTC), mailbox.address in round_.listed
    with closing(MailVisit(mailbox=mailbox, tokens=round_.tokens, now=now, listed=listed)) as visit:
        found = list(examine(mailbox.address, visit, mail.looks(mailbox)))
    if mailbox.calendar is None:
        return found
    with closing(CalendarVisit(mailbox=mailbox, calendar=mailbox.calendar, now=now)) as visit:
        looks = calendar.looks(mailbox, mailbox.calendar, write=round_.write)
        return [*found, *examine(f"{mailbox.address} calendar", visit, looks)]
