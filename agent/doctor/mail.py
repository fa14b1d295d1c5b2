"""Looks at one mailbox on its server: the way there, the sign-in, and what can be read. Nothing is changed."""

import imaplib
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from agent.doctor.examine import Look
from agent.doctor.finding import Said, failed, fine, skipped
from agent.doctor.trust import authority, end_of, lasting, readable
from config.model import ExchangeAccess, GraphAccess, ImapAccess, Mailbox
from connectors import registry
from connectors.base import MailSource
from connectors.errors import ConnectorError, Fatal, NeedsSignIn
from connectors.imap.connection import CONNECT_SECONDS, dial
from connectors.imap.faults import dial_error
from connectors.message import Folder
from connectors.oauth import TokenCache

_SHOWN = 5
_RENEW = "renew the server's certificate before then: afterwards no mail is read"

_SCOPE = "put the mailbox into the scope of the permission, or take it from the list"

SLOWER_WITHOUT = {
    "CONDSTORE": "flags are compared one folder at a time",
    "LIST-STATUS": "every folder is asked by itself whether there is news",
    "IDLE": "new mail is noticed at the next poll",
}
"""What a server may not offer, and what that costs. Nothing is lost without."""


@dataclass(kw_only=True)
class MailVisit:
    """One visit to a mailbox. `close` it at the end; nothing connects before a look needs it.

    listed: it is on a list that somebody else keeps.
    """

    mailbox: Mailbox
    tokens: TokenCache
    now: datetime
    listed: bool = False
    found: list[Folder] = field(default_factory=list)

    @property
    def access(self) -> ImapAccess:
        """Raises TypeError where there is no server: such a mailbox is given other looks."""
        if not isinstance(self.mailbox.access, ImapAccess):
            raise TypeError("not on an IMAP server")
        return self.mailbox.access

    @cached_property
    def source(self) -> MailSource:
        return registry.open_source(self.mailbox, tokens=self.tokens)

    def capabilities(self) -> frozenset[str]:
        """What the server offers, asked after a sign-in: the first call makes one."""
        offered: frozenset[str] = getattr(self.source, "capabilities", frozenset())  # of IMAP sources
        return offered

    def close(self) -> None:
        if "source" in self.__dict__:
            self.source.close()


def looks(mailbox: Mailbox) -> Sequence[Look[MailVisit]]:
    """What there is to look at, by where the mail lies and how it is opened."""
    access = mailbox.access
    if isinstance(access, GraphAccess | ExchangeAccess):
        return _IN_EXCHANGE
    if not isinstance(access, ImapAccess):
        return _ON_DISK
    apply = {"ca_file": access.ca_file is not None, "client secret": bool(access.oauth and access.oauth.client_secret)}
    return [look for look in _ON_SERVER if apply.get(look.check, True)]


def _secrets(visit: MailVisit) -> Said:
    return readable(visit.access)


def _client_secret(visit: MailVisit) -> Said:
    return skipped("the provider does not tell when it ends: note that day yourself")


def _resolve(visit: MailVisit) -> Said:
    access = visit.access
    try:
        found = socket.getaddrinfo(access.host, access.port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise _on_the_way(error, access) from error
    return fine(f"{access.host} is {', '.join(sorted({str(address[0]) for *_, address in found})[:_SHOWN])}")


def _connect(visit: MailVisit) -> Said:
    access, started = visit.access, time.monotonic()
    try:
        socket.create_connection((access.host, access.port), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise _on_the_way(error, access) from error
    return fine(f"port {access.port} answers in {(time.monotonic() - started) * 1000:.0f} ms")


def _on_the_way(error: Exception, access: ImapAccess) -> ConnectorError:
    return dial_error(error, access.host, access.port, None)


def _ca_file(visit: MailVisit) -> Said:
    assert visit.access.ca_file is not None  # noqa: S101 - `looks` asks only where one is named; tells the type checker
    return authority(visit.access.ca_file, visit.now)


def _tls(visit: MailVisit) -> Said:
    """Dials as a pass does, so what is verified here is what is verified there."""
    client = dial(visit.access)
    try:
        if visit.access.security == "none":
            return fine("none: the server is on this machine")
        stream = client.socket()
        told, version = stream.getpeercert(), stream.version()
    finally:
        with suppress(OSError, imaplib.IMAP4.error, ValueError):  # it may be gone already
            client.shutdown()
    return lasting(f"{version} verified; the certificate", end_of(told["notAfter"]), visit.now, _RENEW)


def _sign_in(visit: MailVisit) -> Said:
    how = "by token" if visit.access.oauth else "by password"
    through = f" through master user {visit.access.master.username}" if visit.access.master else ""
    visit.capabilities()
    return fine(f"as {visit.access.username} {how}{through}")


def _folders(visit: MailVisit) -> Said:
    visit.found = list(visit.source.folders())
    missing = getattr(visit.source, "missing_folders", ())  # sources without configured names have none
    return judge_folders([folder.name for folder in visit.found], missing)


def judge_folders(found: Sequence[str], missing: Sequence[str]) -> Said:
    """found: names of the folders to read. missing: configured names that no folder has. Pure."""
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    count = f"{len(found)} to read: {', '.join(found[:_SHOWN])}{more}" if found else "none to read"
    if missing:
        return failed(f"no such folder: {', '.join(missing)}; {count}", "correct the names in `folders`")
    return fine(count) if found else failed(count, "check `folders`, and whose mailbox the sign-in opens")


def _capabilities(visit: MailVisit) -> Said:
    return judge_capabilities(visit.capabilities())


def judge_capabilities(offered: frozenset[str]) -> Said:
    """Fine in any case; says what is slower than it might be. Pure."""
    implied = offered | ({"CONDSTORE"} if "QRESYNC" in offered else set())
    lacking = [f"without {name} {cost}" for name, cost in SLOWER_WITHOUT.items() if name not in implied]
    return fine("; ".join(lacking) or f"{', '.join(SLOWER_WITHOUT)}: nothing is slower than it need be")


def _read(visit: MailVisit) -> Said:
    """Opens the inbox, or else the first folder, as a first contact does: read-only, no mail is fetched."""
    if not visit.found:
        return skipped("waits for: folders")
    chosen = next((folder for folder in visit.found if folder.role == "inbox"), visit.found[0])
    next(iter(visit.source.changes(chosen, None)), None)
    return fine(f"{chosen.name} can be opened")


def _clock(visit: MailVisit) -> Said:
    return skipped("IMAP does not tell the server's time")


def _mailbox(visit: MailVisit) -> Said:
    """Opens it with the connector's sign-in, which was looked at before."""
    try:
        return fine(_opened(visit))
    except Fatal as error:
        if visit.listed and not isinstance(error, NeedsSignIn):
            return failed(f"on the list, but out of reach: {error}", error.advice or _SCOPE)
        raise


def _opened(visit: MailVisit) -> str:
    from connectors.exchange import checks as ews  # both only where mailboxes are in Exchange
    from connectors.graph import checks as graph

    match visit.mailbox.access:
        case GraphAccess() as access:
            return f"opens; messages in the inbox: {graph.reachable(access)}"
        case ExchangeAccess() as access:
            return f"opens; {ews.look(access, visit.tokens).product}"
        case _:
            raise TypeError("not in Exchange")


_ON_SERVER: Sequence[Look[MailVisit]] = (
    Look(check="secrets", at=_secrets),
    Look(check="client secret", at=_client_secret),
    Look(check="resolve", at=_resolve),
    Look(check="connect", at=_connect, after=("resolve",)),
    Look(check="ca_file", at=_ca_file),
    Look(check="tls", at=_tls, after=("connect",)),
    Look(check="sign-in", at=_sign_in, after=("secrets", "tls")),
    Look(check="folders", at=_folders, after=("sign-in",)),
    Look(check="capabilities", at=_capabilities, after=("sign-in",)),
    Look(check="read", at=_read, after=("sign-in",)),
    Look(check="clock", at=_clock, after=("sign-in",)),
)
_IN_EXCHANGE: Sequence[Look[MailVisit]] = (
    Look(check="mailbox", at=_mailbox),
    Look(check="folders", at=_folders, after=("mailbox",)),
)
_ON_DISK: Sequence[Look[MailVisit]] = (
    Look(check="folders", at=_folders),
    Look(check="read", at=_read),
)
