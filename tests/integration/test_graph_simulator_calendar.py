"""Calendars of the Graph simulator: what a client writes, what the owner does with it, and how that is read back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.graph_lab import IMMUTABLE, OWN_PROPERTY, Asker
from tests.servers.graph import Tenant
from tests.servers.graph.mailbox import Mailbox

ANNA = "/users/anna@firm.example"
EXPAND = f"$expand=singleValueExtendedProperties($filter=id eq '{OWN_PROPERTY}')"
VIEW = f"{ANNA}/calendarView/delta?startDateTime=2026-11-01T00:00:00Z&endDateTime=2027-01-01T00:00:00Z"
SIGNAL = "SystemTime {00062008-0000-0000-C000-000000000046} Id 0x8560"


def at(time: str, zone: str = "W. Europe Standard Time") -> dict[str, str]:
    """A dateTimeTimeZone on the first of December."""
    return {"dateTime": f"2026-12-01T{time}", "timeZone": zone}


def reminder(key: str = "k1", **changed: object) -> dict[str, Any]:
    """A reminder as a client writes it."""
    return {
        "subject": "Call Bob",
        "start": at("08:30:00"),
        "end": at("08:45:00"),
        "transactionId": f"t-{key}",
        "showAs": "free",
        "sensitivity": "private",
        "isReminderOn": True,
        "reminderMinutesBeforeStart": 0,
        "categories": ["CRM"],
        "singleValueExtendedProperties": [{"id": OWN_PROPERTY, "value": key}],
    } | changed


def create(client: Asker, **changed: Any) -> dict[str, Any]:
    """Write one."""
    answer = client.ask("POST", f"{ANNA}/events", json=reminder(**changed))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_an_event_comes_back_as_it_was_written(graph_client: Asker) -> None:
    """Times in UTC, or in the zone that is preferred, Windows' or IANA's."""
    event = create(graph_client)
    shown = graph_client.get(f"{ANNA}/events/{event['id']}?{EXPAND}")
    wanted = ("subject", "showAs", "sensitivity", "isReminderOn", "reminderMinutesBeforeStart", "categories")
    assert {name: shown[name] for name in wanted} == {name: reminder()[name] for name in wanted}
    assert shown["start"] == {"dateTime": "2026-12-01T07:30:00.0000000", "timeZone": "UTC"}
    assert shown["originalStartTimeZone"] == "W. Europe Standard Time"
    assert shown["singleValueExtendedProperties"] == [{"id": OWN_PROPERTY, "value": "k1"}]
    assert shown["attendees"] == []
    assert "singleValueExtendedProperties" not in graph_client.get(f"{ANNA}/events/{event['id']}")
    for zone, hour in (("America/New_York", "02"), ("Tokyo Standard Time", "16")):
        there = graph_client.get(f"{ANNA}/events/{event['id']}", Prefer=f'outlook.timezone="{zone}"')
        assert there["start"] == {"dateTime": f"2026-12-01T{hour}:30:00.0000000", "timeZone": zone}


def test_a_repeated_transaction_makes_no_second_event(graph_client: Asker, graph_anna: Mailbox) -> None:
    """The same content answers with the event that is there, another is refused; it is forgotten after a while."""
    first, second = create(graph_client), create(graph_client)
    assert first["id"] == second["id"]
    other = reminder(subject="Something else")
    assert graph_client.refused(409, "POST", f"{ANNA}/events", json=other) == "ErrorDuplicateTransactionId"
    graph_anna.transaction_memory = -1.0
    assert create(graph_client)["id"] != first["id"]
    assert len(graph_anna.calendars.events()) == 2


def test_an_event_is_found_by_a_property_of_the_clients_own(graph_client: Asker) -> None:
    """$filter with Any(); GUIDs and values compare without case, names with it."""
    create(graph_client)
    event = create(graph_client, key="k2")
    name = OWN_PROPERTY.replace("66f5a359", "66F5A359")
    where = f"singleValueExtendedProperties/Any(ep: ep/id eq '{name}' and ep/value eq 'K2')"
    query = {"$filter": where, "$select": "id,subject"}
    found = graph_client.ask("GET", f"{ANNA}/events", params=query).json()["value"]
    assert [one["id"] for one in found] == [event["id"]]
    for other in (where.replace("'K2'", "'k3'"), where.replace("ReminderKey", "reminderkey")):
        query["$filter"] = other
        assert graph_client.ask("GET", f"{ANNA}/events", params=query).json()["value"] == []


def test_a_change_needs_the_state_that_the_client_has_seen(graph_client: Asker, graph_anna: Mailbox) -> None:
    """If-Match: 412 when somebody was quicker, for PATCH and DELETE; a current one works."""
    event = create(graph_client)
    path = f"{ANNA}/events/{event['id']}"
    (known,) = graph_anna.calendars.events()
    graph_anna.calendars.change(known, subject="Call Bob, not Bill")
    stale = {"If-Match": event["@odata.etag"]}
    assert graph_client.refused(412, "PATCH", path, json={"subject": "x"}, headers=stale) == "ErrorIrresolvableConflict"
    assert graph_client.refused(412, "DELETE", path, headers=stale) == "ErrorIrresolvableConflict"
    current = graph_client.get(path)
    assert current["subject"] == "Call Bob, not Bill"
    fresh = {"If-Match": current["@odata.etag"]}
    changed = graph_client.ask("PATCH", path, json={"showAs": "Busy"}, headers=fresh)
    assert (changed.status_code, changed.json()["showAs"]) == (200, "busy")
    fresh = {"If-Match": changed.json()["@odata.etag"]}
    assert graph_client.ask("DELETE", path, headers=fresh).status_code == 204
    assert graph_client.refused(404, "GET", path) == "ErrorItemNotFound"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"reminderMinutes": 5}, "RequestBodyRead"),
        ({"showAs": "away"}, "RequestBodyRead"),
        ({"isReminderOn": "yes"}, "RequestBodyRead"),
        ({"reminderMinutesBeforeStart": True}, "RequestBodyRead"),
        ({"categories": "CRM"}, "RequestBodyRead"),
        ({"attendees": ["bob@customer.example"]}, "RequestBodyRead"),
        ({"reminderMinutesBeforeStart": -5}, "ErrorPropertyValidationFailure"),
        ({"body": {"type": "html", "content": "x"}}, "RequestBodyRead"),
        ({"id": "AAMk"}, "ErrorPropertyValidationFailure"),
        ({"end": at("08:00:00")}, "ErrorPropertyValidationFailure"),
        ({"isAllDay": True}, "ErrorPropertyValidationFailure"),
        ({"start": at("08:30:00", "Mars/Olympus")}, "TimeZoneNotSupportedException"),
        ({"start": {"dateTime": "tomorrow", "timeZone": "UTC"}}, "ErrorInvalidRequest"),
        ({"singleValueExtendedProperties": [{"id": "Colour", "value": "x"}]}, "ErrorInvalidPropertyId"),
    ],
)
def test_what_an_event_cannot_be_is_refused(
    graph_client: Asker, graph_anna: Mailbox, wrong: dict[str, Any], code: str
) -> None:
    """400 with the reason, and nothing is written."""
    assert graph_client.refused(400, "POST", f"{ANNA}/events", json=reminder(**wrong)) == code
    assert graph_anna.calendars.events() == []


def test_a_named_calendar_is_made_once(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Another one of the same name is refused; its events are not those of the default one."""
    made = graph_client.ask("POST", f"{ANNA}/calendars", json={"name": "Follow-ups"})
    assert made.status_code == 201
    calendar = made.json()["id"]
    assert graph_client.refused(409, "POST", f"{ANNA}/calendars", json={"name": "follow-ups"}) == "ErrorFolderExists"
    listed = graph_client.get(f"{ANNA}/calendars")["value"]
    assert [(one["name"], one["isDefaultCalendar"]) for one in listed] == [("Calendar", True), ("Follow-ups", False)]
    event = graph_client.ask("POST", f"{ANNA}/calendars/{calendar}/events", json=reminder()).json()
    assert graph_client.get(f"{ANNA}/events")["value"] == []
    assert graph_client.get(f"{ANNA}/calendars/{calendar}/events")["value"][0]["id"] == event["id"]
    assert graph_client.get(f"{ANNA}/events/{event['id']}")["id"] == event["id"]
    assert graph_anna.calendars.find(calendar).name == "Follow-ups"


def test_what_the_owner_does_is_read_back_by_the_delta_of_a_view(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Moved, renamed, given a category, deleted; what lies outside the view comes as removed."""
    for key in ("moved", "done", "deleted", "far"):
        create(graph_client, key=key, subject=key)
    events = {event.subject: event for event in graph_anna.calendars.events()}
    every, link = graph_client.round(VIEW, **IMMUTABLE)
    assert {entry["subject"] for entry in every} == set(events)
    assert graph_client.round(link, **IMMUTABLE)[0] == []

    later = datetime(2026, 12, 2, 9, tzinfo=UTC)
    graph_anna.calendars.reschedule(events["moved"], later, later + timedelta(minutes=15))
    graph_anna.calendars.change(events["done"], categories=["Done"], subject="was done")
    graph_anna.calendars.delete(events["deleted"])
    graph_anna.calendars.reschedule(events["far"], later + timedelta(days=300), later + timedelta(days=301))
    told = {entry["id"]: entry for entry in graph_client.round(link, **IMMUTABLE)[0]}
    assert told[events["moved"].immutable_id]["start"]["dateTime"] == "2026-12-02T09:00:00.0000000"
    assert told[events["done"].immutable_id]["categories"] == ["Done"]
    assert told[events["deleted"].immutable_id]["@removed"] == {"reason": "deleted"}
    assert told[events["far"].immutable_id]["@removed"] == {"reason": "deleted"}


def test_a_reminder_that_was_put_off_or_dismissed_shows(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Snoozing moves PidLidReminderSignalTime, dismissing turns the reminder off; both are changes of the event."""
    event = create(graph_client)
    (known,) = graph_anna.calendars.events()
    path = f"{ANNA}/events/{event['id']}?$expand=singleValueExtendedProperties($filter=id eq '{SIGNAL}')"

    def signal() -> list[str]:
        return [one["value"] for one in graph_client.get(path).get("singleValueExtendedProperties", [])]

    assert signal() == ["2026-12-01T07:30:00Z"]
    _, link = graph_client.round(VIEW)
    graph_anna.calendars.snooze(known, datetime(2026, 12, 1, 9, tzinfo=UTC))
    assert signal() == ["2026-12-01T09:00:00Z"]
    assert known.remind_at == datetime(2026, 12, 1, 9, tzinfo=UTC)
    (told,), link = graph_client.round(link)
    assert (told["isReminderOn"], told["start"]) == (True, event["start"])
    graph_anna.calendars.dismiss(known)
    assert signal() == []
    assert graph_client.round(link)[0][0]["isReminderOn"] is False


def test_a_client_may_snooze_and_dismiss(graph_client: Asker, graph_anna: Mailbox) -> None:
    """The actions snoozeReminder and dismissReminder."""
    path = f"{ANNA}/events/{create(graph_client)['id']}"
    (known,) = graph_anna.calendars.events()
    until = {"newReminderTime": at("10:00:00")}
    assert graph_client.ask("POST", f"{path}/snoozeReminder", json=until).status_code == 202
    assert known.remind_at == datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert graph_client.ask("POST", f"{path}/dismissReminder").status_code == 202
    assert known.remind_at is None


def test_the_delta_of_a_view_takes_bounds_and_no_other_options(graph_client: Asker) -> None:
    """event: delta: startDateTime and endDateTime at first, never $select, $filter, $expand, $orderby or $search."""
    assert graph_client.refused(400, "GET", f"{ANNA}/calendarView/delta") == "ErrorInvalidParameter"
    for option in ("$select=subject", f"{EXPAND}", "$filter=isAllDay eq false", "$orderby=subject"):
        assert graph_client.refused(400, "GET", f"{VIEW}&{option}") == "ErrorInvalidUrlQuery"


def test_a_view_holds_what_overlaps_it(graph_client: Asker, graph_anna: Mailbox) -> None:
    """calendarView: also an event that began before and ends within."""
    day = datetime(2026, 12, 1, tzinfo=UTC)
    for hours in ((-5, -1), (-1, 1), (3, 4), (23, 30), (24, 25)):
        start, end = (day + timedelta(hours=hour) for hour in hours)
        graph_anna.calendars.add(start, end, subject=str(hours))
    found = graph_client.get(f"{ANNA}/calendarView?startDateTime=2026-12-01T00:00:00&endDateTime=2026-12-02T00:00:00")
    assert [one["subject"] for one in found["value"]] == ["(-1, 1)", "(3, 4)", "(23, 30)"]
    late = f"{ANNA}/events?$filter=start/dateTime ge '2026-12-01T03:00:00'&$orderby=start/dateTime desc&$select=subject"
    assert [one["subject"] for one in graph_client.get(late)["value"]] == ["(24, 25)", "(23, 30)", "(3, 4)"]


def test_a_calendar_holds_what_others_wrote_too(graph_client: Asker, graph_anna: Mailbox) -> None:
    """An occurrence of a series, a meeting to which somebody else invited."""
    now = datetime(2026, 12, 1, tzinfo=UTC)
    boss = {"emailAddress": {"name": "Boss", "address": "boss@firm.example"}}
    graph_anna.calendars.add(now, now + timedelta(hours=1), type="occurrence", seriesMasterId="AAMkAD1")
    graph_anna.calendars.add(now, now + timedelta(hours=1), isOrganizer=False, organizer=boss, subject="Jour fixe")
    series, meeting = graph_client.round(VIEW)[0]
    assert (series["type"], series["seriesMasterId"]) == ("occurrence", "AAMkAD1")
    assert (meeting["isOrganizer"], meeting["organizer"], meeting["type"]) == (False, boss, "singleInstance")


def test_attendees_that_a_client_names_are_on_record(graph_client: Asker, graph_anna: Mailbox) -> None:
    """A client that only reminds must never invite; the record shows one that did, and no meeting of the owner's."""
    create(graph_client)
    now = datetime(2026, 12, 1, tzinfo=UTC)
    guest = {"emailAddress": {"address": "bob@customer.example"}, "type": "required"}
    graph_anna.calendars.add(now, now + timedelta(hours=1), attendees=[guest])
    assert len(graph_anna.calendars.written) == 1
    assert graph_anna.calendars.attendees_written == []
    create(graph_client, key="k2", attendees=[guest])
    assert [body["subject"] for body in graph_anna.calendars.attendees_written] == ["Call Bob"]


def test_writing_needs_more_than_reading(graph_client: Asker, graph_tenant: Tenant) -> None:
    """Calendars.Read: events are seen, not made."""
    graph_client.application = graph_tenant.application(roles={"Calendars.Read"})
    graph_client.sign_in()
    assert graph_client.get(f"{ANNA}/events")["value"] == []
    assert graph_client.refused(403, "POST", f"{ANNA}/events", json=reminder()) == "ErrorAccessDenied"
    assert graph_client.refused(403, "POST", f"{ANNA}/calendars", json={"name": "x"}) == "ErrorAccessDenied"
