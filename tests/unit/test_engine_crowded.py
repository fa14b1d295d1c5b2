"""A server without room for one more session gets back those that lie idle, and keeps none for a while."""

import pytest

from agent.engine.sources import Sources
from config.model import Mailbox
from connectors.base import MailSource
from connectors.errors import Crowded
from tests.unit.store_room import configured


class Lines:
    """A server that allows so many lines at a time; all that matters of a line is whether it is open."""

    def __init__(self, most: int) -> None:
        self.most, self.open, self.refused = most, 0, 0
        self.sources = Sources(self.dial)

    def dial(self, mailbox: Mailbox) -> MailSource:
        return Line(self, mailbox.access.host)  # type: ignore[union-attr,return-value]  # IMAP, and only closed here

    def poll(self, address: str, host: str = "small.example") -> None:
        """One poll of a mailbox on that host."""
        self.sources.use(configured(address, host=host), lambda line: line.sign_in())  # type: ignore[attr-defined]  # a line of this test


class Line:
    """Signed in when first used."""

    def __init__(self, lines: Lines, host: str) -> None:
        self.lines, self.host, self.signed_in = lines, host, False

    def sign_in(self) -> None:
        if self.host != "small.example" or self.signed_in:
            return
        if self.lines.open >= self.lines.most:
            self.lines.refused += 1
            raise Crowded("no room for one more session")
        self.lines.open += 1
        self.signed_in = True

    def close(self) -> None:
        self.lines.open -= self.signed_in
        self.signed_in = False


def test_idle_connections_give_way_to_a_mailbox_that_finds_no_room() -> None:
    lines = Lines(most=2)
    for address in ("anna", "bob", "cleo", "anna", "bob", "cleo"):
        lines.poll(f"{address}@ourfirm.example")
    assert lines.refused == 1
    assert lines.open == 0


def test_connections_to_other_servers_are_kept() -> None:
    lines = Lines(most=1)
    lines.poll("anna@ourfirm.example")
    lines.poll("dora@ourfirm.example", host="large.example")
    lines.poll("bob@ourfirm.example")
    kept = lines.sources.use(configured("dora@ourfirm.example", host="large.example"), lambda line: line)
    again = lines.sources.use(configured("dora@ourfirm.example", host="large.example"), lambda line: line)
    assert kept is again


def test_where_nothing_is_idle_the_mailbox_waits() -> None:
    lines = Lines(most=0)
    with pytest.raises(Crowded):
        lines.poll("anna@ourfirm.example")
    assert lines.refused == 1
