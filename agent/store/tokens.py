"""OAuth tokens between two runs of the program, encrypted with a key derived from the store key.

Implements `connectors.oauth.TokenCache`. Sealed: the key of Fernet comes by HKDF-SHA256 (RFC 5869) from the store key,
so neither the database nor its backup alone opens a mailbox. What another key sealed counts as absent: sign in again.
"""

import base64

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.errors import StoreError
from agent.store.tables import tokens
from matchers.address import normalise


class StoredTokens:
    """One blob of tokens a mailbox."""

    def __init__(self, database: Database, key: bytes) -> None:
        self._database = database
        self._key = key

    def load(self, mailbox: str) -> str | None:
        """The blob last saved for this mailbox, or None."""
        with self._database.read() as connection:
            wanted = sa.select(tokens.c.sealed).where(tokens.c.name == _name(mailbox))
            sealed = connection.execute(wanted).scalar_one_or_none()
        return None if sealed is None else _open(self._key, bytes(sealed))

    def save(self, mailbox: str, blob: str) -> None:
        """Replaces the blob; on disk when this returns: a refresh token may be good for one use only.

        So it is tried twice: while the provider answered, the database may have ended the connection.
        """
        try:
            self._replace(mailbox, blob)
        except StoreError:
            self._replace(mailbox, blob)

    def _replace(self, mailbox: str, blob: str) -> None:
        row = {"name": _name(mailbox), "sealed": _seal(self._key, blob)}
        insert = self._database.insert(tokens).values(row)
        with self._database.write(durable=True) as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"sealed": row["sealed"]}))


def _name(mailbox: str) -> str:
    return normalise(mailbox).normalised or mailbox


def _seal(key: bytes, blob: str) -> bytes:
    from cryptography.fernet import Fernet  # loaded only where a mailbox signs in by token

    return Fernet(_derived(key)).encrypt(blob.encode())


def _open(key: bytes, sealed: bytes) -> str | None:
    from cryptography.fernet import Fernet, InvalidToken  # as above

    try:
        return Fernet(_derived(key)).decrypt(sealed).decode()
    except InvalidToken:
        return None


def _derived(key: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"crm-agent oauth tokens").derive(key)
    return base64.urlsafe_b64encode(derived)
