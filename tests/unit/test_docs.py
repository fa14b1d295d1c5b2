"""The guides say what the program knows: every setting, every command, and links that lead somewhere."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.commands import NOUNS
from config.connector_words import CONNECTORS
from config.form import Form
from config.list_words import LDAP, MAILBOXES_FROM
from config.load import load
from config.words import CALENDAR, MAIN, OAUTH, WHO

ROOT = Path(__file__).parents[2]
ADMIN = (ROOT / "docs/admin-guide.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def _forms() -> Iterator[tuple[str, Form]]:
    yield from MAIN.items()
    yield from ((kind, words.form) for kind, words in CONNECTORS.items())
    yield "mailboxes_from", MAILBOXES_FROM
    yield "ldap", LDAP
    yield "oauth", OAUTH
    yield "calendar", CALENDAR


@pytest.mark.parametrize(("table", "key"), [(name, key) for name, form in _forms() for key in (*form.keys, *WHO)])
def test_the_admin_guide_explains_every_setting(table: str, key: str) -> None:
    assert f"`{key}`" in ADMIN, f"{table}.{key}"


def test_the_admin_guide_gives_the_defaults_that_apply() -> None:
    for form in (MAIN["policy"], MAIN["reminders"], MAIN["store"]):
        for name, key in form.keys.items():
            if isinstance(key.default, str | int) and not isinstance(key.default, bool):
                row = next(line for line in ADMIN.splitlines() if line.startswith(f"| `{name}`"))
                assert str(key.default) in row or name == "url", f"{name}: {key.default}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_pages_exist(page: Path) -> None:
    known = {noun.name for noun in NOUNS}
    text = re.sub(r"--config \S+ ", "", page.read_text(encoding="utf-8"))
    for word in re.findall(r"(?:`|^|^\$ |-u crm-agent )crm-agent ([a-z]\S*?)(?=[\s`;]|$)", text, re.MULTILINE):
        assert word in known, word


def test_every_decision_stands_in_the_list_of_them() -> None:
    folder = ROOT / "docs/decisions"
    listed = re.findall(r"\]\((\d{4}-[^)]*)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in folder.glob("0*.md"))


def test_the_example_for_the_service_is_a_valid_configuration() -> None:
    assert len(load(ROOT / "deploy/crm-agent.toml", secrets="none").mailboxes) == 2


def _toml_blocks() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for number, block in enumerate(re.findall(r"^ *```toml\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)):
            yield f"{page.relative_to(ROOT)}:{number}", textwrap.dedent(block)


@pytest.mark.parametrize("block", [pytest.param(text, id=place) for place, text in _toml_blocks()])
def test_configuration_in_the_pages_is_valid(block: str, tmp_path: Path) -> None:
    file = tmp_path / "crm-agent.toml"
    file.write_text(block, encoding="utf-8")
    load(file, secrets="none")
