"""Answers and connections as a real service has them on a bad day, which must not be taken for something else."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from connectors.errors import Fatal, Retriable
from connectors.exchange.autodiscover import follow
from connectors.graph.client import relative
from connectors.oauth import post_form
from tests.integration.graph_mailroom import Lab, begin, inbox
from tests.servers.graph import Tenant
from tests.servers.tunnel import Tunnel


@pytest.fixture
def lab(graph_tenant: Tenant, ca_file: Path, tmp_path: Path) -> Lab:
    return Lab.make(graph_tenant, ca_file, tmp_path)


@pytest.fixture
def hangs_up() -> Iterator[str]:
    """The address of a server that ends every connection in the middle of the TLS handshake."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def end_each() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                connection.recv(8192)
                connection.close()

        threading.Thread(target=end_each, daemon=True).start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def test_a_handshake_that_is_cut_off_is_tried_again_and_is_no_bad_certificate(lab: Lab, hangs_up: str) -> None:
    source = lab.open()
    source.folders()
    source.client.tenant.endpoint = hangs_up
    with pytest.raises(Retriable):
        source.folders()


def test_a_handshake_that_is_cut_off_at_sign_in_is_tried_again_too(lab: Lab, hangs_up: str) -> None:
    lab.access = lab.access.model_copy(update={"authority": f"{hangs_up}/{lab.access.tenant_id}"})
    with pytest.raises(Retriable):
        lab.open().folders()


def test_the_way_through_a_proxy_trusts_our_authority_too(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token and the mail both go through it, and the certificate is still looked at."""
    with Tunnel(urlsplit(lab.access.endpoint).port or 443) as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
        monkeypatch.setenv("NO_PROXY", "")
        assert lab.open().folders()
        assert len(tunnel.asked) >= 2


def test_a_netrc_of_the_service_user_takes_the_place_of_no_token(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login anonymous password anna@corp.example")
    monkeypatch.setenv("NETRC", str(netrc))
    assert lab.open().folders()


def test_a_certificate_of_nobody_we_know_is_a_matter_for_the_admin(lab: Lab) -> None:
    lab.access = lab.access.model_copy(update={"ca_file": None})
    with pytest.raises(Fatal):
        lab.open().folders()


def test_junk_is_not_taken_for_mail_because_the_server_had_trouble(lab: Lab) -> None:
    lab.tenant.faults.fail(500, "mailFolders/junkemail", times=2)
    source = lab.open()
    with pytest.raises(Retriable):
        source.folders()
    assert "junk" not in [folder.role for folder in source.folders()]
    begin(source, inbox(source))


@pytest.fixture
def cuts_off() -> Iterator[str]:
    """The address of a server whose answers end before the length that they name."""

    class Cutting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"access_token"')

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Cutting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_token_that_was_cut_off_on_the_way_is_asked_for_again_later(cuts_off: str) -> None:
    with closing(requests.Session()) as session, pytest.raises(Retriable):
        post_form(session, f"{cuts_off}/token", {"grant_type": "client_credentials"})


def test_an_autodiscover_that_was_cut_off_on_the_way_is_asked_again_later(cuts_off: str) -> None:
    with pytest.raises(Retriable):
        follow(f"{cuts_off}/autodiscover/autodiscover.xml", "anna@lab.example", lambda: None, None)


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.microsoft.com/v1.0/users/a@b.example/messages?$skiptoken=x%2Fy",
        "https://proxy.example/graph/v1.0/users/a@b.example/messages?$skiptoken=x%2Fy",
        "/v1.0/users/a@b.example/messages?$skiptoken=x%2Fy",
        "/users/a@b.example/messages?$skiptoken=x%2Fy",
    ],
)
def test_a_link_is_asked_at_our_endpoint_whatever_host_it_names(link: str) -> None:
    assert relative(link) == "/users/a@b.example/messages?$skiptoken=x%2Fy"
