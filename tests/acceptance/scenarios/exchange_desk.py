"""A desk that reads mailboxes of Exchange Server beside others. See `harness.Desk`."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from agent.store.schedule import mailboxes
from agent.sync.reconcile import Account, reconcile
from config.model import (
    AfterRule,
    Capture,
    ExchangeAccess,
    ExchangeCalendar,
    FolderChoice,
    Mailbox,
    Reminders,
    WorkingDays,
)
from connectors import registry
from tests.acceptance.scenarios.harness import Desk
from tests.contracts.exchange_owner import access_to
from tests.servers.ews import EwsServer
from tests.servers.ews import Mailbox as Box


@dataclass(frozen=True)
class ExchangeUser:
    """The owner of a mailbox, as a desk looks at them."""

    box: Box

    def snapshot(self) -> object:
        return self.box.snapshot()

    def status(self, folder: str) -> dict[str, int]:
        return {"MESSAGES": len(self.box.items("inbox" if folder == "INBOX" else folder))}


def read_exchange(
    desk: Desk,
    server: EwsServer,
    box: Box,
    secrets: Path,
    *,
    address: str | None = None,
    capture: Capture = "full",
    since: date | None = None,
    folders: FolderChoice | None = None,
    flagged: int | None = None,
    **access: object,
) -> Mailbox:
    """Configures a mailbox of this server. address: how the firm knows it, if not by the one on the server.

    flagged: days after which a flagged mail is asked for, in the mailbox's own calendar.
    """
    way = access_to(server, box, secrets, **access)
    mailbox = Mailbox(
        address=address or box.address,
        connector="exchange-server",
        access=way,
        timezone="Europe/Berlin",
        capture=capture,
        since=since,
        folders=folders or FolderChoice(),
        calendar=None if flagged is None else ExchangeCalendar(access=way),
        reminders=Reminders() if flagged is None else Reminders(flagged=AfterRule(after=WorkingDays(count=flagged))),
    )
    others = tuple(one for one in desk.settings.mailboxes if one.address != mailbox.address)
    desk.settings = desk.settings.model_copy(update={"mailboxes": (*others, mailbox)})
    desk._users[mailbox.address] = ExchangeUser(box)  # type: ignore[assignment]  # the two things a desk asks of a user
    return mailbox


def complete(desk: Desk, mailbox: Mailbox, *, pending: int = 0) -> dict[str, Account]:
    """Asserts that every message on the server has an account, as `Desk.complete` does."""
    assert isinstance(mailbox.access, ExchangeAccess)
    with desk.open() as house, house.database.read() as connection:
        number = mailboxes.ids(connection)[mailbox.address]
        source = registry.open_source(mailbox)
        try:
            accounts = {
                one.folder: one
                for one in reconcile(house.database, source, number, mailboxes.since(connection, number))
            }
        finally:
            source.close()
    assert accounts, "reconcile speaks of no folder"
    for name, account in accounts.items():
        assert (account.missing, account.problem) == (0, None), account
        held = desk._users[mailbox.address].status(name)["MESSAGES"]
        assert (account.on_server, account.outcomes.total()) == (held, held), account
    assert sum(account.outcomes["pending"] for account in accounts.values()) == pending
    return accounts
