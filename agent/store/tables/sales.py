"""What customers bought, and the rhythm in which they do."""

import sqlalchemy as sa

from agent.store.tables.base import metadata, to

purchases = sa.Table(
    "purchases",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # keyed hash of the order, or of all that the row says
    to("contacts.id", "contact_id"),
    sa.Column("bought_on", sa.Date, nullable=False),
    sa.Column("amount", sa.String, nullable=False, default=""),  # decimal, as written
    sa.Column("currency", sa.String, nullable=False, default=""),
    sa.Column("product", sa.String, nullable=False, default=""),
    sa.Column("order_id", sa.String, nullable=False, default=""),
    sa.Index(None, "contact_id", "bought_on"),
)

rhythms = sa.Table(
    "rhythms",
    metadata,
    to("contacts.id", "contact_id", primary=True),
    sa.Column("gaps", sa.Integer, nullable=False),  # between days on which something was bought
    sa.Column("log_sum", sa.Float, nullable=False),  # of the natural logarithms of the gaps in days
    sa.Column("log_squares", sa.Float, nullable=False),
    sa.Column("last_on", sa.Date, nullable=False),
)
"""Made of the purchases of a contact whenever these change: rules ask about 100,000 buyers at once."""
