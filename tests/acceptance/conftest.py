"""Fixtures of the acceptance tests: desks, each with a database and mailboxes of its own."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.model import Store
from config.secrets import Secret
from tests.acceptance.scenarios.harness import Desk
from tests.acceptance.scenarios.letters import KIM
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.storefixtures import KEY, postgres_template, sqlite_template

__all__ = ["postgres_template", "sqlite_template"]


@pytest.fixture
def make_desk(request: pytest.FixtureRequest, tmp_path: Path, ca_file: Path) -> Iterator[Callable[[], Desk]]:
    """Makes desks, on SQLite, or on PostgreSQL for tests marked `both`."""
    key_file = tmp_path / "store.key"
    key_file.write_bytes(KEY)
    key_file.chmod(0o600)
    wanted = getattr(request, "param", "sqlite")
    urls: list[str] = []

    def make() -> Desk:
        if wanted == "sqlite":
            path = tmp_path / f"desk{len(urls)}.db"
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
            urls.append(f"sqlite:///{path}")
        else:
            server = request.getfixturevalue("postgres")
            urls.append(server.copy(request.getfixturevalue("postgres_template")))
        return Desk(Store(url=urls[-1], key=Secret(file=key_file)), ca_file)

    yield make
    if wanted != "sqlite":
        for url in urls:
            request.getfixturevalue("postgres").drop(url)


@pytest.fixture
def desk(make_desk: Callable[[], Desk]) -> Desk:
    """A desk that knows one contact, Kim Kunde, and reads no mailbox yet."""
    desk = make_desk()
    desk.know("Kim Kunde", KIM, company="Customer AG")
    return desk


@pytest.fixture
def user(dovecot: Dovecot) -> DovecotUser:
    """A mailbox with INBOX and Sent on the Dovecot of the run."""
    return dovecot.user()
