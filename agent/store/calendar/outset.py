"""What a pass of the reminder rules starts from, in one look: most passes find that nothing changed.

Called by `agent.tending.tend`.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from agent.store.prepared import Prepared
from agent.store.schedule.absences import Absence
from agent.store.tables import absences, changes, cursors, folders, mailboxes


@dataclass(frozen=True, kw_only=True, slots=True)
class Outset:
    """blind: Inbox or Sent is stopped or not read to its end, so nobody can say that no answer came.

    away: when the owner is, in order. position: the number of the feed's last row, 0 for none.
    """

    blind: bool
    away: tuple[Absence, ...]
    position: int


def outset(connection: sa.Connection, mailbox_id: int) -> Outset:
    """How it stands now with this mailbox."""
    rows = _OUTSET.rows(connection, mailbox=mailbox_id)
    away = tuple(Absence(first=first, last=last) for first, last, _, _ in rows if first is not None)
    return Outset(blind=rows[0][2], away=away, position=rows[0][3])


_MAILBOX: sa.BindParameter[int] = sa.bindparam("mailbox", type_=sa.BigInteger)
_BLIND = sa.exists(
    sa.select(folders.c.id)
    .outerjoin(cursors, sa.and_(cursors.c.folder_id == folders.c.id, cursors.c.lane == "history", ~cursors.c.done))
    .where(
        folders.c.mailbox_id == _MAILBOX,
        sa.or_(*(folders.c.role == role for role in ("inbox", "sent", "all"))),
        ~folders.c.absent,
        sa.or_(folders.c.stopped.is_not(None), cursors.c.folder_id.is_not(None)),
    )
)
_POSITION = sa.select(sa.func.coalesce(sa.func.max(changes.c.seq), 0)).scalar_subquery()
_OUTSET = Prepared(
    sa.select(absences.c.first_day, absences.c.last_day, _BLIND.label("blind"), _POSITION.label("position"))
    .select_from(mailboxes)
    .outerjoin(absences, absences.c.mailbox_id == mailboxes.c.id)
    .where(mailboxes.c.id == _MAILBOX)
    .distinct()
    .order_by(absences.c.first_day)
)
