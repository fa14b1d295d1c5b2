"""What the demo tells: lines for people, made of the rows that the agent's own commands print."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from agent.demo.commands import Row

SKIPS: Final = {
    "erased": "about somebody who was erased",
    "removed": "removed by hand",
    "draft": "drafts",
    "before-start": "older than the start",
    "private": "marked private by the salesperson",
    "never-log": "addresses that are never logged",
    "internal-only": "between colleagues",
    "calendar": "invitations and their answers",
    "receipt": "read receipts",
    "no-contact": "nobody in it is a contact",
    "bounce": "could not be delivered",
    "auto-reply": "automatic replies",
    "bulk": "newsletters from contacts",
}
"""Reasons for a skip in the words of the report; one that is missing here is told by its name."""


def interactions(rows: Sequence[Row]) -> Iterator[str]:
    """How many were logged, where, and the newest five."""
    texts = sum(bool(row.get("text")) for row in rows)
    joint = sum(len(row.get("mailboxes", ())) > 1 for row in rows)
    files = sum(len(row.get("attachments", ())) for row in rows)
    per_mailbox = Counter(address for row in rows for address in row.get("mailboxes", ()))
    details = f"{texts} with text, {files} attachments by name, {joint} in more than one mailbox"
    yield f"Logged: {len(rows)} interactions ({details})"
    for address, count in sorted(per_mailbox.items()):
        yield f"  {count:5}  {address}"
    yield "  the newest:"
    for row in sorted(rows, key=lambda row: str(row["occurred_at"]), reverse=True)[:5]:
        people = ", ".join(one["name"] for one in row["contacts"]) or ", ".join(c["name"] for c in row["companies"])
        yield f"    {_day(row['occurred_at'])}  {row['direction']:8}  {people}: {row['subject']}"


def skipped(rows: Sequence[Row]) -> Iterator[str]:
    """Skips by reason, over all folders of `reconcile`, and whether anything is missing."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(row["skipped"])
    yield f"Not kept: {counts.total()} messages, of which only the reason stays"
    for reason, count in counts.most_common():
        yield f"  {count:5}  {SKIPS.get(reason, reason)} ({reason})"
    on_server, missing = sum(row["on_server"] for row in rows), sum(row["missing"] for row in rows)
    yield f"Counted again on the server: {on_server} messages in {len(rows)} folders, {missing} missing"


def reviews(rows: Sequence[Row]) -> Iterator[str]:
    """What waits for somebody's decision."""
    yield f"To be decided by a person: {len(rows)} (more than one contact may be meant)"
    for row in rows:
        names = " or ".join(one["name"] for one in row.get("candidates", ()))
        yield f"    {row.get('subject', row['id'])}: {names}" if names else f"    {row['id']}"


def reminders(rows: Sequence[Row], in_calendars: int) -> Iterator[str]:
    """Every reminder with its reason, and how many items the calendar server holds."""
    yield f"Reminders: {len(rows)}, {in_calendars} of them read back from the salespeople's calendars"
    for row in rows:
        yield f"    {_day(row['due_at'])}  {row['mailbox']}: {row['title']}"
        if row.get("why"):
            yield f"                      {row['why']}"


def explained(rows: Sequence[Row]) -> Iterator[str]:
    """The decision about one message, a line a mailbox."""
    for row in rows:
        yield f"      {row['outcome']} in {row['mailbox']}: {row['sentence']}"


def _day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M}"
