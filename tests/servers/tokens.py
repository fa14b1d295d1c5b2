"""An OAuth 2.0 provider in a thread: tokens for XOAUTH2 and OAUTHBEARER whose life and death a test controls.

Endpoints, over TLS with the lab's certificate: `/device` (RFC 8628), `/token` (grants device_code, refresh_token,
client_credentials), `/introspect` (RFC 7662, asked by Dovecot) and `/.well-known/openid-configuration`.
A person says yes with `approve(user_code)`; a test plays bad weather with `fail_next`, `deny_refresh`, `expire` and
`lifetime`. Everything asked is kept in `requests`.
"""

import json
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from tests.servers.certs import Authority

_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
Answer = tuple[int, dict[str, object]]


@dataclass(kw_only=True)
class _Device:
    user_code: str
    scope: str
    username: str | None = None
    denied: bool = False


@dataclass(frozen=True, kw_only=True)
class _Access:
    username: str
    scope: str
    expires_at: float


class TokenServer:
    """`lifetime`: seconds an access token lives. `rotate`: each refresh hands out a new refresh token, ending the old.

    client_username: whom a client-credentials token speaks for (None: such tokens are refused).
    """

    def __init__(
        self,
        authority: Authority,
        *,
        client_id: str = "lab-client",
        client_secret: str = "lab-secret",  # noqa: S107  # guards nothing
    ) -> None:
        self.client_id, self.client_secret = client_id, client_secret
        self.lifetime = 3600.0
        self.rotate = True
        self.interval = 1
        self.client_username: str | None = None
        self.requests: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._devices: dict[str, _Device] = {}
        self._access: dict[str, _Access] = {}
        self._refresh: dict[str, str] = {}
        self._deny_refresh = False
        self._failures: list[Answer] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.socket = authority.server.context().wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port: int = self._server.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}"
        self.token_url, self.device_url = f"{self.url}/token", f"{self.url}/device"
        self.introspect_url = f"{self.url}/introspect"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()

    # What a person or a test does.

    def approve(self, user_code: str, username: str) -> None:
        """The person has typed the code and signed in as `username`."""
        self._device(user_code).username = username

    def deny(self, user_code: str) -> None:
        """The person has typed the code and said no."""
        self._device(user_code).denied = True

    def user_codes(self) -> list[str]:
        """Codes that wait for a person."""
        with self._lock:
            return [d.user_code for d in self._devices.values() if d.username is None and not d.denied]

    def issue(self, username: str, *, lifetime: float | None = None, scope: str = "mail") -> str:
        """An access token for `username`, without any flow."""
        token = secrets.token_urlsafe(24)
        expires_at = time.time() + (self.lifetime if lifetime is None else lifetime)
        with self._lock:
            self._access[token] = _Access(username=username, scope=scope, expires_at=expires_at)
        return token

    def issue_refresh(self, username: str) -> str:
        """A refresh token for `username`, without any flow."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._refresh[token] = username
        return token

    def expire(self, username: str | None = None) -> None:
        """End all access tokens now, or those of one user. Refresh tokens stay."""
        with self._lock:
            self._access = {t: a for t, a in self._access.items() if username not in (None, a.username)}

    def deny_refresh(self, deny: bool = True) -> None:
        """From now on refreshing fails with invalid_grant, as after a password change or a withdrawn consent."""
        self._deny_refresh = deny

    def fail_next(self, count: int = 1, *, status: int = 503, error: str = "temporarily_unavailable") -> None:
        """The next `count` requests to /token fail with this status and error."""
        with self._lock:
            self._failures += [(status, {"error": error})] * count

    # What the endpoints answer.

    def answer(self, path: str, form: dict[str, str]) -> Answer:
        """One POST: its status and JSON."""
        self.requests[form.get("grant_type", path)] += 1
        if path == "/introspect":
            return self._introspect(form.get("token", ""))
        if path == "/device":
            return self._start_device(form.get("scope", ""))
        if path != "/token":
            return 404, {"error": "not_found"}
        with self._lock:
            if self._failures:
                return self._failures.pop(0)
        return self._grant(form)

    def metadata(self) -> dict[str, object]:
        """The discovery document (RFC 8414)."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": self.token_url,
            "device_authorization_endpoint": self.device_url,
            "introspection_endpoint": self.introspect_url,
        }

    def _grant(self, form: dict[str, str]) -> Answer:
        if form.get("client_id", self.client_id) != self.client_id:
            return 401, {"error": "invalid_client"}
        match form.get("grant_type"):
            case "client_credentials":
                return self._grant_client(form)
            case "refresh_token":
                return self._grant_refresh(form.get("refresh_token", ""))
            case grant if grant == _DEVICE_GRANT:
                return self._grant_device(form.get("device_code", ""))
        return 400, {"error": "unsupported_grant_type"}

    def _grant_client(self, form: dict[str, str]) -> Answer:
        if form.get("client_secret") != self.client_secret or self.client_username is None:
            return 401, {"error": "invalid_client"}
        return 200, self._tokens(self.client_username, form.get("scope", ""), None)

    def _grant_refresh(self, token: str) -> Answer:
        with self._lock:
            username = None if self._deny_refresh else self._refresh.get(token)
            if username is not None and self.rotate:
                del self._refresh[token]
        if username is None:
            return 400, {"error": "invalid_grant", "error_description": "the refresh token is not valid any more"}
        return 200, self._tokens(username, "mail", self.issue_refresh(username) if self.rotate else token)

    def _grant_device(self, code: str) -> Answer:
        with self._lock:
            device = self._devices.get(code)
            if device is None:
                return 400, {"error": "expired_token"}
            if device.denied:
                return 400, {"error": "access_denied"}
            if device.username is None:
                return 400, {"error": "authorization_pending"}
            del self._devices[code]
        return 200, self._tokens(device.username, device.scope, self.issue_refresh(device.username))

    def _start_device(self, scope: str) -> Answer:
        code, user_code = secrets.token_urlsafe(24), secrets.token_hex(4).upper()
        with self._lock:
            self._devices[code] = _Device(user_code=user_code, scope=scope)
        return 200, {
            "device_code": code,
            "user_code": user_code,
            "verification_uri": f"{self.url}/activate",
            "expires_in": 900,
            "interval": self.interval,
        }

    def _introspect(self, token: str) -> Answer:
        with self._lock:
            access = self._access.get(token)
        if access is None or access.expires_at <= time.time():
            return 200, {"active": False}
        return 200, {"active": True, "username": access.username, "scope": access.scope, "exp": int(access.expires_at)}

    def _tokens(self, username: str, scope: str, refresh: str | None) -> dict[str, object]:
        answer: dict[str, object] = {
            "access_token": self.issue(username, scope=scope),
            "token_type": "Bearer",
            "expires_in": int(self.lifetime),
            "scope": scope,
        }
        return answer if refresh is None else answer | {"refresh_token": refresh}

    def _device(self, user_code: str) -> _Device:
        with self._lock:
            return next(d for d in self._devices.values() if d.user_code == user_code)


def _handler(provider: TokenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            form = {key: values[0] for key, values in parse_qs(self.rfile.read(length).decode()).items()}
            self._send(*provider.answer(self.path, form))

        def do_GET(self) -> None:
            known = self.path.endswith("/.well-known/openid-configuration")
            self._send(*((200, provider.metadata()) if known else (404, {"error": "not_found"})))

        def _send(self, status: int, content: dict[str, object]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Tests read `requests`; stderr stays quiet."""

    return Handler
