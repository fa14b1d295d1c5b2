"""What every calendar keeps, whatever its protocol: each `CalendarSink` inherits these tests.

A back end gives `make()`, which opens the same calendar once more as a restarted agent would, and where its store is
text, `edit()` and `put()`, with which a user's calendar program works on it behind the agent's back.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from connectors.base import CalendarSink
from connectors.errors import Conflict
from connectors.event import CalendarCursor, CalendarEvent, FoundEvent


def an_event(number: int = 1, **changes: object) -> CalendarEvent:
    """A reminder of Monday morning in Berlin, with everything that needs escaping in it."""
    event = CalendarEvent(
        uid=f"{number:032x}@0a1b2c",
        reminder=f"{number:032x}",
        title="Waiting for an answer: Zoë; Müller, GmbH",
        description="No answer since 2 March.\n\\ back, slash; semicolon: “quoted”\n\nNote:\n",
        start=datetime(2026, 3, 30, 8, 30),
        timezone="Europe/Berlin",
    )
    return replace(event, **changes)  # type: ignore[arg-type]  # fields of the event


def meaning(found: FoundEvent | None) -> tuple[object, ...] | None:
    """What people see of an item, without its version and the white space servers trim."""
    if found is None:
        return None
    return found.uid, found.reminder, found.title, found.description.strip(), found.start, found.timezone, found.done


class CalendarSinkContract:
    """Inherit, and provide the fixture `make`."""

    @pytest.fixture
    def make(self) -> Callable[[], CalendarSink]:
        raise NotImplementedError

    @pytest.fixture
    def sink(self, make: Callable[[], CalendarSink]) -> CalendarSink:
        return make()

    def test_what_is_created_is_found_with_the_same_meaning(self, sink: CalendarSink) -> None:
        event = an_event()
        created = sink.create(event)
        found = sink.find(event.uid)
        assert meaning(found) == meaning(created)
        assert found is not None
        assert (found.title, found.start, found.timezone) == (event.title, event.start, "Europe/Berlin")
        assert found.description.strip() == event.description.strip()
        assert (found.uid, found.reminder, found.done) == (event.uid, event.reminder, False)

    def test_an_uid_nobody_wrote_is_not_found(self, sink: CalendarSink) -> None:
        sink.create(an_event(1))
        assert sink.find(an_event(2).uid) is None

    def test_a_second_create_conflicts_and_changes_nothing(self, sink: CalendarSink) -> None:
        first = sink.create(an_event())
        with pytest.raises(Conflict):
            sink.create(an_event(title="Another title"))
        assert sink.find(first.uid) == first

    def test_a_restarted_agent_finds_what_it_created(self, make: Callable[[], CalendarSink]) -> None:
        created = make().create(an_event())
        again = make()
        assert again.find(created.uid) == created
        with pytest.raises(Conflict):
            again.create(an_event())

    def test_two_agents_that_create_at_once_make_one_item(self, make: Callable[[], CalendarSink]) -> None:
        outcomes: list[str] = []
        gate = threading.Barrier(4)

        def create() -> None:
            sink = make()
            gate.wait()
            try:
                sink.create(an_event())
                outcomes.append("created")
            except Conflict:
                outcomes.append("conflict")

        workers = [threading.Thread(target=create) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert sorted(outcomes) == ["conflict"] * 3 + ["created"]
        assert len(make().changes(None).found) == 1

    def test_an_update_replaces_words_and_time(self, sink: CalendarSink) -> None:
        created = sink.create(an_event())
        later = an_event(title="New", description="Other", start=datetime(2026, 10, 26, 9, 0), timezone="Europe/Vienna")
        updated = sink.update(later, created)
        assert meaning(updated) == meaning(sink.find(created.uid))
        assert (updated.title, updated.description.strip(), updated.start) == ("New", "Other", later.start)
        assert updated.timezone == "Europe/Vienna"
        assert updated.etag != created.etag

    def test_an_update_of_an_older_version_conflicts_and_changes_nothing(self, sink: CalendarSink) -> None:
        created = sink.create(an_event())
        updated = sink.update(an_event(title="Second"), created)
        with pytest.raises(Conflict):
            sink.update(an_event(title="Third"), created)
        assert sink.find(created.uid) == updated

    def test_an_update_of_an_item_that_left_conflicts_and_brings_nothing_back(self, sink: CalendarSink) -> None:
        created = sink.create(an_event())
        sink.delete(created)
        with pytest.raises(Conflict):
            sink.update(an_event(title="Second"), created)
        assert sink.find(created.uid) is None

    def test_a_deleted_item_is_gone_and_deleting_it_again_is_no_error(self, sink: CalendarSink) -> None:
        created = sink.create(an_event())
        sink.delete(created)
        assert sink.find(created.uid) is None
        sink.delete(created)

    def test_a_delete_of_an_older_version_conflicts_and_removes_nothing(self, sink: CalendarSink) -> None:
        created = sink.create(an_event())
        updated = sink.update(an_event(title="Second"), created)
        with pytest.raises(Conflict):
            sink.delete(created)
        assert sink.find(created.uid) == updated

    def test_an_item_can_be_created_again_after_it_was_deleted(self, sink: CalendarSink) -> None:
        sink.delete(sink.create(an_event()))
        created = sink.create(an_event(title="Again"))
        assert meaning(sink.find(created.uid)) == meaning(created)

    def test_the_first_reading_is_complete(self, sink: CalendarSink) -> None:
        assert sink.changes(None).complete
        created = {sink.create(an_event(number)).uid for number in range(1, 4)}
        changes = sink.changes(None)
        assert changes.complete
        assert {found.uid for found in changes.found} == created

    def test_changes_since_a_cursor_name_what_is_new_changed_and_gone(self, sink: CalendarSink) -> None:
        first, second, third = (sink.create(an_event(number)) for number in (1, 2, 3))
        cursor = sink.changes(None).cursor
        sink.update(an_event(1, title="Changed"), first)
        sink.delete(second)
        fourth = sink.create(an_event(4))
        changes = sink.changes(cursor)
        titles = {found.uid: found.title for found in changes.found}
        if changes.complete:
            assert titles.pop(third.uid) == third.title
        else:
            assert second.href in changes.gone
            assert not {first.href, third.href, fourth.href} & set(changes.gone)
        assert titles == {first.uid: "Changed", fourth.uid: fourth.title}

    def test_a_quiet_calendar_has_no_changes_and_its_cursor_stays_good(self, sink: CalendarSink) -> None:
        sink.create(an_event())
        cursor = sink.changes(None).cursor
        for _ in range(3):
            changes = sink.changes(cursor)
            assert (changes.found, changes.gone, changes.complete) == ((), (), False)
            cursor = changes.cursor

    def test_an_item_created_and_deleted_between_two_readings_is_not_found(self, sink: CalendarSink) -> None:
        cursor = sink.changes(None).cursor
        created = sink.create(an_event())
        sink.delete(created)
        assert sink.changes(cursor).found == ()

    def test_a_cursor_outlives_a_restart(self, make: Callable[[], CalendarSink]) -> None:
        created = make().create(an_event())
        cursor = make().changes(None).cursor
        make().delete(created)
        changes = make().changes(cursor)
        assert changes.complete or created.href in changes.gone
        assert changes.found == ()

    def test_an_unknown_cursor_means_everything(self, sink: CalendarSink) -> None:
        created = sink.create(an_event())
        for stale in ('{"v":99,"token":"x"}', "not json", "[]"):
            changes = sink.changes(CalendarCursor(stale))
            assert changes.complete
            assert [found.uid for found in changes.found] == [created.uid]

    def test_fields_of_the_greatest_length_are_kept_within_bounds(self, sink: CalendarSink) -> None:
        created = sink.create(an_event(title="ü" * 900, description="ß\n" * 4000))
        assert meaning(sink.find(created.uid)) == meaning(created)
        assert created.title == "ü" * 900

    def test_control_characters_do_no_harm(self, sink: CalendarSink) -> None:
        created = sink.create(an_event(title="a\x00b\x1bc\r\nSTATUS:COMPLETED", description="x\x07\r\nEND:VEVENT\r\n"))
        assert not created.done
        assert sink.find(created.uid) == created

    def test_closing_twice_is_no_error(self, make: Callable[[], CalendarSink]) -> None:
        sink = make()
        sink.close()
        sink.close()
