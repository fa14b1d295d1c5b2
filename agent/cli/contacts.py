"""`crm-agent contacts`: the people whose mail is logged."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli import person, suggestions
from agent.cli.choosing import contact_of
from agent.cli.context import settings
from agent.cli.doors import reading
from agent.cli.house import noun
from agent.cli.output import Json, cell, emit, note, say
from agent.cli.stop import Stop
from agent.exit_codes import DONE, SOME_FAILED, WRONG_USE

if TYPE_CHECKING:
    from agent.people.plan import Plan
    from agent.people.rows import Refused, Row
    from agent.store.directory.contacts import Contact

app = noun("The people whose mail is logged.")

for _verb in (person.merge, person.unmerge, person.export, person.erase):
    app.command()(_verb)
for _answer in (suggestions.suggestions, suggestions.accept, suggestions.refuse):
    app.command()(_answer)

LARGEST_FILE = 256 * 1024 * 1024
"""Bytes of an import; a million contacts take about half of it."""


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv or .vcf file.")],
    dry_run: person.DryRun = False,
    as_json: Json = False,
) -> int:
    """Adds and updates contacts. The same file twice changes nothing the second time. Exit 1 if a row was refused."""
    plan, waiting = _import(context, _read(file), created_by="import", dry=dry_run)
    return _report(plan, waiting if dry_run else None, as_json=as_json)


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """Lists every contact."""
    from agent.store.directory import contacts

    with reading(context) as (_, connection):
        known = contacts.listing(connection)
        rows = (contact.told() for contact in known) if as_json else map(_line, known)
        emit(rows, as_json=as_json, empty="no contacts yet: crm-agent contacts import FILE")


@app.command()
def show(
    context: typer.Context,
    contact: Annotated[str, typer.Argument(metavar="EMAIL", help="An address of the contact, or its id.")],
    as_json: Json = False,
) -> None:
    """Shows one contact."""
    with reading(context) as (_, connection):
        told = contact_of(connection, contact).told()
    if as_json:
        emit([told], as_json=True)
        return
    for name, value in told.items():
        say(f"{name.replace('_', ' '):<13} {_addresses(value) if name == 'emails' else cell(value or None)}")


@app.command()
def add(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Its main address.")],
    name: Annotated[str, typer.Option("--name", help="Given and family name.")] = "",
    other_emails: Annotated[list[str] | None, typer.Option("--other-email", help="May be given again.")] = None,
    phone: Annotated[list[str] | None, typer.Option("--phone", help="May be given again.")] = None,
    company: Annotated[str, typer.Option("--company", help="The company's name.")] = "",
    company_domain: Annotated[str, typer.Option("--company-domain", help="Mail from there is the company's.")] = "",
    title: Annotated[str, typer.Option("--title", help="What the person does there.")] = "",
    owner: Annotated[str, typer.Option("--owner", metavar="ADDR", help="The salesperson's mailbox.")] = "",
    stage: Annotated[str, typer.Option("--stage", help="A word of your own: lead, customer.")] = "",
    dry_run: person.DryRun = False,
    as_json: Json = False,
) -> int:
    """Adds one contact, or completes the one with that address and name."""
    from agent.people.rows import Row, problems_of

    row = Row(
        line=1,
        emails=(email, *(other_emails or ())),
        name=name,
        phones=tuple(phone or ()),
        company=company,
        company_domain=company_domain,
        title=title,
        owner=owner,
        stage=stage,
    )
    if problems := problems_of(row):
        raise Stop("\n".join(problems), code=WRONG_USE)
    plan, waiting = _import(context, [row], created_by="add", dry=dry_run)
    return _report(plan, waiting if dry_run else None, as_json=as_json)


def _import(
    context: typer.Context, rows: "Iterable[Row | Refused]", *, created_by: str, dry: bool
) -> "tuple[Plan, Counter[str]]":
    """What became of each row, and what is to be looked at again for it."""
    from agent.bootstrap import open_house
    from agent.people.importing import import_rows

    with open_house(settings(context, secrets="store"), create=not dry) as house:
        return import_rows(house.database, house.hasher, rows, created_by=created_by, dry=dry)


def _read(file: Path) -> "Iterable[Row | Refused]":
    from agent.people.contacts_csv import read_contacts_csv
    from agent.people.vcard import read_contacts_vcard

    readers = {".csv": read_contacts_csv, ".vcf": read_contacts_vcard}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise Stop(f"{file} is neither .csv nor .vcf: export your contacts as one of them", code=WRONG_USE)
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise Stop(f"{file} is larger than {LARGEST_FILE // 2**20} MB: split it", code=WRONG_USE)
        return reader(file.read_bytes())
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror}", code=WRONG_USE) from None


def _report(plan: "Plan", waiting: "Counter[str] | None", *, as_json: bool) -> int:
    """One object a row, or a line of counts; the rows worth a look on stderr. waiting: of a dry run."""
    from agent.people.plan import Outcome

    if as_json:
        emit(({"line": one.line, "outcome": one.outcome, "text": one.text} for one in plan.results), as_json=True)
    for one in plan.results:
        if one.outcome in (Outcome.REFUSED, Outcome.SHARED):
            note(f"line {one.line}: {one.outcome}: {one.text}")
    if not as_json:
        would = "" if waiting is None else "would be: "
        say(would + ", ".join(f"{plan.count(outcome)} {outcome}" for outcome in Outcome))
        if waiting is not None:
            person.tell_waiting(waiting)
    return SOME_FAILED if plan.count(Outcome.REFUSED) else DONE


def _line(contact: "Contact") -> dict[str, object]:
    return {
        "name": contact.name,
        "email": contact.emails[0].address if contact.emails else None,
        "company": contact.company,
        "owner": contact.owner or None,
        "stage": contact.stage or None,
        "id": contact.id,
    }


def _addresses(value: object) -> str:
    return cell([email["address"] for email in value]) if isinstance(value, list) else cell(value)
