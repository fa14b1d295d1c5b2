"""Scenario 10, and 37 for CalDAV: killed at any durable step and started again, the outcome is the undisturbed one.

One undisturbed pass counts the steps; then a process is killed at each of them with SIGKILL, a second one finishes,
and everything is compared: interactions, participants, threads, texts, places, decisions, reminders, calendar items,
the feed.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.kill import installations as kill
from tests.acceptance.kill import letters, state
from tests.servers.dovecot import Dovecot
from tests.servers.radicale import DavCalendar, Radicale

PARTS = 8
"""Steps are spread over so many tests, so that they run side by side."""


@dataclass(kw_only=True)
class Place(kill.Place):
    """Mail by IMAP, reminders by CalDAV."""

    calendar: DavCalendar

    def outcome(self) -> state.Rows:
        path = urlsplit(self.calendar.url).path
        rows = self.rows()
        found = {table: [tuple(value.replace(path, "/") for value in row) for row in rows[table]] for table in rows}
        texts = [item.text for item in self.calendar.items()]
        return {**found, "calendar": [(text,) for text in state.calendar(texts)]}


class Installations(kill.Installations):
    """They share a mailbox."""

    def __init__(self, folder: Path, dovecot: Dovecot, radicale: Radicale) -> None:
        super().__init__(folder)
        self._dovecot, self._radicale = dovecot, radicale
        self._user = dovecot.user(folders=("Sent", "Archive"))
        letters.fill(self._user)

    def make(self, folder: Path) -> Place:
        user, calendar = self._user, self._radicale.calendar()
        place = Place(folder=folder, calendar=calendar)
        place.secret("mail.secret", user.password)
        place.secret("dav.secret", calendar.password)
        (folder / "crm-agent.toml").write_text(
            f"""
[organisation]
domains = ["ourfirm.example"]
timezone = "Europe/Berlin"
{kill.REMINDERS}
[[connectors]]
name = "lab"
type = "imap"
host = "127.0.0.1"
port = {self._dovecot.imaps_port}
ca_file = "{self._dovecot.ca_file}"
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
        return place


@pytest.fixture(scope="module")
def installations(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot, radicale: Radicale) -> Installations:
    """Where kills happen."""
    return Installations(tmp_path_factory.mktemp("kill"), dovecot, radicale)


@pytest.fixture(scope="module")
def undisturbed(installations: Installations) -> tuple[state.Rows, list[str]]:
    """The outcome of a pass that nothing disturbs, and its durable steps."""
    place = installations.fresh("undisturbed")
    ended = place.run("sync")
    assert ended.code == 0, ended.said
    return place.outcome(), ended.steps


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
        kill.kill_and_compare(installations, number, expected, steps)
