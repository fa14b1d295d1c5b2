"""A reminder as a calendar item: its words, and where the user may add theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.event import CalendarEvent

NOTE = "Note:"
"""What the user types below this line becomes a note in the history."""
_SUBJECT_LENGTH = 200
_DONE_LOOKALIKES = ("done", "✓", "✔", "✅", "☑")


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What an item says. about: the subject, None where the capture level keeps none."""

    title: str
    why: str
    about: str | None = None


def event_for(*, uid: str, reminder: str, words: Words, due: datetime, zone: str) -> CalendarEvent:
    """The item. due: wall time in zone, one that exists."""
    return CalendarEvent(
        uid=uid, reminder=reminder, title=title_of(words), description=description_of(words), start=due, timezone=zone
    )


def title_of(words: Words) -> str:
    """On one line, and never one that would be read back as done."""
    title = " ".join(words.title.split())
    return f"Reminder: {title}" if title.casefold().startswith(_DONE_LOOKALIKES) else title


def description_of(words: Words) -> str:
    """Why, about what, and room for a note."""
    lines = [words.why]
    if words.about:
        lines.append(f"Subject: {' '.join(words.about.split())[:_SUBJECT_LENGTH]}")
    return "\n".join([*lines, "", NOTE, ""])


def note_in(description: str) -> str:
    """What stands below the last "Note:" line, '' if nothing does."""
    lines = description.splitlines()
    marks = [number for number, line in enumerate(lines) if line.strip().startswith(NOTE)]
    if not marks:
        return ""
    beside = lines[marks[-1]].strip().removeprefix(NOTE)
    return "\n".join([beside, *lines[marks[-1] + 1 :]]).strip()


def dump(event: CalendarEvent) -> dict[str, object]:
    """For a JSON column."""
    return {
        "uid": event.uid,
        "reminder": event.reminder,
        "title": event.title,
        "description": event.description,
        "start": event.start.isoformat(),
        "timezone": event.timezone,
    }


def load(content: Mapping[str, str]) -> CalendarEvent:
    """The inverse of `dump`."""
    return CalendarEvent(
        uid=content["uid"],
        reminder=content["reminder"],
        title=content["title"],
        description=content["description"],
        start=datetime.fromisoformat(content["start"]),
        timezone=content["timezone"],
    )
