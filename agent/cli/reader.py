"""Who reads, as the command line says it, and what they are shown: texts of others by policy only, each one audited."""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.output import note
from agent.cli.stop import Stop
from agent.exit_codes import WRONG_USE

if TYPE_CHECKING:
    from agent.bootstrap import House
    from agent.people.readers import Reader
    from agent.store.mail.reviews import Item

As = Annotated[
    str | None,
    typer.Option("--as", metavar="ADDR", envvar="CRM_AGENT_AS", help="Whose mailbox the reader owns."),
]
AsAdmin = Annotated[bool, typer.Option("--as-admin", help="Read what is others'. Every such reading is noted.")]

BATCH = 500
"""Texts whose reading is noted in one transaction, before they are shown."""

Told = dict[str, object]


def account() -> str:
    """Who runs the command, as this machine names them."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without a name
        return f"uid {os.getuid()}"


def reader(house: "House", asked: str | None, *, admin: bool) -> "Reader":
    """Who reads. Raises Stop for a mailbox that is not configured."""
    from agent.people.readers import reader_of

    configured = [one.address for one in house.settings.mailboxes]
    found = reader_of(account(), configured, asked=asked, admin=admin)
    if found is None:
        raise Stop(f"no mailbox {asked} in the configuration: see `crm-agent mailboxes`", code=WRONG_USE)
    return found


def readable(house: "House", who: "Reader", rows: Iterable[Told]) -> Iterator[Told]:
    """Interactions with the texts that this reader may see; says at the end how many were held back."""
    withheld, source = 0, iter(rows)
    while batch := list(islice(source, BATCH)):
        shown = _noted(house, who, batch)
        withheld += sum(row["text_withheld"] is True for row in shown)
        yield from shown
    if withheld:
        note(
            f"texts of others, withheld: {withheld}; --as ADDR reads as the owner of a mailbox, --as-admin all of them"
        )


def _noted(house: "House", who: "Reader", batch: list[Told]) -> list[Told]:
    """The rows as they may be shown; readings of what is others' are on disk before this returns."""
    from agent.people.readers import verdict
    from agent.store.auditing import READ_TEXT

    policy = house.settings.policy.visible_to
    verdicts = [verdict(who, _owners(row), policy) for row in batch]
    read = [
        str(row["id"]) for row, said in zip(batch, verdicts, strict=True) if said.audited and row["text"] is not None
    ]
    audit(house, who, READ_TEXT, read)
    return [
        {**row, "text_withheld": False} if said.shown else _without_text(row)
        for row, said in zip(batch, verdicts, strict=True)
    ]


def _owners(row: Told) -> list[str]:
    found = row["mailboxes"]
    return [str(one) for one in found] if isinstance(found, list) else []


def _without_text(row: Told) -> Told:
    return {**row, "text": None, "attachments": [], "text_withheld": row["text"] is not None}


def audit(house: "House", who: "Reader", what: str, entities: list[str]) -> None:
    """Notes what is about to be shown."""
    from agent.engine.progress import utc_now
    from agent.store import auditing

    if entities:
        with house.database.write() as connection:
            auditing.note(connection, who.told, what, entities, utc_now())


def may_decide(who: "Reader", item: "Item") -> bool:
    """Whether a review item is this reader's to see and decide."""
    from matchers.address import normalise

    return who.admin or who.mailbox == normalise(item.mailbox).normalised


def is_others(who: "Reader", item: "Item") -> bool:
    """Whether seeing it is to be noted."""
    from matchers.address import normalise

    return who.mailbox != normalise(item.mailbox).normalised
