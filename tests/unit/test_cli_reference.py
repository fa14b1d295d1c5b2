"""The page about the command line is what the commands say of themselves."""

from pathlib import Path

import pytest

from agent.cli.commands import NOUNS
from agent.cli.reference import page
from tests.unit.program import run_program

PAGE = Path(__file__).parents[2] / "docs/cli.md"


def test_the_page_is_current() -> None:
    written = "write it anew: python -m agent.cli.reference > docs/cli.md"
    assert PAGE.read_text(encoding="utf-8") == page(), written


@pytest.mark.parametrize("noun", [noun.name for noun in NOUNS])
def test_every_noun_has_its_section(noun: str) -> None:
    section = page().partition(f"\n## {noun}\n")[2].partition("\n## ")[0]
    assert f"```\ncrm-agent {noun}" in section


def test_what_is_needed_stands_bare_and_what_may_be_left_out_in_brackets() -> None:
    told = page()
    assert "\ncrm-agent sign-in --mailbox ADDR\n" in told
    assert "\ncrm-agent doctor [--mailbox ADDR] [--write] [--json]\n" in told
    assert "\ncrm-agent init [DIR]\n" in told
    assert "\ncrm-agent config check [--json]\n" in told
    assert "\ncrm-agent config\n" not in told


def test_what_the_page_shows_is_what_help_shows() -> None:
    told = run_program("doctor", "--help").stdout
    assert "--write" in told
    assert "Try the calendars: make an item of our own, find it, remove it." in " ".join(told.split())
