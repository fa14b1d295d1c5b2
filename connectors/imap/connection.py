"""From settings to a signed-in `Wire`: TLS with the right authority, STARTTLS, and the ways to prove who we are.

Called by `source` whenever a session is needed. Raises the errors of `connectors.errors`; nothing is kept on failure.
"""

import imaplib
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from imapclient import SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from config.model import ImapAccess
from config.secrets import SecretError
from connectors.errors import Fatal, NeedsSignIn
from connectors.imap.faults import clean, dial_error, response_code, sign_in_error
from connectors.imap.wire import Client, Wire

CONNECT_SECONDS = 15.0
READ_SECONDS = 90.0
"""Patience between two records. A server that searches a cold folder of 100,000 messages needs some."""

_REV2 = frozenset(["ENABLE", "ESEARCH", "IDLE", "LIST-EXTENDED", "LIST-STATUS", "NAMESPACE", "SPECIAL-USE", "UNSELECT"])
"""What a server with IMAP4rev2 can do without saying so, as far as we ask for it (RFC 9051 appendix E)."""


class AccessTokens(Protocol):
    """Where OAuth access tokens come from (`connectors.oauth`)."""

    def access_token(self, *, fresh: bool = False) -> str:
        """A token valid now; `fresh` asks the provider for a new one even if the cached one looks valid."""


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A session: the wire, what the server can do now, and its greeting."""

    wire: Wire
    capabilities: frozenset[str]
    greeting: str


def sign_in(access: ImapAccess, tokens: AccessTokens | None = None) -> SignedIn:
    """One connection and one sign-in; a refused token is renewed once, on the same connection or a new one."""
    with ExitStack() as unless_signed_in:

        def connect() -> Client:
            client = dial(access)
            unless_signed_in.callback(_abandon, client)
            return client

        client = connect()
        greeting = clean(bytes(client.welcome or b"").decode("utf-8", "replace"))
        client = _prove(client, access, tokens, connect)
        signed_in = SignedIn(wire=Wire(client), capabilities=_capabilities(client, access), greeting=greeting)
        unless_signed_in.pop_all()
        return signed_in


def dial(access: ImapAccess) -> Client:
    """TCP and TLS as configured, no sign-in yet."""
    if access.security == "none" and not _is_loopback(access.host):
        sentence = f"{access.host}:{access.port} would get the password in clear text"
        raise Fatal(sentence, advice='set `security = "tls"`; "none" is for loopback only')
    ca_file = str(access.ca_file) if access.ca_file else None
    context = None if access.security == "none" else tls_context(ca_file)
    patience = SocketTimeout(CONNECT_SECONDS, READ_SECONDS)
    client: Client | None = None
    try:
        client = Client(access.host, access.port, ssl=access.security == "tls", ssl_context=context, timeout=patience)
        if access.security == "starttls":
            client.starttls(context)
    except CapabilityError as error:
        _abandon(client)
        advice = 'use the TLS port (usually 993) with `security = "tls"`'
        raise Fatal(f"{access.host}:{access.port} offers no STARTTLS", advice=advice) from error
    except (OSError, ssl.SSLError, IMAPClientError, imaplib.IMAP4.error, ValueError) as error:
        _abandon(client)
        raise _greeting_error(error, access) from error
    return client


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """The context for an authority, shared by all mailboxes: each costs 76 ms and 0.9 MB. A renewed file is noticed."""
    try:
        changed = Path(ca_file).stat().st_mtime_ns if ca_file else 0
        return _context(ca_file, changed)
    except OSError as error:  # ssl.SSLError is one
        reason = getattr(error, "strerror", None) or str(error)
        advice = "give a PEM file with the authority's certificate, readable for the service"
        raise Fatal(f"ca_file {ca_file} cannot be used: {reason}", advice=advice) from error


@lru_cache(maxsize=16)
def _context(ca_file: str | None, changed: int) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _greeting_error(error: Exception, access: ImapAccess) -> Exception:
    """A BYE instead of a greeting is a limit or a shutdown; the rest is network and TLS."""
    if isinstance(error, imaplib.IMAP4.error):
        said = sign_in_error(_words(error), f"{access.host}:{access.port}")
        if not isinstance(said, NeedsSignIn):  # nobody has seen a password yet
            return said
    ca_file = str(access.ca_file) if access.ca_file else None
    return dial_error(error, access.host, access.port, ca_file)


def _prove(client: Client, access: ImapAccess, tokens: AccessTokens | None, connect: Callable[[], Client]) -> Client:
    """Sign in; the client that is signed in then. A refused token gets a second chance with a fresh one."""
    if client.signed_in:
        return _taken_as_known(client, access)
    if tokens is None:
        with _translated(access):
            _with_password(client, access)
        return client
    token = tokens.access_token()
    try:
        with _translated(access):
            _with_token(client, access, token)
        return client
    except NeedsSignIn:
        _abandon(client)
    token = tokens.access_token(fresh=True)
    client = connect()
    with _translated(access):
        _with_token(client, access, token)
    return client


def _taken_as_known(client: Client, access: ImapAccess) -> Client:
    """A greeting of PREAUTH: the way we came says who we are (RFC 3501 section 7.1.4). It can say one user only."""
    if access.master is None:
        return client
    advice = "ask whoever runs the server for a port where the technical user can sign in"
    raise Fatal("the server signed us in by itself, and not as the user of this mailbox", advice=advice)


@contextmanager
def _translated(access: ImapAccess) -> Iterator[None]:
    place = f"{access.host}:{access.port}"
    try:
        yield
    except SecretError as error:
        raise Fatal(str(error)) from error
    except (OSError, ValueError, IMAPClientError) as error:  # IMAPClientError is imaplib's error
        broken = _breakage(error)
        if broken is None or response_code(str(broken)):
            raise sign_in_error(_words(broken or error), place) from error
        raise dial_error(broken, access.host, access.port, None) from error


def _breakage(error: Exception) -> Exception | None:
    """The end of the session behind a failed sign-in, if it was that: IMAPClient files both under LoginError."""
    behind = error.__context__ if isinstance(error, LoginError) else error
    return behind if isinstance(behind, imaplib.IMAP4.abort | OSError | ValueError) else None


def _words(error: Exception) -> str:
    """The server's words inside an exception of imaplib, which may be the repr of octets."""
    return str(error).removeprefix("b'").removesuffix("'")


def _with_password(client: Client, access: ImapAccess) -> None:
    if access.password is None:
        raise Fatal("no password is configured for this mailbox", advice="set `password` or `oauth`")
    secret, offered = access.password.read(), {c.upper() for c in client.capabilities()}
    authzid, username = _identities(access)
    if b"AUTH=PLAIN" in offered:
        client.plain_login(username, secret, authzid)
    elif authzid:
        advice = 'set `how = "separator"`, if the server knows that'
        raise Fatal("the server offers no AUTH=PLAIN, which a master user by authzid needs", advice=advice)
    elif b"LOGINDISABLED" in offered:
        raise Fatal("the server takes no password on this connection", advice='set `security = "starttls"` or `oauth`')
    elif not (username + secret).isascii():
        raise Fatal("the server offers no AUTH=PLAIN, which a password beyond ASCII needs")
    else:
        client.login(username, secret)


def _identities(access: ImapAccess) -> tuple[str | None, str]:
    """(whom to act as, who proves it): RFC 4616 for the authzid, `user*master` for Dovecot's separator."""
    if access.master is None:
        return None, access.username
    if access.master.how == "authzid":
        return access.username, access.master.username
    return None, f"{access.username}{access.master.separator}{access.master.username}"


def _with_token(client: Client, access: ImapAccess, token: str) -> None:
    offered = {c.upper() for c in client.capabilities()}
    if b"AUTH=XOAUTH2" in offered or b"AUTH=OAUTHBEARER" not in offered:
        client.sasl_login("XOAUTH2", _once(f"user={access.username}\1auth=Bearer {token}\1\1"))
        return
    identity = access.username.replace("=", "=3D").replace(",", "=2C")
    client.sasl_login("OAUTHBEARER", _once(f"n,a={identity},\1auth=Bearer {token}\1\1"))


def _once(answer: str) -> Callable[[bytes], str]:
    """The token on the first challenge; on a second one, which tells why it was refused, the closing answer.

    That is an empty line for XOAUTH2 and \\x01 for OAUTHBEARER (RFC 7628 section 3.2.3); servers take either.
    """
    answers = iter((answer, "\1"))
    return lambda _challenge: next(answers, "")


def _capabilities(client: Client, access: ImapAccess) -> frozenset[str]:
    """Asked after sign-in: before it a server shows less. One with both revisions speaks the older one to us."""
    with _translated(access):
        told = frozenset(c.decode("ascii", "replace").upper() for c in client.capabilities())
    return told | _REV2 if "IMAP4REV2" in told and "IMAP4REV1" not in told else told


def _abandon(client: Client | None) -> None:
    if client is not None:
        with suppress(OSError, imaplib.IMAP4.error, ValueError):  # it may be gone already
            client.shutdown()
