"""From settings to a seat: which endpoint, whose account, whose mailbox.

An endpoint found by autodiscover is kept for the life of the process, by mail domain; it is looked for again after the
server could not be reached or said that the mailbox is elsewhere.
"""

from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.auth import AuthBase

from config.model import ExchangeAccess
from config.secrets import SecretError
from connectors.errors import Fatal, NeedsSignIn
from connectors.exchange.autodiscover import ENDPOINTS, domain_of
from connectors.exchange.faults import is_online, online
from connectors.exchange.ntlm import Ntlm
from connectors.exchange.wire import REFUSALS, WIRES, Door, Patiently, Wire
from connectors.oauth import MemoryTokens, TokenCache, Tokens
from connectors.tokens import tokens_for

_LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))


class Opened:
    """A mailbox's access with its share of the sessions. Nothing connects before the first request."""

    def __init__(self, access: ExchangeAccess, cache: TokenCache | None = None) -> None:
        self._sign_in = sign_in_of(access, cache)
        self.endpoint = _endpoint(access, self._sign_in)
        self._door = _door(access, self.endpoint, self._sign_in)
        self.wire: Wire = WIRES.take(self._door)
        self._closed = False

    def close(self) -> None:
        """May be called twice."""
        if not self._closed:
            self._closed = True
            WIRES.let_go(self._door)


def _endpoint(access: ExchangeAccess, sign_in: Callable[[], AuthBase | None]) -> str:
    endpoint = access.endpoint or ENDPOINTS.known(access.user) or _discovered(access, sign_in)
    parts = urlsplit(endpoint)
    if is_online(parts.hostname or ""):
        raise online()
    if parts.scheme != "https" and (parts.hostname or "") not in _LOOPBACK:
        raise Fatal("an Exchange off this machine is reached by https only", advice="write https:// in `endpoint`")
    return endpoint


def _discovered(access: ExchangeAccess, sign_in: Callable[[], AuthBase | None]) -> str:
    """Where autodiscover says; a password that it refused is not tried for every mailbox of the account there."""
    door = _door(access, f"autodiscover of {domain_of(access.user)}", sign_in)
    with Patiently(ENDPOINTS.gate):
        if (found := ENDPOINTS.known(access.user)) is not None:
            return found
        REFUSALS.check(door)
        try:
            return ENDPOINTS.look(access.user, sign_in, access.ca_file)
        except NeedsSignIn as refused:
            if access.auth != "oauth":  # tokens lock no account
                REFUSALS.note(door, refused)
            raise


def _door(access: ExchangeAccess, endpoint: str, sign_in: Callable[[], AuthBase | None]) -> Door:
    return Door(
        endpoint=endpoint,
        auth=access.auth,
        account=_account(access),
        ca_file=access.ca_file,
        connections=access.connections,
        sign_in=sign_in,
    )


def _account(access: ExchangeAccess) -> tuple[str, ...]:
    """Names the account; with the password, so that a new one gets new sessions."""
    if access.oauth is not None:
        person = access.user if access.oauth.flow == "device" else ""
        return ("oauth", access.oauth.client_id, access.oauth.tenant_id or "", access.oauth.token_url or "", person)
    return (access.username or "", _password(access))


def _password(access: ExchangeAccess) -> str:
    try:
        return access.password.read() if access.password is not None else ""
    except SecretError as error:
        raise Fatal(str(error)) from error


def sign_in_of(access: ExchangeAccess, cache: TokenCache | None = None) -> Callable[[], AuthBase | None]:
    """Makes the authentication of a session. Raises Fatal for a secret that cannot be read."""
    if access.auth == "oauth":
        if access.oauth is None:
            raise Fatal('auth = "oauth" needs an application', advice="write `oauth = { … }` for this connector")
        tokens = tokens_for(access.oauth, access.user, cache or MemoryTokens(), access.ca_file)
        return lambda: Bearer(tokens)
    username, password = access.username or access.user, _password(access)
    if access.auth == "basic":
        return lambda: Basic(username, password)
    return lambda: Ntlm(username, password)


class Basic(AuthBase):
    """Basic in UTF-8 (RFC 7617 section 2.1); requests would write Latin-1."""

    def __init__(self, username: str, password: str) -> None:
        self._header = "Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class Bearer(AuthBase):
    """A token that is valid now, asked for again for every request. refused: the server did not take the last one."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._tokens.access_token()}"
        request.hooks["response"].append(self._renew)
        return request

    def _renew(self, response: Response, **kwargs: Any) -> Response:
        """One more try with a new token: a token may be taken back before its time."""
        if response.status_code != 401 or "X-Renewed" in response.request.headers:
            return response
        response.content  # noqa: B018 - read, so that the connection is free
        response.close()
        again = response.request.copy()
        again.headers["Authorization"] = f"Bearer {self._tokens.access_token(fresh=True)}"
        again.headers["X-Renewed"] = "1"
        renewed: Response = response.connection.send(again, **kwargs)
        renewed.history.append(response)
        return renewed
