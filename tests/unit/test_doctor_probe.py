"""Trying a calendar leaves nothing behind, or says what to delete by hand."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.doctor.finding import Verdict
from agent.doctor.probe import TITLE, judge, probe_event, try_out
from connectors.errors import Fatal, Retriable
from connectors.memory_calendar import MemoryCalendar

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EVENT = probe_event("anna@ourfirm.example", "https://dav.example/anna/", "Europe/Berlin", NOW)


@pytest.fixture
def calendar() -> MemoryCalendar:
    return MemoryCalendar()


def test_an_item_is_made_found_and_removed(calendar: MemoryCalendar) -> None:
    assert try_out(calendar.open(), EVENT).detail == "an item was made, found and removed"
    assert calendar.writes == ["create", "delete"]
    assert calendar.items == {}


def test_items_of_others_are_left_alone(calendar: MemoryCalendar) -> None:
    calendar.open().create(replace(EVENT, uid="other@installation", reminder="other"))
    try_out(calendar.open(), EVENT)
    assert [item.uid for item in calendar.items.values()] == ["other@installation"]


def test_the_item_is_the_same_one_every_time_and_another_in_another_calendar() -> None:
    again = probe_event("anna@ourfirm.example", "https://dav.example/anna/", "Europe/Berlin", NOW)
    elsewhere = probe_event("anna@ourfirm.example", "https://dav.example/other/", "Europe/Berlin", NOW)
    assert again.uid == EVENT.uid != elsewhere.uid
    assert EVENT.start == datetime(2026, 3, 3, 13, 0)


def test_what_an_earlier_try_had_to_leave_goes_with_the_next(calendar: MemoryCalendar) -> None:
    calendar.open().create(EVENT)
    assert try_out(calendar.open(), EVENT).ok is Verdict.OK
    assert calendar.items == {}


def test_an_item_whose_answer_was_lost_is_removed_all_the_same(calendar: MemoryCalendar) -> None:
    def lose(call: str) -> None:
        if call == "create":
            raise Retriable("the connection failed")

    calendar.faults.after_write = lose
    said = try_out(calendar.open(), EVENT)
    assert (said.ok, said.detail) == (Verdict.FAILED, "the connection failed")
    assert calendar.items == {}


def test_a_removal_whose_answer_was_lost_is_looked_up(calendar: MemoryCalendar) -> None:
    def lose(call: str) -> None:
        if call == "delete":
            raise Retriable("the connection failed")

    calendar.faults.after_write = lose
    assert try_out(calendar.open(), EVENT).ok is Verdict.OK
    assert calendar.items == {}


def test_an_item_that_cannot_be_removed_is_named_for_whoever_deletes_it(calendar: MemoryCalendar) -> None:
    def break_down(call: str) -> None:
        calendar.faults.error = Fatal("the account may not do this", advice="give it the right")

    calendar.faults.after_write = break_down
    said = try_out(calendar.open(), EVENT)
    assert said.ok is Verdict.FAILED
    assert said.detail.endswith("the account may not do this")
    assert f'delete the item "{TITLE}" on 2026-03-03' in said.advice


def test_a_calendar_that_refuses_is_told_in_its_words(calendar: MemoryCalendar) -> None:
    calendar.faults.error = Fatal("the account may not do this", advice="give it the right")
    said = try_out(calendar.open(), EVENT)
    assert (said.ok, said.detail, said.advice) == (Verdict.FAILED, "the account may not do this", "give it the right")
    assert calendar.writes == []


def test_a_calendar_that_forgets_or_strips_an_item_fails(calendar: MemoryCalendar) -> None:
    found = calendar.open().create(EVENT)
    assert judge(EVENT, None).ok is Verdict.FAILED
    assert judge(EVENT, replace(found, reminder="")).ok is Verdict.FAILED
    assert judge(EVENT, found).ok is Verdict.OK


def test_somebody_who_edits_the_item_meanwhile_does_not_keep_it(calendar: MemoryCalendar) -> None:
    def edit(call: str) -> None:
        if call == "create":
            calendar.user_edits(EVENT.uid, title="What is this?")

    calendar.faults.after_write = edit
    assert try_out(calendar.open(), EVENT).ok is Verdict.OK
    assert calendar.items == {}
