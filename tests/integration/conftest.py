"""Fixtures of this folder."""

from tests.integration.graph_lab import graph_anna, graph_client
from tests.storefixtures import database, database_url, hasher, postgres_template, sqlite_template

__all__ = [
    "database",
    "database_url",
    "graph_anna",
    "graph_client",
    "hasher",
    "postgres_template",
    "sqlite_template",
]
