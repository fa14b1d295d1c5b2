"""The effective settings: what the rest of the program sees after files, defaults and placeholders are merged.

All values are frozen and checked. `config.load` makes them; nobody else does, tests aside.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from config.frozen import Frozen as Frozen
from config.problem import Problem
from config.reminder_model import (
    AfterRule as AfterRule,
)
from config.reminder_model import (
    Feed as Feed,
)
from config.reminder_model import (
    GoneQuiet as GoneQuiet,
)
from config.reminder_model import (
    KeyDate as KeyDate,
)
from config.reminder_model import (
    LateOrder as LateOrder,
)
from config.reminder_model import (
    MeetingFollowUp as MeetingFollowUp,
)
from config.reminder_model import (
    PromiseRule as PromiseRule,
)
from config.reminder_model import (
    Reminders as Reminders,
)
from config.reminder_model import (
    WorkingDays as WorkingDays,
)
from config.secrets import Secret

Capture = Literal["metadata", "subject", "full"]
Zone = Annotated[str, Field(description="IANA time zone")]


class Organisation(Frozen):
    """The firm: its own domains, where it works and when it does not."""

    domains: tuple[str, ...] = ()
    timezone: Zone = "UTC"
    country: str | None = None
    working_days: tuple[int, ...] = (0, 1, 2, 3, 4)
    closed: tuple[date, ...] = ()


class Store(Frozen):
    """The database. `url` has its password filled in; `key` is None for the key file beside an SQLite database.

    `password` is where the password came from. `url` is left out of repr, so that no log shows it.
    """

    url: str = Field(default="sqlite:///crm-agent.db", repr=False)
    password: Secret | None = None
    key: Secret | None = None


class Categories(Frozen):
    """The salesperson's remote control: Outlook categories or IMAP keywords. The agent only reads them."""

    log: str = "CRM"
    private: str = "Private"
    remove: str = "Not CRM"


class Policy(Frozen):
    """What is kept, who may read it, how long."""

    capture: Capture = "full"
    visible_to: Literal["owner", "team", "everyone"] = "owner"
    create_contacts: Literal["never", "when-we-write", "always"] = "never"
    suggest_contacts: bool = False
    capture_locked: bool = False
    erased_list: Path | None = None
    skip: tuple[Literal["internal-only", "bulk", "auto-reply", "bounce"], ...] = (
        "internal-only",
        "bulk",
        "auto-reply",
        "bounce",
    )
    never_log: tuple[str, ...] = ()
    categories: Categories = Categories()
    match_names: Literal["log", "review"] = "log"
    read_forwards: bool = True
    newcomers: Literal["read", "wait"] = "read"
    retention_days: int = 1095
    explain_days: int = 90
    alert_after: timedelta = timedelta(minutes=30)


class FolderChoice(Frozen):
    """Which folders are read, by glob patterns. All None: everything personal but Trash, Junk and Drafts."""

    names: tuple[str, ...] | None = None
    roles: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()


class OAuth(Frozen):
    """Sign-in by token instead of a password."""

    provider: Literal["microsoft", "google", "custom"]
    client_id: str
    tenant_id: str | None = None
    client_secret: Secret | None = None
    token_url: str | None = None
    device_url: str | None = None
    scope: str | None = None
    flow: Literal["device", "client-credentials"] = "device"


class Master(Frozen):
    """One technical user that opens other people's mailboxes: by SASL authzid or `user<separator>master`."""

    username: str
    how: Literal["authzid", "separator"] = "authzid"
    separator: str = "*"


class ImapAccess(Frozen):
    """How to reach one mailbox by IMAP. Exactly one of password and oauth is set."""

    type: Literal["imap"] = "imap"
    host: str
    port: int = 993
    security: Literal["tls", "starttls", "none"] = "tls"
    ca_file: Path | None = None
    username: str
    password: Secret | None = None
    oauth: OAuth | None = None
    master: Master | None = None


class ArchiveAccess(Frozen):
    """Where an archive lies: a Maildir, an mbox file or a folder of .eml files."""

    type: Literal["maildir"] = "maildir"
    path: Path


class GraphAccess(Frozen):
    """How to reach one mailbox of Exchange Online through Microsoft Graph, the application signing in as itself.

    Exactly one of certificate (PEM with its private key), client_secret and assertion (a federated token, read anew
    whenever it is needed) is set. user: what the mailbox is asked for by, its user principal name or object id, which
    an address need not be ("Get a user": `/users/{id | userPrincipalName}`). authority: None is Microsoft's own for the
    tenant. endpoint: scheme and host, without a version.
    """

    type: Literal["graph"] = "graph"
    user: str
    tenant_id: str
    client_id: str
    certificate: Secret | None = None
    passphrase: Secret | None = None
    client_secret: Secret | None = None
    assertion: Secret | None = None
    endpoint: str = "https://graph.microsoft.com"
    authority: str | None = None
    ca_file: Path | None = None


class ExchangeAccess(Frozen):
    """How to reach one mailbox of Exchange Server by EWS. Exactly one of endpoint and autodiscover is set.

    user: the primary address of the mailbox. connections: sessions to this server for all mailboxes together.
    """

    type: Literal["exchange"] = "exchange"
    user: str
    endpoint: str | None = None
    autodiscover: bool = False
    auth: Literal["ntlm", "basic", "oauth"] = "ntlm"
    username: str | None = None
    password: Secret | None = None
    oauth: OAuth | None = None
    access: Literal["impersonation", "delegate"] = "impersonation"
    connections: int = 8
    ca_file: Path | None = None


Access = ImapAccess | ArchiveAccess | GraphAccess | ExchangeAccess


class CaldavCalendar(Frozen):
    """A CalDAV collection. `url` ends with a slash."""

    type: Literal["caldav"] = "caldav"
    url: str
    username: str | None = None
    password: Secret | None = None
    ca_file: Path | None = None

    @property
    def place(self) -> tuple[str, ...]:
        """What makes it this calendar and no other, however it is signed in to."""
        return self.type, self.url.rstrip("/"), self.username or ""


class IcsCalendar(Frozen):
    """A folder that holds one .ics file an item."""

    type: Literal["ics"] = "ics"
    path: Path

    @property
    def place(self) -> tuple[str, ...]:
        """See CaldavCalendar."""
        return self.type, str(self.path)


class GraphCalendar(Frozen):
    """A calendar of an Exchange Online mailbox. name: None is the default one; create: it is made if it is missing."""

    type: Literal["graph"] = "graph"
    access: GraphAccess
    name: str | None = None
    create: bool = False

    @property
    def place(self) -> tuple[str, ...]:
        """See CaldavCalendar."""
        return self.type, self.access.user.lower(), self.name or ""


class ExchangeCalendar(Frozen):
    """A calendar of an Exchange Server mailbox. name: None is the default one; create: it is made if it is missing."""

    type: Literal["exchange"] = "exchange"
    access: ExchangeAccess
    name: str | None = None
    create: bool = False

    @property
    def place(self) -> tuple[str, ...]:
        """See CaldavCalendar."""
        return self.type, self.access.user.lower(), self.name or ""


Calendar = CaldavCalendar | IcsCalendar | GraphCalendar | ExchangeCalendar


class Mailbox(Frozen):
    """One mailbox with everything that applies to it. Own addresses are `address` and `aliases`, never a username."""

    address: str
    aliases: tuple[str, ...] = ()
    connector: str
    access: Access
    timezone: Zone
    capture: Capture
    since: date | timedelta | None = None
    """How far back: a date, or a span that is fixed to a date at the first sync. None: everything."""
    folders: FolderChoice = FolderChoice()
    poll_seconds: int = 60
    import_contacts: bool = False
    """Whether whoever stands in the mailbox's own address book becomes a contact."""
    calendar: Calendar | None = None
    reminders: Reminders


class Member(Frozen):
    """One entry of a list of mailboxes. What is None is left to the list's connector.

    username: what the server knows the mailbox by.
    """

    address: str
    username: str | None = None
    aliases: tuple[str, ...] = ()
    timezone: Zone | None = None
    capture: Capture | None = None
    since: date | timedelta | None = None


class CsvList(Frozen):
    """A file of mailboxes: address, username, aliases, timezone, capture, since."""

    type: Literal["csv"] = "csv"
    path: Path


class EntraGroup(Frozen):
    """The members of a group of Entra, by its object id. access: of the connector; its user is nobody."""

    type: Literal["entra_group"] = "entra_group"
    group: str
    access: GraphAccess


class LdapBase(Frozen):
    """Everybody with a mailbox below an entry of a directory. username: None binds as nobody."""

    type: Literal["ldap"] = "ldap"
    url: str
    base: str
    filter: str = "(&(objectClass=person)(mail=*))"
    username: str | None = None
    password: Secret | None = None
    ca_file: Path | None = None


class Made(NamedTuple):
    """The mailboxes that entries of a list mean, and what is wrong with those that mean none."""

    mailboxes: tuple[Mailbox, ...]
    problems: tuple[Problem, ...]


class MailboxList(Frozen):
    """Mailboxes that somebody else keeps a list of. Resolved by `agent.lists`; here it is described.

    excluded: addresses that are never read. every: how often the list is looked at. most_change: how many joiners and
    leavers together are believed at a time. make: what the connector makes of entries.
    """

    connector: str
    source: Annotated[CsvList | EntraGroup | LdapBase, Field(discriminator="type")]
    excluded: tuple[str, ...] = ()
    every: timedelta = timedelta(hours=1)
    most_change: int = 10
    make: Callable[[Sequence[Member]], Made] = Field(exclude=True, repr=False)


class MustRefuse(Frozen):
    """A mailbox that the connector's sign-in must not be able to read: `doctor` tries it."""

    connector: str
    address: str
    access: Annotated[GraphAccess | ExchangeAccess, Field(discriminator="type")]


class Push(Frozen):
    """Where Exchange Online tells of news. url ends with a slash; a proxy there passes on to host and port."""

    url: str
    host: str = "127.0.0.1"
    port: int = 8423


class Settings(Frozen):
    """Everything, effective. `path` is the file it was read from, None if built in memory.

    mailboxes: those that are named one by one; `config.listed` adds what the lists mean. unresolved: connectors whose
    list nobody has read yet, so that nobody can say who left.
    """

    path: Path | None = None
    organisation: Organisation = Organisation()
    store: Store = Store()
    policy: Policy = Policy()
    reminders: Reminders = Reminders()
    push: Push | None = None
    mailboxes: tuple[Mailbox, ...] = ()
    lists: tuple[MailboxList, ...] = ()
    must_refuse: tuple[MustRefuse, ...] = ()
    unresolved: tuple[str, ...] = Field(default=(), exclude=True)
