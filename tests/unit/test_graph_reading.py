"""What Graph answers is read whatever stands in it, and its refusals are named by what to do."""

from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connectors.errors import Conflict, ConnectorError, Fatal, NeedsSignIn, Retriable
from connectors.graph import items
from connectors.graph.entries import envelope_of, flags_of, is_whole
from connectors.graph.faults import Absent, Forbidden, Refused, Reply, Stale, Trouble, fault_of, wait_of
from connectors.graph.place import Ahead, Past, read_ahead, read_past
from connectors.graph.whole import message_of, whole_envelope
from connectors.own_property import GRAPH_ID

ODD: tuple[Any, ...] = (
    None, True, -1, 1e300, "", "\x00\ud800", [], {}, [None], [[]], [{}], [{"name": 1, "value": None}], {"name": []},
    [{"emailAddress": []}], {"emailAddress": {"address": 3}}, {"content": 5, "contentType": None}, ["a", 2, {}],
    {"dateTime": "soon", "timeZone": 7}, {"dateTime": "2026-03-02T09:00:00.0000000"}, "2026-13-99T99:99:99Z",
    [{"id": "Integer 0x36", "value": []}], {"flagStatus": 1, "dueDateTime": "x"},
    [{"size": -1, "name": None}],
)  # fmt: skip
NAMES = (
    *("subject", "from", "toRecipients", "replyTo", "internetMessageId", "receivedDateTime", "sentDateTime", "flag"),
    *("categories", "conversationIndex", "singleValueExtendedProperties", "internetMessageHeaders", "body", "start"),
    *("uniqueBody", "attachments", "@odata.type", "originalStartTimeZone", "isAllDay", "type", "attendees"),
)


@pytest.mark.parametrize("name", NAMES)
def test_no_json_raises(name: str) -> None:
    for value in ODD:
        _read({name: value, "id": "AAMk="})
        _read({**dict.fromkeys(NAMES, value), "id": "AAMk="})


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_year_that_cannot_be_moved_to_another_zone_is_no_time_of_arrival(year: str) -> None:
    assert envelope_of({"id": "AAMk=", "receivedDateTime": f"{year}-12-31T23:59:59Z"}).server_time is None


def _read(entry: dict[str, Any]) -> None:
    assert envelope_of(entry).id == whole_envelope(entry).id == message_of(entry).id == "AAMk="
    items.found_of({**entry, "singleValueExtendedProperties": [{"id": GRAPH_ID, "value": "u@i"}]})
    is_whole(entry)
    flags_of(entry)


def reply(status: int, code: str = "", **headers: str) -> Reply:
    return Reply(status=status, body={"error": {"code": code}}, headers=headers)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(400, "SyncStateNotFound"), Stale),
        (reply(410), Stale),
        (reply(400, "ErrorInvalidIdMalformed"), Absent),
        (reply(400, "BadRequest"), Refused),
        (reply(401), NeedsSignIn),
        (reply(403, "ErrorAccessDenied"), Forbidden),
        (reply(404, "ErrorItemNotFound"), Absent),
        (reply(404, "MailboxNotEnabledForRESTAPI"), Fatal),
        (reply(404, "ErrorInvalidUser"), Fatal),
        (reply(409), Conflict),
        (reply(412, "ErrorIrresolvableConflict"), Conflict),
        (reply(429), Retriable),
        (reply(500), Trouble),
        (reply(423), Retriable),
        (reply(503), Retriable),
        (Reply(status=400, body=["odd"], headers={}), Refused),
    ],
)
def test_a_refusal_is_named_by_what_to_do(answer: Reply, kind: type[ConnectorError]) -> None:
    assert type(fault_of(answer, "Mail.Read")) is kind


def test_a_code_of_the_server_is_shown_without_what_it_should_not_hold() -> None:
    assert "<" not in str(fault_of(reply(400, "<b>anna@x.example</b>"), "Mail.Read"))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("", None), ("7", 7.0), ("-3", 0.0), ("1e9", 3600.0), ("nan", None), ("soon", None), ("inf", 3600.0)],
)
def test_the_wait_that_a_server_asks_for_is_bounded(written: str, seconds: float | None) -> None:
    assert wait_of(reply(429, **{"retry-after": written})) == seconds


def test_the_wait_may_be_a_date() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    wait = wait_of(reply(503, **{"retry-after": until}))
    assert wait is not None
    assert 60 < wait <= 90


def test_cursors_are_read_back_as_they_were_written() -> None:
    past = Past(top="2026-03-02T09:00:00Z", round="open", link="/x?$skiptoken=1", floor="2026-01-01", at=("a", "b"))
    assert read_past(past.write()) == past
    ahead = Ahead(after="2026-03-02T09:00:00Z", at=("a",))
    assert read_ahead(ahead.write()) == ahead


@pytest.mark.parametrize(
    ("read", "since", "covered"),
    [
        (None, None, False),
        ("", None, True),
        ("", date(2020, 1, 1), True),
        ("2026-01-01", date(2026, 1, 1), True),
        ("2026-01-01", date(2026, 2, 1), True),
        ("2026-01-01", date(2025, 12, 31), False),
        ("2026-01-01", None, False),
    ],
)
def test_a_floor_is_covered_by_what_was_read_down_to_it(read: str | None, since: date | None, *, covered: bool) -> None:
    assert Past(top="x", round="done", read=read).covers(since) is covered


@pytest.mark.parametrize(
    ("written", "zone", "day"),
    [
        ("2026-03-10T00:00:00.0000000", "Europe/Berlin", date(2026, 3, 10)),
        ("2026-03-10T00:00:00.0000000", "America/New_York", date(2026, 3, 10)),
        ("2026-03-09T23:00:00.0000000", "Europe/Berlin", date(2026, 3, 10)),
        ("2026-03-10T04:00:00Z", "America/New_York", date(2026, 3, 10)),
    ],
)
def test_a_flag_is_due_on_the_owners_day(written: str, zone: str, day: date) -> None:
    flag = {"flagStatus": "flagged", "dueDateTime": {"dateTime": written, "timeZone": "UTC"}}
    assert flags_of({"flag": flag}, zone).flag_due == day
