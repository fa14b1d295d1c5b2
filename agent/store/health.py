"""What `crm-agent doctor` asks of the database; nothing here changes anything."""

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.errors import Unfit
from agent.store.hashes import Hasher
from agent.store.tables import installation


def key_belongs(database: Database, hasher: Hasher) -> bool:
    """Whether the database was made with this key. For a database of the present schema."""
    with database.read() as connection:
        known = connection.execute(sa.select(installation.c.key_check)).scalar_one_or_none()
    return known is None or bytes(known) == hasher.hash("installation")


def try_writing(database: Database) -> None:
    """Writes what stands there already. Raises StoreError if the database does not take it."""
    try:
        with database.write() as connection:
            connection.execute(sa.update(installation).values(id=installation.c.id))
    except sa.exc.DBAPIError as error:  # a standby, or rights that are missing
        reason = str(error.orig).strip().splitlines()[0]
        raise Unfit(f"the database cannot be written: {reason}; give its user the right to write") from error
