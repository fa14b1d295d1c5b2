"""Contacts, their addresses and their companies."""

import sqlalchemy as sa

from agent.store.columns import Instant
from agent.store.tables.base import metadata, to

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
    sa.Column("company_id", sa.ForeignKey("companies.id", ondelete="SET NULL"), index=True),
    sa.Column("title", sa.String, nullable=False, default=""),
    sa.Column("owner", sa.String, nullable=False, default="", index=True),  # a mailbox address, as people wrote it
    sa.Column("stage", sa.String, nullable=False, default=""),
    sa.Column("phones", sa.JSON, nullable=False),
    sa.Column("fields", sa.JSON, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),  # import | add | mail
    sa.Column("created_at", Instant, nullable=False),
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
