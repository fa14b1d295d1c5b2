"""Fixtures of this folder."""

from tests.integration.people_desk import deliver, firm, user
from tests.storefixtures import database, database_url, hasher, postgres_template, sqlite_template

__all__ = ["database", "database_url", "deliver", "firm", "hasher", "postgres_template", "sqlite_template", "user"]
