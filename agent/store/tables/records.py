"""What others follow, who did what, and what belongs to the installation itself."""

import sqlalchemy as sa

from agent.store.columns import Hash, Instant
from agent.store.tables.base import BIG, metadata, row_id

installation = sa.Table(
    "installation",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("key_check", Hash, nullable=False),  # hash of a constant: says whether the key file belongs here
    sa.Column("created_at", Instant, nullable=False),
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("seq", BIG, primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.String, nullable=False),  # contact | interaction | reminder | signal, which nobody is shown
    sa.Column("event", sa.String, nullable=False),  # added | updated | logged | moved | removed | merged | erased …
    sa.Column("entity", sa.String, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sqlite_autoincrement=True,  # a deleted last row's number is never given again: tokens stay good
)

audit = sa.Table(
    "audit",
    metadata,
    row_id(),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", sa.String, nullable=False),  # the account on this machine, and for which mailbox it read
    sa.Column("what", sa.String, nullable=False),  # read-text | read-review | exported | erased
    sa.Column("entity", sa.String, nullable=False),  # its id; of an erasure nothing
)

chores = sa.Table(
    "chores",
    metadata,
    sa.Column(
        "name", sa.String, primary_key=True
    ),  # what is owed and was not done yet, and when it was last looked for what is too old
    sa.Column("since", Instant, nullable=False),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),  # encrypted with the store key
)
