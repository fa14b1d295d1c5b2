"""The configuration is one main file and the connectors beside it: what is wrong in any of them is told together."""

from pathlib import Path

import pytest

from config.load import load
from config.problem import ConfigProblems
from tests.unit.config_room import ANNA, IMAP, Room


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_mistakes_of_all_files_are_told_at_once_even_beside_one_that_is_no_toml(room: Room) -> None:
    room.write("[policy]\ncapture = 'full'\n", "connectors.d/a.toml")
    room.write("connectors = [\n", "connectors.d/b.toml")
    room.write('[[connectors]]\nname = "HOSTED"\ntype = "maildir"\n', "connectors.d/c.toml")
    assert room.told(IMAP + "[policy]\ncapture = 'none'") == [
        "connectors.d/a.toml:1: policy: only [[connectors]] belongs here, move it to crm-agent.toml",
        "connectors.d/b.toml:2: this is not TOML: invalid value",
        'connectors.d/c.toml:2: connectors.name: "HOSTED" is named already at crm-agent.toml:3, name it once',
        'crm-agent.toml:8: policy.capture: "none" is none of the choices, write metadata, subject or full',
    ]


def test_a_mailbox_is_named_once_in_all_files_whatever_its_letter_case(room: Room) -> None:
    other = '[[connectors]]\nname = "b"\ntype = "maildir"\npath = "x"\n[[connectors.mailboxes]]\n'
    room.write(f'{other}address = "ANNA@OurFirm.example"', "connectors.d/b.toml")
    assert room.told(IMAP + ANNA) == [
        'connectors.d/b.toml:6: connectors.mailboxes.address: "ANNA@OurFirm.example" is named already at '
        "crm-agent.toml:9, name it once"
    ]


def test_a_file_that_cannot_be_read_says_why(room: Room) -> None:
    room.main.mkdir()
    with pytest.raises(ConfigProblems, match=r"crm-agent\.toml: cannot be read: Is a directory"):
        load(room.main)


def test_bytes_that_are_no_text_are_found_by_line(room: Room) -> None:
    room.main.write_bytes(b"[policy]\n# gr\xfc\xdfe\n")
    with pytest.raises(ConfigProblems, match=r":2: is not UTF-8 text, save the file as UTF-8"):
        load(room.main)


def test_a_folder_of_connectors_that_cannot_be_listed_does_not_pass_for_an_empty_one(room: Room) -> None:
    (room.folder / "connectors.d").touch()
    assert room.told("") == ["connectors.d: cannot be listed: Not a directory"]
