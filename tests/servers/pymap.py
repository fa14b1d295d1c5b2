"""pymap in a temporary folder: IMAP in pure Python, the plain server that knows few extensions.

It announces IDLE, UIDPLUS, MOVE, MULTIAPPEND and OBJECTID, and none of CONDSTORE, QRESYNC, ESEARCH, LIST-STATUS,
SPECIAL-USE. Mail lies in Maildirs, its line ends turned to LF, so sizes are not those of RFC 3501. STARTTLS is its
own; TLS from the first byte is a proxy's in front of it.
"""

import sys
from collections.abc import Sequence
from importlib.util import find_spec

from passlib.hash import pbkdf2_sha256  # type: ignore[import-untyped]  # comes with pymap, untyped

from tests.servers.certs import Authority
from tests.servers.lab_server import LabServer
from tests.servers.mailuser import MailUser
from tests.servers.process import Missing, answers, free_port
from tests.servers.proxy import Proxy


class PymapUser(MailUser):
    """A mailbox on a pymap of the lab."""

    def copy(self, uid: int, source: str, target: str) -> int:
        """See MailUser. Done by APPEND, without flags: pymap 0.36 loses the text when it copies between Maildirs."""
        return self.append(target, self.fetch(source, uid))


class Pymap(LabServer):
    """A running server: `imap_port` (plain and STARTTLS), `imaps_port` (TLS)."""

    def __init__(self, authority: Authority) -> None:
        if find_spec("pymap") is None:
            raise Missing("pymap (pip install crm-sync-agent[demo])")
        self.ca_file, self.host = authority.ca_file, "127.0.0.1"
        self._certificate = authority.server
        super().__init__("pymap")
        self._users = 0
        self._front: Proxy | None = None
        self.begin()
        self._front = Proxy(self.imap_port, certificate=self._certificate)
        self.imaps_port = self._front.port

    def close(self) -> None:
        """See LabServer."""
        if self._front is not None:
            self._front.close()
        super().close()

    def user(self, folders: Sequence[str] = ("Sent",), *, name: str = "user", domain: str = "lab.example") -> PymapUser:
        """A fresh user with INBOX and `folders`."""
        self._users += 1
        username = f"{name}{self._users}"
        self._append("pymap-etc-passwd", f"{username}:x::::home-{username}:")
        self._append("pymap-etc-shadow", f"{username}:{pbkdf2_sha256.using(rounds=1).hash('secret')}:::::::")
        user = PymapUser(
            host=self.host,
            port=self.imap_port,
            username=username,
            password="secret",
            address=f"{username}@{domain}",
        )
        for folder in folders:
            if folder != "INBOX":
                user.create(folder)
        return user

    def _append(self, file: str, line: str) -> None:
        with (self.folder / file).open("a") as users:
            users.write(f"{line}\r\n")

    def _choose_ports(self) -> None:
        self.imap_port = free_port()

    def _command(self) -> Sequence[str]:
        command = [sys.executable, "-c", "from pymap.main import main; main()", "--host", "127.0.0.1"]
        command += ["--port", str(self.imap_port), "--no-service", "managesieve", "--no-service", "admin"]
        command += ["--cert", str(self._certificate.certificate), "--key", str(self._certificate.key)]
        return [*command, "maildir", str(self.folder)]

    def _answers(self) -> bool:
        return answers(self.imap_port)
