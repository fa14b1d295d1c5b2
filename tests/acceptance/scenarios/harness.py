"""A salesperson's desk: real mailboxes, the program's own rooms wired as its commands wire them, and views of both.

A scenario changes mail on a real server as people do, lets the program make its passes, and looks at what a person
would see: the history, explanations, the account of `reconcile`, the feed. After every pass the mailbox must look
exactly as before; where the scenario itself changes mail meanwhile, at least every command must have been a reading
one.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa

from agent.bootstrap import House, open_house, open_store
from agent.engine.once import Passed, run_once
from agent.engine.progress import utc_now
from agent.engine.runner import Ending, Runner
from agent.store import feed, leases, roll
from agent.store.directory.contact_writes import Draft, open_directory
from agent.store.directory.contacts import Email
from agent.store.hashes import Hasher
from agent.store.mail import decisions, folders, gaps, history
from agent.store.mail.decisions import Ruling
from agent.store.mail.folders import FolderState
from agent.store.owner import this_process
from agent.store.schedule import mailboxes, standing
from agent.store.schedule.standing import State
from agent.sync.reconcile import Account, reconcile
from config.model import (
    Access,
    Capture,
    FolderChoice,
    ImapAccess,
    Mailbox,
    Organisation,
    Policy,
    Reminders,
    Settings,
    Store,
)
from config.secrets import Secret
from connectors import registry
from matchers.thread import normal_id
from tests.acceptance.scenarios.exchange_user import ExchangeUser
from tests.acceptance.scenarios.graph_user import GraphUser
from tests.acceptance.scenarios.letters import ANNA
from tests.servers.imap_proxy import ImapProxy
from tests.servers.mailuser import MailUser

READING = {
    *("CAPABILITY", "LOGIN", "AUTHENTICATE", "ENABLE", "ID", "NAMESPACE", "LIST", "XLIST", "EXAMINE", "NOOP"),
    *("STATUS", "UID SEARCH", "UID FETCH", "FETCH", "UNSELECT", "LOGOUT"),
}
"""All that a reader needs: nothing here changes a mailbox, since folders are only examined."""

HEADERS = rb"^UID FETCH .*HEADER"
"""How the program asks for headers, and for texts."""
TEXTS = rb"^UID FETCH .*(BODYSTRUCTURE|BODY\.PEEK\[[\d.]*\])"

TICK = timedelta(seconds=5)

User = MailUser | GraphUser | ExchangeUser
"""The owner of a mailbox; all have the words of MailUser."""

both = pytest.mark.parametrize("make_desk", ["sqlite", "postgresql"], indirect=True)
"""Runs a scenario twice, once on each database."""


@dataclass(frozen=True, kw_only=True)
class Logged:
    """An interaction as `interactions list --json` shows it, with whom it concerns in short."""

    id: str
    subject: str | None
    message_id: str | None
    direction: str
    occurred_at: datetime
    text: str | None
    thread_id: str
    mailboxes: tuple[str, ...]
    folders: tuple[str, ...]
    contacts: tuple[tuple[str, str], ...]
    """(email, rule) of each."""
    companies: tuple[tuple[str, str], ...]
    """(name, rule) of each."""
    flagged_as: frozenset[str]


class Clock:
    """Time that passes only when told so."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or utc_now()

    def __call__(self) -> datetime:
        return self.now


class Desk:
    """One firm with its database and the mailboxes it reads. `desk.read(user)` adds a mailbox."""

    def __init__(self, store: Store, ca_file: Path) -> None:
        self.settings = Settings(organisation=Organisation(domains=("ourfirm.example",)), store=store)
        self._ca_file = ca_file
        self._users: dict[str, User] = {}
        self._proxies: dict[str, ImapProxy] = {}

    # What the admin does.

    def read(
        self,
        user: User,
        address: str = ANNA,
        *,
        proxy: ImapProxy | None = None,
        port: int | None = None,
        capture: Capture = "full",
        since: date | None = None,
        folders: FolderChoice | None = None,
    ) -> Mailbox:
        """Configures a mailbox: directly at the server (`port`: of another than the user's), or through a proxy."""
        mailbox = Mailbox(
            address=address,
            connector="lab",
            access=self._access(user, proxy, port),
            timezone="Europe/Berlin",
            capture=capture,
            since=since,
            folders=folders or FolderChoice(),
            reminders=Reminders(),
        )
        others = tuple(one for one in self.settings.mailboxes if one.address != address)
        self.settings = self.settings.model_copy(update={"mailboxes": (*others, mailbox)})
        self._users[address] = user
        self._proxies.pop(address, None)
        if proxy:
            self._proxies[address] = proxy
        return mailbox

    def policy(self, **values: Any) -> None:  # whatever the policy has
        """Changes the firm's policy."""
        self.settings = self.settings.model_copy(update={"policy": Policy(**values)})

    def know(self, name: str, *addresses: str, company: str = "", company_domain: str = "") -> str:
        """Imports a contact; its id."""
        emails = tuple(Email(address=address, primary=not index) for index, address in enumerate(addresses))
        draft = Draft(name=name, emails=emails, company=company, company_domain=company_domain)
        with self.open() as house, house.database.write() as connection:
            writer = open_directory(house.database, connection, house.hasher)
            return writer.add([draft], created_by="import")[0]

    # What the program does.

    @contextmanager
    def open(self) -> Iterator[House]:
        """The program's rooms on this desk's database, as a process of its own would open them."""
        with open_house(self.settings) as house:
            yield house

    def sync(self, *addresses: str, meanwhile: bool = False) -> Counter[str]:
        """One complete pass in a fresh process, as `crm-agent sync`; it must succeed. Returns what was counted.

        meanwhile: mail is changed by others during the pass, so the mailbox may look different after it.
        """
        with self.open() as house:
            _all_done(self.attempt(house, *addresses, meanwhile=meanwhile))
            return sum(house.memory.counts.values(), Counter[str]())

    def fail(self, *addresses: str, meanwhile: bool = False) -> list[Passed]:
        """One pass in a fresh process that must not succeed for any of these mailboxes."""
        with self.open() as house:
            ended = self.attempt(house, *addresses, meanwhile=meanwhile)
        assert all(one.ended.ending is not Ending.DONE for one in ended), ended
        return ended

    def attempt(
        self,
        house: House,
        *addresses: str,
        meanwhile: bool = False,
        eager: bool = True,
        clock: Callable[[], datetime] = utc_now,
        stop: Event | None = None,
    ) -> list[Passed]:
        """One pass with these rooms, however it ends. eager: as `sync`; else as the daemon, whose waits are obeyed."""
        chosen = [one for one in self.settings.mailboxes if not addresses or one.address in addresses]
        runner = Runner(database=house.database, work=house.work(eager=eager), clock=clock, dice=lambda: 0.5)
        roll.settle(house.database, self.settings, house.hasher, clock())
        with self._nothing_changed(chosen, meanwhile=meanwhile):
            return run_once(runner, chosen, stop or Event())

    @contextmanager
    def daemon(self) -> Iterator[Callable[..., Counter[str]]]:
        """A running daemon: each call is one more pass on kept connections. It returns what that pass counted."""
        with self.open() as house:

            def poll(*, meanwhile: bool = False) -> Counter[str]:
                before = sum(house.memory.counts.values(), Counter[str]())
                _all_done(self.attempt(house, meanwhile=meanwhile, eager=False))
                return sum(house.memory.counts.values(), Counter[str]()) - before

            yield poll

    def retry_quarantine(self) -> None:
        """`crm-agent quarantine retry`."""
        with self.open() as house, house.database.write() as connection:
            gaps.retry(connection, house.clock(), None)

    def live(self, house: House, clock: Clock, time: timedelta) -> None:
        """Lets the daemon live for so long by `clock`: every few seconds whoever is due has a turn."""
        house = replace(house, clock=clock)
        runner = Runner(database=house.database, work=house.work(eager=False), clock=clock, dice=lambda: 0.5)
        configured = {one.address: one for one in self.settings.mailboxes}
        roll.settle(house.database, self.settings, house.hasher, clock())
        until = clock() + time
        while clock() < until:
            with house.database.read() as connection:
                due = mailboxes.due(connection, clock(), limit=100)
            for one in due:
                lease = leases.take(house.database, one.id, this_process(), runner.lease_seconds, clock())
                assert lease is not None
                runner.run_one(configured[one.address], one, lease, Event())
            clock.now += TICK

    # What people see.

    def history(self) -> list[Logged]:
        """Everything logged, oldest first."""
        with self._reading() as (_, connection):
            told = list(history.listed(connection, history.Wanted()))
        return [_logged(one) for one in reversed(told)]

    def only(self) -> Logged:
        """The one interaction there is."""
        (one,) = self.history()
        return one

    def subjects(self) -> list[str]:
        """Subjects of everything logged, sorted; a double shows twice."""
        return sorted(str(one.subject) for one in self.history())

    def explain(self, message_id: str) -> list[Ruling]:
        """What was decided about a message, a ruling for each mailbox and identity."""
        with self._reading() as (hasher, connection):
            return decisions.of_message(connection, hasher.of_id(normal_id(message_id)))

    def outcome(self, message_id: str) -> str:
        """`logged`, `skipped: no-contact`, … of a message that lies in one mailbox, as one identity."""
        (ruling,) = self.explain(message_id)
        return f"{ruling.outcome}: {ruling.reason}" if ruling.reason else ruling.outcome

    def feed(self) -> list[tuple[str, str]]:
        """(event, interaction id) of everything that happened to interactions, in order."""
        with self._reading() as (_, connection):
            entries = feed.read(connection, 0, 100_000)
        return [(entry.change.event, entry.change.entity) for entry in entries if entry.change.kind == "interaction"]

    def state(self, address: str = ANNA, *, clock: Callable[[], datetime] = utc_now) -> State:
        """The mailbox as `mailboxes` shows it."""
        with self._reading() as (_, connection):
            return next(one for one in standing.states(connection, clock()) if one.address == address)

    def folder(self, name: str, address: str = ANNA) -> FolderState:
        """How far a folder was read, and whether it is stopped."""
        with self._reading() as (_, connection):
            states = folders.load(connection, mailboxes.ids(connection)[address])
        return next(state for state in states.values() if state.name == name)

    def count(self, table: str, where: str = "true") -> int:
        """Rows of a table."""
        with self._reading() as (_, connection):
            return int(connection.execute(sa.text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar_one())  # noqa: S608  # a test's own words

    def accounts(self, address: str = ANNA) -> dict[str, Account]:
        """What `reconcile` says of each folder, asking the server itself: no proxy stands between."""
        user = self._users[address]
        (mailbox,) = (one for one in self.settings.mailboxes if one.address == address)
        direct = mailbox.access if isinstance(user, GraphUser | ExchangeUser) else self._access(user, None, None)
        with self.open() as house, house.database.read() as connection:
            number = mailboxes.ids(connection)[address]
            floor = mailboxes.since(connection, number)
            source = registry.open_source(mailbox.model_copy(update={"access": direct}))
            try:
                return {one.folder: one for one in reconcile(house.database, source, number, floor)}
            finally:
                source.close()

    def complete(self, address: str = ANNA, *, pending: int = 0) -> dict[str, Account]:
        """Asserts that every message on the server has an account: none missing, no more waiting than `pending`."""
        accounts = self.accounts(address)
        assert accounts, "reconcile speaks of no folder"
        for name, account in accounts.items():
            assert (account.missing, account.problem) == (0, None), account
            held = self._users[address].status(name)["MESSAGES"]
            assert (account.on_server, account.outcomes.total()) == (held, held), account
        assert sum(account.outcomes["pending"] for account in accounts.values()) == pending
        return accounts

    # Inside.

    @contextmanager
    def _reading(self) -> "Iterator[tuple[Hasher, sa.Connection]]":
        """A look at the database without the program's checks, which cost more than the look."""
        database, hasher = open_store(self.settings.store)
        try:
            with database.read() as connection:
                yield hasher, connection
        finally:
            database.close()

    def _access(self, user: User, proxy: ImapProxy | None, port: int | None) -> Access:
        if isinstance(user, GraphUser | ExchangeUser):
            return user.access
        return ImapAccess(
            host="127.0.0.1",
            port=proxy.port if proxy else port or user.port,
            security="tls" if proxy else "none",
            ca_file=self._ca_file if proxy else None,
            username=user.username,
            password=self._password(user),
        )

    def _password(self, user: MailUser) -> Secret:
        assert self.settings.store.key is not None
        assert self.settings.store.key.file is not None
        file = self.settings.store.key.file.with_name(f"{user.username}.password")
        file.write_text(user.password)
        file.chmod(0o600)
        return Secret(file=file)

    @contextmanager
    def _nothing_changed(self, chosen: Sequence[Mailbox], *, meanwhile: bool) -> Iterator[None]:
        before = {} if meanwhile else self._snapshots(chosen)
        yield
        after = {} if meanwhile else self._snapshots(chosen)
        assert after == before, "the pass changed something on the server"
        for proxy in self._proxies.values():
            _only_reading(proxy)

    def _snapshots(self, chosen: Sequence[Mailbox]) -> Mapping[str, object]:
        return {one.address: self._users[one.address].snapshot() for one in chosen}


def texts_asked(proxy: ImapProxy) -> list[bytes]:
    """The commands by which texts left the server since the proxy's counters were set to zero."""
    return [line for line in proxy.lines if re.search(TEXTS, line)]


def _only_reading(proxy: ImapProxy) -> None:
    assert set(proxy.commands) <= READING, set(proxy.commands) - READING
    assert not [line for line in proxy.lines if b"FETCH" in line and b" BODY[" in line]


def _all_done(ended: Sequence[Passed]) -> None:
    for one in ended:
        if one.ended.ending is not Ending.DONE:
            raise AssertionError(f"{one.mailbox.address} ended {one.ended.ending}") from one.ended.error


def _logged(told: Mapping[str, Any]) -> Logged:
    names = ("id", "subject", "message_id", "direction", "occurred_at", "text", "thread_id")
    return Logged(
        **{name: told[name] for name in names},
        mailboxes=tuple(told["mailboxes"]),
        folders=tuple(told["folders"]),
        contacts=tuple(sorted((one["email"], one["rule"]) for one in told["contacts"])),
        companies=tuple(sorted((one["name"], one["rule"]) for one in told["companies"])),
        flagged_as=frozenset(told["flagged_as"]),
    )


def same_mail(one: Logged) -> Logged:
    """An interaction without what may differ between two desks that hold the same mail: names of threads."""
    return replace(one, thread_id="")


def threads(logged: Sequence[Logged]) -> frozenset[frozenset[str | None]]:
    """Who belongs to whom, by Message-ID: names of threads may differ, what they hold may not."""
    found: dict[str, set[str | None]] = {}
    for one in logged:
        found.setdefault(one.thread_id, set()).add(one.message_id)
    return frozenset(map(frozenset, found.values()))
