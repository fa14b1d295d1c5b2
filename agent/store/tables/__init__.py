"""Every table, one noun each. Shelves read and write them; migrations create them; nobody else knows them.

Identity stands apart from location: an interaction is a message as people know it, a location is a place where a
server holds a copy of it. What is not logged leaves a location with a reason and keyed hashes, nothing else.
"""

from agent.store.tables.base import metadata
from agent.store.tables.calendar import (
    absences,
    calendar_items,
    calendars,
    feed_links,
    meeting_cursors,
    meeting_places,
    reminders,
)
from agent.store.tables.mail import (
    company_links,
    gaps,
    interactions,
    links,
    locations,
    message_refs,
    participants,
    removals,
    removed_sightings,
    rereads,
    reviews,
    rulings,
    signals,
    texts,
    thread_members,
    tombstones,
)
from agent.store.tables.people import (
    companies,
    company_domains,
    contact_emails,
    contacts,
    external_ids,
    merged_links,
    merges,
    never_log,
    suggestions,
)
from agent.store.tables.records import audit, changes, chores, installation, tokens
from agent.store.tables.sales import purchases, rhythms
from agent.store.tables.schedule import cursors, folders, mailbox_lists, mailboxes

__all__ = [
    "absences",
    "audit",
    "calendar_items",
    "calendars",
    "changes",
    "chores",
    "companies",
    "company_domains",
    "company_links",
    "contact_emails",
    "contacts",
    "cursors",
    "external_ids",
    "feed_links",
    "folders",
    "gaps",
    "installation",
    "interactions",
    "links",
    "locations",
    "mailbox_lists",
    "mailboxes",
    "meeting_cursors",
    "meeting_places",
    "merged_links",
    "merges",
    "message_refs",
    "metadata",
    "never_log",
    "participants",
    "purchases",
    "reminders",
    "removals",
    "removed_sightings",
    "rereads",
    "reviews",
    "rhythms",
    "rulings",
    "signals",
    "suggestions",
    "texts",
    "thread_members",
    "tokens",
    "tombstones",
]
