"""Access tokens that are valid now, from a refresh token, a device code or the client's own secret.

By the standard requests (RFC 6749, RFC 8628); `connectors.tokens` chooses between these and Microsoft's. What must
survive a restart is handed to a `TokenCache`, which encrypts it; nothing of it is ever logged or part of an error's
sentence.
"""

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from config.model import OAuth
from config.secrets import SecretError
from connectors.errors import ConnectorError, Fatal, NeedsSignIn, Retriable

TIMEOUTS = (10.0, 30.0)
"""Seconds to connect and to wait for an answer."""
EARLY_SECONDS = 120.0
"""A token is renewed this long before it ends, so that it does not end in the middle of a sign-in."""
ANSWER_LIMIT = 256 * 1024
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SIGN_IN = "run `crm-agent sign-in --mailbox ADDRESS`"
_CLIENT = "check `client_id`, `client_secret`, `tenant_id` and `scope`, and that the application has the permission"
_GOOGLE_DEVICE = "https://oauth2.googleapis.com/device/code"
_GOOGLE_TOKEN = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address


class TokenCache(Protocol):
    """Keeps one blob of tokens a mailbox, encrypted at rest."""

    def load(self, mailbox: str) -> str | None:
        """The blob last saved for this mailbox, or None."""

    def save(self, mailbox: str, blob: str) -> None:
        """Replaces the blob of this mailbox."""


class MemoryTokens:
    """Tokens for as long as the process lives."""

    def __init__(self) -> None:
        self._blobs: dict[str, str] = {}

    def load(self, mailbox: str) -> str | None:
        return self._blobs.get(mailbox)

    def save(self, mailbox: str, blob: str) -> None:
        self._blobs[mailbox] = blob


class NoTokens:
    """Keeps nothing: enough for client credentials."""

    def load(self, mailbox: str) -> str | None:
        return None

    def save(self, mailbox: str, blob: str) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class DevicePrompt:
    """What a person has to do elsewhere: open `url`, type `user_code`, before `expires_in` seconds have passed.

    state: what `finish_device` needs; it holds the device code.
    """

    url: str
    user_code: str
    expires_in: float
    state: Mapping[str, Any] = field(repr=False)


class Tokens(Protocol):
    """The tokens of one mailbox at one provider."""

    def access_token(self, *, fresh: bool = False) -> str:
        """A token valid now. `fresh`: not the cached one. Raises NeedsSignIn, Fatal, Retriable."""

    def start_device(self) -> DevicePrompt:
        """Begins a sign-in by device code. Raises Fatal, Retriable."""

    def finish_device(self, prompt: DevicePrompt) -> None:
        """Waits until the person is done, and keeps the tokens. Raises NeedsSignIn if they said no or were too slow."""


def http_session(ca_file: Path | None, *, connections: int = 10) -> requests.Session:
    """A session that also trusts `ca_file`; at most so many connections to a host, further requests wait."""
    session = requests.Session()
    if ca_file is not None:
        session.mount("https://", _Trusting(ca_file, connections))
    else:
        session.mount("https://", HTTPAdapter(pool_maxsize=connections, pool_block=True))
    session.auth = _as_it_is
    return session


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from looking into a .netrc, which would take the place of our token."""
    return request


class _Trusting(HTTPAdapter):
    def __init__(self, ca_file: Path, connections: int) -> None:
        try:
            self._context = _context(ca_file, ca_file.stat().st_mtime_ns)
        except OSError as error:
            raise Fatal(f"ca_file {ca_file} cannot be used: {error.strerror or error}") from error
        super().__init__(pool_maxsize=connections, pool_block=True)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # handed through as they are
        return super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ANN401  # handed through as they are
        """Behind a proxy, too, which may itself have a certificate of the same authority."""
        trust = {"ssl_context": self._context, "proxy_ssl_context": self._context}
        return super().proxy_manager_for(proxy, **trust, **kwargs)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Without REQUESTS_CA_BUNDLE, which would be loaded beside `ca_file` or, if missing, end every request."""
        return super().send(request, *args, **{**kwargs, "verify": True})

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:  # the context knows the authorities
        return None


@lru_cache(maxsize=32)
def _context(ca_file: Path, changed: int) -> ssl.SSLContext:
    """Made once a version of the file: it costs 76 ms and 0.9 MB. Raises OSError."""
    context = ssl.create_default_context()
    context.load_verify_locations(ca_file)
    return context


class StandardTokens:
    """RFC 6749 and RFC 8628 by plain requests: Google, and any provider with a `token_url`."""

    def __init__(self, oauth: OAuth, mailbox: str, cache: TokenCache, session: requests.Session) -> None:
        self._oauth, self._mailbox, self._cache, self._session = oauth, mailbox, cache, session
        google = oauth.provider == "google"
        self._token_url = oauth.token_url or (_GOOGLE_TOKEN if google else None)
        self._device_url = oauth.device_url or (_GOOGLE_DEVICE if google else None)
        self._scope = oauth.scope or ("https://mail.google.com/" if google else "")

    def access_token(self, *, fresh: bool = False) -> str:
        kept = self._kept()
        if not fresh and kept.get("access_token") and float(kept.get("expires_at", 0)) > time.time() + EARLY_SECONDS:
            return str(kept["access_token"])
        if self._oauth.flow == "client-credentials":
            return self._keep(self._ask_token({"grant_type": "client_credentials"}), kept)
        if not kept.get("refresh_token"):
            raise NeedsSignIn("nobody has signed in to this mailbox yet", advice=_SIGN_IN)
        form = {"grant_type": "refresh_token", "refresh_token": str(kept["refresh_token"])}
        return self._keep(self._ask_token(form), kept)

    def start_device(self) -> DevicePrompt:
        if not self._device_url:
            raise Fatal("the provider's device endpoint is not known", advice="set `device_url`")
        answer = self._post(self._device_url, {"scope": self._scope})
        if "device_code" not in answer or "user_code" not in answer:
            raise _refusal(answer, device=False)
        return DevicePrompt(
            url=str(
                answer.get("verification_uri_complete")
                or answer.get("verification_uri")
                or answer.get("verification_url", "")
            ),
            user_code=str(answer["user_code"]),
            expires_in=_seconds(answer.get("expires_in"), 900.0),
            state={"device_code": str(answer["device_code"]), "interval": _seconds(answer.get("interval"), 5.0)},
        )

    def finish_device(self, prompt: DevicePrompt) -> None:
        end, interval = time.monotonic() + prompt.expires_in, float(prompt.state["interval"])
        form = {"grant_type": _DEVICE_GRANT, "device_code": prompt.state["device_code"]}
        while time.monotonic() < end:
            answer = self._post(self._required_token_url(), form)
            if "access_token" in answer:
                self._keep(answer, {})
                return
            error = answer.get("error")
            if error not in ("authorization_pending", "slow_down"):
                raise _refusal(answer, device=True)
            interval += 5.0 if error == "slow_down" else 0.0  # RFC 8628 section 3.5
            time.sleep(interval)
        raise NeedsSignIn("the code was not used in time", advice=_SIGN_IN)

    def _kept(self) -> dict[str, Any]:
        blob = self._cache.load(self._mailbox)
        try:
            kept = json.loads(blob) if blob else {}
        except ValueError:
            return {}
        return kept if isinstance(kept, dict) else {}

    def _keep(self, answer: Mapping[str, Any], before: Mapping[str, Any]) -> str:
        """Saves first: a provider that rotates refresh tokens has already ended the old one."""
        kept = {
            "access_token": answer["access_token"],
            "expires_at": time.time() + _seconds(answer.get("expires_in"), 300.0),
            "refresh_token": answer.get("refresh_token") or before.get("refresh_token"),
        }
        self._cache.save(self._mailbox, json.dumps(kept))
        return str(kept["access_token"])

    def _ask_token(self, form: Mapping[str, str]) -> dict[str, Any]:
        answer = self._post(self._required_token_url(), {**form, "scope": self._scope} if self._scope else form)
        if "access_token" not in answer:
            raise _refusal(answer, device=self._oauth.flow == "device")
        return answer

    def _required_token_url(self) -> str:
        if not self._token_url:
            raise Fatal("the provider's token endpoint is not known", advice="set `token_url`")
        return self._token_url

    def _post(self, url: str, form: Mapping[str, str]) -> dict[str, Any]:
        return post_form(self._session, url, {"client_id": self._oauth.client_id, **self._secret(), **form})

    def _secret(self) -> dict[str, str]:
        return {"client_secret": read_secret(self._oauth)} if self._oauth.client_secret else {}


def read_secret(oauth: OAuth) -> str:
    """The client's secret, '' if it has none. Raises Fatal."""
    try:
        return oauth.client_secret.read() if oauth.client_secret else ""
    except SecretError as error:
        raise Fatal(str(error)) from error


def post_form(session: requests.Session, url: str, form: Mapping[str, str]) -> dict[str, Any]:
    """One request to a provider: its JSON, errors of OAuth included. Raises Retriable, Fatal."""
    return reaching(url, lambda: _answer(session, url, form))


def reaching(url: str, step: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """`step`, with the errors of the network named by what to do."""
    host = url.split("/")[2] if url.count("/") >= 2 else url
    try:
        return step()
    except (requests.RequestException, HTTPError, OSError) as error:  # HTTPError: an answer that was cut off
        if is_untrusted(error):
            advice = "check `token_url` and `ca_file`"
            raise Fatal(f"the certificate of {host} is not accepted", advice=advice) from error
        raise Retriable(f"the sign-in service {host} cannot be reached: {type(error).__name__}") from error
    except (KeyError, ValueError) as error:  # msal trusts what it is sent
        raise Retriable(f"the sign-in service {host} answered what makes no sense") from error


def is_untrusted(error: Exception) -> bool:
    """Whether a server's certificate was refused. A handshake that was cut off is an SSLError, too, and will pass."""
    return isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


def _answer(session: requests.Session, url: str, form: Mapping[str, str]) -> dict[str, Any]:
    with session.post(url, data=dict(form), timeout=TIMEOUTS, allow_redirects=False, stream=True) as response:
        body = response.raw.read(ANSWER_LIMIT, decode_content=True)
    try:
        answer = json.loads(body)
    except ValueError:
        answer = {}
    if response.status_code == 429 or response.status_code >= 500:
        after = response.headers.get("Retry-After", "")
        wait = float(after) if after.isdigit() else None
        raise Retriable(f"the sign-in service is busy (HTTP {response.status_code})", after=wait)
    if not isinstance(answer, dict) or not answer:
        raise Fatal(
            f"the sign-in service answered HTTP {response.status_code} without JSON", advice="check `token_url`"
        )
    return answer


def _refusal(answer: Mapping[str, Any], *, device: bool) -> ConnectorError:
    return refusal(str(answer.get("error", "unknown")), device=device)


def refusal(error: str, *, device: bool) -> ConnectorError:
    """What an OAuth error code means (RFC 6749 section 5.2, RFC 8628 section 3.5, and Microsoft's)."""
    code = "".join(c for c in error if c.isalnum() or c in "_-")[:60]
    if code in ("temporarily_unavailable", "server_error", "slow_down"):
        return Retriable(f"the sign-in service is busy ({code})")
    if device and code in (
        "invalid_grant",
        "access_denied",
        "expired_token",
        "interaction_required",
        "consent_required",
    ):
        return NeedsSignIn(f"the sign-in is no longer valid ({code})", advice=_SIGN_IN)
    return NeedsSignIn(f"the sign-in service refused the application ({code})", advice=_CLIENT)


def _seconds(value: object, default: float) -> float:
    try:
        return min(max(float(str(value)), 0.0), 10_000_000.0)
    except ValueError:
        return default
