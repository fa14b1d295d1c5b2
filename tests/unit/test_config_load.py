"""What the admin wrote becomes the settings that apply to each mailbox."""

from datetime import date, time, timedelta
from pathlib import Path

import pytest

from config.load import find, load, refuse_no_mailboxes
from config.model import ArchiveAccess, CaldavCalendar, IcsCalendar, ImapAccess, WorkingDays
from config.notes import notes
from config.problem import ConfigProblems
from config.secrets import Secret
from tests.unit.config_room import ANNA, IMAP, Room

WHOLE = """
[organisation]
domains  = ["OurFirm.example"]
timezone = "Europe/Berlin"
country  = "DE"
working_days = ["thursday", "monday"]
closed   = [2026-12-24]

[store]
url = "sqlite:///data/crm.db?timeout=5"

[policy]
capture         = "subject"
skip            = ["bulk"]
never_log       = ["*@lawyer.example", "hr@ourfirm.example"]
categories      = { private = "Privat" }
retention_days  = 0
alert_after     = "2h"

[reminders]
at      = "07:15"
per_day = 3
waiting_for_them = { after = "5 working days" }
flagged = true
meetings = true
waiting_for_us = false
gone_quiet = { after = "45d", stages = { customer = "60d", lost = false } }
late_order = { quantile = 0.95 }
key_date = { fields = { birthday = "2d", renewal = "30d" } }
meeting_follow_up = { after = "4h" }
promise = true

[[connectors]]
name     = "hosted-mail"
type     = "imap"
host     = "imap.ourfirm.example"
security = "starttls"
since    = 2026-01-01
folders  = ["INBOX", "Sent"]
poll_seconds = 120
password = { env = "UNUSED_VARIABLE" }

  [[connectors.mailboxes]]
  address  = "Anna@ourfirm.example"
  aliases  = ["a.smith@ourfirm.example"]
  username = "anna"
  password = { file = "secret" }
  timezone = "Europe/Vienna"
  capture  = "full"
  since    = "365d"
  reminders = { flagged = false, waiting_for_them = true, per_day = 9, late_order = false, waiting_for_us = true }
  [connectors.mailboxes.calendar]
  type     = "caldav"
  url      = "https://dav.ourfirm.example/anna/reminders"
  username = "anna"
  password = { file = "secret" }

[[connectors]]
name = "archive"
type = "maildir"
mailboxes = [{ address = "di@ourfirm.example", path = "archive/{local}", calendar = { type = "ics", path = "cal" } }]
"""


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_organisation_policy_and_reminders_are_read_with_their_defaults(room: Room) -> None:
    settings = room.settings(WHOLE)
    assert settings.path == room.main
    assert settings.organisation.domains == ("ourfirm.example",)
    assert settings.organisation.working_days == (0, 3)
    assert settings.organisation.closed == (date(2026, 12, 24),)
    assert settings.policy.skip == ("bulk",)
    assert (settings.policy.categories.private, settings.policy.categories.log) == ("Privat", "CRM")
    assert settings.policy.retention_days == 0
    assert settings.policy.alert_after == timedelta(hours=2)
    assert settings.reminders.at == time(7, 15)
    assert settings.reminders.max_age == timedelta(days=30)
    assert settings.reminders.waiting_for_them is not None
    assert settings.reminders.waiting_for_them.after == WorkingDays(count=5)
    assert settings.reminders.flagged is not None
    assert settings.reminders.flagged.after == WorkingDays(count=3)


def test_an_alias_may_be_the_name_that_exchange_gave_the_mailbox(room: Room) -> None:
    name = "/O=Firm/OU=Group (FYD)/CN=Recipients/CN=Anna"
    anna, _ = room.settings(WHOLE.replace('["a.smith@ourfirm.example"]', f'["{name}"]')).mailboxes
    assert anna.aliases == (name,)


def test_a_mailbox_holds_everything_that_applies_to_it(room: Room) -> None:
    anna, di = room.settings(WHOLE).mailboxes
    assert (anna.address, anna.aliases) == ("Anna@ourfirm.example", ("a.smith@ourfirm.example",))
    assert anna.connector == "hosted-mail"
    assert isinstance(anna.access, ImapAccess)
    assert (anna.access.host, anna.access.port, anna.access.username) == ("imap.ourfirm.example", 143, "anna")
    assert anna.access.password == Secret(file=room.folder / "secret")
    assert (anna.timezone, anna.capture, anna.since) == ("Europe/Vienna", "full", timedelta(days=365))
    assert anna.folders.names == ("INBOX", "Sent")
    assert anna.poll_seconds == 120
    assert isinstance(anna.calendar, CaldavCalendar)
    assert anna.calendar.url == "https://dav.ourfirm.example/anna/reminders/"
    assert (di.timezone, di.capture, di.since) == ("Europe/Berlin", "subject", None)
    assert di.access == ArchiveAccess(path=room.folder / "archive" / "di")
    assert di.calendar == IcsCalendar(path=room.folder / "cal")


def test_every_rule_takes_its_own_settings(room: Room) -> None:
    chosen = room.settings(WHOLE).reminders
    assert chosen.meetings is True
    assert chosen.waiting_for_us is None
    assert chosen.gone_quiet is not None
    assert chosen.gone_quiet.after == timedelta(days=45)
    assert chosen.gone_quiet.stages == (("customer", timedelta(days=60)), ("lost", None))
    assert chosen.late_order is not None
    assert chosen.late_order.quantile == 0.95
    assert chosen.key_date is not None
    assert chosen.key_date.fields == (("birthday", timedelta(days=2)), ("renewal", timedelta(days=30)))
    assert chosen.meeting_follow_up is not None
    assert chosen.meeting_follow_up.after == timedelta(hours=4)
    assert chosen.promise is not None


def test_a_mailbox_switches_rules_off_and_on(room: Room) -> None:
    anna = next(one for one in room.settings(WHOLE).mailboxes if one.address.startswith("Anna"))
    assert anna.reminders.late_order is None
    assert anna.reminders.waiting_for_us is not None
    assert anna.reminders.key_date == room.settings(WHOLE).reminders.key_date


def test_a_mailboxs_reminders_complete_those_of_the_organisation(room: Room) -> None:
    anna, di = room.settings(WHOLE).mailboxes
    assert anna.reminders.flagged is None
    assert anna.reminders.waiting_for_them is not None
    assert anna.reminders.waiting_for_them.after == WorkingDays(count=5)
    assert (anna.reminders.per_day, anna.reminders.at) == (9, time(7, 15))
    assert di.reminders == room.settings(WHOLE).reminders


def test_a_secret_that_every_mailbox_overrides_need_not_exist(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNUSED_VARIABLE", raising=False)
    access = room.settings(WHOLE).mailboxes[0].access
    assert isinstance(access, ImapAccess)
    assert access.password == Secret(file=room.folder / "secret")


def test_an_empty_file_is_allowed_and_noted_but_nothing_to_work_on(room: Room) -> None:
    settings = room.settings("")
    assert settings.mailboxes == ()
    assert any("no mailbox" in sentence for sentence in notes(settings))
    with pytest.raises(ConfigProblems, match="no mailbox is named"):
        refuse_no_mailboxes(settings)


def test_keeping_for_ever_and_reminders_without_calendar_are_noted(room: Room) -> None:
    told = list(notes(room.settings(IMAP + ANNA + "[policy]\nretention_days = 0\n[reminders]\nflagged = true")))
    assert len(told) == 3
    assert any("for ever" in sentence for sentence in told)
    assert any("anna@ourfirm.example has reminders but no calendar" in sentence for sentence in told)
    assert any("organisation.domains" in sentence for sentence in told)


def test_the_username_is_the_address_unless_written(room: Room) -> None:
    access = room.mailbox(IMAP + ANNA).access
    assert isinstance(access, ImapAccess)
    assert (access.username, access.port, access.security) == ("anna@ourfirm.example", 993, "tls")


def test_connectors_of_the_folder_beside_are_read_in_order_and_their_paths_start_there(room: Room) -> None:
    room.write(
        '[[connectors]]\nname="b"\ntype="maildir"\nmailboxes=[{address="b@x.example",path="b"}]', "connectors.d/2.toml"
    )
    room.write(
        '[[connectors]]\nname="a"\ntype="maildir"\nmailboxes=[{address="a@x.example",path="a"}]', "connectors.d/1.toml"
    )
    room.write("this is no configuration", "connectors.d/notes.txt")
    room.write("[broken", "connectors.d/.1.toml.swp.toml")
    boxes = room.settings(IMAP + ANNA).mailboxes
    assert [box.address for box in boxes] == ["anna@ourfirm.example", "a@x.example", "b@x.example"]
    assert boxes[1].access == ArchiveAccess(path=room.folder / "connectors.d" / "a")


def test_folders_are_a_list_or_roles_names_and_exceptions(room: Room) -> None:
    written = ANNA + 'folders = { roles = ["inbox", "sent"], names = ["Deals*"], except = ["Private*"] }'
    folders = room.mailbox(IMAP + written).folders
    assert (folders.roles, folders.names, folders.exclude) == (("inbox", "sent"), ("Deals*",), ("Private*",))


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read(room: Room) -> None:
    room.main.write_bytes(b'\xef\xbb\xbf[policy]\r\ncapture = "subject"\r\n')
    assert load(room.main).policy.capture == "subject"


def test_oauth_is_read_and_needs_no_password(room: Room) -> None:
    text = IMAP.replace("password", "# password") + (
        ANNA
        + 'oauth = { provider = "microsoft", client_id = "c", tenant_id = "t", client_secret = { file = "secret" },'
        ' flow = "client-credentials" }'
    )
    access = room.mailbox(text).access
    assert isinstance(access, ImapAccess)
    assert access.password is None
    assert access.oauth is not None
    assert (access.oauth.flow, access.oauth.client_secret) == (
        "client-credentials",
        Secret(file=room.folder / "secret"),
    )


def test_the_file_is_looked_for_at_the_option_then_the_variable_then_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_AGENT_CONFIG", raising=False)
    for name in ("option.toml", "variable.toml", "crm-agent.toml"):
        (tmp_path / name).touch()
    assert find(None) == Path("crm-agent.toml")
    monkeypatch.setenv("CRM_AGENT_CONFIG", str(tmp_path / "variable.toml"))
    assert find(None) == tmp_path / "variable.toml"
    assert find(tmp_path / "option.toml") == tmp_path / "option.toml"


def test_a_named_file_that_is_not_there_is_never_replaced_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crm-agent.toml").touch()
    with pytest.raises(ConfigProblems, match="there is no such file"):
        find(Path("other.toml"))
    monkeypatch.setenv("CRM_AGENT_CONFIG", "third.toml")
    with pytest.raises(ConfigProblems, match=r"third\.toml: there is no such file, write one with `crm-agent init`"):
        find(None)
