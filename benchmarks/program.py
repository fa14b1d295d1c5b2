"""`crm-agent` and other programs in processes of their own, with what they cost: wall time, processor time, memory."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mailboxes import OWN_DOMAIN, OWNER, write_contacts
from tests.servers.mailuser import MailUser
from tests.servers.process import end

CRM_AGENT = str(Path(sys.executable).with_name("crm-agent"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Of one process and its threads. wall, cpu: seconds; peak: octets resident at most."""

    wall: float
    cpu: float
    peak: int
    output: str = ""


class Failed(Exception):
    """A program that is measured ended badly; the text is what it said."""


def run(command: Sequence[str]) -> Cost:
    """The command to its end. Raises Failed."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode:
        raise Failed(f"{' '.join(command)}: {output[-2000:]}")
    return Cost(wall=wall, cpu=used.ru_utime + used.ru_stime, peak=used.ru_maxrss * 1024, output=output)


class Firm:
    """A configuration with its own SQLite database in `folder`. The first mailbox is that of `OWNER`."""

    def __init__(self, folder: Path, port: int, ca_file: Path, *users: MailUser) -> None:
        self.config, self.database = folder / "crm-agent.toml", folder / "crm-agent.db"
        self.addresses = [OWNER, *(user.address for user in users[1:])]
        self.config.write_text(
            f'[organisation]\ndomains = ["{OWN_DOMAIN}"]\ntimezone = "Europe/Berlin"\n'
            f'[store]\nurl = "sqlite:///{self.database}"\n'
            f'[[connectors]]\nname = "lab"\ntype = "imap"\nhost = "127.0.0.1"\nport = {port}\nca_file = "{ca_file}"\n'
            + "".join(self._mailbox(user, address) for user, address in zip(users, self.addresses, strict=True))
        )

    def _mailbox(self, user: MailUser, address: str) -> str:
        secret = self.config.with_name(f"{user.username}.secret")
        secret.write_text(user.password)
        secret.chmod(0o600)
        return (
            f'[[connectors.mailboxes]]\naddress = "{address}"\nusername = "{user.username}"\n'
            f'password = {{ file = "{secret}" }}\npoll_seconds = 5\n'
        )

    def command(self, *arguments: str) -> list[str]:
        """`crm-agent` on this configuration."""
        return [CRM_AGENT, "--config", str(self.config), *arguments]

    def run(self, *arguments: str) -> Cost:
        """`crm-agent` to its end."""
        return run(self.command(*arguments))

    def learn_contacts(self) -> None:
        """The 10,000 contacts in a new database."""
        people = self.database.with_name("contacts.csv")
        write_contacts(people)
        self.run("migrate")
        self.run("contacts", "import", str(people))

    def await_row(self, query: str, process: subprocess.Popen[bytes], *, patience: float = 600) -> float:
        """Seconds until `query` finds a row in the database. Raises Failed if the process ends or time runs out."""
        started = time.perf_counter()
        while process.poll() is None and time.perf_counter() - started < patience:
            with suppress(sqlite3.OperationalError), closing(sqlite3.connect(self.database, timeout=5)) as connection:
                if connection.execute(query).fetchone():
                    return time.perf_counter() - started
            time.sleep(0.01)
        raise Failed(f"no row: {query}")


@contextmanager
def running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """The command until the context ends; then it is asked to end, and waited for."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            end(process)


def resident(pid: int) -> int:
    """Octets of a running process that are in memory now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
