"""Names of contacts as they are looked for, and mail that the names of new ones may explain: kept for a company, or
for somebody else of the name, until now.

Called by whoever adds or changes contacts. Mail skipped as nobody's is queued anyhow.
"""

from collections import defaultdict
from collections.abc import Callable, Collection

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.tables import contact_emails, participants
from matchers.names import NO_NAME, FullName, full_name, may_shorten


def name_columns(name: str) -> dict[str, object]:
    """A contact's name in the columns that hold it, those by which mail finds it included."""
    read = full_name(name)
    return {"name": name, "name_key": read.key, "short_key": read.short, "inner_key": read.inner}


def interactions_naming(connection: sa.Connection, names: Collection[str]) -> list[str]:
    """Logged mail in which one of these names, or a form of it, stands beside an address that no contact holds."""
    known = {full_name(name) for name in names} - {NO_NAME}
    if not known:
        return []
    unknown = (
        sa.select(participants.c.name)
        .distinct()
        .outerjoin(contact_emails, contact_emails.c.match_key == participants.c.match_key)
        .where(participants.c.name != "", contact_emails.c.contact_id.is_(None))
    )
    names_one = _namer(known)
    written = [name for name in connection.execute(unknown).scalars() if names_one(full_name(name))]
    found: set[str] = set()
    for chunk in chunks(written):
        query = sa.select(participants.c.interaction_id).where(participants.c.name.in_(chunk))
        found.update(connection.execute(query).scalars())
    return sorted(found)


def _namer(known: Collection[FullName]) -> Callable[[FullName], bool]:
    """Tells whether a written name is one of the known, or a form of one."""
    full = {one.key for one in known} - {""}
    forms: dict[str, list[FullName]] = defaultdict(list)
    for one in known:
        for key in {one.short, one.inner} - {""}:
            forms[key].append(one)

    def names_one(name: FullName) -> bool:
        alike = (one for key in name.asks for one in forms.get(key, ()))
        return name.key in full or any(may_shorten(name, one) for one in alike)

    return names_one
