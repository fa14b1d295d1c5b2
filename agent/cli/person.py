"""Verbs of `crm-agent contacts` about one person: make one of two and undo it, hand out what is held, forget."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.choosing import contact_of
from agent.cli.doors import changing, reading
from agent.cli.output import Json, emit, note, say
from agent.cli.reader import As, AsAdmin, account, audit, readable, reader
from agent.cli.stop import Stop
from agent.exit_codes import SOME_FAILED, WRONG_USE

if TYPE_CHECKING:
    import sqlalchemy as sa

    from agent.bootstrap import House
    from agent.people.erasing import Forgetting
    from agent.people.readers import Reader
    from agent.store.directory.contacts import Contact
    from agent.store.persons.erasure import Erased
    from agent.store.persons.person import Person

Who = Annotated[str, typer.Argument(metavar="EMAIL", help="An address of the contact, or its id.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be done.")]


def merge(
    context: typer.Context,
    kept: Annotated[str, typer.Argument(metavar="A", help="The contact that stays: an address or its id.")],
    gone: Annotated[str, typer.Argument(metavar="B", help="The contact that becomes a part of it.")],
    dry_run: DryRun = False,
) -> None:
    """Makes one person of two. Every link moves to A; `unmerge` brings both back."""
    from agent.engine.progress import utc_now
    from agent.store.directory.contact_writes import open_directory, waiting
    from agent.store.persons import merging

    with changing(context, dry=dry_run) as (house, connection):
        one, other = contact_of(connection, kept), contact_of(connection, gone)
        if one.id == other.id:
            raise Stop(f"{kept} and {gone} are the same contact already", code=WRONG_USE)
        writer = open_directory(house.database, connection, house.hasher)
        before = waiting(connection)
        done = merging.merge(writer, one, other, utc_now())
        queued = waiting(connection) - before
    say(f"{'would merge' if dry_run else 'merged'} {_name(other)} into {_name(one)}")
    say(f"interactions that move: {done.links}, of which both had: {done.both}; reminders: {done.reminders}")
    say(f"addresses that find {_name(one)} now: {', '.join(done.addresses) or 'no new one'}")
    tell_waiting(queued)


def unmerge(
    context: typer.Context,
    contact: Who,
    dry_run: DryRun = False,
) -> None:
    """Undoes the last merge of a contact: both are as they were, and what came since goes by its address."""
    from agent.engine.progress import utc_now
    from agent.store.directory.contact_writes import open_directory
    from agent.store.persons import merging

    with changing(context, dry=dry_run) as (house, connection):
        one = contact_of(connection, contact)
        writer = open_directory(house.database, connection, house.hasher)
        last = merging.last_merge(connection, one.id)
        if last is None:
            raise Stop(f"nothing was merged into {_name(one)}, or it cannot be undone any more", code=SOME_FAILED)
        done = merging.unmerge(writer, one, last, utc_now())
    say(f"{'would bring' if dry_run else 'brought'} back {done.contact_id} with {', '.join(done.addresses)}")
    say(f"interactions that go back: {done.links}, of which both had: {done.both}; reminders: {done.reminders}")


def tell_waiting(queued: Counter[str]) -> None:
    """What is decided anew with the next pass."""
    skipped = queued["skipped"]
    say(
        f"messages to be looked at again with the next pass: {skipped} of nobody's, {queued['review']} in review, "
        f"{queued['logged']} already kept"
    )


def export(
    context: typer.Context, contact: Who, as_: As = None, as_admin: AsAdmin = False, as_json: Json = False
) -> None:
    """Everything held about one person, as JSON lines; also for an address that no contact has.

    Texts in mailboxes of others are withheld unless the reader may see them; --as-admin hands out all of them.
    """
    from agent.store.auditing import EXPORTED
    from agent.store.persons import exporting

    del as_json  # there is no other form
    with reading(context) as (house, connection):
        person = _person(connection, contact)
        who = reader(house, as_, admin=as_admin)
        audit(house, who, EXPORTED, [person.contact.id if person.contact is not None else ""])
        held = list(exporting.everything(connection, person))
        mail = readable(house, who, (one for one in held if one["held"] == "interaction"))
        others = _without_others_questions(house, who, [one for one in held if one["held"] != "interaction"])
        emit((*others, *mail), as_json=True)
    if not held:
        note(f"nothing is held about {contact}")


def _without_others_questions(house: "House", who: "Reader", held: list[dict[str, object]]) -> list[dict[str, object]]:
    """Questions in mailboxes of others are the admin's to hand out, which is noted."""
    from agent.store.auditing import READ_REVIEW
    from matchers.address import normalise

    def is_others(one: dict[str, object]) -> bool:
        return one["held"] == "review" and normalise(str(one["mailbox"])).normalised != who.mailbox

    shown = [one for one in held if who.admin or not is_others(one)]
    audit(house, who, READ_REVIEW, [str(one["id"]) for one in shown if is_others(one)])
    if len(shown) < len(held):
        note(f"questions in mailboxes of others, withheld: {len(held) - len(shown)}; --as-admin hands them out")
    return shown


def erase(context: typer.Context, contact: Who, dry_run: DryRun = False) -> int:
    """Forgets a person everywhere and for good: no mail and no import brings them back. Cannot be undone.

    Also for an address that no contact has. Exit 1 if the database's files could not be written anew yet.
    """
    from agent.bootstrap import open_house
    from agent.cli.context import settings
    from agent.store.mail import rewriting

    with open_house(settings(context, secrets="store"), create=False) as house:
        with house.database.read() as connection:
            person = _person(connection, contact)
        if dry_run:
            _tell_erased(_try(house, person), person, dry=True)
            return 0
        done = _erase(house.forgetting(account()), person, contact)
        _tell_erased(done, person, dry=False)
        if house.forgetting("").second is None:
            note(
                "the key lies in no file, so there is no list beside it: name one as policy.erased_list and erase again"
            )
        if rewriting.rewrite(house.database):
            return 0
    note("the files still hold bytes of it, because others are at work: the next `sync` or `run` writes them anew")
    return SOME_FAILED


def _erase(forgetting: "Forgetting", person: "Person", asked: str) -> "Erased":
    from agent.people.erasing import erase_address, erase_contact

    if person.contact is not None:
        return erase_contact(forgetting, person.contact)
    return erase_address(forgetting, asked)


def _try(house: "House", person: "Person") -> "Erased":
    """What an erasure would do: done and given up."""
    from agent.engine.progress import utc_now
    from agent.store.directory.contact_writes import open_directory
    from agent.store.persons import erasure

    with house.database.write() as connection:
        writer = open_directory(house.database, connection, house.hasher)
        done = erasure.erase(writer, person, frozenset(), utc_now(), "")
        house.database.give_up(connection)
    return done


def _tell_erased(done: "Erased", person: "Person", *, dry: bool) -> None:
    say(
        f"{'would erase' if dry else 'erased'}: {done.interactions} interactions of nobody else's, the person's part "
        f"in {done.shared} that others share, {done.reviews} questions, {done.reminders} reminders"
    )
    if person.shared:
        note(f"an address that another contact has too stays that contact's: {len(person.shared)}")


def _person(connection: "sa.Connection", asked: str) -> "Person":
    """The contact, or whoever has this address. Raises Stop where it may mean several."""
    from agent.store.directory import contacts
    from agent.store.persons.person import person_of, spellings
    from matchers.address import normalise

    found = contacts.find(connection, asked)
    if isinstance(found, contacts.Unclear) and not found.ids and normalise(asked).match_key:
        return person_of(connection, None, spellings(connection, [asked]))
    contact = contact_of(connection, asked)
    addresses = [email.address for email in contact.emails]
    return person_of(connection, contact, spellings(connection, addresses))


def _name(contact: "Contact") -> str:
    return contact.name or (contact.emails[0].address if contact.emails else contact.id)
