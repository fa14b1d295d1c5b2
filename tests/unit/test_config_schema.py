"""The shipped schema is the one the checks are made of, and it accepts what they accept."""

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from config.connector_words import CONNECTORS
from config.schema import example, schema
from config.words import MAIN
from tests.unit.config_room import Room
from tests.unit.json_schema import plain, refusals
from tests.unit.test_config_load import WHOLE

SHIPPED = json.loads(files("config").joinpath("schema.json").read_text(encoding="utf-8"))


def refused(text: str) -> list[str]:
    return refusals(plain(tomllib.loads(text)), SHIPPED)


def uncommented() -> str:
    """The example with all that it offers switched on."""
    return "\n".join(line.removeprefix("# ").removesuffix("#") for line in example().splitlines() if line[:2] != "##")


def test_the_shipped_schema_is_the_one_made_of_the_words() -> None:
    assert json.loads(json.dumps(schema())) == SHIPPED


def test_the_example_names_its_schema_and_is_accepted_by_it_and_by_the_checks(tmp_path: Path) -> None:
    assert example().startswith("#:schema ./crm-agent.schema.json\n")
    assert refused(example()) == []
    assert Room(tmp_path).settings(example()).mailboxes == ()


def test_everything_the_example_offers_is_accepted_but_for_the_secrets_it_names(tmp_path: Path) -> None:
    assert len(tomllib.loads(uncommented())["connectors"]) == 5
    assert refused(uncommented()) == []
    problems = Room(tmp_path).problems(uncommented())
    assert problems
    assert all(problem.key.rpartition(".")[2] in ("password", "key", "certificate") for problem in problems)
    assert all("cannot be read" in problem.what or "is not set" in problem.what for problem in problems)


def test_the_example_offers_every_table() -> None:
    assert set(tomllib.loads(uncommented())) == {*MAIN, "connectors"}


def test_a_configuration_that_uses_every_part_is_accepted() -> None:
    assert refused(WHOLE) == []


@pytest.mark.parametrize(
    "text",
    [
        "[organization]",
        "[policy]\ncapture = 'all'",
        "[policy]\nretention_days = -1",
        "[reminders]\nflagged = 3",
        "[reminders]\ngone_quiet = { stages = { lost = 3 } }",
        "[reminders]\nlate_order = { quantile = 2 }",
        "[reminders]\npromise = { after = '3d' }",
        "[store]\nkey = 'plain text'",
        "[[connectors]]\nname = 'x'\ntype = 'graph'",
        "[[connectors]]\nname = 'x'\ntype = 'graph'\ntenant_id = 't'\nclient_id = 'c'\ncertificate = 'plain text'",
        "[[connectors]]\nname = 'x'\ntype = 'exchange'\nauth = 'kerberos'",
        "[[connectors]]\nname = 'x'\ntype = 'exchange'\nmailboxes_from = { entra_group = 'g' }",
        "[[connectors]]\nname = 'x'\ntype = 'imap'",
        "[[connectors]]\nname = 'x'\ntype = 'imap'\nhost = 'h'\npassword = 'plain text'",
        "[[connectors]]\nname = 'x'\ntype = 'maildir'\nhost = 'h'",
        "[[connectors]]\nname = 'x'\ntype = 'imap'\nhost = 'h'\n[[connectors.mailboxes]]\nusername = 'nobody'",
    ],
)
def test_an_editor_marks_what_the_checks_would_refuse(tmp_path: Path, text: str) -> None:
    assert refused(text)
    assert Room(tmp_path).problems(text)


def test_every_key_is_explained() -> None:
    def keys(form: object) -> list[tuple[str, dict[str, object]]]:
        found = []
        if isinstance(form, dict):
            for name, each in form.get("properties", {}).items():
                found.append((name, each))
            for each in form.values():
                found += keys(each)
        if isinstance(form, list):
            for each in form:
                found += keys(each)
        return found

    described = keys(SHIPPED)
    assert len(described) > 20 + len(CONNECTORS)
    assert [name for name, each in described if "description" not in each and name not in MAIN] == []
