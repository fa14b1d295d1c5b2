"""Everything that goes wrong on the way to a mail server, put into the errors of `connectors.errors`.

Interrupted
├── Dropped     the session is gone (EOF, BYE, timeout): a new one may help
Skippable
└── Refused     the server said NO or BAD to one command

Response codes are those of RFC 5530; the words beside them are what servers without codes really say.
"""

import re
import socket
import ssl

from connectors.errors import (
    ConnectorError,
    Crowded,
    Fatal,
    Interrupted,
    NeedsSignIn,
    Retriable,
    Skippable,
    Unreachable,
)

_CODE = re.compile(r"\[([A-Z][A-Z0-9-]*)(?:[ \]])")
_LATER_CODES = {"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "OVERQUOTA", "THROTTLED"}
_REFUSED_CODES = {"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN"}
_LATER_WORDS = re.compile(
    r"too many|maximum number|try again|temporar|unavailable|throttl|limit exceeded|server busy|internal error"
    r"|not connected|in use|lookup failed",
    re.IGNORECASE,
)
_FULL_WORDS = re.compile(
    r"too many (\w+ )?(connections|sessions|logins)|maximum (number|connection)|connection limit|\[LIMIT\]",
    re.IGNORECASE,
)
_WAIT = re.compile(
    r"\b(?:in|after|backoff)[ :=]{1,3}(\d{1,7})\s*(ms|milliseconds|s|sec|seconds|minutes)?\b", re.IGNORECASE
)


class Dropped(Interrupted):
    """The session ended under our hands: end of file, BYE, a timeout, or an answer that makes no sense."""


class Refused(Skippable):
    """The server answered NO or BAD to one command."""

    def __init__(self, command: str, text: str) -> None:
        super().__init__(f"the server refused {command}: {text or 'without a reason'}")


def response_code(text: str) -> str:
    """The first response code of a status text (RFC 3501 section 7.1), in capitals; '' if there is none."""
    found = _CODE.search(text.upper())
    return found[1] if found else ""


def dial_error(error: Exception, host: str, port: int, ca_file: str | None) -> ConnectorError:
    """What to raise when no session came about: one sentence with host and port, and what to do."""
    place = f"{host}:{port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_error(error, place, ca_file)
    if isinstance(error, ssl.SSLError):
        return _tls_error(error, place)
    if isinstance(error, socket.gaierror):
        return Unreachable(f"the host name {host} cannot be resolved", advice="check `host` and the name server")
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(
            f"{place} refused the connection", advice="check `host` and `port`, and that the server runs"
        )
    if isinstance(error, TimeoutError):
        advice = "check `host`, `port` and `security`: a port that expects TLS stays silent without it"
        return Unreachable(f"{place} did not answer in time", advice=advice)
    return Unreachable(f"no session with {place}: {describe(error)}", advice="check `host`, `port` and `security`")


def _certificate_error(error: ssl.SSLCertVerificationError, place: str, ca_file: str | None) -> Fatal:
    trusted = f"the authorities in ca_file {ca_file}" if ca_file else "the authorities of this system"
    advice = "set `ca_file` to the authority that signed the server's certificate, and `host` to a name in it"
    return Fatal(f"the certificate of {place} is not accepted by {trusted}: {error.verify_message}", advice=advice)


def _tls_error(error: ssl.SSLError, place: str) -> ConnectorError:
    reason = (getattr(error, "reason", None) or str(error)).replace("_", " ").lower()
    if "wrong version number" in reason or "record layer" in reason or "http request" in reason:
        advice = 'set `security = "starttls"` for this port, or use the TLS port (usually 993)'
        return Fatal(f"{place} does not speak TLS from the start ({reason})", advice=advice)
    if "eof" in reason:
        return Unreachable(f"{place} hung up while TLS was set up", advice="check `port` and `security`")
    return Fatal(
        f"TLS with {place} failed: {reason}", advice="check `port` and `security`, and the server's TLS versions"
    )


def sign_in_error(text: str, place: str) -> ConnectorError:
    """What a refused sign-in means. Servers without codes get the benefit of the words they use."""
    code = response_code(text)
    if _FULL_WORDS.search(text):
        advice = "lower the number of connections, or wait"
        return Crowded(f"{place} has no room for one more session: {clean(text)}", advice=advice, after=wait_of(text))
    if code in _LATER_CODES or (code not in _REFUSED_CODES and _LATER_WORDS.search(text)):
        advice = "lower the number of connections, or wait" if code in ("LIMIT", "INUSE", "") else ""
        return Retriable(f"{place} is not ready to sign in: {clean(text)}", advice=advice, after=wait_of(text))
    if code == "PRIVACYREQUIRED":
        return Fatal(
            f"{place} wants TLS before a password: {clean(text)}", advice='set `security = "starttls"` or "tls"'
        )
    advice = "check `username` and the password, or sign in again; it is tried once more in an hour"
    return NeedsSignIn(f"{place} refused the credentials: {clean(text)}", advice=advice)


def wait_of(text: str) -> float | None:
    """Seconds the server asks to wait, where its text names a number."""
    found = _WAIT.search(text)
    if not found:
        return None
    scale = {"m": 60.0, "ms": 0.001, "milliseconds": 0.001, "minutes": 60.0}.get((found[2] or "s").lower(), 1.0)
    return min(float(found[1]) * scale, 86_400.0)


def describe(error: Exception) -> str:
    """One line about an error of the network, without addresses of people."""
    return clean(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def clean(text: str) -> str:
    """A server's words for a sentence of ours: one line, printable, short, without mail addresses."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"[^\s<>()\[\]\"']+@[^\s<>()\[\]\"']+", "…", line)[:300].strip()
