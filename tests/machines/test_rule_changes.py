"""A rule is switched off or on, or its days change, while reminders stand: histories of the outbox machine that chance
seldom makes. Each ends in the machine's full comparison."""

from collections.abc import Iterator

import pytest

from tests.machines.occasions import SETTINGS
from tests.machines.test_outbox_machine import OutboxMachine


@pytest.fixture
def machine() -> Iterator[OutboxMachine]:
    """A question stands in the calendar, a birthday draws near, and a customer has grown quiet."""
    machine = OutboxMachine()
    machine.begin(frozenset({"waiting_for_them", "key_date", "gone_quiet"}))
    machine.wrote("t1", True)
    machine.learn("zoe", "is born", 12)
    machine.wait(2)
    machine.tend()
    assert _titles(machine) == {"Waiting for an answer: Zoe", "Birthday: Zoe", "Get in touch: Yan"}
    yield machine
    machine.teardown()


def _titles(machine: OutboxMachine) -> set[str]:
    return {one.title for one in machine.room.reminders() if one.state == "in-calendar"}


def _set(machine: OutboxMachine, which: int, *names: str) -> None:
    machine._choose({name: SETTINGS[name][which] for name in names})


@pytest.mark.parametrize("name", ["waiting_for_them", "key_date"])
def test_reminders_that_stand_move_with_the_days_of_their_rule(machine: OutboxMachine, name: str) -> None:
    before = {one.title: one.due_at for one in machine.room.reminders()}
    _set(machine, 1, name)
    machine.settle()
    assert {one.title: one.due_at for one in machine.room.reminders()} != before


def test_a_rule_that_is_switched_off_takes_its_reminders_away_and_on_again_brings_them_back(
    machine: OutboxMachine,
) -> None:
    before = _titles(machine)
    _set(machine, 2, "waiting_for_them", "key_date", "gone_quiet")
    machine.tend()
    assert _titles(machine) == set()
    assert machine._ours() == []
    _set(machine, 0, "waiting_for_them", "key_date", "gone_quiet")
    machine.tend()
    assert _titles(machine) == before


def test_what_was_dismissed_does_not_come_back_with_its_rule(machine: OutboxMachine) -> None:
    machine.user_deletes(0)
    machine.tend()
    (dismissed,) = (one.title for one in machine.room.reminders() if one.state == "dismissed")
    for which in (2, 0):
        _set(machine, which, *SETTINGS)
        machine.settle()
    assert [one.title for one in machine.room.reminders() if one.state == "dismissed"] == [dismissed]


def test_what_the_user_moved_stays_there_when_the_days_change(machine: OutboxMachine) -> None:
    for number in range(3):
        machine.user_moves(number, 9)
    machine.tend()
    _set(machine, 1, "waiting_for_them", "key_date")
    machine.settle()
    assert {one.state for one in machine.room.reminders()} == {"snoozed"}


def test_a_quiet_customer_is_no_reminder_once_the_span_is_longer(machine: OutboxMachine) -> None:
    _set(machine, 1, "gone_quiet")
    machine.look_at_once()
    assert "Get in touch: Yan" not in _titles(machine)
