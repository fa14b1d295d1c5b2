"""What is nearest to a mailbox wins, tables are completed, and placeholders lead nowhere else."""

from pathlib import Path

import pytest

from config.model import CaldavCalendar, IcsCalendar, ImapAccess
from config.secrets import Secret
from tests.unit.config_room import ANNA, IMAP, Room

DEFAULTS = "[connectors.defaults]\n"
CALENDAR = """
[connectors.defaults.calendar]
type = "caldav"
url = "https://dav.other.example/{local}/reminders/"
username = "{address}"
password = { file = "dav-{address}" }
"""


@pytest.fixture
def room(tmp_path: Path) -> Room:
    room = Room(tmp_path)
    for name in ("dav-anna@ourfirm.example", "dav-o'neil+crm@ourfirm.example"):
        room.secret(name, "x")
    return room


@pytest.mark.parametrize(
    ("connector", "defaults", "mailbox", "expected"),
    [
        ("full", None, None, "full"),
        ("full", "subject", None, "subject"),
        ("full", "subject", "metadata", "metadata"),
        (None, "subject", None, "subject"),
        (None, None, "metadata", "metadata"),
        (None, None, None, "subject"),
    ],
)
def test_mailbox_beats_defaults_beat_connector_beat_policy(
    room: Room, connector: str | None, defaults: str | None, mailbox: str | None, expected: str
) -> None:
    def line(value: str | None) -> str:
        return f'capture = "{value}"\n' if value else ""

    text = '[policy]\ncapture = "subject"\n' + IMAP + line(connector) + DEFAULTS + line(defaults) + ANNA + line(mailbox)
    assert room.mailbox(text).capture == expected


def test_a_calendar_is_completed_key_by_key(room: Room) -> None:
    own = 'calendar = { url = "https://dav.other.example/e.dean/tasks/" }'
    calendar = room.mailbox(IMAP + CALENDAR + ANNA + own).calendar
    assert isinstance(calendar, CaldavCalendar)
    assert calendar.url == "https://dav.other.example/e.dean/tasks/"
    assert calendar.username == "anna@ourfirm.example"
    assert calendar.password == Secret(file=room.folder / "dav-anna@ourfirm.example")


def test_a_calendar_of_another_type_inherits_nothing(room: Room) -> None:
    calendar = room.mailbox(IMAP + CALENDAR + ANNA + 'calendar = { type = "ics", path = "c" }').calendar
    assert calendar == IcsCalendar(path=room.folder / "c")


def test_a_secret_is_replaced_whole_not_mixed_of_two_references(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_TEST_SET", "x")
    access = room.mailbox(IMAP + ANNA + 'password = { env = "CRM_TEST_SET" }').access
    assert isinstance(access, ImapAccess)
    assert access.password == Secret(env="CRM_TEST_SET")


@pytest.mark.parametrize("farther", ["", DEFAULTS])
def test_a_nearer_token_takes_the_place_of_a_password_farther_away(room: Room, farther: str) -> None:
    text = IMAP.replace("password", f"{farther}password") + ANNA + 'oauth = { provider = "google", client_id = "c" }'
    access = room.mailbox(text).access
    assert isinstance(access, ImapAccess)
    assert access.password is None
    assert access.oauth is not None


def test_a_nearer_password_takes_the_place_of_a_token_farther_away(room: Room) -> None:
    text = IMAP.replace('password = { file = "secret" }', 'oauth = { provider = "google", client_id = "c" }')
    access = room.mailbox(text + ANNA + 'password = { file = "secret" }').access
    assert isinstance(access, ImapAccess)
    assert access.oauth is None
    assert access.password is not None


def test_a_master_user_opens_each_mailbox_by_its_own_address(room: Room) -> None:
    text = IMAP + 'username = "{address}"\nmaster = { username = "crm", how = "separator" }\n' + ANNA
    access = room.mailbox(text).access
    assert isinstance(access, ImapAccess)
    assert access.username == "anna@ourfirm.example"
    assert access.master is not None
    assert (access.master.username, access.master.separator) == ("crm", "*")


def test_placeholders_are_percent_encoded_in_urls_and_literal_elsewhere(room: Room) -> None:
    calendar = room.mailbox(IMAP + CALENDAR + ANNA.replace("anna@", "o'neil+crm@")).calendar
    assert isinstance(calendar, CaldavCalendar)
    assert calendar.url == "https://dav.other.example/o%27neil%2Bcrm/reminders/"
    assert calendar.username == "o'neil+crm@ourfirm.example"


def test_a_slash_in_an_address_stays_one_step_of_a_url_and_is_refused_in_a_path(room: Room) -> None:
    calendar = CALENDAR.replace('password = { file = "dav-{address}" }', "")
    box = room.mailbox(IMAP + calendar + ANNA.replace("anna@", "a/b@"))
    assert isinstance(box.calendar, CaldavCalendar)
    assert box.calendar.url == "https://dav.other.example/a%2Fb/reminders/"
    (told,) = room.told(IMAP + CALENDAR + ANNA.replace("anna@", "a/b@"))
    assert "{address} is a/b@ourfirm.example here, which would lead to another place" in told


@pytest.mark.parametrize("local", ["..", "a/../b", "x\\\\y"])
def test_an_address_that_climbs_is_refused_in_paths(room: Room, local: str) -> None:
    box = f'mailboxes = [{{ address = "{local}@x.example", path = "archive/{{local}}" }}]'
    (told,) = room.told(f'[[connectors]]\nname = "a"\ntype = "maildir"\n{box}')
    assert told.startswith("crm-agent.toml:4: connectors.mailboxes.path: {local} is ")


def test_two_dots_for_a_local_part_are_refused_in_urls(room: Room) -> None:
    (told,) = room.told(IMAP + CALENDAR.replace("dav-{address}", "secret") + ANNA.replace("anna@", "..@"))
    assert "connectors.defaults.calendar.url: {local} is .. here" in told


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "mail.localhost"])
def test_plain_text_is_allowed_to_this_machine(room: Room, host: str) -> None:
    text = IMAP.replace("imap.ourfirm.example", host) + 'security = "none"\n' + ANNA
    access = room.mailbox(text).access
    assert isinstance(access, ImapAccess)
    assert (access.host, access.security, access.port) == (host, "none", 143)


@pytest.mark.parametrize("url", ["http://localhost:5232/a/", "http://127.0.0.1/a/", "http://[::1]:8/a/"])
def test_a_calendar_on_this_machine_may_be_in_plain_text(room: Room, url: str) -> None:
    calendar = room.mailbox(IMAP + ANNA + f'calendar = {{ type = "caldav", url = "{url}" }}').calendar
    assert isinstance(calendar, CaldavCalendar)
    assert calendar.url == url


@pytest.mark.parametrize("host", ["localhost.example", "127.0.0.1.example", "128.0.0.1", "10.0.0.1"])
def test_names_that_only_look_like_this_machine_are_refused_plain_text(room: Room, host: str) -> None:
    (told,) = room.told(IMAP.replace("imap.ourfirm.example", host) + 'security = "none"\n' + ANNA)
    assert f"would reach {host} in plain text" in told
