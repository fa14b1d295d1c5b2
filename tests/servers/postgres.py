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
from types import TracebackType
from typing import Self

import psycopg
from psycopg.sql import SQL, Identifier

from tests.servers.process import (
    ROOT,
    Missing,
    NotReady,
    end,
    free_port,
    make_folder,
    program,
    remove_folder,
    spawn,
    wait_until,
)

_USER = "postgres"
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0")


class Postgres:
    """A running server. Connections come over TCP on loopback without a password."""

    def __init__(self) -> None:
        self._initdb, self._server = _binary("initdb"), _binary("postgres")
        if ROOT and not _exists(_USER):
            raise Missing("the system user postgres")
        self.folder = make_folder("postgres")
        self.log = self.folder / "postgres.log"
        self._count = 0
        try:
            self._initialise()
            self.start()
        except BaseException:
            remove_folder(self.folder)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start on a fresh port; again if another process was quicker to take it."""
        for _ in range(4):
            self.port = free_port()
            try:
                self._launch()
            except NotReady as error:
                if "in use" not in str(error):
                    raise
            else:
                return
        raise NotReady("no free port in four tries")

    def restart(self) -> None:
        """Break all connections and come back on the same port, with all data."""
        self.halt()
        self.come_back()

    def halt(self) -> None:
        """The server is gone at once, as in a crash that lost nothing; open transactions are rolled back."""
        end(self._process, how=signal.SIGINT)

    def come_back(self) -> None:
        """After `halt`: on the same port, with all data."""
        self._launch()

    def close(self) -> None:
        """End the server and remove its folder."""
        end(self._process, how=signal.SIGQUIT)
        remove_folder(self.folder)

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

    def _initialise(self) -> None:
        data = self.folder / "data"
        if ROOT:
            shutil.chown(self.folder, _USER)
        command = [self._initdb, "-D", str(data), "-U", _USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        done = subprocess.run(_as_owner(command), capture_output=True, text=True, cwd="/", check=False)
        if done.returncode:
            raise NotReady(done.stderr)

    def _launch(self) -> None:
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        settings = [word for option in (*options, *_FAST) for word in ("-c", option)]
        command = [self._server, "-D", str(self.folder / "data"), *settings]
        self._process = spawn(command, self.log, cwd=Path("/"), user=_USER)
        try:
            wait_until(self._answers, self._process, self.log)
        except NotReady:
            end(self._process)
            raise

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
