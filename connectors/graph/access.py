"""Who asks: one application of one tenant, its tokens in memory, and one pool of connections for all its mailboxes.

Certificates, secrets and assertions are read from where they lie whenever a token is asked for, so a renewed one is
picked up. An application needs nothing stored: its tokens are asked for anew after a restart.
"""

import threading
import time
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import msal
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.exceptions import InvalidKeyError

from config.model import GraphAccess
from config.secrets import Secret, SecretError
from connectors.errors import ConnectorError, Fatal, NeedsSignIn
from connectors.graph.refused import meaning, number_of
from connectors.microsoft import asked, is_passing
from connectors.oauth import EARLY_SECONDS, http_session

MOST_CONNECTIONS = 16
"""To one tenant, for all of its mailboxes together."""
MOST_PER_MAILBOX = 4
"""Requests in flight that Outlook takes from one application in one mailbox ("Microsoft Graph throttling limits")."""
REFUSED_SECONDS = 10.0
"""A refusal answers for so long whoever asks meanwhile: a pass reads ahead, and a tenant has many mailboxes."""
_GLOBAL = "https://graph.microsoft.com"
_OTHER_SCOPE = frozenset(("invalid_scope", "invalid_resource", "invalid_target"))
_AUTHORITIES = {
    "graph.microsoft.us": "https://login.microsoftonline.us",
    "dod-graph.microsoft.us": "https://login.microsoftonline.us",
    "microsoftgraph.chinacloudapi.cn": "https://login.chinacloudapi.cn",
}
"""Where one signs in for the national clouds ("National cloud deployments"); elsewhere it is the global one."""


class Tenant:
    """An application in a tenant. Used by many threads at once."""

    def __init__(self, access: GraphAccess) -> None:
        self.access = access
        self.endpoint = access.endpoint.rstrip("/").removesuffix("/v1.0")
        self.session = http_session(access.ca_file, connections=MOST_CONNECTIONS)
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # many threads, one session
        self._sign_in = http_session(access.ca_file, connections=2)
        self._lock = threading.Lock()
        self._gates: dict[str, threading.BoundedSemaphore] = {}
        self._token, self._ends = "", 0.0
        self._made_with: object = None
        self._refused: tuple[str, int, object, float] | None = None
        self._app: Any = None  # untyped in msal
        self.resolved: dict[str, tuple[str | None, float]] = {}

    def gate(self, user: str) -> threading.BoundedSemaphore:
        """Lets so many requests through to one mailbox as it takes at once."""
        with self._lock:
            return self._gates.setdefault(user.lower(), threading.BoundedSemaphore(MOST_PER_MAILBOX))

    def token(self, *, instead_of: str | None = None) -> str:
        """An access token valid now, another one than `instead_of`. Raises NeedsSignIn, Fatal, Retriable."""
        with self._lock:
            fresh = instead_of is not None and instead_of == self._token
            if fresh or not self._token or self._ends - EARLY_SECONDS < time.time():
                self._ask(fresh=fresh)
            return self._token

    def _ask(self, *, fresh: bool) -> None:
        code, number, credential, at = self._refused or ("", 0, None, 0.0)
        if code and time.monotonic() - at < REFUSED_SECONDS and credential == _credential(self.access):
            raise meaning(code, number)
        authority = authority_of(self.access)
        answer = asked(authority, lambda: self._answer(authority, fresh))
        if "access_token" not in answer:
            raise self._remembered(str(answer.get("error", "unknown")), number_of(answer))
        self._token = str(answer["access_token"])
        self._ends = time.time() + float(answer.get("expires_in", 300))

    def _remembered(self, code: str, number: int) -> ConnectorError:
        """What a refusal means. One of the credential is kept; a busy service may answer at once."""
        error = meaning(code, number)
        if isinstance(error, NeedsSignIn):
            self._refused = code, number, _credential(self.access), time.monotonic()
        return error

    def _answer(self, authority: str, fresh: bool) -> dict[str, Any]:
        app = self._application(authority)
        if fresh:
            app.remove_tokens_for_client()
        answer: dict[str, Any] = {}
        for scope in scopes_of(self.access):
            try:
                answer = dict(app.acquire_token_for_client([scope]))
            except InvalidKeyError as error:
                raise Fatal("the certificate's key is not one of RSA", advice="make an RSA certificate") from error
            if answer.get("error") not in _OTHER_SCOPE:
                break
        return answer

    def _application(self, authority: str) -> Any:  # noqa: ANN401  # untyped in msal
        """Made anew when the credential has changed; making it asks the authority who it is."""
        credential = _credential(self.access)
        if self._app is None or credential != self._made_with:
            private = self.access.authority is not None
            try:
                self._app = msal.ConfidentialClientApplication(
                    self.access.client_id,
                    client_credential=_for_msal(credential, self.access),
                    authority=authority,
                    instance_discovery=False if private else None,
                    http_client=self._sign_in,
                )
            except ValueError as error:
                if is_passing(error):
                    raise
                raise _unusable(self.access) from error
            self._made_with = credential
        return self._app


@lru_cache(maxsize=256)
def _tenant(access: GraphAccess) -> Tenant:
    return Tenant(access)


def tenant_of(access: GraphAccess) -> Tenant:
    """The one Tenant that all mailboxes with this application share."""
    return _tenant(access.model_copy(update={"user": ""}))


def authority_of(access: GraphAccess) -> str:
    """Where the application signs in."""
    host = urlsplit(access.endpoint).hostname or ""
    authority = (access.authority or _AUTHORITIES.get(host, "https://login.microsoftonline.com")).rstrip("/")
    return authority if urlsplit(authority).path.strip("/") else f"{authority}/{access.tenant_id}"


def scopes_of(access: GraphAccess) -> tuple[str, ...]:
    """Everything the tenant has granted, by the endpoint's own name, then by the global one."""
    parts = urlsplit(access.endpoint)
    return tuple(dict.fromkeys(f"{name}/.default" for name in (f"{parts.scheme}://{parts.netloc}", _GLOBAL)))


def _credential(access: GraphAccess) -> tuple[str, ...]:
    """What the application proves itself with, as it lies there now."""
    if access.certificate is not None:
        return "certificate", read_secret(access.certificate), read_secret(access.passphrase)
    if access.client_secret is not None:
        return "secret", read_secret(access.client_secret)
    return ("assertion",)


def _for_msal(credential: tuple[str, ...], access: GraphAccess) -> Any:  # noqa: ANN401  # as msal takes it
    if credential[0] == "secret":
        return credential[1]
    if credential[0] == "assertion":
        return {"client_assertion": lambda: read_secret(access.assertion)}
    pem, passphrase = credential[1:]
    _try_key(pem, passphrase)
    return {"private_key": pem, "public_certificate": pem, **({"passphrase": passphrase} if passphrase else {})}


def _try_key(pem: str, passphrase: str) -> None:
    """Raises Fatal: msal opens the key only while it asks for a token, and says nothing of the passphrase."""
    try:
        load_pem_private_key(pem.encode(), passphrase.encode() if passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Fatal(
            "the certificate's private key cannot be opened",
            advice="the file must hold the private key as PEM; check `passphrase`",
        ) from error


def read_secret(secret: Secret | None) -> str:
    """The secret, '' if there is none. Raises Fatal."""
    try:
        return secret.read() if secret is not None else ""
    except SecretError as error:
        raise Fatal(str(error)) from error


def _unusable(access: GraphAccess) -> Fatal:
    if access.certificate is not None:
        return Fatal(
            "the application cannot sign in: its certificate cannot be used, or the tenant is not known",
            advice="the file must hold the private key and the certificate as PEM; check `passphrase` and `tenant_id`",
        )
    return Fatal("the tenant is not known to Microsoft", advice="check `tenant_id` and `authority`")
