"""Connections are kept between polls, and a kept one that died is no failure."""

from collections.abc import Callable

import pytest

from agent.engine.sources import Sources
from config.model import Mailbox
from connectors.base import MailSource
from connectors.errors import Fatal, Retriable
from tests.unit.store_room import configured


class Line:
    """Stands for a connection: all that matters here is whether it was closed."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class Exchange:
    """Opens lines and remembers them."""

    def __init__(self, most: int = 10) -> None:
        self.opened: list[Line] = []
        self.sources = Sources(self.open, most=most)

    def open(self, mailbox: Mailbox) -> MailSource:
        self.opened.append(Line(mailbox))
        return self.opened[-1]  # type: ignore[return-value]  # only close() is asked of it here


def fail_once(error: Exception, lines: list[MailSource]) -> Callable[[MailSource], str]:
    def do(source: MailSource) -> str:
        lines.append(source)
        if len(lines) == 1:
            raise error
        return "read"

    return do


def test_the_second_poll_uses_the_connection_of_the_first() -> None:
    desk = Exchange()
    used = [desk.sources.use(configured(), lambda source: source) for _ in range(3)]

    assert len(desk.opened) == 1
    assert [id(line) for line in used] == [id(line) for line in desk.opened * 3]


def test_a_connection_that_failed_is_closed_and_not_kept() -> None:
    desk = Exchange()
    with pytest.raises(Fatal):
        desk.sources.use(configured(), fail_once(Fatal("refused"), []))
    desk.sources.use(configured(), lambda source: None)

    assert [line.closed for line in desk.opened] == [1, 0]


def test_a_kept_connection_that_died_meanwhile_is_replaced_without_a_failure() -> None:
    desk = Exchange()
    desk.sources.use(configured(), lambda source: None)
    assert desk.sources.use(configured(), fail_once(Retriable("gone"), [])) == "read"
    assert [line.closed for line in desk.opened] == [1, 0]


def test_a_fresh_connection_that_fails_is_not_tried_again() -> None:
    desk = Exchange()
    lines: list[MailSource] = []
    with pytest.raises(Retriable):
        desk.sources.use(configured(), fail_once(Retriable("gone"), lines))
    assert len(desk.opened) == len(lines) == 1


def test_a_server_that_asks_to_be_left_alone_is_not_asked_again_at_once() -> None:
    desk = Exchange()
    desk.sources.use(configured(), lambda source: None)
    with pytest.raises(Retriable):
        desk.sources.use(configured(), fail_once(Retriable("busy", after=60), []))
    assert len(desk.opened) == 1


def test_new_settings_open_a_new_connection() -> None:
    desk = Exchange()
    desk.sources.use(configured(), lambda source: None)
    desk.sources.use(configured(host="new.example"), lambda source: None)

    assert [line.closed for line in desk.opened] == [1, 0]
    assert desk.opened[1].mailbox == configured(host="new.example")


def test_no_more_are_kept_than_allowed() -> None:
    desk = Exchange(most=1)
    for name in ("anna", "ben"):
        desk.sources.use(configured(f"{name}@ourfirm.example"), lambda source: None)

    assert [line.closed for line in desk.opened] == [0, 1]


def test_everything_is_closed_at_the_end() -> None:
    desk = Exchange()
    for name in ("anna", "ben"):
        desk.sources.use(configured(f"{name}@ourfirm.example"), lambda source: None)
    desk.sources.close()
    desk.sources.forget("anna@ourfirm.example")

    assert [line.closed for line in desk.opened] == [1, 1]
