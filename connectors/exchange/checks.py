"""What `doctor` may ask of an Exchange server, each a small question with one answer or one ConnectorError.

`look` goes first: it says which server answers, whether the account signs in and whether it may act for the mailbox.
`offered` and `certificate_end` need no account.
"""

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies

from config.model import ExchangeAccess
from connectors.errors import ConnectorError, Fatal, Unreachable
from connectors.exchange.folders import distinguished_ids, list_folders
from connectors.exchange.opening import Opened
from connectors.exchange.replies import network_error
from connectors.exchange.soap import Seat
from connectors.oauth import TokenCache, http_session

_TIMEOUTS = (10.0, 30.0)
_NAMES = {(15, 0): "2013", (15, 1): "2016", (15, 2): "2019 or Subscription Edition", (14, 3): "2010 SP3"}


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What a first look found. endpoint: as configured or discovered. build: "15.2.1544.4". folders: how many."""

    endpoint: str
    build: str
    folders: int

    @property
    def product(self) -> str:
        """`Exchange Server 2016 (15.1.2507.6)`."""
        parts = self.build.split(".")
        name = _NAMES.get((int(parts[0]), int(parts[1])), "") if len(parts) > 1 else ""
        return f"Exchange Server {name} ({self.build})".replace("  ", " ")


def look(access: ExchangeAccess, tokens: TokenCache | None = None) -> Looked:
    """Signs in and opens the mailbox as the sync does: by impersonation or as a delegate.

    Raises NeedsSignIn (with the hint at Extended Protection where NTLM was refused), Fatal for a mailbox that the
    account may not open or that is in Exchange Online, Unreachable, Retriable.
    """
    opened = Opened(access, tokens)
    try:
        seat = Seat(opened.wire, access.user, access.access)
        distinguished_ids(seat)
        count = len(list_folders(seat))
        return Looked(endpoint=opened.endpoint, build=".".join(map(str, seat.build)) or "unknown", folders=count)
    finally:
        opened.close()


def may_open(access: ExchangeAccess, tokens: TokenCache | None = None) -> bool:
    """Whether the account may open this mailbox: for one that must be refused. Raises what says nothing about it."""
    try:
        look(access, tokens)
    except ConnectorError as error:
        if type(error) is Fatal:
            return False
        raise
    return True


def offered(endpoint: str, ca_file: Path | None = None) -> tuple[str, ...]:
    """The ways to sign in that the server names to a stranger: "ntlm", "basic", "oauth". Raises Unreachable, Fatal."""
    session = http_session(ca_file)
    session.trust_env = False
    session.proxies.update(get_environ_proxies(endpoint, no_proxy=None))
    try:
        with session.get(endpoint, timeout=_TIMEOUTS, allow_redirects=False, stream=True) as response:
            named = response.headers.get("WWW-Authenticate", "").lower()
    except (requests.RequestException, OSError) as error:
        raise network_error(error, endpoint, ca_file) from error
    finally:
        session.close()
    words = {"ntlm": ("ntlm", "negotiate"), "basic": ("basic",), "oauth": ("bearer",)}
    return tuple(name for name, marks in words.items() if any(mark in named for mark in marks))


def certificate_end(endpoint: str, ca_file: Path | None = None) -> datetime:
    """When the server's certificate ends (aware). Raises Unreachable, Fatal for one that is not accepted."""
    parts = urlsplit(endpoint)
    context = ssl.create_default_context()
    try:
        if ca_file is not None:
            context.load_verify_locations(ca_file)
        with (
            socket.create_connection((parts.hostname or "", parts.port or 443), timeout=_TIMEOUTS[0]) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secure,
        ):
            end = str((secure.getpeercert() or {}).get("notAfter", ""))
    except OSError as error:
        raise network_error(error, endpoint, ca_file) from error
    if not end:
        raise Unreachable(f"{parts.netloc} showed no certificate")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC)
