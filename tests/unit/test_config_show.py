"""The effective settings can be read by people and programs, and hold no secret."""

import json
import tomllib
from pathlib import Path

import pytest

from config.model import Settings
from config.show import as_toml, as_values
from tests.unit.config_room import ANNA, IMAP, Room
from tests.unit.test_config_load import WHOLE


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    room = Room(tmp_path)
    room.secret("secret", "hunter2")
    store = '[store]\nurl = "postgresql+psycopg://crm@h/d"\npassword = { file = "secret" }\nkey = { env = "PATH" }'
    return room.settings(WHOLE.replace('[store]\nurl = "sqlite:///data/crm.db?timeout=5"', store))


def test_toml_shows_what_applies_to_each_mailbox(settings: Settings) -> None:
    shown = tomllib.loads(as_toml(settings))
    assert shown["organisation"]["working_days"] == ["monday", "thursday"]
    assert shown["policy"]["alert_after"] == "2h"
    assert shown["reminders"]["waiting_for_them"] == {"after": "5 working days"}
    assert [box["address"] for box in shown["mailboxes"]] == ["Anna@ourfirm.example", "di@ourfirm.example"]
    assert shown["mailboxes"][0]["since"] == "365d"
    assert shown["mailboxes"][0]["access"]["host"] == "imap.ourfirm.example"
    assert shown["mailboxes"][1]["calendar"]["type"] == "ics"


def test_folders_are_shown_in_the_words_of_the_configuration(tmp_path: Path) -> None:
    shown = as_values(Room(tmp_path).settings(IMAP + ANNA + 'folders = { roles = ["inbox"], except = ["Private*"] }'))
    assert shown["mailboxes"][0]["folders"] == {"roles": ["inbox"], "except": ["Private*"]}  # type: ignore[index]  # JSON


def test_json_has_durations_in_seconds(settings: Settings) -> None:
    shown = json.loads(json.dumps(as_values(settings)))
    assert shown["policy"]["alert_after"] == 7200
    assert shown["mailboxes"][0]["since"] == 365 * 86400
    assert shown["organisation"]["closed"] == ["2026-12-24"]


def test_secrets_are_shown_as_references_and_the_urls_password_is_masked(settings: Settings) -> None:
    assert "hunter2" in settings.store.url
    for shown in (as_toml(settings), json.dumps(as_values(settings))):
        assert "hunter2" not in shown
        assert "crm:***@h" in shown
    reference = json.loads(json.dumps(as_values(settings)))["mailboxes"][0]["access"]["password"]
    assert settings.path is not None
    assert reference == {"file": str(settings.path.parent / "secret")}


def test_settings_without_mailboxes_are_shown(tmp_path: Path) -> None:
    shown = tomllib.loads(as_toml(Room(tmp_path).settings("")))
    assert "mailboxes" not in shown
    assert shown["store"]["url"].endswith("/crm-agent.db")


def test_texts_with_quotes_and_backslashes_come_through(tmp_path: Path) -> None:
    name = 'OURFIRM\\svc "crm"'
    shown = tomllib.loads(as_toml(Room(tmp_path).settings(IMAP + ANNA + f"username = '{name}'")))
    assert shown["mailboxes"][0]["access"]["username"] == name
