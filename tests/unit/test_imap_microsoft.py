"""Microsoft sign-in through msal against a provider on loopback that answers as Entra does."""

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from config.model import OAuth
from config.secrets import Secret
from connectors.errors import NeedsSignIn, Retriable
from connectors.microsoft import MicrosoftTokens
from connectors.oauth import MemoryTokens


class Entra:
    """Token and device endpoints of one tenant. `error`: what the token endpoint answers instead of tokens."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.error = ""
        self.issued = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def get(self, path: str) -> dict[str, object]:
        tenant = path.split("/")[1]
        base = f"https://login.microsoftonline.com/{tenant}"
        return {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "issuer": f"{base}/v2.0",
            "metadata": [],
            "tenant_discovery_endpoint": f"{base}/v2.0/.well-known/openid-configuration",
        }

    def post(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        if path.endswith("/devicecode"):
            return 200, {
                "device_code": "code",
                "user_code": "ABCD",
                "verification_uri": "https://microsoft.com/devicelogin",
                "expires_in": 900,
                "interval": 0,
                "message": "",
            }
        self.asked[form["grant_type"]] += 1
        if self.error:
            return 400, {"error": self.error, "error_description": "AADSTS50173"}
        self.issued += 1
        answer: dict[str, object] = {"access_token": f"token-{self.issued}", "expires_in": 3600, "token_type": "Bearer"}
        if form["grant_type"] != "client_credentials":
            answer |= {
                "refresh_token": "refresh",
                "id_token": _id_token(),
                "client_info": _encoded({"uid": "u", "utid": "t"}),
            }
            answer["scope"] = "https://outlook.office.com/IMAP.AccessAsUser.All"
        return 200, answer


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _id_token() -> str:
    now = int(time.time())
    claims = {"aud": "client", "iss": "https://login.microsoftonline.com/tenant/v2.0", "iat": now, "exp": now + 3600}
    claims |= {"sub": "s", "oid": "o", "tid": "tenant", "preferred_username": "anna@lab.example"}
    return f"{_encoded({'alg': 'none'})}.{_encoded(claims)}."


def _handler(entra: Entra) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(200, entra.get(urlsplit(self.path).path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._send(*entra.post(self.path, {key: values[0] for key, values in parse_qs(body).items()}))

        def _send(self, status: int, content: dict[str, object]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler


class _ToLoopback(HTTPAdapter):
    """Carries what is meant for Microsoft to a port on loopback."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:  # type: ignore[override]  # handed through
        request.url = f"http://127.0.0.1:{self._port}{urlsplit(request.url or '').path}"
        return super().send(request, **options)  # type: ignore[arg-type]  # handed through


@pytest.fixture
def entra() -> Iterator[Entra]:
    server = Entra()
    yield server
    server.close()


@pytest.fixture
def session(entra: Entra) -> requests.Session:
    session = requests.Session()
    session.mount("https://", _ToLoopback(entra.port))
    return session


DELEGATED = OAuth(provider="microsoft", client_id="client", tenant_id="tenant")


def test_a_device_code_leads_to_tokens_that_outlive_the_process(entra: Entra, session: requests.Session) -> None:
    cache = MemoryTokens()
    tokens = MicrosoftTokens(DELEGATED, "anna@lab.example", cache, session)
    prompt = tokens.start_device()
    assert (prompt.user_code, prompt.url) == ("ABCD", "https://microsoft.com/devicelogin")
    tokens.finish_device(prompt)
    later = MicrosoftTokens(DELEGATED, "anna@lab.example", cache, session)
    assert later.access_token() == "token-1"
    assert later.access_token(fresh=True) == "token-2"
    assert entra.asked["refresh_token"] == 1


def test_nobody_signed_in_yet_needs_sign_in(session: requests.Session) -> None:
    with pytest.raises(NeedsSignIn, match="nobody has signed in"):
        MicrosoftTokens(DELEGATED, "anna@lab.example", MemoryTokens(), session).access_token()


def test_a_revoked_sign_in_needs_sign_in(entra: Entra, session: requests.Session) -> None:
    tokens = MicrosoftTokens(DELEGATED, "anna@lab.example", MemoryTokens(), session)
    tokens.finish_device(tokens.start_device())
    entra.error = "invalid_grant"
    with pytest.raises(NeedsSignIn, match="invalid_grant"):
        tokens.access_token(fresh=True)


def test_the_application_alone_signs_in_and_is_asked_once(
    entra: Entra, session: requests.Session, tmp_path: Path
) -> None:
    (tmp_path / "secret").touch(mode=0o600)
    (tmp_path / "secret").write_text("shh")
    alone = DELEGATED.model_copy(
        update={"flow": "client-credentials", "client_secret": Secret(file=tmp_path / "secret")}
    )
    tokens = MicrosoftTokens(alone, "anna@lab.example", MemoryTokens(), session)
    assert [tokens.access_token(), tokens.access_token()] == ["token-1", "token-1"]
    assert tokens.access_token(fresh=True) == "token-2"
    entra.error = "invalid_client"
    with pytest.raises(NeedsSignIn, match="refused the application"):
        tokens.access_token(fresh=True)


def test_microsoft_out_of_reach_is_tried_later(entra: Entra, session: requests.Session) -> None:
    entra.close()
    with pytest.raises(Retriable, match="cannot be reached"):
        MicrosoftTokens(DELEGATED, "anna@lab.example", MemoryTokens(), session).start_device()
