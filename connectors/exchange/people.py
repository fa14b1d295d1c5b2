"""X.500 names of Exchange's directory (`/O=FIRM/OU=…/CN=…`) → addresses, as the directory tells.

Exchange resolves most by itself; what is left are people who left, and mail brought in from elsewhere. Answers are kept
for the life of a source, misses too, and a page asks for a bounded number.
"""

from collections.abc import Iterable
from dataclasses import replace

from connectors.errors import Retriable
from connectors.exchange.items import is_x500
from connectors.exchange.soap import Seat, code_of, error_of
from connectors.exchange.xml import MESSAGES, Element, m, text
from connectors.message import Address, Envelope

MOST_A_PAGE = 20
"""Names asked for at once; the others stay without an address until they are met again."""
MOST_KEPT = 5_000
_NOBODY = frozenset(("ErrorNameResolutionNoResults", "ErrorNameResolutionNoMailbox"))


class People:
    """The directory as one mailbox sees it."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def resolved(self, seat: Seat, envelopes: Iterable[Envelope]) -> list[Envelope]:
        """The envelopes with addresses instead of X.500 names; '' where nobody knows one."""
        found = list(envelopes)
        names = dict.fromkeys(name for envelope in found for name in _names(envelope))
        for name in [name for name in names if name.casefold() not in self._known][:MOST_A_PAGE]:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[name.casefold()] = _ask(seat, name)
        return [self._named(envelope) for envelope in found] if names else found

    def addresses(self, seat: Seat, people: Iterable[Address]) -> tuple[Address, ...]:
        """The same for people who stand in no envelope; those without an address are left out."""
        (found,) = self.resolved(seat, [Envelope(id="", to=tuple(people))])
        return tuple(one for one in found.to if "@" in one.address)

    def _named(self, envelope: Envelope) -> Envelope:
        return replace(
            envelope,
            from_=self._each(envelope.from_),
            sender=self._each(envelope.sender),
            reply_to=self._each(envelope.reply_to),
            to=self._each(envelope.to),
            cc=self._each(envelope.cc),
            bcc=self._each(envelope.bcc),
        )

    def _each(self, people: tuple[Address, ...]) -> tuple[Address, ...]:
        return tuple(
            replace(one, address=self._known.get(one.address.casefold(), "")) if is_x500(one.address) else one
            for one in people
        )


def _names(envelope: Envelope) -> Iterable[str]:
    people = (envelope.from_, envelope.sender, envelope.reply_to, envelope.to, envelope.cc, envelope.bcc)
    return (one.address for group in people for one in group if is_x500(one.address))


def _ask(seat: Seat, name: str) -> str:
    """The address, '' for a name that means nobody, or several people. Raises ConnectorError if nobody can tell now."""
    payload = m(
        "ResolveNames", m("UnresolvedEntry", name), ReturnFullContactData="false", SearchScope="ActiveDirectory"
    )
    messages = seat.ask(payload)
    if len(messages) != 1 or code_of(messages[0]) in _NOBODY:
        return ""
    refused = error_of(messages[0])
    if isinstance(refused, Retriable) and refused.after is not None:
        raise refused
    return "" if refused is not None else _only_address(messages[0])


def _only_address(message: Element) -> str:
    found = message.find(MESSAGES + "ResolutionSet")
    addresses = {
        text(one, "Mailbox", "EmailAddress") for one in (() if found is None else found) if isinstance(one.tag, str)
    }
    one = addresses.pop() if len(addresses) == 1 else ""
    return one if "@" in one and not is_x500(one) else ""
