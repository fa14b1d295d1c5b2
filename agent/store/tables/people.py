"""Contacts, their addresses and their companies, and what people decided about them."""

import sqlalchemy as sa

from agent.store.columns import Instant
from agent.store.tables.base import metadata, row_id, to

companies = sa.Table(
    "companies",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
)

company_domains = sa.Table(
    "company_domains",
    metadata,
    sa.Column("domain", sa.String, primary_key=True),  # registrable
    to("companies.id", "company_id", primary=True),
    sa.Column("stated", sa.Boolean, nullable=False, default=False),  # by a person; else seen in a contact's address
    sa.Index(None, "company_id"),
)

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False, default=""),
    sa.Column("name_key", sa.String, nullable=False, default="", index=True),  # of a full name (matchers.names), or ''
    sa.Column(
        "short_key", sa.String, nullable=False, default=""
    ),  # its initial and family name (matchers.names), or ''
    sa.Column("inner_key", sa.String, nullable=False, default=""),  # the same with the family name before the last
    sa.Column("company_id", sa.ForeignKey("companies.id", ondelete="SET NULL")),
    sa.Column("title", sa.String, nullable=False, default=""),
    sa.Column("owner", sa.String, nullable=False, default="", index=True),  # a mailbox address, as people wrote it
    sa.Column("stage", sa.String, nullable=False, default=""),
    sa.Column("phones", sa.JSON, nullable=False),
    sa.Column("fields", sa.JSON, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),  # import | add | mail | mailbox
    sa.Column("created_at", Instant, nullable=False),
    sa.Index(None, "company_id", "short_key"),
    sa.Index(
        "ix_contacts_company_id_inner_key",
        "company_id",
        "inner_key",
        sqlite_where=sa.text("inner_key <> ''"),
    ),
)

contact_emails = sa.Table(
    "contact_emails",
    metadata,
    to("contacts.id", "contact_id", primary=True),
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
    to("contacts.id", "contact_id", primary=True),
    sa.Column("system", sa.String, primary_key=True),
    sa.Column("external_id", sa.String, nullable=False),
    sa.Index(None, "system", "external_id"),
)

merges = sa.Table(
    "merges",
    metadata,
    row_id(),  # in the order in which they were made: the last one is undone first
    sa.Column("kept_id", sa.ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("gone_id", sa.String, nullable=False),
    sa.Column("gone", sa.JSON, nullable=False),  # the contact that went, as it stood
    sa.Column("kept", sa.JSON, nullable=False),  # the contact that stays, as it stood before
    sa.Column("moved", sa.JSON, nullable=False),  # rulings, signals, reminders and earlier merges that moved with it
    sa.Column("made_at", Instant, nullable=False),
)

merged_links = sa.Table(
    "merged_links",
    metadata,
    to("merges.id", "merge_id", primary=True),
    to("interactions.id", "interaction_id", primary=True),
    sa.Column("of_kept", sa.Boolean, primary_key=True),  # whose link it was before the merge
    sa.Column("role", sa.String, nullable=False),
    sa.Column("email", sa.String, nullable=False),
    sa.Column("rule", sa.String, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("origin", sa.String, nullable=False),
    sa.Index(None, "interaction_id"),
)

never_log = sa.Table(
    "never_log",
    metadata,
    sa.Column("match_key", sa.String, primary_key=True),  # whose mail somebody said is never to be kept
    sa.Column("made_at", Instant, nullable=False),
)

suggestions = sa.Table(
    "suggestions",
    metadata,
    sa.Column("match_key", sa.String, primary_key=True),  # no contact has it
    sa.Column("contact_id", sa.String, primary_key=True, default=""),  # whose it may be; '': of nobody known, we wrote
    sa.Column("address", sa.String, nullable=False),  # '' once refused, like the name
    sa.Column("name", sa.String, nullable=False, default=""),
    sa.Column("rule", sa.String, nullable=False, default=""),  # thread | name: why it may be the contact's
    sa.Column("refused", sa.Boolean, nullable=False, default=False),  # it is not suggested again
    sa.Column("made_at", Instant, nullable=False),
    sa.Index("ix_suggestions_refused", "match_key", "contact_id", sqlite_where=sa.text("refused = 1")),
)
