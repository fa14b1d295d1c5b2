"""A tenant: its users, groups and applications, and what was asked of it.

Everything a test needs hangs on a tenant of its own, so that tests share one server and nothing else.
"""

import secrets
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.graph.faults import Faults
from tests.servers.graph.mailbox import Mailbox
from tests.servers.graph.notifications import Notifications

ROLES = frozenset({"Mail.Read", "Calendars.ReadWrite", "MailboxSettings.Read", "GroupMember.Read.All", "User.Read.All"})


@dataclass(kw_only=True, eq=False)
class User:
    """A person of the directory. mailbox: None for one without a licence."""

    mail: str
    upn: str
    name: str
    proxies: list[str]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    enabled: bool = True
    mailbox: Mailbox | None = None

    def entity(self) -> dict[str, Any]:
        """Graph's user with the properties that this simulator knows."""
        return {
            "id": self.id,
            "displayName": self.name,
            "mail": self.mail or None,
            "userPrincipalName": self.upn,
            "proxyAddresses": list(self.proxies),
            "accountEnabled": self.enabled,
            "deletedDateTime": None,
        }


@dataclass(kw_only=True, eq=False)
class Group:
    """A group; members may be groups themselves."""

    name: str
    members: "list[User | Group]" = field(default_factory=list)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def everybody(self) -> "list[User | Group]":
        """Members and members of members, each once."""
        found: dict[int, User | Group] = {}
        waiting = list(self.members)
        while waiting:
            member = waiting.pop(0)
            if id(member) not in found and member is not self:
                found[id(member)] = member
                waiting += member.members if isinstance(member, Group) else []
        return list(found.values())


@dataclass(kw_only=True, eq=False)
class Application:
    """A registered application.

    roles: granted in Entra for all mailboxes; a token's `roles` claim names them. only: mailboxes (addresses) that an
    application access policy confines `roles` to; None: none does. scoped_roles: granted by RBAC for Applications in
    Exchange, role by addresses; no token names them, and they come on top of `roles`. certificates: PEM files.
    assertions: federated credentials, subject by issuer; `key` verifies them.
    """

    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    secrets: list[str] = field(default_factory=list)
    expired_secrets: list[str] = field(default_factory=list)
    certificates: list[Path] = field(default_factory=list)
    federated: list["Federated"] = field(default_factory=list)
    roles: set[str] = field(default_factory=lambda: set(ROLES))
    only: set[str] | None = None
    scoped_roles: dict[str, set[str]] = field(default_factory=dict)

    @property
    def secret(self) -> str:
        """The client secret that was made first."""
        return self.secrets[0]

    def confined_from(self, address: str) -> bool:
        """Does a policy keep it out of this mailbox?"""
        return self.only is not None and address.lower() not in self.only


@dataclass(frozen=True, kw_only=True)
class Federated:
    """A federated credential: who may sign in our application's name. key: PEM of the issuer's public key."""

    issuer: str
    subject: str
    key: bytes
    audience: str = "api://AzureADTokenExchange"


@dataclass(frozen=True, kw_only=True)
class Access:
    """What an access token stands for. expires_at: Unix time."""

    tenant: "Tenant"
    application: Application
    roles: frozenset[str]
    expires_at: float

    def may(self, needed: frozenset[str], address: str | None) -> bool:
        """Does any role of `needed`, as this token has it, reach this mailbox (None: the directory)?"""
        if address is None:
            return not self.roles.isdisjoint(needed)
        scoped = self.application.scoped_roles
        if any(address.lower() in scoped.get(role, ()) for role in needed):
            return True
        return not self.application.confined_from(address) and not self.roles.isdisjoint(needed)


class Tenant:
    """See the module.

    requests: a Counter of `GET users/*/mailFolders` and the like, parts of batches too; http: of what came over the
    wire; violations: what broke the published description; busiest: most requests at once, by mailbox; throttled: how
    many went over the limit of four. lifetime: seconds a new access token lives. names_only: people are known by object
    id and user principal name alone, as documented; else by their addresses too, as Exchange Online has been seen to.
    """

    def __init__(
        self, authority_url: str, endpoint: str, issue: "Callable[[Tenant, Application], str]", ca_file: Path
    ) -> None:
        self.id = str(uuid.uuid4())
        self.endpoint = endpoint
        self.resource = endpoint.rpartition("/")[0]
        self._issue = issue
        self.authority = f"{authority_url}/{self.id}"
        self.lifetime = 3600.0
        self.names_only = False
        self.faults = Faults()
        self.notifications = Notifications(self.id, ca_file)
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.applications: dict[str, Application] = {}
        self.tokens: dict[str, Access] = {}
        self.requests: Counter[str] = Counter()
        self.http: Counter[str] = Counter()
        self.token_requests: Counter[str] = Counter()
        self.violations: list[str] = []
        self.busiest: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self.batches: dict[str, list[str]] = {}
        self.sign_in_failures: list[tuple[int, str, int]] = []
        self.lock = threading.Lock()
        self._in_flight: Counter[str] = Counter()

    def application(self, **settings: Any) -> Application:  # the fields of Application
        """Register an application, with a client secret of its own unless it is given credentials."""
        if not any(settings.get(name) for name in ("secrets", "certificates", "federated")):
            settings["secrets"] = [secrets.token_urlsafe(24)]
        application = Application(**settings)
        self.applications[application.client_id] = application
        return application

    def user(
        self,
        mail: str,
        *,
        upn: str | None = None,
        name: str | None = None,
        aliases: Iterable[str] = (),
        x500: Iterable[str] = (),
    ) -> User:
        """Somebody in the directory, without a mailbox. x500: legacyExchangeDN values, `/o=...`."""
        proxies = [f"SMTP:{mail}", *(f"smtp:{alias}" for alias in aliases), *(f"X500:{name}" for name in x500)]
        user = User(mail=mail, upn=upn or mail, name=name or mail.partition("@")[0], proxies=proxies if mail else [])
        addresses = () if self.names_only else (mail.lower(), *(alias.lower() for alias in aliases))
        known = {user.id, user.upn.lower(), *addresses}
        self.users |= {key: user for key in known if key}
        return user

    def mailbox(self, mail: str, *, names: Mapping[str, str] | None = None, **person: Any) -> Mailbox:
        """A new user's mailbox. names: of its well-known folders, `{"inbox": "Posteingang"}`."""
        user = self.user(mail, **person)
        user.mailbox = Mailbox(user, names, self.notifications.happened)
        return user.mailbox

    def group(self, name: str, *members: "User | Group | Mailbox") -> Group:
        """A group of these."""
        found = [member.user if isinstance(member, Mailbox) else member for member in members]
        group = Group(name=name, members=found)
        self.groups[group.id] = group
        return group

    def mailboxes(self) -> list[Mailbox]:
        """Every mailbox, once."""
        found = {id(user): user.mailbox for user in self.users.values() if user.mailbox is not None}
        return list(found.values())

    def snapshot(self) -> dict[str, Any]:
        """Everything in every mailbox, to prove that nothing changed."""
        return {mailbox.address: mailbox.snapshot() for mailbox in self.mailboxes()}

    def expire_tokens(self) -> None:
        """Every access token ends now."""
        with self.lock:
            self.tokens.clear()

    def fail_sign_in(self, status: int, error: str, code: int, *, times: int = 1) -> None:
        """The next sign-ins fail with this status, OAuth error and AADSTS code."""
        self.sign_in_failures += [(status, error, code)] * times

    def grant(self, token: str, application: Application) -> None:
        """Keep a token that was just issued."""
        roles = frozenset(application.roles)
        expires_at = time.time() + self.lifetime
        with self.lock:
            self.tokens[token] = Access(tenant=self, application=application, roles=roles, expires_at=expires_at)

    def enter(self, mailbox: str) -> int:
        """A request for a mailbox begins; how many there are now."""
        with self.lock:
            self._in_flight[mailbox] += 1
            self.busiest[mailbox] = max(self.busiest[mailbox], self._in_flight[mailbox])
            return self._in_flight[mailbox]

    def leave(self, mailbox: str) -> None:
        """It is answered."""
        with self.lock:
            self._in_flight[mailbox] -= 1

    def token(self, application: Application) -> str:
        """An access token for an application, without any flow."""
        return self._issue(self, application)

    def count_http(self, kind: str) -> None:
        """Another request over the wire of this kind."""
        with self.lock:
            self.http[kind] += 1

    def count(self, kind: str) -> None:
        """Another request of this kind."""
        with self.lock:
            self.requests[kind] += 1

    def forget(self, access: Access) -> None:
        """Tokens that stand for this access are valid no more."""
        with self.lock:
            self.tokens = {token: other for token, other in self.tokens.items() if other is not access}
