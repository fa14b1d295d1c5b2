"""Reminders, their calendar items, meetings and absences, and how far each calendar was read."""

import sqlalchemy as sa

from agent.store.columns import Hash, Instant
from agent.store.tables.base import metadata, to

reminders = sa.Table(
    "reminders",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # keyed hash of (rule, mailbox, contact, reason)
    sa.Column("rule", sa.String, nullable=False),
    to("mailboxes.id", "mailbox_id"),
    sa.Column("contact_id", sa.ForeignKey("contacts.id", ondelete="CASCADE"), index=True),
    sa.Column("thread_id", sa.String, index=True),
    sa.Column("interaction_id", sa.ForeignKey("interactions.id", ondelete="SET NULL")),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("why", sa.String, nullable=False),
    sa.Column("about", sa.String),  # the subject, where it may be shown
    sa.Column("planned", sa.String, nullable=False),  # due as the rule gave it, before mornings and caps
    sa.Column("due", sa.String, nullable=False),  # where it stands; wall time, ISO 8601 without offset
    sa.Column("timezone", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),  # suggested|pending|in-calendar|done|snoozed|…
    sa.Column("bundle_id", sa.String, index=True),  # the reminder whose calendar item it stands in, None: its own
    sa.Column("set_aside", sa.String),  # the state it had when its mailbox left the configuration
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Index(None, "mailbox_id", "state"),
    # asked of every interaction that goes
    sa.Index("ix_reminders_interaction_id", "interaction_id", sqlite_where=sa.text("interaction_id IS NOT NULL")),
)

calendar_items = sa.Table(
    "calendar_items",
    metadata,
    sa.Column("uid", sa.String, primary_key=True),
    sa.Column("place", sa.String, primary_key=True),  # which calendar: after a move it stands in two for a while
    to("mailboxes.id", "mailbox_id"),
    sa.Column("reminder_id", sa.String, nullable=False, index=True),
    sa.Column("intent", sa.String),  # create | update | delete; None: confirmed
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_try", Instant),
    sa.Column("last_error", sa.String),
    sa.Column("href", sa.String),
    sa.Column("etag", sa.String),
    sa.Column("unread", sa.Boolean, nullable=False, default=False),  # created after the last reading
    sa.Column("wanted", sa.JSON),  # the item as it should stand
    sa.Column("written", sa.JSON),  # the item as we last wrote it: what the user changed is the difference
    sa.Column("kept", sa.JSON),  # what the user made of it and keeps: title, description, done
    sa.Index(None, "mailbox_id", "intent"),
)

calendars = sa.Table(
    "calendars",
    metadata,
    to("mailboxes.id", "mailbox_id", primary=True),
    sa.Column("place", sa.String, primary_key=True),  # digest of where it is
    sa.Column("described", sa.JSON),  # how to open it once more; secrets are references here as in the configuration
    sa.Column("left_at", Instant),  # since when the configuration does not name it any more; its items are to go
    sa.Column("cursor", sa.Text),
    sa.Column("fault", sa.String),
    sa.Column("read_at", Instant),
    sa.Column("next_try", Instant),  # not before then, after the server refused or failed
)

meeting_places = sa.Table(
    "meeting_places",
    metadata,
    to("mailboxes.id", "mailbox_id", primary=True),
    sa.Column("place", sa.String, primary_key=True),  # of which calendar
    sa.Column("href", sa.String, primary_key=True),  # the appointment it belongs to; a series has many
    to("interactions.id", "interaction_id", primary=True),
    sa.Column("rank", sa.Integer, nullable=False),  # of its owner among those who take part; 0: organises it
    sa.Index(None, "interaction_id"),
)

meeting_cursors = sa.Table(
    "meeting_cursors",
    metadata,
    to("mailboxes.id", "mailbox_id", primary=True),
    sa.Column("place", sa.String, primary_key=True),
    sa.Column("cursor", sa.Text),
    sa.Column("stamp", sa.BigInteger, nullable=False, default=0),  # the directory's state that the reading rests on
    sa.Column("fault", sa.String),
    sa.Column("next_try", Instant),
)

absences = sa.Table(
    "absences",
    metadata,
    to("mailboxes.id", "mailbox_id", primary=True),
    sa.Column("source", sa.String, primary_key=True),  # replies, or the calendar's place
    sa.Column("name", sa.String, primary_key=True),  # the appointment there
    sa.Column("first_day", sa.Date, nullable=False),
    sa.Column("last_day", sa.Date),  # None: until further notice
)

feed_links = sa.Table(
    "feed_links",
    metadata,
    to("mailboxes.id", "mailbox_id", primary=True),
    sa.Column("token", Hash, nullable=False, unique=True),  # a keyed hash: the link itself is nowhere
    sa.Column("made_at", Instant, nullable=False),
)
