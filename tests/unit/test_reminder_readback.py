"""What the user did to an item, told from what we wrote and what stands there now."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.reminders.calendar_days import instant
from agent.reminders.cycle import IN_CALENDAR, SNOOZED, Standing
from agent.reminders.intents import CREATE, DELETE, UPDATE, CalendarItem, event_of, new_intents
from agent.reminders.item import Words, dump, event_for, load, note_in
from agent.reminders.readback import (
    Deed,
    gone_items,
    is_fault,
    settled,
    sighting,
    what_user_did,
)
from connectors.event import CalendarEvent, FoundEvent

BERLIN = "Europe/Berlin"
AT = time(8, 30)
ONE = Standing(
    id="r",
    rule="waiting_for_them",
    state=IN_CALENDAR,
    planned=datetime(2026, 3, 5, 8, 30),
    due=datetime(2026, 3, 5, 8, 30),
    zone=BERLIN,
    title="Waiting for an answer: Zoë",
    why="You wrote to her.",
    about="Order 12",
)
WRITTEN = event_of(ONE, "r@i", CalendarItem(uid="r@i", reminder_id="r").kept)


def found(event: CalendarEvent = WRITTEN, **changes: object) -> FoundEvent:
    as_it_was = FoundEvent(
        uid=event.uid,
        reminder=event.reminder,
        title=event.title,
        description=event.description,
        start=event.start,
        timezone=event.timezone,
        etag="2",
        href="/r.ics",
    )
    return replace(as_it_was, **changes)  # type: ignore[arg-type]  # fields of the item


def deed(**changes: Any) -> Deed:
    return what_user_did(WRITTEN, found(**changes), zone=BERLIN, at=AT)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"start": datetime(2026, 3, 5, 7, 30), "timezone": "UTC"},
        {"start": datetime(2026, 3, 5, 8, 30), "timezone": ""},
        {"start": datetime(2026, 3, 5, 8, 30), "timezone": "Europe/Vienna"},
        {"start": date(2026, 3, 5), "timezone": ""},
        {"description": WRITTEN.description.strip().replace("\n\n", "\n")},
        {"title": f" {WRITTEN.title}  "},
    ],
)
def test_what_a_server_rewrites_is_no_deed(changes: dict[str, Any]) -> None:
    assert deed(**changes).is_nothing


@pytest.mark.parametrize(
    ("start", "zone", "expected"),
    [
        (datetime(2026, 3, 6, 8, 30), BERLIN, datetime(2026, 3, 6, 8, 30)),
        (datetime(2026, 3, 5, 8, 30), "UTC", datetime(2026, 3, 5, 9, 30)),
        (datetime(2026, 3, 30, 12, 0), "America/New_York", datetime(2026, 3, 30, 18, 0)),
        (date(2026, 3, 7), "", datetime(2026, 3, 7, 8, 30)),
    ],
)
def test_moved_is_told_in_the_owners_wall_time(start: date, zone: str, expected: datetime) -> None:
    assert deed(start=start, timezone=zone).moved_to == expected


def test_edited_words_and_notes_are_told_apart_from_ours() -> None:
    noted = deed(description=WRITTEN.description + "Rang her,\nback on Monday")
    assert (noted.note, noted.title, noted.moved_to) == ("Rang her,\nback on Monday", None, None)
    assert deed(title="Mine").title == "Mine"
    assert deed(title="✓ Waiting", done=True) == Deed(done=True)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("why\n\nNote:\n", ""),
        ("why\n\nNote:\nhello", "hello"),
        ("why\nNote: hello", "hello"),
        ("why\r\nNote:\r\nhello\r\nthere", "hello\nthere"),
        ("Note:\nold\nNote:\nnew", "new"),
        ("no such line, but a Note: within one", ""),
        ("", ""),
    ],
)
def test_a_note_is_what_stands_below_the_last_mark(text: str, note: str) -> None:
    assert note_in(text) == note


@pytest.mark.parametrize("title", ["Done deal: ask Zoë", "✓ list", "DONE"])
def test_our_own_title_is_never_read_as_done(title: str) -> None:
    from connectors.ical import means_done

    event = event_for(uid="u", reminder="r", words=Words(title=title, why=""), due=ONE.due, zone=BERLIN)
    assert not means_done(event.title)


def test_an_item_survives_its_json() -> None:
    assert load(dump(WRITTEN)) == WRITTEN  # type: ignore[arg-type]  # `dump` tells any JSON


@pytest.mark.parametrize(
    ("known", "gone", "fault"), [(10, 6, True), (10, 5, False), (100, 30, False), (100, 34, True), (0, 0, False)]
)
def test_a_fault_is_more_than_five_and_over_a_third(known: int, gone: int, fault: bool) -> None:
    assert is_fault(known, gone) is fault


def test_an_item_found_at_another_address_has_moved_and_not_left() -> None:
    elsewhere = found(href="/other.ics")
    assert gone_items({"r@i": "/r.ics"}, [elsewhere], ["/r.ics"], complete=False) == frozenset()
    assert gone_items({"r@i": "/r.ics"}, [], ["/r.ics"], complete=False) == {"r@i"}
    assert gone_items({"r@i": "/r.ics"}, [], [], complete=True) == {"r@i"}
    assert gone_items({"r@i": "/r.ics"}, [], [], complete=False) == frozenset()


ITEM = CalendarItem(uid="r@i", reminder_id="r", wanted=WRITTEN, written=WRITTEN, href="/r.ics", etag="1")
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31))
texts = st.sampled_from(["", "Mine", WRITTEN.title, WRITTEN.description, "a\n\nNote:\nnew"])
edits = st.fixed_dictionaries(
    {},
    optional={
        "start": st.one_of(moments, st.dates(date(2026, 1, 1), date(2027, 12, 31))),
        "timezone": st.sampled_from(["", BERLIN, "UTC", "America/New_York"]),
        "title": texts,
        "description": texts,
        "done": st.booleans(),
    },
)


@given(edit=edits, intent=st.sampled_from([None, CREATE, UPDATE]), newer=st.booleans())
def test_whatever_the_user_did_reading_it_twice_is_reading_it_once(
    edit: dict[str, Any], intent: str | None, newer: bool
) -> None:
    """After one reading the item is as it stands there: nothing is read again, and nothing of theirs is rewritten."""
    wanted = replace(WRITTEN, start=WRITTEN.start + timedelta(days=7)) if newer else WRITTEN
    one = replace(ONE, due=wanted.start)
    item = replace(ITEM, intent=intent, wanted=wanted, written=None if intent == CREATE else WRITTEN)
    seen = sighting(item, found(**edit), zone=BERLIN, at=AT)
    moved = replace(one, due=seen.deed.moved_to, state=SNOOZED) if seen.deed.moved_to else one
    after = settled(seen, moved)
    again = sighting(after, found(**edit), zone=BERLIN, at=AT)
    assert again.deed.moved_to is None
    assert again.deed.title is None
    assert again.deed.note is None
    if seen.deed.done:
        assert after.intent is None
    elif seen.deed.moved_to is not None or not newer:
        rewritten = after.wanted
        assert rewritten is not None
        assert after.intent is None or _differs_in_time_only(rewritten, found(**edit))


def _differs_in_time_only(event: CalendarEvent, standing: FoundEvent) -> bool:
    return event.title.split() == standing.title.split() and event.description.split() == standing.description.split()


def test_a_withdrawn_item_stays_withdrawn_whatever_is_read() -> None:
    seen = sighting(replace(ITEM, intent=DELETE), found(title="Mine"), zone=BERLIN, at=AT)
    assert settled(seen, ONE).intent == DELETE


def test_intents_follow_the_reminders_and_then_rest() -> None:
    (create,) = new_intents([ONE], [], lambda name: f"{name}@i")
    assert (create.intent, create.wanted) == (CREATE, WRITTEN)
    assert new_intents([ONE], [create], str) == []
    moved = replace(ONE, due=datetime(2026, 3, 9, 8, 30))
    (update,) = new_intents([moved], [ITEM], str)
    assert update.intent == UPDATE
    assert new_intents([ONE], [update], str)[0].intent is None
    (delete,) = new_intents([], [ITEM], str)
    assert delete.intent == DELETE
    (again,) = new_intents([ONE], [delete], str)
    assert (again.intent, again.href) == (CREATE, None), "it may be gone already: it is looked for"
    bundled = replace(ONE, bundle_id="b")
    assert new_intents([bundled], [ITEM], str)[0].intent == DELETE


@given(wall=moments, zone=st.sampled_from([BERLIN, "UTC", "America/New_York"]))
def test_a_moved_time_means_the_same_moment(wall: datetime, zone: str) -> None:
    seen = deed(start=wall, timezone=zone).moved_to
    if seen is not None:
        assert abs(instant(seen, BERLIN) - instant(wall, zone)) <= timedelta(hours=1)
    else:
        assert abs(instant(wall, zone) - instant(WRITTEN.start, BERLIN)) < timedelta(minutes=1)
