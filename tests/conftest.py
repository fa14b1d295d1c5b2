"""Fixtures of the laboratory: real servers, one set for each test process, started when first asked for.

A server program that is not installed skips the tests that want it, by name; where `CI` is set it fails them instead,
so that nothing is silently left untested.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import structlog

from tests.servers.certs import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.ews import EwsServer
from tests.servers.graph import GraphServer, Tenant
from tests.servers.graph.description import Description
from tests.servers.graph.description import find as find_description
from tests.servers.http_proxy import HttpProxy
from tests.servers.imap_proxy import ImapProxy
from tests.servers.postgres import Postgres
from tests.servers.process import Missing, make_folder, remove_folder
from tests.servers.pymap import Pymap
from tests.servers.radicale import Radicale
from tests.servers.tokens import TokenServer
from tests.servers.xandikos import Xandikos

Server = TypeVar("Server")


def _installed(start: Callable[[], Server]) -> Server:
    """Start a server; skip (or in CI fail) if its program is missing."""
    try:
        return start()
    except Missing as missing:
        sentence = f"not installed: {missing}"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A command run inside the test process sets up its log; the next test begins without that."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    """The certificate authority that all servers of the run share."""
    folder = make_folder("ca")
    yield Authority(folder)
    remove_folder(folder)


@pytest.fixture(scope="session")
def ca_file(authority: Authority) -> Path:
    """PEM file of the authority: what the configuration under test trusts."""
    return authority.ca_file


@pytest.fixture(scope="session")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    """The Dovecot of the run. Make a user of your own; never restart or change it: start another for that."""
    server = _installed(lambda: Dovecot(authority))
    yield server
    server.close()


@pytest.fixture
def make_dovecot(authority: Authority) -> Iterator[Callable[..., Dovecot]]:
    """Starts a Dovecot with special manners for one test: `make_dovecot(max_connections=2, hide=("IDLE",))`."""
    with contextlib.ExitStack() as running:

        def make(**options: object) -> Dovecot:
            return running.enter_context(_installed(lambda: Dovecot(authority, **options)))  # type: ignore[arg-type]  # passed on

        yield make


@pytest.fixture
def tokens(authority: Authority) -> Iterator[TokenServer]:
    """An OAuth provider of the test's own, for flows without mail; a Dovecot brings its own as `dovecot.tokens`."""
    server = TokenServer(authority)
    yield server
    server.stop()


@pytest.fixture
def proxy(dovecot: Dovecot, authority: Authority) -> Iterator[ImapProxy]:
    """A fault-injecting proxy in front of `dovecot`. It speaks TLS: connect to 127.0.0.1, `proxy.port`."""
    with ImapProxy(dovecot.imap_port, certificate=authority.server) as proxy:
        yield proxy


@pytest.fixture
def make_proxy(authority: Authority) -> Iterator[Callable[[int], ImapProxy]]:
    """A proxy in front of another IMAP server: `make_proxy(server.imap_port)`."""
    with contextlib.ExitStack() as running:
        yield lambda port: running.enter_context(ImapProxy(port, certificate=authority.server))


@pytest.fixture(scope="session")
def radicale(authority: Authority) -> Iterator[Radicale]:
    """The CalDAV server of the run, plain HTTP. Make a calendar of your own."""
    server = _installed(lambda: Radicale(authority))
    yield server
    server.close()


@pytest.fixture(scope="session")
def radicale_tls(authority: Authority) -> Iterator[Radicale]:
    """A CalDAV server that speaks TLS with the authority's certificate."""
    server = _installed(lambda: Radicale(authority, tls=True))
    yield server
    server.close()


@pytest.fixture(scope="session")
def xandikos() -> Iterator[Xandikos]:
    """Another CalDAV server, plain HTTP, without accounts. Make a calendar of your own."""
    server = _installed(Xandikos)
    yield server
    server.close()


@pytest.fixture
def dav_proxy(radicale: Radicale) -> Iterator[HttpProxy]:
    """A fault-injecting proxy in front of `radicale`: use `calendar.through(dav_proxy.port).url`."""
    with HttpProxy(radicale.port) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def ews_server(authority: Authority) -> Iterator[EwsServer]:
    """The Exchange Server (EWS) of the run. Tests take `ews`."""
    server = EwsServer(authority)
    yield server
    server.close()


@pytest.fixture
def ews(ews_server: EwsServer) -> Iterator[EwsServer]:
    """The Exchange Server with usual manners. Make a mailbox of your own. Breaches of the schema fail the test."""
    ews_server.reset()
    yield ews_server
    broken = list(ews_server.violations)
    ews_server.reset()
    assert not broken


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The PostgreSQL of the run. `postgres.database()` is the URL of a fresh empty database."""
    server = _installed(Postgres)
    yield server
    server.close()


@pytest.fixture(scope="session")
def pymap(authority: Authority) -> Iterator[Pymap]:
    """The plain IMAP server of the run: few extensions. Make a user of your own."""
    server = _installed(lambda: Pymap(authority))
    yield server
    server.close()


@pytest.fixture(scope="session")
def graph_server(authority: Authority) -> Iterator[GraphServer]:
    """The Microsoft Graph simulator of the run. Use a tenant of your own.

    Where Microsoft's description of Graph is at hand, every request and every answer is held against it.
    """
    described = find_description()
    with GraphServer(authority, Description(described) if described else None) as server:
        yield server


@pytest.fixture
def graph_tenant(graph_server: GraphServer) -> Iterator[Tenant]:
    """A fresh tenant of the Graph simulator, without users and applications. What breaks the description fails."""
    tenant = graph_server.tenant()
    yield tenant
    assert not tenant.violations, "\n".join(tenant.violations)
