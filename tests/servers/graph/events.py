"""Requests about calendars and events. "Create event", "Update event", "event: delta", "Create singleValue property".

What the documentation says of transactionId: a second POST with the same one and the same content answers 201 with the
event that is there; with another content it is refused. It is remembered only for a while (`transaction_memory`,
seconds) and while the event stands: a client that needs more searches for a property of its own before it creates.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.servers.graph import delta, filters, mime, refusals, zones
from tests.servers.graph import event_rules as rules
from tests.servers.graph.calendar import DEFAULTS, SIGNAL_TIME, Calendar, Event
from tests.servers.graph.mail import collection
from tests.servers.graph.mailbox import Mailbox
from tests.servers.graph.odata import Call, Expand, chosen, expands, names
from tests.servers.graph.properties import canonical, wanted_properties
from tests.servers.graph.web import Answer

_NOT_IN_DELTA = ("$select", "$expand", "$filter", "$orderby", "$search")


# Calendars.


def list_calendars(call: Call, mailbox: Mailbox) -> Answer:
    """`/users/x/calendars`."""
    found = list(mailbox.calendars.all.values())
    if "$filter" in call.query:
        test = filters.compiled(call.query["$filter"])
        found = [calendar for calendar in found if test(_calendar_entity(mailbox, calendar))]
    texts = [json.dumps(_shown_calendar(call, mailbox, calendar)) for calendar in found]
    return collection(call, f"users('{mailbox.user.id}')/calendars", texts)


def get_calendar(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/calendar` and `/users/x/calendars/y`."""
    return Answer.of(_shown_calendar(call, mailbox, _calendar(mailbox, keys)))


def create_calendar(call: Call, mailbox: Mailbox) -> Answer:
    """POST `/users/x/calendars` {"name": ...}; a second one of the same name is refused."""
    wanted = call.json()
    if not isinstance(wanted.get("name"), str) or not wanted["name"].strip():
        raise refusals.bad_request("The calendar needs a name.", "ErrorInvalidRequest")
    if wanted["name"].lower() in [calendar.name.lower() for calendar in mailbox.calendars.all.values()]:
        message = "A folder with the specified name already exists., Could not create folder"
        raise refusals.Refuse(409, "ErrorFolderExists", message)
    calendar = mailbox.calendars.create(wanted["name"])
    return Answer.of(_shown_calendar(replace(call, query={}), mailbox, calendar), 201)


def delete_calendar(call: Call, mailbox: Mailbox, key: str) -> Answer:
    """DELETE `/users/x/calendars/y`; the default one stays."""
    calendar = mailbox.calendars.find(key)
    if calendar.default:
        raise refusals.bad_request("The default calendar cannot be deleted.", "ErrorDeleteDistinguishedFolder")
    mailbox.calendars.remove(calendar)
    return Answer(204)


def _calendar(mailbox: Mailbox, keys: Sequence[str]) -> Calendar:
    return mailbox.calendars.find(keys[0]) if keys else mailbox.calendars.default


def _calendar_entity(mailbox: Mailbox, calendar: Calendar) -> dict[str, Any]:
    return {
        "id": calendar.id,
        "name": calendar.name,
        "color": "auto",
        "hexColor": "",
        "isDefaultCalendar": calendar.default,
        "changeKey": f"ZlnW4RIAV06K{len(calendar.name):04d}",
        "canShare": True,
        "canViewPrivateItems": True,
        "canEdit": True,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": calendar.default,
        "isRemovable": not calendar.default,
        "owner": {"name": mailbox.user.name, "address": mailbox.address},
    }


def _shown_calendar(call: Call, mailbox: Mailbox, calendar: Calendar) -> dict[str, Any]:
    entity = _calendar_entity(mailbox, calendar)
    return chosen(entity, names(call.query.get("$select")), frozenset(entity), "calendar")


# Reading events.


def list_events(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/events` (of the default calendar) and `/users/x/calendars/y/events`."""
    found = _filtered(call, mailbox.calendars.events(_calendar(mailbox, keys)))
    return collection(call, f"users('{mailbox.user.id}')/events", [_text(call, event) for event in found])


def get_event(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/events/y`, in whichever calendar, and `/users/x/calendars/z/events/y`."""
    event = _event(mailbox, keys)
    context = f"{call.base}/$metadata#users('{mailbox.user.id}')/events/$entity"
    return Answer.of({"@odata.context": context, **_shown(call, event)}, 200, _applied(call))


def calendar_view(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/calendarView?startDateTime=&endDateTime=`."""
    start, end = _window(call)
    found = [event for event in mailbox.calendars.events(_calendar(mailbox, keys)) if event.overlaps(start, end)]
    texts = [_text(call, event) for event in sorted(_filtered(call, found), key=lambda event: event.start)]
    return collection(call, f"users('{mailbox.user.id}')/calendarView", texts)


def view_delta(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/calendarView/delta`: changes within a range; what changed outside it comes as removed."""
    return _delta(call, mailbox, keys, "calendarView", ranged=True)


def events_delta(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """`/users/x/events/delta`: changes of a whole calendar."""
    return _delta(call, mailbox, keys, "events", ranged=False)


def _delta(call: Call, mailbox: Mailbox, keys: Sequence[str], what: str, *, ranged: bool) -> Answer:
    calendar, calendars = _calendar(mailbox, keys), mailbox.calendars
    wrong = [name for name in _NOT_IN_DELTA if name in call.query]
    if wrong:
        message = (
            f"The following parameters are not supported with change tracking over the '{what}' resource: {wrong}."
        )
        raise refusals.bad_request(message, "ErrorInvalidUrlQuery")
    resumed = "$skiptoken" in call.query or "$deltatoken" in call.query
    if ranged and not resumed:
        _window(call)
    start = f"/users('{mailbox.user.id}')" + (f"/calendars('{calendar.id}')" if keys else "")
    tracked = delta.Tracked(
        resource=f"{what} {calendar.id}",
        path=f"{start}/{what}/delta",
        context="Collection(event)",
        sequence=calendars.sequence,
        start=lambda asked: [event for event in calendars.events(calendar) if not ranged or _inside(asked, event)],
        changes=lambda _, since: calendar.since(since),
        show=lambda asked, event: _changed(asked, event, ranged=ranged),
    )
    return delta.page(call, tracked, mailbox.tokens, mailbox.link_expiry)


def _changed(call: Call, event: Event, *, ranged: bool) -> str:
    if event.deleted or (ranged and not _inside(call, event)):
        return json.dumps(
            {
                "@odata.type": "#microsoft.graph.event",
                "id": event.immutable_id if call.immutable else event.id,
                "@removed": {"reason": "deleted"},
            }
        )
    return json.dumps({"@odata.type": "#microsoft.graph.event", **_shown(call, event)})


def _inside(call: Call, event: Event) -> bool:
    return event.overlaps(*_window(call))


def _window(call: Call) -> tuple[datetime, datetime]:
    given = {name.lower(): value for name, value in call.query.items()}
    start, end = (zones.bound(given.get(name.lower()), name) for name in ("startDateTime", "endDateTime"))
    if end < start:
        raise refusals.bad_request("The start of the window is after its end.", "ErrorInvalidParameter")
    return start, end


def _filtered(call: Call, events: Sequence[Event]) -> Sequence[Event]:
    """By `$filter`, in the order of `$orderby`."""
    if "$filter" in call.query:
        test = filters.compiled(call.query["$filter"])
        events = [event for event in events if test(_filterable(event))]
    return filters.ordered(events, call.query["$orderby"], _filterable) if "$orderby" in call.query else events


def _filterable(event: Event) -> dict[str, Any]:
    properties = [{"id": name, "value": value} for name, value in event.properties().items()]
    return {**event.entity("UTC"), "id": event.id, "singleValueExtendedProperties": properties}


def _text(call: Call, event: Event) -> str:
    return json.dumps(_shown(call, event), ensure_ascii=False)


def _shown(call: Call, event: Event) -> dict[str, Any]:
    entity = event.entity(zones.shown_in(call.prefer.get("outlook.timezone")))
    entity["id"] = event.immutable_id if call.immutable else event.id
    if call.text_bodies and entity["body"]["contentType"] == "html":
        entity["body"] = {"contentType": "text", "content": mime.plain(entity["body"]["content"])}
    shown = chosen(entity, names(call.query.get("$select")), rules.PROPERTIES, "event")
    for expand in expands(call.query.get("$expand")):
        shown |= _expanded(event, expand)
    return shown


def _expanded(event: Event, expand: Expand) -> dict[str, Any]:
    known = event.properties()
    wanted = map(canonical, wanted_properties(expand))
    found = [{"id": name, "value": known[name]} for name in wanted if name in known]
    return {"singleValueExtendedProperties": found} if found else {}


def _applied(call: Call) -> dict[str, str]:
    zone = call.prefer.get("outlook.timezone")
    return {"Preference-Applied": f'outlook.timezone="{zone}"'} if zone else {}


def _event(mailbox: Mailbox, keys: Sequence[str]) -> Event:
    event = mailbox.calendars.event(keys[-1])
    if len(keys) > 1 and mailbox.calendars.find(keys[0]) is not event.calendar:
        raise refusals.item_not_found()
    return event


# Writing events.


def create_event(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """POST to `/users/x/events`, `/users/x/calendar/events` or `/users/x/calendars/y/events`."""
    calendar, wanted = _calendar(mailbox, keys), call.json()
    rules.check(wanted)
    if "start" not in wanted or "end" not in wanted:
        raise rules.invalid("start and end are required")
    known = _known_transaction(mailbox, wanted)
    if known is None:
        known = _create(mailbox, calendar, wanted)
    asked = replace(call, query={key: value for key, value in call.query.items() if key == "$expand"})
    context = f"{call.base}/$metadata#users('{mailbox.user.id}')/calendars('{known.calendar.id}')/events/$entity"
    shown = {"@odata.context": context, **_shown(asked, known)}
    return Answer.of(shown, 201, {"Location": f"{call.base}/users('{mailbox.user.id}')/events('{known.id}')"})


def change_event(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """PATCH; with `If-Match` only the state that the client has seen."""
    event, wanted = _event(mailbox, keys), call.json()
    _check_match(call, event)
    rules.check(wanted)
    if wanted.get("transactionId", event.fields["transactionId"]) != event.fields["transactionId"]:
        raise rules.invalid("transactionId cannot be changed")
    mailbox.calendars.written.append(wanted)
    _apply(mailbox, event, wanted)
    mailbox.calendars.touch(event)
    return get_event(replace(call, query={}), mailbox, event.id)


def delete_event(call: Call, mailbox: Mailbox, *keys: str) -> Answer:
    """DELETE; with `If-Match` only the state that the client has seen."""
    event = _event(mailbox, keys)
    _check_match(call, event)
    mailbox.calendars.delete(event)
    return Answer(204)


def dismiss_reminder(call: Call, mailbox: Mailbox, key: str) -> Answer:
    """POST .../dismissReminder."""
    mailbox.calendars.dismiss(mailbox.calendars.event(key))
    return Answer(202)


def snooze_reminder(call: Call, mailbox: Mailbox, key: str) -> Answer:
    """POST .../snoozeReminder {"newReminderTime": ...}."""
    mailbox.calendars.snooze(mailbox.calendars.event(key), zones.read(call.json().get("newReminderTime")))
    return Answer(202)


def _known_transaction(mailbox: Mailbox, wanted: Mapping[str, Any]) -> Event | None:
    """The event that this transaction has made already. Refused if it was for something else."""
    transaction = wanted.get("transactionId")
    if not transaction or transaction not in mailbox.transactions:
        return None
    content, key, at = mailbox.transactions[transaction]
    if time.monotonic() - at > mailbox.transaction_memory:
        return None
    if content != json.dumps(wanted, sort_keys=True):
        message = "The TransactionId specified in the request has already been used to create a different event."
        raise refusals.Refuse(409, "ErrorDuplicateTransactionId", f"Your request can't be completed. {message}")
    return next((event for event in mailbox.calendars.events() if event.id == key), None)


def _create(mailbox: Mailbox, calendar: Calendar, wanted: Mapping[str, Any]) -> Event:
    start, end = zones.read(wanted["start"]), zones.read(wanted["end"])
    rules.check_times(start, end)
    if wanted.get("isAllDay"):
        rules.check_all_day(wanted["start"], wanted["end"])
    event = mailbox.calendars.add(start, end, calendar)
    _apply(mailbox, event, wanted)
    mailbox.calendars.written.append(dict(wanted))
    if wanted.get("transactionId"):
        content = json.dumps(wanted, sort_keys=True)
        mailbox.transactions[str(wanted["transactionId"])] = (content, event.id, time.monotonic())
    return event


def _apply(mailbox: Mailbox, event: Event, wanted: Mapping[str, Any]) -> None:
    start = zones.read(wanted["start"]) if "start" in wanted else event.start
    end = zones.read(wanted["end"]) if "end" in wanted else event.end
    rules.check_times(start, end)
    if start != event.start or "reminderMinutesBeforeStart" in wanted:
        event.extended.pop(SIGNAL_TIME, None)
    event.start, event.end = start, end
    event.start_zone = (wanted.get("start") or {}).get("timeZone") or event.start_zone
    event.end_zone = (wanted.get("end") or {}).get("timeZone") or event.end_zone
    mailbox.calendars.set_extended(event, wanted.get("singleValueExtendedProperties") or [])
    event.fields |= {name: rules.usual(name, value) for name, value in wanted.items() if name in DEFAULTS}


def _check_match(call: Call, event: Event) -> None:
    wanted = call.headers.get("if-match", "*")
    if wanted not in ("*", event.etag):
        message = "The change key passed in the request does not match the current change key for the item."
        raise refusals.Refuse(412, "ErrorIrresolvableConflict", message)
