"""The mailbox table is the schedule; folders and cursors say how far each was read."""

import sqlalchemy as sa

from agent.store.columns import Instant
from agent.store.tables.base import metadata, row_id, to

mailboxes = sa.Table(
    "mailboxes",
    metadata,
    row_id(),
    sa.Column("address", sa.String, nullable=False, unique=True),  # normalised
    sa.Column("written", sa.String, nullable=False, default=""),  # as the configuration writes it: what people read
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
    sa.Column("contacts_due", Instant),  # when the address book is read next, where it is; None: at once
    sa.Column("missing_folders", sa.JSON),  # configured names that no folder had at the last pass
    sa.Column("failures", sa.Integer, nullable=False, default=0),
    sa.Column("lease_owner", sa.String),
    sa.Column("lease_epoch", sa.Integer, nullable=False, default=0),
    sa.Column("lease_until", Instant),
    sa.Index(None, "next_due"),
)

mailbox_lists = sa.Table(
    "mailbox_lists",
    metadata,
    sa.Column("connector", sa.String, primary_key=True),
    sa.Column("members", sa.JSON),  # the last list that was taken; None: none was yet
    sa.Column("taken_at", Instant),
    sa.Column("fault", sa.String),  # why the last look changed nothing, None if it went well
    sa.Column("advice", sa.String),
)

folders = sa.Table(
    "folders",
    metadata,
    row_id(),
    to("mailboxes.id", "mailbox_id"),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("role", sa.String),
    sa.Column("validity", sa.String),
    sa.Column("renumberings", sa.Integer, nullable=False, default=0),  # in a row, without a quiet pass between
    sa.Column("breaks", sa.Integer, nullable=False, default=0),  # sessions that ended here, no page between
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
    to("folders.id", "folder_id", primary=True),
    sa.Column("lane", sa.String, primary_key=True),  # forward | history
    sa.Column("cursor", sa.Text, nullable=False),
    sa.Column("since", sa.Date),  # history: the floor it was read down to
    sa.Column("done", sa.Boolean, nullable=False, default=False),
)
