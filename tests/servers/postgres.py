"""PostgreSQL in a temporary folder, without durability: fast to start, gone afterwards.

`database()` hands out a fresh empty database in under 0.1 s. The server refuses to run as root, so root starts it as
the system's `postgres` user.
"""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from tests.servers.lab_server import LabServer
from tests.servers.process import ROOT, Missing, NotReady, free_port, program

_USER = "postgres"
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0")


class Postgres(LabServer):
    """A running server. Connections come over TCP on loopback without a password."""

    HALT = signal.SIGINT  # at once, as in a crash that lost nothing; open transactions are rolled back
    USER = _USER
    CWD = Path("/")

    def __init__(self) -> None:
        self._initdb, self._server = _binary("initdb"), _binary("postgres")
        if ROOT and not _exists(_USER):
            raise Missing("the system user postgres")
        super().__init__("postgres")
        self._count = 0
        self.begin()

    def close(self) -> None:
        """See LabServer; nothing is written down first."""
        self._end(signal.SIGQUIT)
        super().close()

    def database(self) -> str:
        """URL of a fresh empty database, for SQLAlchemy with psycopg 3."""
        self._count += 1
        name = f"lab{self._count}"
        with self._connect() as connection:
            connection.execute(SQL("CREATE DATABASE {} STRATEGY file_copy").format(Identifier(name)))
        return f"postgresql+psycopg://{_USER}@127.0.0.1:{self.port}/{name}"

    def copy(self, url: str) -> str:
        """A copy of a database that nobody is connected to: a prepared state, or yesterday's backup."""
        self._count += 1
        name, source = f"lab{self._count}", url.rpartition("/")[2]
        with self._connect() as connection:
            connection.execute(
                SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(Identifier(name), Identifier(source))
            )
        return f"{url.rpartition('/')[0]}/{name}"

    def drop(self, url: str) -> None:
        """Remove a database, ending the connections to it."""
        with self._connect() as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(url.rpartition("/")[2])))

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(f"host=127.0.0.1 port={self.port} user={_USER} dbname=postgres", autocommit=True)

    def _prepare(self) -> None:
        if ROOT:
            shutil.chown(self.folder, _USER)
        command = [self._initdb, "-D", self._data, "-U", _USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        done = subprocess.run(_as_owner(command), capture_output=True, text=True, cwd="/", check=False)
        if done.returncode:
            raise NotReady(done.stderr)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _choose_ports(self) -> None:
        self.port = free_port()

    def _command(self) -> Sequence[str]:
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        return [self._server, "-D", self._data, *(word for option in (*options, *_FAST) for word in ("-c", option))]

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True


def _binary(name: str) -> str:
    """The newest installed version's program; Debian keeps them off PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    try:
        return program(name, *versions)
    except Missing:
        raise Missing(f"postgresql ({name})") from None


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _as_owner(command: Sequence[str]) -> list[str]:
    """The command as root has to give it: in the name of the user the server runs as."""
    if os.geteuid() != 0:
        return list(command)
    return [program("setpriv"), "--reuid", _USER, "--regid", _USER, "--init-groups", *command]
