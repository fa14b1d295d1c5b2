"""A firm as its admin sees it: a folder with a configuration file, secrets beside it, and `crm-agent` run on it."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.servers.dovecot import Dovecot
from tests.servers.mailuser import MailUser
from tests.servers.radicale import DavCalendar
from tests.unit.program import run_program


class Firm:
    """One folder. `read` adds a mailbox, `run` starts the program on everything written so far."""

    def __init__(self, folder: Path, ca_file: Path) -> None:
        self.folder = folder
        self.config = folder / "crm-agent.toml"
        self.database = folder / "crm-agent.db"
        self._ca_file = ca_file
        self.write('[organisation]\ndomains = ["ourfirm.example"]\n')

    def write(self, text: str) -> None:
        """Appends to the configuration."""
        with self.config.open("a", encoding="utf-8") as file:
            file.write(text)

    def secret(self, name: str, value: str, mode: int = 0o600) -> Path:
        """A file beside the configuration."""
        path = self.folder / name
        path.write_text(value, encoding="utf-8")
        path.chmod(mode)
        return path

    def read(self, user: MailUser, *, port: int, extra: str = "", **values: str) -> str:
        """Adds a connector with one mailbox; its address. values: TOML that replaces what a connector is given.

        An empty value leaves the key out. extra: lines of the mailbox.
        """
        self.secret(f"{user.username}.secret", user.password)
        keys = {
            "host": '"127.0.0.1"',
            "port": str(port),
            "ca_file": f'"{self._ca_file}"',
            "password": f'{{ file = "{user.username}.secret" }}',
        }
        lines = "".join(f"{key} = {value}\n" for key, value in {**keys, **values}.items() if value)
        self.write(
            f'\n[[connectors]]\nname = "{user.username}"\ntype = "imap"\n{lines}'
            f'\n[[connectors.mailboxes]]\naddress = "{user.address}"\nusername = "{user.username}"\n{extra}'
        )
        return user.address

    def calendar(self, calendar: DavCalendar, **values: str) -> str:
        """Lines of a mailbox for `read(extra=…)`: this calendar, its password in a file."""
        self.secret("dav.secret", calendar.password)
        keys = {
            "type": '"caldav"',
            "url": f'"{calendar.url}"',
            "username": f'"{calendar.username}"',
            "password": '{ file = "dav.secret" }',
            "ca_file": f'"{calendar.ca_file}"' if calendar.ca_file else "",
        }
        lines = "".join(f"{key} = {value}\n" for key, value in {**keys, **values}.items() if value)
        return f"[connectors.mailboxes.calendar]\n{lines}"

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`crm-agent` with this configuration, in a process of its own, to its end."""
        return run_program("--config", str(self.config), *arguments, **environment)

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """What `--json` says; it must be JSON lines and nothing else."""
        return [json.loads(line) for line in self.run(*arguments, "--json").stdout.splitlines()]


def oauth(server: Dovecot) -> str:
    """The configuration of a sign-in by token at this server."""
    tokens = server.tokens
    return (
        f'{{ provider = "custom", client_id = "{tokens.client_id}", token_url = "{tokens.token_url}",'
        f' device_url = "{tokens.device_url}", scope = "mail", client_secret = {{ file = "client" }} }}'
    )
