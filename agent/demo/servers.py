"""The two servers of the demo, from PyPI: pymap (IMAP) and Radicale (CalDAV), as processes of their own on loopback.

They live in one folder, listen on free ports and stop with the `with` block. Both speak plain text: it never leaves
this machine.
"""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests

LOOPBACK: Final = "127.0.0.1"
STARTING_SECONDS: Final = 30.0
_TRIES: Final = 5
_PYMAP: Final = "from pymap.main import main; main()"  # it has no __main__


class DemoError(Exception):
    """The demo cannot go on. The message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Where both servers listen. passwords: by login; the same at both."""

    imap_port: int
    caldav_port: int
    passwords: Mapping[str, str]

    def calendar_url(self, login: str) -> str:
        """The salesperson's reminder calendar; it exists."""
        return f"http://{LOOPBACK}:{self.caldav_port}/{login}/reminders/"


@contextmanager
def serving(folder: Path, logins: Sequence[str]) -> Iterator[Servers]:
    """Both servers for these users, over `folder`/mail (a filled Maildir a user) and `folder`/calendars.

    Raises DemoError if one does not come up.
    """
    passwords = {login: secrets.token_urlsafe(9) for login in logins}
    with _imap(folder, passwords) as imap_port, _caldav(folder, passwords) as caldav_port:
        servers = Servers(imap_port=imap_port, caldav_port=caldav_port, passwords=passwords)
        for login in logins:
            _make_calendar(servers, login)
        yield servers


@contextmanager
def _imap(folder: Path, passwords: Mapping[str, str]) -> Iterator[int]:
    from pysasl.hashing import BuiltinHash  # comes with the extra `demo`

    mail, hashing = folder / "mail", BuiltinHash(rounds=1000)
    mail.mkdir(parents=True, exist_ok=True)
    _write_private(mail / "pymap-etc-passwd", "".join(f"{login}:::::{login}:\n" for login in passwords))
    shadow = "".join(f"{login}:{hashing.hash(word)}:::::::\n" for login, word in passwords.items())
    _write_private(mail / "pymap-etc-shadow", shadow)
    words = ("-c", _PYMAP, "--host", LOOPBACK, "--port", "{port}", "--no-tls", "--no-service", "managesieve")
    with _running("pymap", (*words, "maildir", str(mail)), folder / "imap-server.log", b"* OK") as port:
        yield port


@contextmanager
def _caldav(folder: Path, passwords: Mapping[str, str]) -> Iterator[int]:
    config, users = folder / "caldav-server.conf", folder / "caldav-users"
    _write_private(users, "".join(f"{login}:{word}\n" for login, word in passwords.items()))
    config.write_text(
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {users}\nhtpasswd_encryption = plain\ndelay = 0\n"
        f"[rights]\ntype = owner_only\n[storage]\nfilesystem_folder = {folder / 'calendars'}\n"
        "[logging]\nlevel = warning\n[web]\ntype = none\n"
    )
    words = ("-m", "radicale", "--config", str(config), "--server-hosts", f"{LOOPBACK}:{{port}}")
    with _running("Radicale", words, folder / "caldav-server.log", b"") as port:
        yield port


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


@contextmanager
def _running(name: str, words: Sequence[str], log: Path, greeting: bytes) -> Iterator[int]:
    """Runs a module of our own interpreter until the block ends; hands out the port it listens on."""
    process, port = _start(name, words, log, greeting)
    try:
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start(name: str, words: Sequence[str], log: Path, greeting: bytes) -> tuple[subprocess.Popen[bytes], int]:
    """A free port may be taken by somebody else before the server has it, so a few are tried."""
    environment = {**os.environ, "TZ": "UTC"}  # pymap tells INTERNALDATE in its own zone
    for _ in range(_TRIES):
        port = _free_port()
        command = [sys.executable, *(word.format(port=port) for word in words)]
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603  # our own interpreter and fixed words
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True
            )
        if _comes_up(process, port, greeting):
            return process, port
    raise DemoError(f"{name} does not start: see {log}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def _comes_up(process: subprocess.Popen[bytes], port: int, greeting: bytes) -> bool:
    """Waits until the process answers; False when it ended. Kills one that stays silent."""
    end = time.monotonic() + STARTING_SECONDS
    while process.poll() is None and time.monotonic() < end:
        if _answers(port, greeting):
            return process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    return False


def _answers(port: int, greeting: bytes) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
            connection.settimeout(2)
            return not greeting or connection.recv(64).startswith(greeting)
    except OSError:
        return False


def _make_calendar(servers: Servers, login: str) -> None:
    """MKCALENDAR (RFC 4791 section 5.3.1) as the user."""
    url, word = servers.calendar_url(login), servers.passwords[login]
    answer = requests.request("MKCALENDAR", url, auth=(login, word), timeout=10)
    if answer.status_code != requests.codes.created:
        raise DemoError(f"Radicale made no calendar for {login}: HTTP {answer.status_code}")
