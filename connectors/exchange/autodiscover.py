"""Where a mailbox's EWS is, by Autodiscover ([MS-OXDSCLI]): plain XML, https only, few steps, kept by mail domain."""

import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import requests
from requests.auth import AuthBase
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from connectors.errors import ConnectorError, Fatal, NeedsSignIn, Unreachable
from connectors.exchange.faults import is_online, online
from connectors.exchange.replies import network_error, refusal
from connectors.exchange.xml import Element, local, parse
from connectors.oauth import http_session

SignIn = Callable[[], AuthBase | None]
_TIMEOUTS = (10.0, 30.0)
_ANSWER_LIMIT = 1024 * 1024
_MOST_STEPS = 5
_ADVICE = "write the address of Exchange.asmx in `endpoint` instead of `autodiscover = true`"
_REQUEST = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>'
    "<EMailAddress>{address}</EMailAddress><AcceptableResponseSchema>"
    "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
    "</AcceptableResponseSchema></Request></Autodiscover>"
)


class Endpoints:
    """The endpoints found so far, by mail domain."""

    def __init__(self) -> None:
        self.gate = threading.Lock()
        """Held while somebody looks: the others wait for what they find."""
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}

    def known(self, address: str) -> str | None:
        """The endpoint of this mailbox's domain, if it was found."""
        with self._lock:
            return self._known.get(domain_of(address))

    def look(self, address: str, sign_in: SignIn, ca_file: Path | None) -> str:
        """Looks for it, and keeps it. Raises Unreachable, NeedsSignIn, Fatal."""
        found = discover(address, sign_in, ca_file)
        with self._lock:
            self._known[domain_of(address)] = found
        return found

    def forget(self, address: str) -> None:
        """Looks again the next time: the mailbox may have moved."""
        with self._lock:
            self._known.pop(domain_of(address), None)


ENDPOINTS = Endpoints()
"""Those of this process."""


def domain_of(address: str) -> str:
    """Of an address."""
    return address.rpartition("@")[2].lower()


def discover(address: str, sign_in: SignIn, ca_file: Path | None) -> str:
    """Asks where Exchange says to ask, in its order, and follows it a few steps."""
    domain = domain_of(address)
    reasons: list[ConnectorError] = []
    for host in (f"autodiscover.{domain}", domain):
        try:
            return follow(f"https://{host}/autodiscover/autodiscover.xml", address, sign_in, ca_file)
        except NeedsSignIn:
            raise
        except ConnectorError as error:
            if str(error) == str(online()):
                raise
            reasons.append(error)
    raise Unreachable(f"autodiscover found no Exchange for {domain}: {reasons[0]}", advice=_ADVICE)


def follow(url: str, address: str, sign_in: SignIn, ca_file: Path | None) -> str:
    """The endpoint that this address of Autodiscover leads to, in a few steps."""
    domain = domain_of(address)
    for _ in range(_MOST_STEPS):
        answer = _ask(url, address, sign_in, ca_file)
        endpoint = _first(answer, "EwsUrl")
        if endpoint:
            return endpoint
        url, address = next_step(answer, address, domain)
    raise Fatal("autodiscover leads in a circle", advice=_ADVICE)


def next_step(answer: Element, address: str, domain: str) -> tuple[str, str]:
    """Where an answer without an endpoint leads: to another place, or to another address. Pure. Raises Fatal."""
    moved, address = _first(answer, "RedirectUrl"), _first(answer, "RedirectAddr") or address
    url = moved or f"https://autodiscover.{domain_of(address)}/autodiscover/autodiscover.xml"
    _check(url, domain)
    return url, address


def _check(url: str, domain: str) -> None:
    """The account's password goes to https alone, to hosts of the mail domain alone, and never to Exchange Online."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if is_online(host):
        raise online()
    if parts.scheme != "https" or not (host == domain or host.endswith("." + domain)):
        raise Fatal("autodiscover leads out of the mail domain, or to an address without https", advice=_ADVICE)


def _ask(url: str, address: str, sign_in: SignIn, ca_file: Path | None) -> Element:
    session = http_session(ca_file)
    session.trust_env = False
    session.proxies.update(get_environ_proxies(url, no_proxy=None))
    session.auth = sign_in()
    try:
        with session.post(
            url,
            data=_REQUEST.format(address=escape(address)).encode(),
            headers={"Content-Type": "text/xml; charset=utf-8"},
            timeout=_TIMEOUTS,
            allow_redirects=False,
            stream=True,
        ) as response:
            body = response.raw.read(_ANSWER_LIMIT, decode_content=True)
            headers = {name.lower(): value for name, value in response.headers.items()}
    except (requests.RequestException, HTTPError, OSError, KeyError) as error:  # HTTPError: an answer that was cut off
        raise network_error(error, url, ca_file) from error
    finally:
        session.close()
    refused = refusal(response.status_code, headers, body, url, "ntlm")
    if refused is not None:
        raise refused
    return parse(body)


def _first(answer: Element, name: str) -> str:
    """The text of the first element of that name, whatever its namespace; protocols come best first."""
    return next(
        ((one.text or "").strip() for one in answer.iter() if isinstance(one.tag, str) and local(one) == name), ""
    )
