"""Xandikos in a temporary folder: a second CalDAV server, whose calendars are git repositories.

It wraps a refused write in a 207, makes ETags of content (an item put back as it was has its old one), and has no
accounts of its own. Plain HTTP on loopback.
"""

import sys
from importlib.util import find_spec
from types import TracebackType
from typing import Self

import requests

from tests.servers.process import Missing, answers, end, free_port, make_folder, remove_folder, spawn, wait_until
from tests.servers.radicale import DavCalendar


class Xandikos:
    """A running server."""

    def __init__(self) -> None:
        if find_spec("xandikos") is None:
            raise Missing("xandikos (pip install crm-sync-agent[dev])")
        self.folder = make_folder("xandikos")
        self.log = self.folder / "xandikos.log"
        self.port = free_port()
        self._calendars = 0
        command = [sys.executable, "-m", "xandikos", "serve", "--defaults", "--no-detect-systemd"]
        command += ["--directory", str(self.folder / "files"), "--state-dir", str(self.folder / "state")]
        command += ["--current-user-principal", "/anna/", "--listen-address", "127.0.0.1", "--port", str(self.port)]
        self._process = spawn(command, self.log)
        try:
            wait_until(lambda: answers(self.port), self._process, self.log)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server and remove its folder."""
        end(self._process)
        remove_folder(self.folder)

    def calendar(self) -> DavCalendar:
        """A fresh, empty calendar."""
        self._calendars += 1
        url = f"http://127.0.0.1:{self.port}/anna/calendars/reminders{self._calendars}/"
        requests.request("MKCALENDAR", url, timeout=30).raise_for_status()
        return DavCalendar(url=url, username="anna", password="secret", ca_file=None)
