"""`crm-agent demo`: servers up, mailboxes filled, the agent at work, and an account of what it did."""

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

import requests

from agent.demo import report
from agent.demo.commands import Commands, Door, Row
from agent.demo.live import Arrival, arrivals, hand_in
from agent.demo.maildir import fill
from agent.demo.people import TEAM
from agent.demo.scenes import bulk_from_a_customer, kept_private, shared_address, unknown_people
from agent.demo.servers import DemoError, Servers, serving
from agent.demo.team import all_mail
from agent.demo.workplace import write_configuration

Say = Callable[[str], None]
PAUSE_SECONDS: Final = 20.0
"""Between two arrivals."""
PATIENCE_SECONDS: Final = 60.0
"""How long a mail may take from the server into the history before the demo says that something is wrong."""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A demo under way. now: the moment the mailboxes were made for, aware."""

    folder: Path
    servers: Servers
    commands: Commands
    now: datetime
    say: Say


def demo(*, once: bool, folder: Path | None, say: Say, door: Door) -> None:
    """Runs the demo until Ctrl-C, or one pass with `once`. Raises DemoError if it cannot go on.

    folder: where everything is kept afterwards; None: a temporary folder that goes at the end. door: of `crm-agent`.
    """
    with _stopped_by_signals(), _workplace(folder) as place:
        now = datetime.now(UTC).replace(microsecond=0)
        fill(place / "mail", all_mail(now))
        with serving(place, [one.login for one in TEAM]) as servers:
            config = write_configuration(place, servers, now)
            commands = Commands(door=door, config=config, log=place / "crm-agent.log")
            running = Demo(folder=place, servers=servers, commands=commands, now=now, say=say)
            first_pass(running)
            if not once:
                where_to_look(running)
                _watch(running)
    if folder is not None:
        say(f"Everything is kept in {folder}")


def first_pass(running: Demo) -> None:
    """Import the contacts, read all mailboxes, and tell what came of it."""
    say, commands = running.say, running.commands
    say("A sample team: " + ", ".join(one.email for one in TEAM))
    for line in commands.do("contacts", "import", str(running.folder / "contacts.csv")).splitlines():
        say(f"  {line}")
    started = time.monotonic()
    account = commands.do("sync").strip()
    say(f"One pass over all mailboxes took {time.monotonic() - started:.1f} s:\n  {account}\n")
    _tell(running)


def _tell(running: Demo) -> None:
    commands = running.commands
    sections = (
        report.interactions(commands.read("interactions", "list", "--limit", "100000")),
        report.skipped(commands.read("reconcile")),
        report.reviews(commands.read("review", "list", "--as-admin")),
        report.reminders(commands.read("reminders", "list"), sum(map(len, _calendars(running.servers).values()))),
        _examples(running),
    )
    for section in sections:
        for line in section:
            running.say(line)
        running.say("")


def _examples(running: Demo) -> Iterator[str]:
    yield "Every decision is explained, for instance:"
    stores, _, from_home, *_ = unknown_people(running.now)
    others = (next(iter(scene(running.now))) for scene in (shared_address, kept_private, bulk_from_a_customer))
    for letter in (stores, from_home, *others):
        yield f"    {letter.sender.name}: {letter.subject}"
        yield from report.explained(running.commands.read("explain", letter.message_id))


def _calendars(servers: Servers) -> dict[str, list[str]]:
    """The titles that stand in each salesperson's calendar, asked from the CalDAV server itself."""
    found = {}
    for login, password in servers.passwords.items():
        answer = requests.get(servers.calendar_url(login), auth=(login, password), timeout=10)
        answer.raise_for_status()
        lines = answer.content.decode("utf-8").splitlines()
        found[login] = [line.partition(":")[2] for line in lines if line.startswith("SUMMARY")]
    return found


def where_to_look(running: Demo) -> None:
    """Paths, addresses and commands to try, while the servers are up."""
    running.say(f"Where to look while this runs (Ctrl-C ends it):\n  folder     {running.folder}")
    running.say(f"  database   {running.folder / 'crm-agent.db'}\n  log        {running.commands.log}")
    running.say(f"  IMAP       127.0.0.1 port {running.servers.imap_port}, no TLS")
    for login, password in running.servers.passwords.items():
        running.say(f"  {login:9}  password {password}   calendar {running.servers.calendar_url(login)}")
    running.say(f"  try        export CRM_AGENT_CONFIG={running.commands.config}")
    for words in _TRY:
        running.say(f"             {_program()} {words}")
    running.say("")


def _program() -> str:
    """What to type for the agent in this shell."""
    return "crm-agent" if shutil.which("crm-agent") else str(Path(sys.executable).with_name("crm-agent"))


_TRY: Final = (
    "interactions list --contact helen.wright@northmoor.example",
    "review list",
    "reminders list",
    "mailboxes",
    "reconcile",
)


def _watch(running: Demo) -> None:
    """The daemon at work on mail that comes in, until Ctrl-C."""
    running.say("The daemon runs now. Mail comes in every now and then:")
    try:
        with running.commands.running() as daemon:
            for arrival in arrivals(running.now):
                _show(running, arrival)
                time.sleep(PAUSE_SECONDS)
                if daemon.poll() is not None:
                    raise DemoError(f"the daemon ended by itself: see {running.commands.log}")
    except KeyboardInterrupt:
        running.say("\nStopped.")


def _show(running: Demo, arrival: Arrival) -> None:
    before = _open_reminders(running)
    hand_in(running.servers, arrival.letter)
    running.say(f"{datetime.now():%H:%M:%S}  {arrival.announcement}")
    for line in report.explained(_decided(running, arrival.letter.message_id)):
        running.say(line)
    _wait_for_rest(running)
    for title in sorted(before - _open_reminders(running)):
        running.say(f"      reminder withdrawn: {title}")


def _decided(running: Demo, message_id: str) -> list[Row]:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        rows = running.commands.read("explain", message_id)
        if rows and all(row["outcome"] not in ("unknown", "pending") for row in rows):
            return rows
        time.sleep(1)
    raise DemoError(f"no decision about {message_id} within {PATIENCE_SECONDS:.0f} s: see {running.commands.log}")


def _wait_for_rest(running: Demo) -> None:
    """Until the pass that read the mail has seen to the reminders, too."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and any(row["state"] == "syncing" for row in running.commands.read("mailboxes")):
        time.sleep(0.5)


def _open_reminders(running: Demo) -> set[str]:
    rows = running.commands.read("reminders", "list")
    return {row["title"] for row in rows if row["state"] in ("pending", "in-calendar")}


@contextmanager
def _workplace(folder: Path | None) -> Iterator[Path]:
    if folder is None:
        path = Path(tempfile.mkdtemp(prefix="crm-agent-demo-"))
        try:
            yield path
        finally:
            shutil.rmtree(path)
    elif folder.exists() and any(folder.iterdir()):
        raise DemoError(f"{folder} is not empty: name a folder that does not exist yet")
    else:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield folder.resolve()


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the demo as Ctrl-C does, so that its servers never outlive it."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
