"""Autodiscover by name: the mail domain's own host is asked as the programs of a firm ask it, through a proxy."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from config.model import FolderChoice
from config.secrets import Secret
from connectors.errors import NeedsSignIn
from connectors.exchange import ExchangeSource
from connectors.exchange.autodiscover import ENDPOINTS
from tests.contracts.exchange_owner import access_to
from tests.servers.certs import Authority
from tests.servers.ews import EwsServer
from tests.servers.tunnel import Tunnel

DOMAIN = "found.example"


@pytest.fixture
def ews(authority: Authority) -> Iterator[EwsServer]:
    """An Exchange that answers as the host of Autodiscover, too."""
    names = (f"autodiscover.{DOMAIN}", "localhost", "127.0.0.1")
    with closing(EwsServer(authority, certificate=authority.issue("found", names=names))) as server:
        yield server


@pytest.fixture
def tunnel(ews: EwsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tunnel]:
    ENDPOINTS.forget(f"anybody@{DOMAIN}")
    with Tunnel(ews.port) as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        yield tunnel
    ENDPOINTS.forget(f"anybody@{DOMAIN}")


def of_one_account(ews: EwsServer, secrets: Path, password: str) -> list[ExchangeSource]:
    """Six mailboxes for which one service account acts."""
    secret = secrets / password
    secret.touch(mode=0o600)
    secret.write_text(password)
    ews.account("svc", "right", impersonates={"*"})
    boxes = [ews.mailbox(f"user{number}@{DOMAIN}") for number in range(6)]
    found = {"endpoint": None, "autodiscover": True, "username": "svc", "access": "impersonation"}
    accesses = [access_to(ews, box, secrets, **found, password=Secret(file=secret)) for box in boxes]
    return [ExchangeSource(access, FolderChoice()) for access in accesses]


def ask_at_once(sources: list[ExchangeSource]) -> list[str | NeedsSignIn | None]:
    def ask(source: ExchangeSource) -> str | NeedsSignIn | None:
        try:
            return source.folders()[0].role
        except NeedsSignIn as error:
            return error

    with ThreadPoolExecutor(len(sources)) as pool:
        return list(pool.map(ask, sources))


def test_the_mail_domains_own_host_is_asked_once_for_all_its_mailboxes(
    ews: EwsServer, tunnel: Tunnel, tmp_path: Path
) -> None:
    assert ask_at_once(of_one_account(ews, tmp_path, "right")) == ["inbox"] * 6
    assert tunnel.asked.count(f"autodiscover.{DOMAIN}") == 1


def test_a_wrong_password_is_tried_once_and_not_for_every_mailbox(
    ews: EwsServer, tunnel: Tunnel, tmp_path: Path
) -> None:
    """Directories lock an account after a few."""
    told = ask_at_once(of_one_account(ews, tmp_path, "wrong"))
    assert {type(one) for one in told} == {NeedsSignIn}
    assert ews.doorman.refused == 1
    assert ask_at_once(of_one_account(ews, tmp_path, "right")) == ["inbox"] * 6
