"""Where the database is, and that its password is written nowhere."""

from pathlib import Path
from typing import Literal

import pytest

from config.load import load
from config.show import masked
from tests.unit.config_room import Room


@pytest.fixture
def room(tmp_path: Path) -> Room:
    room = Room(tmp_path)
    room.secret("pg", "p@ss/w:rd")
    return room


POSTGRES = '[store]\nurl = "postgresql+psycopg://crm@db.example:5433/crm?sslmode=require"\nkey = { file = "secret" }\n'


@pytest.mark.parametrize("text", ["", "[store]", '[store]\nurl = "sqlite:///crm-agent.db"'])
def test_an_sqlite_file_lies_beside_the_configuration(room: Room, text: str) -> None:
    assert room.settings(text).store.url == f"sqlite:///{room.folder}/crm-agent.db"


def test_a_relative_configuration_path_makes_no_relative_database(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.write("")
    monkeypatch.chdir(room.folder)
    assert load(Path("crm-agent.toml")).store.url == f"sqlite:///{room.folder}/crm-agent.db"


def test_an_absolute_sqlite_file_and_its_options_stay(room: Room) -> None:
    url = "sqlite:////srv/crm/x.db?timeout=9"
    assert room.settings(f'[store]\nurl = "{url}"').store.url == url


@pytest.mark.parametrize("secrets", ["all", "store"])
def test_the_password_is_put_into_the_url_encoded_and_shown_nowhere(
    room: Room, secrets: Literal["all", "store"]
) -> None:
    store = room.settings(POSTGRES + 'password = { file = "pg" }', secrets).store
    assert store.url == "postgresql+psycopg://crm:p%40ss%2Fw%3Ard@db.example:5433/crm?sslmode=require"
    assert "p%40ss" not in repr(store)
    assert masked(store.url) == "postgresql+psycopg://crm:***@db.example:5433/crm?sslmode=require"


def test_without_secrets_the_url_has_no_password(room: Room) -> None:
    store = room.settings(POSTGRES + 'password = { env = "CRM_TEST_UNSET" }', "none").store
    assert store.url == "postgresql+psycopg://crm@db.example:5433/crm?sslmode=require"


def test_a_password_that_is_not_there_is_told_once(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_TEST_UNSET", raising=False)
    assert room.told(POSTGRES + 'password = { env = "CRM_TEST_UNSET" }') == [
        "crm-agent.toml:4: store.password: environment variable CRM_TEST_UNSET is not set: "
        "set it for the service, or use a file"
    ]


def test_only_the_databases_secrets_are_tried_for_commands_that_connect_to_nothing_else(room: Room) -> None:
    text = '[[connectors]]\nname="a"\ntype="imap"\nhost="h"\n[[connectors.mailboxes]]\naddress="a@x.example"\n'
    text += 'password = { env = "CRM_TEST_UNSET" }\n'
    assert len(room.settings(text, "store").mailboxes) == 1
    assert len(room.problems(text)) == 1


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ('url = "sqlite://"', 'store.url: names no SQLite file, write "sqlite:///crm-agent.db"'),
        ('url = "sqlite:///:memory:"', 'store.url: names no SQLite file, write "sqlite:///crm-agent.db"'),
        (
            'url = "sqlite:///a.db"\npassword = { file = "pg" }',
            "store.password: an SQLite file has no password, remove it",
        ),
        (
            'url = "postgresql+psycopg://u@h/d"',
            'store: key is missing, which PostgreSQL needs, write key = { file = "…" }',
        ),
        (
            'url = "postgresql+psycopg://u:geheim@h/d"\nkey = { file = "secret" }',
            "store.url: holds a password in plain text, take it out and write password = { env = … }",
        ),
        (
            'url = "postgresql://u@h/d"\nkey = { file = "secret" }',
            "store.url: postgresql:// names no driver, write postgresql+psycopg://…",
        ),
        (
            'url = "mysql://u@h/d"\nkey = { file = "secret" }',
            'store.url: is neither SQLite nor PostgreSQL, write "sqlite:///crm-agent.db" or '
            '"postgresql+psycopg://USER@HOST/NAME"',
        ),
        (
            'url = "postgresql+psycopg:///d"\nkey = { file = "secret" }\npassword = { file = "pg" }',
            "store.url: names no user for the password, write postgresql+psycopg://USER@HOST/NAME",
        ),
    ],
)
def test_each_mistake_about_the_database_has_its_sentence(room: Room, store: str, told: str) -> None:
    (sentence,) = room.told(f"[store]\n{store}")
    assert sentence.split(": ", 1)[1] == told
