"""A database off this machine proves who it is before anything is told to it."""

import os
import pwd
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from agent.store.database import Database
from agent.store.errors import Unfit
from tests.servers.certs import Authority
from tests.servers.postgres import Postgres
from tests.servers.process import ROOT

NAME = "db.ourfirm.example"


@pytest.fixture
def far(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a database on a host with a name, which is this one."""
    monkeypatch.delenv("PGSSLMODE", raising=False)
    return postgres.database().replace("127.0.0.1", NAME) + "?hostaddr=127.0.0.1"


@pytest.fixture
def authority_file(postgres: Postgres, authority: Authority, tmp_path: Path) -> Iterator[Path]:
    """The authority that the server's certificate is of, while it has one."""
    made = authority.issue("database", names=(NAME,))
    key = Path(shutil.copy(made.key, postgres.folder / "server.key"))
    certificate = Path(shutil.copy(made.certificate, postgres.folder / "server.crt"))
    key.chmod(0o600)
    if ROOT:
        for file in (key, certificate):
            os.chown(file, pwd.getpwnam("postgres").pw_uid, -1)
    set_up(postgres, ssl="on", ssl_key_file=str(key), ssl_cert_file=str(certificate))
    yield authority.ca_file
    set_up(postgres, ssl="off")


def set_up(postgres: Postgres, **settings: str) -> None:
    with connected(postgres) as connection:
        for name, value in settings.items():
            connection.execute(SQL("ALTER SYSTEM SET {} = {}").format(Identifier(name), value))
        connection.execute("SELECT pg_reload_conf()")
    for _ in range(500):  # the server takes it a moment later
        with connected(postgres) as connection:
            if connection.execute("SHOW ssl").fetchone() == (settings["ssl"],):
                return
        time.sleep(0.01)
    raise AssertionError("the server did not take its settings")


def connected(postgres: Postgres) -> psycopg.Connection:
    return psycopg.connect(f"host=127.0.0.1 port={postgres.port} user=postgres dbname=postgres", autocommit=True)


def is_encrypted(url: str) -> bool:
    with closing(Database(url)) as database, database.read() as connection:
        found = connection.exec_driver_sql("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        return bool(found.scalar_one())


def test_a_server_without_a_certificate_is_refused_with_what_to_write(far: str) -> None:
    with pytest.raises(Unfit, match=r"does not prove who it is.*sslrootcert="):
        is_encrypted(far)


def test_somebody_may_say_that_the_network_is_theirs_alone(far: str) -> None:
    assert not is_encrypted(f"{far}&sslmode=disable")


def test_a_server_that_proves_who_it_is_needs_its_authority_alone(far: str, authority_file: Path) -> None:
    assert is_encrypted(f"{far}&sslrootcert={authority_file}")


def test_a_server_with_the_certificate_of_another_is_refused(far: str, authority_file: Path) -> None:
    with pytest.raises(Unfit, match="does not prove who it is"):
        is_encrypted(f"{far.replace(NAME, 'crm.ourfirm.example')}&sslrootcert={authority_file}")
    with pytest.raises(Unfit, match="does not prove who it is"):
        is_encrypted(far)


def test_this_machine_needs_no_certificate(postgres: Postgres) -> None:
    assert not is_encrypted(postgres.database())
