"""Scenario 10, and 37 for CalDAV: killed at any durable step and started again, the outcome is the undisturbed one.

One undisturbed pass counts the steps; then a process is killed at each of them with SIGKILL, a second one finishes,
and everything is compared: interactions, participants, threads, texts, places, decisions, reminders, calendar items,
the feed.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.kill import state
from tests.servers.dovecot import Dovecot
from tests.servers.mailuser import MailUser
from tests.servers.radicale import DavCalendar, Radicale

ROOT = Path(__file__).parents[3]
PARTS = 8
"""Steps are spread over so many tests, so that they run side by side."""

CONTACTS = """name,email,other_emails,company,company_domain
Berta Bauer,berta@kunde.example,,Kunde GmbH,kunde.example
Carl Cole,carl@client.example,,Client Ltd,client.example
Dora Dunn,office@shared.example,,Shared Inc,
Emil Dunn,office@shared.example,,Shared Inc,
"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder with the configuration, the database and the key of one installation."""

    folder: Path
    calendar: DavCalendar

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "crm-agent.db"

    def run(self, *command: str, kill_at: int = 0) -> tuple[int, list[str]]:
        """Exit code and the durable steps of one `crm-agent` process."""
        log = self.folder / "steps"
        log.write_text("")
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.acceptance.kill.victim",
                "--config",
                self.folder / "crm-agent.toml",
                *command,
            ],
            cwd=ROOT,
            env={**os.environ, "KILL_AT": str(kill_at), "STEPS": str(log)},
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        (self.folder / "said").write_bytes(done.stdout + done.stderr)
        return done.returncode, log.read_text().split("\n")[:-1]

    @property
    def said(self) -> str:
        """What the last process printed."""
        return (self.folder / "said").read_text()

    def state(self) -> state.Rows:
        """Everything that must not depend on a kill."""
        path = urlsplit(self.calendar.url).path
        rows = state.rows(self.database)
        found = {table: [tuple(value.replace(path, "/") for value in row) for row in rows[table]] for table in rows}
        texts = [item.text for item in self.calendar.items()]
        return {**found, "calendar": [(text,) for text in state.calendar(texts)]}


def _letter(number: int, sender: str, to: str, subject: str, text: str, *, answers: int | None = None) -> bytes:
    date = (datetime.now(UTC) - timedelta(days=9)).replace(hour=9, minute=number % 60, second=0)
    reference = f"References: <m{answers}@lab.example>\r\n" if answers is not None else ""
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <m{number}@lab.example>\r\n"
        f"Date: {date:%a, %d %b %Y %H:%M:%S +0000}\r\n{reference}\r\n{text}\r\n"
    ).encode()


def _fill(user: MailUser) -> None:
    """Mail of every outcome: logged both ways, a stranger in a thread, doubts, skips, copies, shared ids."""
    own = user.address
    inbox = [
        _letter(1, "Berta <berta@kunde.example>", own, "Angebot", "Wir brauchen ein Angebot."),
        _letter(2, "stranger@nowhere.example", own, "Hello", "Nobody knows me."),
        _letter(3, "office@shared.example", own, "Which Dunn", "It is one of us."),
        _letter(4, "Berta <berta@kunde.example>", own, "Noch etwas", "Und ein Muster."),
        _letter(5, "assistant@elsewhere.example", f"{own}", "Re: Angebot", "I answer for Berta.", answers=1),
        _letter(6, "News <news@list.example>", own, "News", "Buy now."),
        _letter(4, "Berta <berta@kunde.example>", own, "Noch etwas", "A quite different text under the same id."),
        _letter(7, "new@kunde.example", own, "From the same firm", "Hello from the colleague."),
    ]
    sent = [
        _letter(20, own, "carl@client.example", "Question", "Could you send us the signed contract?"),
        _letter(21, own, "Berta <berta@kunde.example>", "Termin", "Können Sie am Montag?"),
    ]
    user.append_many("INBOX", [(raw, None, ()) for raw in inbox])
    user.append_many("Sent", [(raw, None, ()) for raw in sent])
    uid = user.append("INBOX", _letter(8, "carl@client.example", own, "Flagged", "Look at this."))
    user.flag("INBOX", uid, "\\Flagged")
    user.copy(uid, "INBOX", "Archive")


def _install(folder: Path, user: MailUser, calendar: DavCalendar, ca_file: Path, port: int) -> Place:
    folder.mkdir()
    for name, secret in (("mail", user.password), ("dav", calendar.password)):
        file = folder / f"{name}.secret"
        file.write_text(secret)
        file.chmod(0o600)
    (folder / "crm-agent.toml").write_text(
        f"""
[organisation]
domains = ["ourfirm.example"]
timezone = "Europe/Berlin"
[reminders]
waiting_for_them = {{ after = "3 working days" }}
flagged = {{ after = "3 working days" }}
[[connectors]]
name = "lab"
type = "imap"
host = "127.0.0.1"
port = {port}
ca_file = "{ca_file}"
folders = ["INBOX", "Sent", "Archive"]
  [[connectors.mailboxes]]
  address = "{user.address}"
  username = "{user.username}"
  password = {{ file = "mail.secret" }}
  [connectors.mailboxes.calendar]
  type = "caldav"
  url = "{calendar.url}"
  username = "{calendar.username}"
  password = {{ file = "dav.secret" }}
"""
    )
    return Place(folder=folder, calendar=calendar)


class Installations:
    """Installations that begin alike: one database with the contacts in it, copied; a calendar of its own each."""

    def __init__(self, folder: Path, dovecot: Dovecot, radicale: Radicale) -> None:
        self._folder, self._dovecot, self._radicale = folder, dovecot, radicale
        self._user = dovecot.user(folders=("Sent", "Archive"))
        _fill(self._user)
        self._first = self._make("first")
        (self._first.folder / "contacts.csv").write_text(CONTACTS)
        code, _ = self._first.run("contacts", "import", str(self._first.folder / "contacts.csv"))
        assert code in (0, 1)  # 1: the shared address is reported

    def _make(self, name: str) -> Place:
        calendar = self._radicale.calendar()
        return _install(self._folder / name, self._user, calendar, self._dovecot.ca_file, self._dovecot.imaps_port)

    def fresh(self, name: str) -> Place:
        """Another one, before its first pass."""
        place = self._make(name)
        for file in ("crm-agent.db", "installation.key"):
            shutil.copy2(self._first.folder / file, place.folder / file)
        return place


@pytest.fixture(scope="module")
def installations(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot, radicale: Radicale) -> Installations:
    """Where kills happen."""
    return Installations(tmp_path_factory.mktemp("kill"), dovecot, radicale)


@pytest.fixture(scope="module")
def undisturbed(installations: Installations) -> tuple[state.Rows, list[str]]:
    """The outcome of a pass that nothing disturbs, and its durable steps."""
    place = installations.fresh("undisturbed")
    code, steps = place.run("sync")
    assert code == 0, place.said
    return place.state(), steps


def test_the_undisturbed_pass_holds_every_outcome(undisturbed: tuple[state.Rows, list[str]]) -> None:
    """The comparison is worth something: every table that a pass writes has rows, and the calendar has items."""
    found, steps = undisturbed
    wanted = ("interactions", "participants", "links", "texts", "locations", "reviews", "thread_members", "reminders")
    assert [table for table in (*wanted, "calendar", "changes", "message_refs") if not found[table]] == []
    assert steps.count("before PUT") == len(found["calendar"]) > 0
    assert steps.count("commit") > 10


@pytest.mark.parametrize("part", range(PARTS))
def test_scenario_10_killed_at_every_durable_step(
    part: int, installations: Installations, undisturbed: tuple[state.Rows, list[str]]
) -> None:
    """SIGKILL at step N, a second process: the same state as if nothing had happened, for every N."""
    expected, steps = undisturbed
    for number in range(1 + part, len(steps) + 1, PARTS):
        place = installations.fresh(f"step{number}")
        code, _ = place.run("sync", kill_at=number)
        assert code == -9, f"step {number} was not reached: {place.said}"
        code, _ = place.run("sync")
        assert code == 0, place.said
        differences = "\n".join(state.differences(expected, place.state()))
        assert not differences, f"killed at step {number}, {steps[number - 1]}\n{differences}"
