"""HTTP answers and failures of the network, put into the errors of `connectors.errors`.

Of a 401 Exchange tells only in headers what it would have taken; what else is wrong (a locked account, EWS turned off)
it says in a status. The text of an answer is never quoted: it may hold somebody's mail.
"""

import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests

from connectors.errors import ConnectorError, Fatal, Interrupted, NeedsSignIn, Retriable, Unreachable
from connectors.exchange.faults import LONGEST_WAIT, is_online, online
from connectors.http_dates import http_date

PROTECTION = (
    "if user name and password are right, Extended Protection (on by default since Exchange 2019 CU14) may refuse NTLM "
    "behind a proxy that ends TLS: let us reach the server itself, or give the proxy the server's own certificate"
)
_SOAP = re.compile(rb"<(?:[\w.-]+:)?Envelope[\s>]")
_HEAD = 500
"""Bytes in which an envelope begins, whatever prefix it has."""
_SCHEMES = {"ntlm": ("ntlm", "negotiate"), "basic": ("basic",), "oauth": ("bearer",)}
_CHECK = "check `username` and the password; it is tried once more in an hour"


def refusal(status: int, headers: Mapping[str, str], body: bytes, endpoint: str, auth: str) -> ConnectorError | None:
    """The error that a status means; None for an answer to be read (200, and an error of the server's that is told in
    SOAP: 500, or 503 where it is busy).
    """
    host = urlsplit(endpoint).netloc
    if status == 200 or (status in (500, 503) and _SOAP.search(body[:_HEAD]) is not None):
        return None
    if status == 401:
        return _unauthorised(headers, host, auth)
    if status in (301, 302, 303, 307, 308):
        return _redirect(headers.get("location", ""), host)
    if status in (403, 404, 405, 410):
        advice = "check `endpoint`, and that EWS is not turned off for the organisation or this mailbox"
        return Fatal(f"{host} has no EWS for us at this address (HTTP {status})", advice=advice)
    return Retriable(f"{host} answered HTTP {status}", after=retry_after(headers.get("retry-after", "")))


def _unauthorised(headers: Mapping[str, str], host: str, auth: str) -> ConnectorError:
    offered = headers.get("www-authenticate", "").lower()
    if offered and not any(scheme in offered for scheme in _SCHEMES[auth]):
        named = ", ".join(name for name, words in _SCHEMES.items() if any(word in offered for word in words))
        return NeedsSignIn(f"{host} does not take {auth}", advice=f"it offers {named or 'none we know'}: set `auth`")
    advice = "check the application and its permission for this server" if auth == "oauth" else _CHECK
    return NeedsSignIn(
        f"{host} refused the credentials", advice=f"{advice}. {PROTECTION}" if auth == "ntlm" else advice
    )


def _redirect(target: str, host: str) -> ConnectorError:
    if is_online(urlsplit(target).hostname or ""):
        return online()
    if "genericerrorpage" in target.lower():
        return Retriable(f"{host} shows its page for an outage")
    return Fatal(f"{host} sends us elsewhere", advice="write the address of Exchange.asmx itself in `endpoint`")


def retry_after(value: str) -> float | None:
    """Seconds of a Retry-After header, a number or a date (RFC 9110 section 10.2.3), at most an hour."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), LONGEST_WAIT)
    when = http_date(value)
    return None if when is None else min(max((when - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_WAIT)


def network_error(error: Exception, endpoint: str, ca_file: Path | None) -> ConnectorError:
    """What to raise when no answer came. It may have been a done deed all the same: who retries a write looks first."""
    host = urlsplit(endpoint).netloc
    if isinstance(error, requests.exceptions.SSLError | ssl.SSLError):
        trusted = f"the authorities in ca_file {ca_file}" if ca_file else "the authorities of this system"
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            advice = (
                "set `ca_file` to the authority that signed the server's certificate, and `endpoint` to a name in it"
            )
            return Fatal(f"the certificate of {host} is not accepted by {trusted}", advice=advice)
        return Unreachable(f"no TLS with {host}", advice="check `endpoint`, and the server's TLS versions")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return Fatal("the address in `endpoint` cannot be used", advice="write https://HOST/EWS/Exchange.asmx")
    if isinstance(error, PermissionError | KeyError):  # what requests_ntlm raises in the middle of a handshake
        return Retriable(f"{host} broke off the NTLM sign-in", advice=PROTECTION)
    if isinstance(error, requests.exceptions.ConnectTimeout) or _never_connected(error):
        return Unreachable(f"{host} cannot be reached", advice="check `endpoint`, the name server, and that it runs")
    return Interrupted(f"the connection to {host} ended in the middle of an answer")


def _never_connected(error: Exception) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError")
