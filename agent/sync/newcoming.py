"""Makes contacts of strangers, or suggests them, where the firm wants that. Called with each decided page.

Contacts stand in a transaction of their own, before the page's rows: then the page is decided again and finds them.
That older mail may be theirs too is a chore in the same transaction, done once at the end of the pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.store.directory import contacts
from agent.store.directory.contact_writes import Draft, Writer, open_directory, owe_rereads
from agent.store.directory.contacts import Email
from agent.store.mail import tombstones
from agent.store.persons import suggested
from agent.store.persons.suggested import Suggested
from agent.sync.deciding import Decided, Deciding
from agent.sync.room import Room
from connectors.base import CompletesHeaders
from connectors.message import Folder
from matchers.chain import read_heading
from matchers.newcomer import CreateContacts, Newcomer, newcomers

BY_MAIL = "mail"
"""By what such a contact was made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the page lies, for a second look at headers."""

    folder: Folder
    validity: str


def take_in(room: Room, deciding: Deciding, place: Place) -> bool:
    """Whether somebody became a contact, so that the page is to be decided again."""
    if room.create_contacts == "never":
        if room.suggest_contacts:
            _suggest(room, _strangers(room, deciding, place, "when-we-write"))
        return False
    found = _strangers(room, deciding, place, room.create_contacts)
    return bool(found) and _add(room, found)


def _strangers(room: Room, deciding: Deciding, place: Place, create: CreateContacts) -> dict[str, Newcomer]:
    """Whom the page brings, each once, by match key. Whether it is bulk mail is seen from whole headers alone."""
    bringing = [one for one in deciding.messages if _brought(room, deciding, one, create)]
    whole = _completed(room, place, bringing)
    return {new.match_key: new for one in whole for new in _brought(room, deciding, one, create)}


def _brought(room: Room, deciding: Deciding, one: Decided, create: CreateContacts) -> tuple[Newcomer, ...]:
    return newcomers(
        one.envelope,
        one.decision,
        own=room.own,
        answers=deciding.answers,
        create=create,
        erased_keys=one.erased,
    )


def _completed(room: Room, place: Place, bringing: Sequence[Decided]) -> Sequence[Decided]:
    """The same messages with all their headers, where the server's pages lack some."""
    source = room.reader.source
    if not bringing or not isinstance(source, CompletesHeaders):
        return bringing
    ids = [one.envelope.id for one in bringing]
    pages = room.reader.now(lambda: list(source.complete(place.folder, place.validity, ids, texts=False)))
    whole = {envelope.id: envelope for page in pages for envelope in page.envelopes}
    return [replace(one, heading=read_heading(whole[one.envelope.id])) for one in bringing if one.envelope.id in whole]


def _add(room: Room, found: dict[str, Newcomer]) -> bool:
    with room.database.write() as connection:
        writer = open_directory(room.database, connection, room.hasher)
        new = {key: found[key] for key in sorted(_still_strangers(writer, found))}
        if new:
            writer.add([_draft(one) for one in new.values()], created_by=BY_MAIL, reread=False)
            owe_rereads(room.database, connection, room.now())
    room.counts["contacts-created"] += len(new)
    return bool(new)


def _still_strangers(writer: Writer, found: dict[str, Newcomer]) -> set[str]:
    """Without whom somebody added, or erased, meanwhile."""
    held = contacts.load(writer.connection, contacts.holders_of(writer.connection, found.keys())).values()
    known = {key for contact in held for key in tombstones.keys_of(email.address for email in contact.emails)}
    return found.keys() - known - tombstones.erased_keys(writer.connection, writer.hasher, found.keys())


def _draft(one: Newcomer) -> Draft:
    return Draft(name=one.name, emails=(Email(address=one.address, primary=True),))


def _suggest(room: Room, found: dict[str, Newcomer]) -> None:
    """Notes people we write to who are no contacts."""
    if not found:
        return
    rows = [Suggested(match_key=key, address=one.address, name=one.name) for key, one in sorted(found.items())]
    with room.database.write() as connection:
        suggested.note(room.database, connection, room.hasher, rows, room.now())
