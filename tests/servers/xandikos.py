"""Xandikos in a temporary folder: a second CalDAV server, whose calendars are git repositories.

It wraps a refused write in a 207, makes ETags of content (an item put back as it was has its old one), and has no
accounts of its own. Plain HTTP on loopback.
"""

import sys
from collections.abc import Sequence
from importlib.util import find_spec

import requests

from tests.servers.lab_server import LabServer
from tests.servers.process import Missing, answers, free_port
from tests.servers.radicale import DavCalendar


class Xandikos(LabServer):
    """A running server."""

    def __init__(self) -> None:
        if find_spec("xandikos") is None:
            raise Missing("xandikos (pip install crm-sync-agent[dev])")
        super().__init__("xandikos")
        self._calendars = 0
        self.begin()

    def calendar(self) -> DavCalendar:
        """A fresh, empty calendar."""
        self._calendars += 1
        url = f"http://127.0.0.1:{self.port}/anna/calendars/reminders{self._calendars}/"
        requests.request("MKCALENDAR", url, timeout=30).raise_for_status()
        return DavCalendar(url=url, username="anna", password="secret", ca_file=None)

    def _choose_ports(self) -> None:
        self.port = free_port()

    def _command(self) -> Sequence[str]:
        command = [sys.executable, "-m", "xandikos", "serve", "--defaults", "--no-detect-systemd"]
        command += ["--directory", str(self.folder / "files"), "--state-dir", str(self.folder / "state")]
        return [
            *command,
            "--current-user-principal",
            "/anna/",
            "--listen-address",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]

    def _answers(self) -> bool:
        return answers(self.port)
