"""Mail that the names of new contacts may explain: kept for a company, or for somebody else of the name, until now.

Called by whoever adds or changes contacts. Mail skipped as nobody's is queued anyhow.
"""

from collections.abc import Collection

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.tables import contact_emails, participants
from matchers.names import name_key


def interactions_naming(connection: sa.Connection, names: Collection[str]) -> list[str]:
    """Logged mail in which one of these full names stands beside an address that no contact holds."""
    keys = {name_key(name) for name in names} - {""}
    if not keys:
        return []
    unknown = (
        sa.select(participants.c.name)
        .distinct()
        .outerjoin(contact_emails, contact_emails.c.match_key == participants.c.match_key)
        .where(participants.c.name.contains(" "), contact_emails.c.contact_id.is_(None))
    )
    written = [name for name in connection.execute(unknown).scalars() if name_key(name) in keys]
    found: set[str] = set()
    for chunk in chunks(written):
        query = sa.select(participants.c.interaction_id).where(participants.c.name.in_(chunk))
        found.update(connection.execute(query).scalars())
    return sorted(found)
