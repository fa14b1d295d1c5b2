"""A connector is found by its type, loaded only then, and outsiders can bring theirs."""

import subprocess
import sys
from pathlib import Path

import pytest

from config.model import CaldavCalendar, GraphAccess, GraphCalendar, IcsCalendar, ImapAccess, Mailbox
from config.secrets import Secret
from connectors import registry
from connectors.caldav import CalDavSink
from connectors.caldav_meetings import CalDavMeetings
from connectors.errors import Fatal
from connectors.graph.calendar import GraphSink
from connectors.graph.source import GraphSource
from connectors.ics import IcsSink
from connectors.imap import ImapSource
from connectors.maildir import ArchiveSource
from tests.contracts.archive_owner import mailbox_at

GRAPH = GraphAccess(user="anna@lab.example", tenant_id="t", client_id="c", client_secret=Secret(env="NOT_SET"))


def test_each_type_opens_its_connector_and_connects_to_nothing(tmp_path: Path) -> None:
    archive = mailbox_at(tmp_path)
    access = ImapAccess(host="imap.invalid", username="anna", password=Secret(env="NOT_SET"))
    imap = archive.model_copy(update={"access": access})
    online = archive.model_copy(update={"access": GRAPH})
    assert isinstance(registry.open_source(archive), ArchiveSource)
    assert isinstance(registry.open_source(online), GraphSource)
    assert isinstance(registry.open_source(imap), ImapSource)


def test_each_calendar_opens_its_connector(tmp_path: Path) -> None:
    assert isinstance(registry.open_calendar(IcsCalendar(path=tmp_path)), IcsSink)
    assert isinstance(registry.open_calendar(GraphCalendar(access=GRAPH)), GraphSink)
    assert isinstance(registry.open_calendar(CaldavCalendar(url="https://dav.invalid/anna/")), CalDavSink)


def test_appointments_are_told_where_the_connector_can(tmp_path: Path) -> None:
    assert registry.open_meetings(IcsCalendar(path=tmp_path)) is None
    assert isinstance(registry.open_meetings(CaldavCalendar(url="https://dav.invalid/anna/")), CalDavMeetings)


def test_a_type_that_nobody_serves_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match='"nonsense" is not part of this version'):
        registry.open_source(with_type(tmp_path, "nonsense"))


def test_an_outsiders_connector_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "outsider.py").write_text("def open_source(mailbox, *, tokens=None):\n    return mailbox.address\n")
    metadata = tmp_path / "outsider-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: outsider\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[{registry.GROUP}]\npigeon = outsider\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert str(registry.open_source(with_type(tmp_path, "pigeon"))) == "anna@ourfirm.example"


def test_looking_for_connectors_loads_none() -> None:
    script = "import sys, connectors.registry; print([m for m in sys.modules if m in ('imapclient', 'icalendar')])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def with_type(path: Path, kind: str) -> Mailbox:
    """A mailbox of a type that this version's settings do not know."""
    mailbox = mailbox_at(path)
    access = mailbox.access.model_copy(update={"type": kind})
    return mailbox.model_copy(update={"access": access})


def test_a_pass_over_imap_with_a_password_loads_no_more_than_it_needs() -> None:
    """Each of these takes longer to load than the newest page takes to read."""
    script = (
        "import sys, agent.cli.sync, agent.bootstrap, agent.engine.once, connectors.imap;"
        "heavy = {'requests', 'apscheduler', 'msal', 'exchangelib', 'holidays', 'icalendar', 'alembic',"
        " 'email_validator', 'sqlalchemy.dialects.postgresql', 'agent.tending.tend', 'agent.store.persons.erasure'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
