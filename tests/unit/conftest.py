"""Fixtures of this folder."""

from tests.storefixtures import database, database_url, hasher, postgres_template, sqlite_template

__all__ = ["database", "database_url", "hasher", "postgres_template", "sqlite_template"]
