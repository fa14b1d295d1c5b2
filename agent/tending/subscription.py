"""A person's reminders as one calendar to subscribe to: what would stand in a calendar that can be written. Pure."""

from agent.reminders import identity
from agent.reminders.intents import Kept, event_of
from agent.store.calendar.feed_links import Subscription
from connectors.ical import compose_feed


def calendar_of(subscription: Subscription, installation: str) -> bytes:
    """The same reminders give the same bytes, so a program that has them already is told so."""
    items = [
        (event_of(one.reminder, identity.uid(one.reminder.id, installation), Kept()), one.changed_at)
        for one in subscription.reminders
    ]
    return compose_feed(items, f"Reminders {subscription.address}")
