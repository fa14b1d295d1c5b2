"""A firm of two mailboxes on disk, one of them with a calendar on a real server: for tests of who leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.servers.radicale import DavCalendar

REMINDERS = ("Send the catalogue", "Ask about the fair", "Say thank you")


@dataclass(frozen=True, kw_only=True)
class Office:
    """One folder. Di has the calendar; Ben stays whoever leaves."""

    folder: Path
    calendar: DavCalendar

    @property
    def config(self) -> Path:
        return self.folder / "crm-agent.toml"

    def configure(self, *, di: bool = True, calendar: DavCalendar | None = None) -> None:
        """Writes the configuration. calendar: which one Di has."""
        given = calendar or self.calendar
        lines = [
            '[organisation]\ndomains = ["ourfirm.example"]\n[[connectors]]\nname = "archive"\ntype = "maildir"\n',
            f'[[connectors.mailboxes]]\naddress = "ben@ourfirm.example"\npath = "{self._archive("ben")}"\n',
        ]
        if di:
            lines.append(
                f'[[connectors.mailboxes]]\naddress = "di@ourfirm.example"\npath = "{self._archive("di")}"\n'
                f'[connectors.mailboxes.calendar]\ntype = "caldav"\nurl = "{given.url}"\n'
                f'username = "{given.username}"\npassword = {{ file = "dav.secret" }}\n'
            )
        self.config.write_text("".join(lines))
        self.secret(given)

    def secret(self, calendar: DavCalendar) -> Path:
        """The password of a calendar, in the file that the configuration names."""
        file = self.folder / "dav.secret"
        file.write_text(calendar.password)
        file.chmod(0o600)
        return file

    def _archive(self, name: str) -> Path:
        for part in ("cur", "new", "tmp"):
            (self.folder / name / part).mkdir(parents=True, exist_ok=True)
        return self.folder / name


def commands(wanted: Sequence[str] = REMINDERS) -> list[tuple[str, ...]]:
    """What puts these items into Di's calendar, the pass that writes them last."""
    due = ("--due", "2099-05-04 09:00", "--mailbox", "di@ourfirm.example")
    return [
        ("sync",),
        ("contacts", "add", "zoe@buyer.example", "--name", "Zoë Buyer"),
        *(("reminders", "add", "zoe@buyer.example", *due, "--title", title) for title in wanted),
        ("sync",),
    ]


def titles(calendar: DavCalendar) -> list[str]:
    """What stands in a calendar."""
    lines = (line for item in calendar.items() for line in item.text.splitlines())
    return sorted(line.removeprefix("SUMMARY:") for line in lines if line.startswith("SUMMARY:"))
