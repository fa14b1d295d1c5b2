"""Mail: what is kept as interactions, where copies lie, and what is still open.

Conditions of indexes on PostgreSQL stand in the migrations alone: naming its dialect here would load it at every start.
"""

import sqlalchemy as sa

from agent.store.columns import Hash, Instant
from agent.store.tables.base import metadata, row_id, to

locations = sa.Table(
    "locations",
    metadata,
    row_id(),
    to("mailboxes.id", "mailbox_id"),
    to("folders.id", "folder_id"),
    sa.Column("validity", sa.String, nullable=False),
    sa.Column("uid", sa.String, nullable=False),
    sa.Column("message_key", Hash),  # None: the header was never handed out
    sa.Column("outcome", sa.String, nullable=False),  # logged | skipped | review | quarantined | pending
    sa.Column("reason", sa.String),  # of a skip
    sa.Column("interaction_id", sa.ForeignKey("interactions.id", ondelete="SET NULL")),
    sa.Column("size", sa.BigInteger),  # of what is kept only
    sa.Column("server_time", Instant),  # of what is kept only
    sa.Column("text_digest", Hash),  # of what is kept only
    sa.Column("flagged", sa.Boolean, nullable=False, default=False),  # the follow-up flag, of what is kept only
    sa.Column("flag_due", sa.Date),
    sa.Column("decided_at", Instant, nullable=False),
    sa.Column("gone_at", Instant),
    sa.UniqueConstraint("folder_id", "validity", "uid"),
    sa.Index(None, "message_key"),
    sa.Index("ix_locations_interaction_id", "interaction_id", sqlite_where=sa.text("interaction_id IS NOT NULL")),
    sa.Index(
        "ix_locations_flagged",
        *("mailbox_id", "gone_at", "interaction_id", "flag_due"),  # all that is asked of them
        sqlite_where=sa.text("flagged = 1"),
    ),
)

message_refs = sa.Table(
    "message_refs",
    metadata,
    sa.Column("ref", Hash, primary_key=True),  # an id that a skipped message refers to
    sa.Column("message_key", Hash, primary_key=True),
    sa.Index(None, "message_key"),
    sqlite_with_rowid=False,
)

gaps = sa.Table(
    "gaps",
    metadata,
    row_id(),
    to("mailboxes.id", "mailbox_id"),
    to("folders.id", "folder_id"),
    sa.Column("validity", sa.String, nullable=False),
    sa.Column("uid", sa.String, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("first_at", Instant, nullable=False),
    sa.Column("next_try", Instant, nullable=False),
    sa.Column("quarantined", sa.Boolean, nullable=False, default=False),
    sa.UniqueConstraint("folder_id", "validity", "uid"),
)

rereads = sa.Table(
    "rereads",
    metadata,
    to("locations.id", "location_id", primary=True),
    to("mailboxes.id", "mailbox_id"),
    sa.Column("why", sa.String, nullable=False),
    sa.Index(None, "mailbox_id"),
)

interactions = sa.Table(
    "interactions",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # derived from (message key, variant): the same after a restore
    sa.Column("message_key", Hash),  # None for calls and notes
    sa.Column("variant", sa.Integer, nullable=False, default=0),
    sa.Column("kind", sa.String, nullable=False),  # email | meeting | call | note
    sa.Column("direction", sa.String, nullable=False),
    sa.Column("occurred_at", Instant, nullable=False),
    sa.Column("date", Instant),  # the Date header, where it has a zone
    sa.Column("from_address", sa.String, nullable=False, default=""),  # normalised, for telling variants apart
    sa.Column("subject", sa.String),
    sa.Column("message_id", sa.String),
    sa.Column("thread_id", sa.String),
    sa.Column("capture", sa.String, nullable=False),
    sa.Column("rule", sa.String, nullable=False),
    sa.Column("attachments", sa.JSON, nullable=False),
    sa.Column("flagged_as", sa.JSON, nullable=False),  # defects and what else is odd about it
    sa.Column("asks", sa.Boolean),  # our or their own new text asks for something; None: no text, or too old to matter
    sa.Column("words", sa.Integer),  # of the new text; None as above
    sa.Column("holds_until", sa.Date),  # the day by which its new text promises more
    sa.Column("promises", sa.Date),  # the day by which its new text promises to do something
    sa.Column("ends_at", Instant),  # of a meeting
    sa.Column("cancelled_at", Instant),  # of a meeting: since when it is known not to take place
    sa.Column("recorded_at", Instant, nullable=False),
    sa.UniqueConstraint("message_key", "variant"),
    sa.Index(None, "thread_id"),
    sa.Index(None, "occurred_at"),
    sa.Index("ix_interactions_ends_at", "ends_at", sqlite_where=sa.text("ends_at IS NOT NULL")),
)

texts = sa.Table(
    "texts",
    metadata,
    to("interactions.id", "interaction_id", primary=True),
    sa.Column("text", sa.Text, nullable=False),
)

participants = sa.Table(
    "participants",
    metadata,
    to("interactions.id", "interaction_id", primary=True),
    sa.Column("role", sa.String, primary_key=True),
    sa.Column("address", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False, default=""),
    sa.Column("position", sa.Integer, nullable=False),  # within its header
    sa.Column("match_key", sa.String, nullable=False),  # so that a contact who comes later is found in what is kept
    sa.Column("occurred_at", Instant, nullable=False),  # of the interaction (agent.store.mail.dating)
    sa.Index(None, "match_key", "occurred_at"),
    sqlite_with_rowid=False,
)

links = sa.Table(
    "links",
    metadata,
    to("interactions.id", "interaction_id", primary=True),
    to("contacts.id", "contact_id", primary=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("email", sa.String, nullable=False),
    sa.Column("rule", sa.String, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("origin", sa.String, nullable=False, default="automatic"),  # automatic never overwrites manual
    sa.Column("occurred_at", Instant, nullable=False),  # of the interaction (agent.store.mail.dating)
    sa.Index(None, "contact_id", "occurred_at"),
    sqlite_with_rowid=False,
)

company_links = sa.Table(
    "company_links",
    metadata,
    to("interactions.id", "interaction_id", primary=True),
    to("companies.id", "company_id", primary=True),
    sa.Column("domain", sa.String, nullable=False),
    sa.Column("rule", sa.String, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Index(None, "company_id"),
    sqlite_with_rowid=False,
)

thread_members = sa.Table(
    "thread_members",
    metadata,
    sa.Column("id_hash", Hash, primary_key=True),  # every id that a logged message has or refers to
    sa.Column("thread_id", sa.String, nullable=False, index=True),
    sqlite_with_rowid=False,
)

signals = sa.Table(
    "signals",
    metadata,
    sa.Column("message_key", Hash, primary_key=True),
    to("contacts.id", "contact_id", primary=True),
    sa.Column("kind", sa.String, primary_key=True),  # bounce | auto-reply
    sa.Column("thread_id", sa.String, index=True),
    sa.Column("occurred_at", Instant, nullable=False, index=True),
    sa.Column("back_on", sa.Date),  # auto-reply: the last day of absence or the day of return that it names; no text
    sa.Index(None, "contact_id", "occurred_at"),
    sqlite_with_rowid=False,
)

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # derived from (message key, variant, mailbox, address)
    to("mailboxes.id", "mailbox_id"),
    sa.Column("message_key", Hash, nullable=False, index=True),
    sa.Column("interaction_id", sa.ForeignKey("interactions.id", ondelete="CASCADE")),  # set: logged, one doubt left
    sa.Column("state", sa.String, nullable=False),  # open | accepted | rejected
    sa.Column("address", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("rule", sa.String, nullable=False),
    sa.Column("candidates", sa.JSON, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("envelope", sa.JSON, nullable=False),  # from, to, subject, date: what a person needs to decide
    sa.Column("created_at", Instant, nullable=False),
    # asked of every interaction that goes
    sa.Index("ix_reviews_interaction_id", "interaction_id", sqlite_where=sa.text("interaction_id IS NOT NULL")),
)

rulings = sa.Table(
    "rulings",
    metadata,
    sa.Column("message_key", Hash, primary_key=True),
    sa.Column("address", sa.String, primary_key=True),  # the participant that was in doubt, '' of a message moved
    sa.Column("instead_of", sa.String, primary_key=True, default=""),  # of a message moved: from which contact, or -
    sa.Column("contact_id", sa.ForeignKey("contacts.id", ondelete="CASCADE")),  # None: rejected
    sa.Column("made_at", Instant, nullable=False),
)

tombstones = sa.Table(
    "tombstones",
    metadata,
    sa.Column("hash", Hash, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),  # erased (an address)
    sa.Column("made_at", Instant, nullable=False),
)

removals = sa.Table(
    "removals",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # of the interaction that somebody took out
    sa.Column("message_key", Hash, nullable=False, index=True),
    sa.Column("variant", sa.Integer, nullable=False),
    sa.Column("header", Hash, nullable=False),  # of From and Date, which tell variants apart
    sa.Column("made_at", Instant, nullable=False),
)

removed_sightings = sa.Table(
    "removed_sightings",
    metadata,
    to("removals.id", "removal_id", primary=True),
    to("mailboxes.id", "mailbox_id", primary=True),
    sa.Column("size", Hash, primary_key=True),  # a keyed hash too, empty if unknown
    sa.Column("text_digest", Hash, primary_key=True),  # empty if the text was not compared
)
