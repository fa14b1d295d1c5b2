"""A meeting with a contact is over, and nobody of ours has written to them since."""

from collections.abc import Iterator
from datetime import datetime, time
from zoneinfo import ZoneInfo

from agent.reminders.calendar_days import local_day
from agent.reminders.rules.base import Item, Ledger, Party, Terms, Wanted, day_text
from config.model import MeetingFollowUp

RULE = "meeting_follow_up"
_LAST_HOUR = time(18, 0)
"""Nothing is due in the evening."""


def meeting_follow_up(ledger: Ledger, terms: Terms, *, chosen: MeetingFollowUp) -> Iterator[Wanted]:
    """One reminder a meeting: for the mailbox whose customer was there, else the first of ours that took part."""
    for meeting in ledger.meetings:
        if meeting.ends_at is None or meeting.ends_at > terms.now or not meeting.parties:
            continue
        contact = _contact(meeting)
        if _follower(meeting, contact) == terms.mailbox and not _is_followed(meeting, ledger):
            yield _wanted(meeting, meeting.ends_at, contact, chosen, terms)


def _contact(meeting: Item) -> Party:
    """A customer of somebody who was there, else whoever is named first."""
    return next((party for party in meeting.parties if party.owner in meeting.addressed), meeting.parties[0])


def _follower(meeting: Item, contact: Party) -> str | None:
    return contact.owner if contact.owner in meeting.addressed else next(iter(meeting.addressed), None)


def _is_followed(meeting: Item, ledger: Ledger) -> bool:
    """A mail to, or a call with, anybody who was there, since it began."""
    touches = (item for party in meeting.parties for item in ledger.touches.get(party.contact_id, ()))
    return any(
        item.occurred_at > meeting.occurred_at
        and (item.kind == "call" or (item.kind == "email" and item.direction == "outbound"))
        for item in touches
    )


def _wanted(meeting: Item, ended: datetime, contact: Party, chosen: MeetingFollowUp, terms: Terms) -> Wanted:
    met_on = local_day(meeting.occurred_at, terms.zone)
    return Wanted(
        rule=RULE,
        mailbox=terms.mailbox,
        contact_id=contact.contact_id,
        reason=meeting.id,
        reason_at=ended,
        due=_due(ended, chosen, terms),
        title=f"Follow up the meeting: {contact.label}",
        why=f"You met {contact.label} on {day_text(met_on)}, and nobody has written since.",
        label=contact.label,
        about=meeting.subject,
        interaction_id=meeting.id,
    )


def _due(ended: datetime, chosen: MeetingFollowUp, terms: Terms) -> datetime:
    """By the hour while people work, else on the next working morning."""
    wall = (ended + chosen.after).astimezone(ZoneInfo(terms.zone)).replace(tzinfo=None, second=0, microsecond=0)
    if not terms.days.is_working(wall.date()) or wall.time() > _LAST_HOUR:
        return datetime.combine(terms.days.after(wall.date()), terms.at)
    return max(wall, datetime.combine(wall.date(), terms.at))
