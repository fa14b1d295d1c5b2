"""Names of contacts as they are looked for, and mail that the names of new ones may explain: kept for a company, or
for somebody else of the name, until now.

Called by whoever adds or changes contacts. Mail skipped as nobody's is queued anyhow.
"""

from collections.abc import Collection

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.tables import contact_emails, participants
from matchers.names import full_name, short_keys


def name_columns(name: str) -> dict[str, object]:
    """A contact's name in the columns that hold it, those by which mail finds it included."""
    read = full_name(name)
    return {"name": name, "name_key": read.key, "short_key": read.short}


def interactions_naming(connection: sa.Connection, names: Collection[str]) -> list[str]:
    """Logged mail in which one of these full names, or initials that may mean it, stand beside an address that no
    contact holds."""
    keys = {key for name in names for key in (full_name(name).key, full_name(name).short)} - {""}
    if not keys:
        return []
    unknown = (
        sa.select(participants.c.name)
        .distinct()
        .outerjoin(contact_emails, contact_emails.c.match_key == participants.c.match_key)
        .where(
            sa.or_(participants.c.name.contains(" "), participants.c.name.contains(".")),
            contact_emails.c.contact_id.is_(None),
        )
    )
    written = [name for name in connection.execute(unknown).scalars() if not keys.isdisjoint(_keys(name))]
    found: set[str] = set()
    for chunk in chunks(written):
        query = sa.select(participants.c.interaction_id).where(participants.c.name.in_(chunk))
        found.update(connection.execute(query).scalars())
    return sorted(found)


def _keys(written: str) -> tuple[str, ...]:
    """Under which a contact of that name stands."""
    name = full_name(written)
    return (name.key,) if name.key else short_keys(name)
