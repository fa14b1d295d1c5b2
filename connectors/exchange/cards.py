"""Everybody in the address book of a mailbox of Exchange: its main folder of contacts.

The folder is listed by SyncFolderItems, whose pages neither miss nor repeat anybody while somebody writes in it; what a
contact is, its class says ([MS-OXOCNTC] section 2.2.1), for lists stand beside people there.
"""

from collections.abc import Iterator, Sequence

from connectors.errors import Retriable
from connectors.exchange import shapes
from connectors.exchange.appointment import is_private
from connectors.exchange.folders import look_at
from connectors.exchange.items import id_of, is_x500
from connectors.exchange.people import People
from connectors.exchange.reading import get_items, sync
from connectors.exchange.soap import Seat
from connectors.exchange.xml import Element, children, text
from connectors.message import Address, Card
from connectors.mime.addresses import LONGEST_ADDRESS, LONGEST_NAME
from connectors.mime.charsets import clean_line

_FIELDS = (
    "item:ItemClass", "item:Sensitivity", "contacts:DisplayName", "contacts:CompanyName", "contacts:EmailAddresses",
    "contacts:PhoneNumbers", "contacts:JobTitle",
)  # fmt: skip
_PEOPLE = "ipm.contact"
_NO_PHONES = ("Fax", "Telex", "Pager", "Isdn", "TtyTddPhone", "AssistantPhone", "Callback", "RadioPhone", "Mms",
             "Msn")  # fmt: skip
"""Numbers at which nobody is spoken to, or somebody else."""
_LONGEST_PHONE = 60
MOST_LOOKED_UP = 200
"""Names of the directory that are looked up for one address book: each is a question, and most are colleagues."""


def read_cards(seat: Seat, people: People) -> Iterator[Card]:
    """Each once. One that the server keeps back is left out. Raises ConnectorError."""
    place, _ = look_at(seat, "contacts")
    left = MOST_LOOKED_UP
    for got in get_items(seat, _ids(seat, place), shapes.shape(list(map(shapes.field, _FIELDS)))):
        for item in filter(_is_somebody, got.items.values()):
            told = _told(item)
            left -= sum(is_x500(one.address) for one in told)
            known = told if left >= 0 else [one for one in told if not is_x500(one.address)]
            yield _card(item, tuple(dict.fromkeys(one.address for one in people.addresses(seat, known))))


def _ids(seat: Seat, place: str) -> Sequence[str]:
    found: dict[str, None] = {}
    state, last = "", False
    while not last:
        answer = sync(seat, place, state)
        if answer.state == state and not answer.last:
            raise Retriable("the mail server says that more is to come, and never tells it")
        state, last = answer.state, answer.last
        for change in answer.changes:
            if change.kind == "delete":
                found.pop(change.id, None)
            else:
                found[change.id] = None
    return list(found)


def _is_somebody(item: Element) -> bool:
    """People are of the class, or of one that a form of the firm's made of it."""
    kind = text(item, "ItemClass").lower()
    return (kind == _PEOPLE or kind.startswith(_PEOPLE + ".")) and not is_private(item)


def _told(item: Element) -> list[Address]:
    """Addresses of mail; colleagues stand there by their name in the directory."""
    written = [clean_line(entry.text.strip()) for entry in children(item, "EmailAddresses") if entry.text]
    return [Address(address=one) for one in written if is_x500(one) or len(one) <= LONGEST_ADDRESS]


def _card(item: Element, emails: tuple[str, ...]) -> Card:
    name = clean_line(text(item, "DisplayName"))[:LONGEST_NAME]
    return Card(
        id=id_of(item),
        name="" if name in emails else name,
        emails=emails,
        phones=tuple(dict.fromkeys(_phones(item))),
        company=clean_line(text(item, "CompanyName"))[:LONGEST_NAME],
        title=clean_line(text(item, "JobTitle"))[:LONGEST_NAME],
    )


def _phones(item: Element) -> Iterator[str]:
    for entry in children(item, "PhoneNumbers"):
        number = clean_line(entry.text or "").strip()
        if number and len(number) <= _LONGEST_PHONE and not entry.get("Key", "").endswith(_NO_PHONES):
            yield number
