"""`crm-agent review`: matches that need a person's decision."""

from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.choosing import contact_of
from agent.cli.doors import changing, reading
from agent.cli.house import noun
from agent.cli.output import Json, emit, note, say
from agent.cli.reader import As, AsAdmin, audit, is_others, may_decide, reader
from agent.cli.stop import Stop
from agent.exit_codes import SOME_FAILED, WRONG_USE

if TYPE_CHECKING:
    import sqlalchemy as sa

    from agent.bootstrap import House
    from agent.store.mail.reviews import Item

app = noun("Matches that need a person's decision.")

_COLUMNS = ("date", "mailbox", "from", "subject", "address", "who", "id")


@app.command("list")
def list_(context: typer.Context, as_: As = None, as_admin: AsAdmin = False, as_json: Json = False) -> None:
    """What waits in the reader's mailbox, oldest first, with the candidates and why it is not decided."""
    from agent.store.auditing import READ_REVIEW
    from agent.store.mail import reviews

    with reading(context) as (house, connection):
        who = reader(house, as_, admin=as_admin)
        waiting = list(reviews.open_items(connection))
        shown = [item for item in waiting if may_decide(who, item)]
        audit(house, who, READ_REVIEW, [item.id for item in shown if is_others(who, item)])
        rows = (item.told() for item in shown)
        lines = rows if as_json else (_line(told) for told in rows)
        emit(lines, as_json=as_json, columns=_COLUMNS, empty="nothing waits for your decision")
    if len(shown) < len(waiting):
        note(f"in mailboxes of others: {len(waiting) - len(shown)}; {_WHOSE}")


_WHOSE = "--as ADDR names the mailbox you own, --as-admin shows all"


def _line(told: dict[str, object]) -> dict[str, object]:
    """For people: the day, and the candidates with the ids by which `accept` knows them."""
    candidates = told["candidates"] if isinstance(told["candidates"], list) else []
    names = [f"{one['name'] or one['email']} ({one['id']})" for one in candidates]
    return {**told, "date": str(told["date"] or "")[:10], "who": " or ".join(names) or "nobody known"}


@app.command()
def accept(
    context: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="Its id, or the beginning of it.")],
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The contact who is meant, or its id.")],
    always: Annotated[bool, typer.Option("--always", help="The address is theirs from now on.")] = False,
    whole_domain: Annotated[
        bool, typer.Option("--company", help="Whoever writes from its domain is of their company from now on.")
    ] = False,
    as_: As = None,
    as_admin: AsAdmin = False,
) -> None:
    """Says who is meant. The message is logged with its text at the mailbox's next pass, which is due at once.

    About other messages it says nothing, unless --always or --company writes a rule.
    """
    from agent.engine.progress import utc_now
    from agent.people.ruling import give_address, give_domain
    from agent.store.mail import reviews

    with changing(context) as (house, connection):
        item, contact = _item(house, connection, id, as_, admin=as_admin), contact_of(connection, email)
        for wanted, rule in ((always, give_address), (whole_domain, give_domain)):
            refused = rule(house.database, connection, house.hasher, contact, item.address) if wanted else None
            if refused is not None:
                raise Stop(refused, code=WRONG_USE)
        reviews.accept(house.database, connection, item, contact, utc_now())
        left = 0 if always else _left_of_address(connection, item)
    say(f"accepted: {contact.name or email}; the mailbox's next pass logs it")
    _tell_left(left, item.address, "accept")


@app.command()
def reject(
    context: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="Its id, or the beginning of it.")],
    always: Annotated[
        bool, typer.Option("--always", help="The address is of none of those offered: do not ask so again.")
    ] = False,
    never: Annotated[bool, typer.Option("--never", help="Never keep mail with this address from now on.")] = False,
    as_: As = None,
    as_admin: AsAdmin = False,
) -> None:
    """Says that no contact is meant. About other messages it says nothing, unless --always or --never writes a rule."""
    from agent.engine.progress import utc_now
    from agent.store.mail import never as never_log
    from agent.store.mail import refusals, reviews

    with changing(context) as (house, connection):
        item = _item(house, connection, id, as_, admin=as_admin)
        if never:
            never_log.add(house.database, connection, item.address, utc_now())
        if always:
            refusals.refuse(house.database, connection, item.address, _offered(connection, item), utc_now())
        reviews.reject(house.database, connection, item, utc_now())
        left = 0 if always or never else _left_of_address(connection, item)
    say("rejected")
    _tell_left(left, item.address, "reject")


def _offered(connection: "sa.Connection", item: "Item") -> list[str]:
    """The ids of the contacts that the question offers, where a rule can say that the address is none of theirs."""
    from agent.store.directory import contacts

    if contacts.holders(connection, [item.address]):
        raise Stop(f"{item.address} is an address of a contact: reject without --always, or --never", code=WRONG_USE)
    if not item.candidates:
        raise Stop("the question offers nobody: reject without --always", code=WRONG_USE)
    return [str(one["id"]) for one in item.candidates]


def _left_of_address(connection: "sa.Connection", item: "Item") -> int:
    """Further questions about an address that a rule could answer; 0 where none can, each mail asking for itself."""
    from agent.store.directory import contacts
    from agent.store.mail import reviews
    from matchers.address import is_role_address

    if is_role_address(item.address) or contacts.holders(connection, [item.address]):
        return 0
    return reviews.count_about(connection, item)


def _tell_left(left: int, address: str, command: str) -> None:
    if left:
        note(f"{left} more about {address}: `review {command} ID --always` for one of them answers all")


def _item(house: "House", connection: "sa.Connection", id: str, asked: str | None, *, admin: bool) -> "Item":
    """The open item, if it is this reader's to decide."""
    from agent.engine.progress import utc_now
    from agent.store import auditing
    from agent.store.mail import reviews

    item = reviews.find(connection, id)
    if item is None:
        raise Stop(f"no open review {id}: `crm-agent review list` shows what waits", code=SOME_FAILED)
    who = reader(house, asked, admin=admin)
    if not may_decide(who, item):
        raise Stop(f"it waits in the mailbox of somebody else; {_WHOSE}", code=WRONG_USE)
    if is_others(who, item):
        auditing.note(connection, who.told, auditing.READ_REVIEW, [item.id], utc_now())
    return item


@app.command()
def rules(context: typer.Context, as_json: Json = False) -> None:
    """Lists the addresses whose mail is never to be kept, and those of which somebody said whose they are not."""
    from agent.store.mail import never, refusals

    with reading(context) as (_house, connection):
        found = chain(never.listed(connection), refusals.listed(connection))
        rows = found if as_json else map(_rule_line, found)
        emit(rows, as_json=as_json, columns=("address", "rule", "whose", "made_at"), empty="no such rule")


def _rule_line(told: dict[str, object]) -> dict[str, object]:
    contact = told["contact"]
    return {**told, "whose": f"{contact['name']} ({contact['id']})" if isinstance(contact, dict) else ""}


@app.command()
def forget(
    context: typer.Context, address: Annotated[str, typer.Argument(metavar="ADDR", help="Of the rules.")]
) -> None:
    """Takes such rules back: mail with this address is decided like any other again."""
    from agent.store.mail import never, refusals

    with changing(context) as (house, connection):
        gone = [one.forget(house.database, connection, address) for one in (never, refusals)]
        if not any(gone):
            raise Stop(f"no rule about {address}: `crm-agent review rules` shows all of them", code=SOME_FAILED)
    say(f"forgotten: {address}")
