"""Every table, one noun each. Shelves read and write them; migrations create them; nobody else knows them.

Identity stands apart from location: an interaction is a message as people know it, a location is a place where a
server holds a copy of it. What is not logged leaves a location with a reason and keyed hashes, nothing else.
"""

import sqlalchemy as sa

from agent.store.columns import Hash, Instant

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Big = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts rows only in an INTEGER PRIMARY KEY


def _id() -> sa.Column[int]:
    return sa.Column("id", _Big, primary_key=True, autoincrement=True)


def _to(column: str, name: str, *, null: bool = False, primary: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.ForeignKey(column, ondelete="CASCADE"), nullable=null, primary_key=primary)


installation = sa.Table(
    "installation",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("key_check", Hash, nullable=False),  # hash of a constant: says whether the key file belongs here
    sa.Column("created_at", Instant, nullable=False),
)

# ── the schedule ───────────────────────────────────────────────────────────────────────────────────────────────

mailboxes = sa.Table(
    "mailboxes",
    metadata,
    _id(),
    sa.Column("address", sa.String, nullable=False, unique=True),  # normalised
    sa.Column("connector", sa.String, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, default=True),  # named in the configuration
    sa.Column("approved", sa.Boolean, nullable=False, default=True),
    sa.Column("paused", sa.Boolean, nullable=False, default=False),
    sa.Column("since", sa.Date),  # the fixed floor; None reads everything
    sa.Column("settings_digest", sa.String, nullable=False, default=""),  # a change lifts stopped and needs-sign-in
    sa.Column("problem", sa.String),  # stopped | needs-sign-in
    sa.Column("last_error", sa.String),
    sa.Column("advice", sa.String),
    sa.Column("last_attempt", Instant),
    sa.Column("last_success", Instant),
    sa.Column("caught_up_at", Instant),  # when history and forward lanes were last read to their ends
    sa.Column("next_due", Instant, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, default=0),
    sa.Column("lease_owner", sa.String),
    sa.Column("lease_epoch", sa.Integer, nullable=False, default=0),
    sa.Column("lease_until", Instant),
    sa.Index(None, "next_due"),
)

folders = sa.Table(
    "folders",
    metadata,
    _id(),
    _to("mailboxes.id", "mailbox_id"),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("role", sa.String),
    sa.Column("validity", sa.String),
    sa.Column("renumberings", sa.Integer, nullable=False, default=0),  # in a row, without a quiet pass between
    sa.Column("mark", sa.String),  # the state at which the last complete pass began
    sa.Column("absent", sa.Boolean, nullable=False, default=False),
    sa.Column("stopped", sa.String),  # why this folder alone is not read
    sa.Column("retry_at", Instant),
    sa.Column("before_start", sa.Integer, nullable=False, default=0),
    sa.Column("flags_read_at", Instant),
    sa.Column("compared_at", Instant),  # last full comparison of ids
    sa.UniqueConstraint("mailbox_id", "key"),
)

cursors = sa.Table(
    "cursors",
    metadata,
    _to("folders.id", "folder_id", primary=True),
    sa.Column("lane", sa.String, primary_key=True),  # forward | history
    sa.Column("cursor", sa.Text, nullable=False),
    sa.Column("since", sa.Date),  # history: the floor it was read down to
    sa.Column("done", sa.Boolean, nullable=False, default=False),
)

# ── mail ───────────────────────────────────────────────────────────────────────────────────────────────────────

locations = sa.Table(
    "locations",
    metadata,
    _id(),
    _to("mailboxes.id", "mailbox_id"),
    _to("folders.id", "folder_id"),
    sa.Column("validity", sa.String, nullable=False),
    sa.Column("uid", sa.String, nullable=False),
    sa.Column("message_key", Hash),  # None: the header was never handed out
    sa.Column("outcome", sa.String, nullable=False),  # logged | skipped | review | quarantined | pending
    sa.Column("reason", sa.String),  # of a skip
    sa.Column("interaction_id", sa.ForeignKey("interactions.id", ondelete="SET NULL")),
    sa.Column("size", sa.BigInteger),  # of what is kept only
    sa.Column("server_time", Instant),  # of what is kept only
    sa.Column("text_digest", Hash),  # of what is kept only
    sa.Column("decided_at", Instant, nullable=False),
    sa.Column("gone_at", Instant),
    sa.UniqueConstraint("folder_id", "validity", "uid"),
    sa.Index(None, "message_key"),
    sa.Index(None, "interaction_id"),
)

message_refs = sa.Table(
    "message_refs",
    metadata,
    sa.Column("ref", Hash, primary_key=True),  # an id that a skipped message refers to
    sa.Column("message_key", Hash, primary_key=True),
    sa.Index(None, "message_key"),
)

gaps = sa.Table(
    "gaps",
    metadata,
    _id(),
    _to("mailboxes.id", "mailbox_id"),
    _to("folders.id", "folder_id"),
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
    _to("locations.id", "location_id", primary=True),
    _to("mailboxes.id", "mailbox_id"),
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
    sa.Column("asks", sa.Boolean),  # our or their own new text asks for something; None: no text was captured
    sa.Column("words", sa.Integer),  # of the new text; None: no text was captured
    sa.Column("flagged", sa.Boolean, nullable=False, default=False),  # the salesperson's follow-up flag
    sa.Column("flag_due", sa.Date),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.UniqueConstraint("message_key", "variant"),
    sa.Index(None, "thread_id"),
    sa.Index(None, "occurred_at"),
)

texts = sa.Table(
    "texts",
    metadata,
    _to("interactions.id", "interaction_id", primary=True),
    sa.Column("text", sa.Text, nullable=False),
)

participants = sa.Table(
    "participants",
    metadata,
    _to("interactions.id", "interaction_id", primary=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("address", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False, default=""),
)

links = sa.Table(
    "links",
    metadata,
    _to("interactions.id", "interaction_id", primary=True),
    _to("contacts.id", "contact_id", primary=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("email", sa.String, nullable=False),
    sa.Column("rule", sa.String, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("origin", sa.String, nullable=False, default="automatic"),  # automatic never overwrites manual
    sa.Index(None, "contact_id"),
)

company_links = sa.Table(
    "company_links",
    metadata,
    _to("interactions.id", "interaction_id", primary=True),
    _to("companies.id", "company_id", primary=True),
    sa.Column("domain", sa.String, nullable=False),
    sa.Column("rule", sa.String, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Index(None, "company_id"),
)

thread_members = sa.Table(
    "thread_members",
    metadata,
    sa.Column("id_hash", Hash, primary_key=True),  # every id that a logged message has or refers to
    sa.Column("thread_id", sa.String, nullable=False, index=True),
)

signals = sa.Table(
    "signals",
    metadata,
    sa.Column("message_key", Hash, primary_key=True),
    _to("contacts.id", "contact_id", primary=True),
    sa.Column("kind", sa.String, primary_key=True),  # bounce | auto-reply
    sa.Column("thread_id", sa.String, index=True),
    sa.Column("occurred_at", Instant, nullable=False),
)

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # derived from (message key, variant, mailbox, address)
    _to("mailboxes.id", "mailbox_id"),
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
)

rulings = sa.Table(
    "rulings",
    metadata,
    sa.Column("message_key", Hash, primary_key=True),
    sa.Column("address", sa.String, primary_key=True),  # the participant that was in doubt
    sa.Column("contact_id", sa.ForeignKey("contacts.id", ondelete="CASCADE")),  # None: rejected
    sa.Column("made_at", Instant, nullable=False),
)

tombstones = sa.Table(
    "tombstones",
    metadata,
    sa.Column("hash", Hash, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),  # removed (a message key) | erased (an address)
    sa.Column("made_at", Instant, nullable=False),
)

# ── people ─────────────────────────────────────────────────────────────────────────────────────────────────────

companies = sa.Table(
    "companies",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
)

company_domains = sa.Table(
    "company_domains",
    metadata,
    sa.Column("domain", sa.String, primary_key=True),
    _to("companies.id", "company_id"),
)

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False, default=""),
    sa.Column("company_id", sa.ForeignKey("companies.id", ondelete="SET NULL"), index=True),
    sa.Column("title", sa.String, nullable=False, default=""),
    sa.Column("owner", sa.String, nullable=False, default="", index=True),  # a mailbox address, normalised
    sa.Column("stage", sa.String, nullable=False, default=""),
    sa.Column("phones", sa.JSON, nullable=False),
    sa.Column("fields", sa.JSON, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),  # import | add | mail
    sa.Column("created_at", Instant, nullable=False),
)

contact_emails = sa.Table(
    "contact_emails",
    metadata,
    _to("contacts.id", "contact_id", primary=True),
    sa.Column("match_key", sa.String, primary_key=True),
    sa.Column("address", sa.String, nullable=False),  # as its owner writes it
    sa.Column("is_primary", sa.Boolean, nullable=False, default=False),
    sa.Column("valid_from", sa.Date),
    sa.Column("valid_to", sa.Date),
    sa.Index(None, "match_key"),
)

external_ids = sa.Table(
    "external_ids",
    metadata,
    _to("contacts.id", "contact_id", primary=True),
    sa.Column("system", sa.String, primary_key=True),
    sa.Column("external_id", sa.String, nullable=False),
    sa.Index(None, "system", "external_id"),
)

# ── reminders ──────────────────────────────────────────────────────────────────────────────────────────────────

reminders = sa.Table(
    "reminders",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # keyed hash of (rule, mailbox, contact, reason)
    sa.Column("rule", sa.String, nullable=False),
    _to("mailboxes.id", "mailbox_id"),
    sa.Column("contact_id", sa.ForeignKey("contacts.id", ondelete="CASCADE"), index=True),
    sa.Column("thread_id", sa.String, index=True),
    sa.Column("interaction_id", sa.ForeignKey("interactions.id", ondelete="SET NULL")),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("why", sa.String, nullable=False),
    sa.Column("due", sa.String, nullable=False),  # wall time, ISO 8601 without offset
    sa.Column("timezone", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),  # pending|in-calendar|done|snoozed|dismissed|not-needed
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Index(None, "mailbox_id", "state"),
)

calendar_items = sa.Table(
    "calendar_items",
    metadata,
    sa.Column("uid", sa.String, primary_key=True),
    _to("mailboxes.id", "mailbox_id"),
    sa.Column("reminder_id", sa.String, nullable=False, index=True),
    sa.Column("intent", sa.String),  # create | update | delete; None: confirmed
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_try", Instant),
    sa.Column("last_error", sa.String),
    sa.Column("href", sa.String),
    sa.Column("etag", sa.String),
    sa.Column("written", sa.JSON),  # the item as we last wrote it: what the user changed is the difference
    sa.Index(None, "mailbox_id", "intent"),
)

calendars = sa.Table(
    "calendars",
    metadata,
    _to("mailboxes.id", "mailbox_id", primary=True),
    sa.Column("cursor", sa.Text),
    sa.Column("fault", sa.String),
    sa.Column("read_at", Instant),
)

# ── what others follow ─────────────────────────────────────────────────────────────────────────────────────────

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("seq", _Big, primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.String, nullable=False),  # contact | interaction | reminder
    sa.Column("event", sa.String, nullable=False),  # added | updated | logged | moved | removed | merged | erased …
    sa.Column("entity", sa.String, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sqlite_autoincrement=True,  # a deleted last row's number is never given again: tokens stay good
)

audit = sa.Table(
    "audit",
    metadata,
    _id(),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("what", sa.String, nullable=False),
    sa.Column("entity", sa.String, nullable=False),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),  # encrypted with the store key
)
