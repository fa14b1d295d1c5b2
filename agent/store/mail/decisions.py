"""What was decided about a message, wherever it lies: the facts behind `explain` and `reconcile`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from agent.store.tables import company_links, gaps, interactions, links, locations, mailboxes, reviews

_RANK = {"logged": 0, "review": 1, "quarantined": 2, "pending": 3, "skipped": 4}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """The decision about one message in one mailbox.

    outcome: logged, skipped, review, quarantined or pending. reason: of a skip, or why it waits. candidates: as the
    contract shows them.
    """

    mailbox: str
    outcome: str
    reason: str | None
    rule: str | None
    evidence: tuple[str, ...]
    candidates: tuple[Mapping[str, object], ...]
    decided_at: datetime
    interaction_id: str | None


def of_message(connection: sa.Connection, message_key: bytes) -> list[Ruling]:
    """One ruling a mailbox and identity, by mailbox; empty if the message was never seen."""
    rows = connection.execute(
        sa.select(locations, mailboxes.c.written.label("address"), interactions.c.rule)
        .join(mailboxes, mailboxes.c.id == locations.c.mailbox_id)
        .outerjoin(interactions, interactions.c.id == locations.c.interaction_id)
        .where(locations.c.message_key == message_key)
    ).all()
    best: dict[tuple[str, str | None], sa.Row[tuple[object, ...]]] = {}
    for row in sorted(rows, key=lambda row: (row.gone_at is not None, _RANK[row.outcome], -row.id)):
        best.setdefault((row.address, row.interaction_id), row)
    return [
        _ruling(connection, row) for _, row in sorted(_without_shadows(best).items(), key=lambda item: str(item[0]))
    ]


def _without_shadows(
    best: dict[tuple[str, str | None], "sa.Row[tuple[object, ...]]"],
) -> dict[tuple[str, str | None], "sa.Row[tuple[object, ...]]"]:
    """A copy that was skipped says nothing where the mailbox logged another copy."""
    logged = {mailbox for mailbox, interaction in best if interaction is not None}
    return {key: row for key, row in best.items() if key[1] is not None or key[0] not in logged}


def _ruling(connection: sa.Connection, row: "sa.Row[tuple[object, ...]]") -> Ruling:
    known = row._mapping
    evidence, rule, candidates = _evidence(connection, known)
    return Ruling(
        mailbox=known["address"],
        outcome=known["outcome"],
        reason=known["reason"] or _gap_reason(connection, known),
        rule=rule,
        evidence=evidence,
        candidates=candidates,
        decided_at=known["decided_at"],
        interaction_id=known["interaction_id"],
    )


def _evidence(
    connection: sa.Connection, known: "sa.RowMapping"
) -> tuple[tuple[str, ...], str | None, tuple[Mapping[str, object], ...]]:
    interaction, facts = known["interaction_id"], list[str]()
    if interaction is not None:
        for table in (links, company_links):
            for found in connection.execute(sa.select(table.c.evidence).where(table.c.interaction_id == interaction)):
                facts += found.evidence
    doubts = connection.execute(
        sa.select(reviews.c.rule, reviews.c.candidates, reviews.c.evidence).where(
            reviews.c.message_key == known["message_key"],
            reviews.c.mailbox_id == known["mailbox_id"],
            reviews.c.state == "open",
        )
    ).all()
    candidates = tuple(one for doubt in doubts for one in doubt.candidates)
    facts += [fact for doubt in doubts for fact in doubt.evidence]
    rule = known["rule"] or (doubts[0].rule if doubts else None)
    return tuple(dict.fromkeys(facts)), rule, candidates


def _gap_reason(connection: sa.Connection, known: "sa.RowMapping") -> str | None:
    return connection.execute(
        sa.select(gaps.c.reason).where(
            gaps.c.folder_id == known["folder_id"],
            gaps.c.validity == known["validity"],
            gaps.c.uid == known["uid"],
        )
    ).scalar_one_or_none()


def places(connection: sa.Connection, folder_id: int, validity: str) -> dict[str, tuple[str, str | None]]:
    """uid -> (outcome, reason) of every live place of a folder."""
    rows = connection.execute(
        sa.select(locations.c.uid, locations.c.outcome, locations.c.reason).where(
            locations.c.folder_id == folder_id, locations.c.validity == validity, locations.c.gone_at.is_(None)
        )
    )
    return {row.uid: (row.outcome, row.reason) for row in rows}
