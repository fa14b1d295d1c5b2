"""What a server of the web shows anybody: its certificate and its time."""

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies

from agent.doctor.examine import LATER
from agent.doctor.finding import Said, failed, skipped
from agent.doctor.trust import end_of, lasting
from connectors.oauth import http_session

_PATIENCE = 10.0
_TRUST = "set `ca_file` to the authority that signed the server's certificate, and name the server as it stands there"


def tls_of(url: str, trusting: Callable[[], ssl.SSLContext], now: datetime, advice: str) -> Said:
    """Looks at the certificate on a connection of its own. advice: what to do before it ends."""
    parts = urlsplit(url)
    if get_environ_proxies(url, no_proxy=None):
        return skipped("the server is reached through a proxy, which would show another certificate")
    host = parts.hostname or ""
    try:
        context = trusting()
        with (
            socket.create_connection((host, parts.port or 443), _PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=host) as stream,
        ):
            told, version = stream.getpeercert() or {}, stream.version()
    except ssl.SSLCertVerificationError as error:
        return failed(f"the certificate of {host} is not accepted: {error.verify_message}", _TRUST)
    except OSError as error:
        return failed(f"no TLS session with {host}: {error.strerror or type(error).__name__}", LATER)
    return lasting(f"{version} verified; the certificate", end_of(str(told["notAfter"])), now, advice)


def date_of(url: str, ca_file: Path | None) -> tuple[str, datetime] | Said:
    """The Date field of any answer, and when it came; or why there was none."""
    session = http_session(ca_file)
    try:
        with session.get(url, timeout=_PATIENCE, allow_redirects=False, stream=True) as response:
            return response.headers.get("Date", ""), datetime.now(UTC)
    except (requests.RequestException, OSError) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):  # requests tells no class of its own for it
            return failed(f"{url} was not asked: its certificate is not accepted", _TRUST)
        return failed(f"{url} does not answer: {type(error).__name__}", LATER)
    finally:
        session.close()
