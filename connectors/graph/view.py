"""What changed in a calendar: rounds of a calendarView delta ("event: delta"), as ids alone.

A delta tells neither our own property nor all of an occurrence of a series, so what it names is asked for by id.
Called by `calendar`, for reminders, and by `meetings`, for appointments.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.errors import Interrupted
from connectors.graph.client import GraphClient, Query, relative, with_query
from connectors.graph.entries import Entry

LISTING_LIMIT = 50_000
ROUNDS = 2_000
_PAGE = ("odata.maxpagesize=200",)


def first_link(calendar: str, start: datetime, end: datetime) -> str:
    """Where the first round over a window begins. calendar: its path. start, end: aware."""
    window: Query = {"startDateTime": _written(start), "endDateTime": _written(end)}
    return with_query(f"{calendar}/calendarView/delta", window)


def follow(client: GraphClient, link: str) -> tuple[Sequence[str], str]:
    """Ids of what changed, whether it is there or not, and the link to go on from. Raises ConnectorError."""
    touched: dict[str, None] = {}
    for _ in range(ROUNDS):
        answer = client.get(link, prefer=_PAGE)
        touched |= {str(entry["id"]): None for entry in entries_of(answer)}
        if last := answer.get("@odata.deltaLink"):
            return list(touched), relative(str(last))
        link = str(answer.get("@odata.nextLink") or "")
        if not link or len(touched) > LISTING_LIMIT:
            break
    raise Interrupted("the changes of the calendar have no end")


def entries_of(answer: dict[str, Any]) -> list[Entry]:
    """What a page lists, as far as it has ids."""
    value = answer.get("value")
    return [one for one in value if isinstance(one, dict) and one.get("id")] if isinstance(value, list) else []


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
