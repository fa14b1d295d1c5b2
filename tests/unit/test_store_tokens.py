"""Tokens are kept for the next run, and nobody reads them in the database."""

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.tables import tokens
from agent.store.tokens import StoredTokens
from connectors.oauth import TokenCache

KEY = b"0123456789abcdef" * 4
BLOB = '{"refresh_token": "a secret that opens a mailbox"}'


def test_what_was_saved_last_is_loaded(database: Database) -> None:
    cache: TokenCache = StoredTokens(database, KEY)
    cache.save("anna@ourfirm.example", "{}")
    cache.save("Anna@OurFirm.example", BLOB)

    assert StoredTokens(database, KEY).load("anna@ourfirm.example") == BLOB


def test_another_mailbox_has_none(database: Database) -> None:
    StoredTokens(database, KEY).save("anna@ourfirm.example", BLOB)
    assert StoredTokens(database, KEY).load("ben@ourfirm.example") is None


def test_the_database_holds_no_readable_token(database: Database) -> None:
    StoredTokens(database, KEY).save("anna@ourfirm.example", BLOB)
    with database.read() as connection:
        sealed = bytes(connection.execute(sa.select(tokens.c.sealed)).scalar_one())

    assert b"secret" not in sealed
    assert BLOB.encode() not in sealed


def test_another_key_opens_nothing(database: Database) -> None:
    """The key file was lost: signing in again is the way out, not an error that stops everything."""
    StoredTokens(database, KEY).save("anna@ourfirm.example", BLOB)
    assert StoredTokens(database, KEY[::-1]).load("anna@ourfirm.example") is None


def test_a_damaged_row_counts_as_absent(database: Database) -> None:
    StoredTokens(database, KEY).save("anna@ourfirm.example", BLOB)
    with database.write() as connection:
        connection.execute(sa.update(tokens).values(sealed=b"gAAAAA damaged"))

    assert StoredTokens(database, KEY).load("anna@ourfirm.example") is None
