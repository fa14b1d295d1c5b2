"""`init` and `config` as people use them; wrong settings each get one clear sentence and exit 2."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from agent.cli.main import main
from tests.unit.config_room import ANNA, IMAP, Room
from tests.unit.program import run_program


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def check(room: Room, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    return run_program("--config", str(room.write(text)), "config", "check", *options, ANNAS_PASSWORD="")


def test_init_writes_a_file_that_passes_its_own_check_and_its_schema_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "new")]) == 0
    written = tmp_path / "new" / "crm-agent.toml"
    assert json.loads((tmp_path / "new" / "crm-agent.schema.json").read_text())["title"] == "crm-agent.toml"
    assert main(["--config", str(written), "config", "check"]) == 0
    told = capsys.readouterr()
    assert "no mailbox is named" in told.err
    assert "no problems" in told.err


def test_init_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "crm-agent.toml").write_text("# mine\n")
    assert main(["init", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "crm-agent.toml").read_text() == "# mine\n"
    assert not (tmp_path / "crm-agent.schema.json").exists()


def test_init_writes_here_when_no_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert (tmp_path / "crm-agent.toml").exists()


def test_init_leaves_nothing_half_written(tmp_path: Path) -> None:
    """Here the place of the schema is taken; a full disk ends the same way."""
    (tmp_path / "crm-agent.schema.json").mkdir()
    assert main(["init", str(tmp_path)]) == 1
    assert not (tmp_path / "crm-agent.toml").exists()


def test_init_into_a_file_asks_for_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["init", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'file'} is a file: name a folder\n"


def test_the_schema_is_one_line_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert main(["config", "schema"]) == 0
    assert json.loads(line) == json.loads(capsys.readouterr().out)


def test_init_says_why_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["init", str(tmp_path / "file" / "below")]) == 1
    assert "cannot be written: Not a directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (IMAP + ANNA + 'pasword = "x"', "10: connectors.mailboxes.pasword: unknown key pasword, write password"),
        (IMAP + ANNA + ANNA, '12: connectors.mailboxes.address: "anna@ourfirm.example" is named already at'),
        (IMAP + ANNA + 'password = { env = "ANNAS_PASSWORD" }', "environment variable ANNAS_PASSWORD is not set"),
        (IMAP + ANNA + 'password = { file = "open" }', "can be read by others: run chmod 600"),
        (IMAP + ANNA + 'password = { file = "nowhere" }', "cannot be read: No such file or directory"),
        (IMAP + 'security = "none"' + ANNA, "would reach imap.ourfirm.example in plain text"),
        (IMAP + ANNA + 'password = "hunter2"', "a secret in plain text, write { env = "),
        (IMAP + 'ca_file = "nowhere.pem"' + ANNA, "there is no file"),
        (IMAP + "port = 0" + ANNA, "7: connectors.port: 0 is out of range"),
        ("[policy\n", "1: this is not TOML"),
    ],
)
def test_wrong_settings_get_one_sentence_and_exit_2(room: Room, text: str, sentence: str) -> None:
    room.secret("open", "x", 0o644)
    answer = check(room, text)
    assert answer.returncode == 2
    assert answer.stdout == ""
    (line,) = answer.stderr.splitlines()
    assert line.startswith(f"{room.main}:")
    assert sentence in line


def test_all_problems_of_all_files_are_told_by_one_run(room: Room) -> None:
    room.write("[store]\n[[connectors]]\n", "connectors.d/more.toml")
    answer = check(room, "[policy]\ncapture = 1\nskip = [2]\n")
    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 4


def test_problems_as_json_are_one_object_a_line_on_stdout(room: Room) -> None:
    answer = check(room, "[policy]\ncapture = 'x'\nskipp = []\n", "--json")
    assert answer.returncode == 2
    assert answer.stderr == ""
    first, second = map(json.loads, answer.stdout.splitlines())
    assert first == {
        "file": str(room.main),
        "line": 2,
        "key": "policy.capture",
        "what": '"x" is none of the choices',
        "instead": "write metadata, subject or full",
    }
    assert second["line"] == 3


def test_a_sound_configuration_says_nothing_on_stdout_as_json(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    path = room.write(IMAP + ANNA)
    assert main(["--config", str(path), "config", "check", "--json"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "1 mailbox" in told.err


def test_a_configuration_that_is_nowhere_is_told_with_what_to_do(tmp_path: Path) -> None:
    answer = run_program("--config", str(tmp_path / "none.toml"), "config", "show")
    assert answer.returncode == 2
    assert answer.stderr == (
        f"{tmp_path}/none.toml: there is no such file, "
        "write one with `crm-agent init` or name it by --config or $CRM_AGENT_CONFIG\n"
    )


def test_the_variable_names_the_file(room: Room) -> None:
    answer = run_program("config", "show", "--json", CRM_AGENT_CONFIG=str(room.write(IMAP + ANNA)))
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["mailboxes"][0]["address"] == "anna@ourfirm.example"


def test_show_needs_no_secret_and_tells_none(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    path = room.write(IMAP + ANNA + 'password = { env = "ANNAS_PASSWORD" }')
    assert main(["--config", str(path), "config", "show"]) == 0
    shown = tomllib.loads(capsys.readouterr().out)
    assert shown["mailboxes"][0]["access"]["password"] == {"env": "ANNAS_PASSWORD"}


def test_schema_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    assert "connectors" in json.loads(capsys.readouterr().out)["properties"]


def test_check_reads_lists_that_are_files(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    listed = room.write(IMAP + 'mailboxes_from = { csv = "list.csv" }\n' + ANNA)
    assert main(["--config", str(listed), "config", "check"]) == 2
    assert "list.csv: cannot be read: No such file or directory" in capsys.readouterr().err
    room.write("address,timezone\nben@x.example,Europe/Berlln\n", "list.csv")
    assert main(["--config", str(listed), "config", "check"]) == 2
    assert 'list.csv:2: timezone: "Europe/Berlln" is no IANA time zone' in capsys.readouterr().err
    room.write("address\nben@x.example\n", "list.csv")
    assert main(["--config", str(listed), "config", "check"]) == 0
    assert "no problems, 2 mailboxes, 1 of them from files" in capsys.readouterr().err
