"""One mailbox by Exchange Web Services, as a `MailSource`.

Pages carry what properties tell; the header as it came in costs a property that is kept apart, so `complete` asks for
it, of mail that would be kept alone, and for the texts in the same request when they are wanted next.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import chain
from zoneinfo import ZoneInfo

from config.model import ExchangeAccess, FolderChoice
from connectors.errors import Interrupted, Unreachable
from connectors.exchange import shapes
from connectors.exchange.autodiscover import ENDPOINTS
from connectors.exchange.away import read_away
from connectors.exchange.cards import read_cards
from connectors.exchange.cursors import VALIDITY, read_forward, read_history
from connectors.exchange.folders import distinguished_ids, list_folders, seen
from connectors.exchange.items import read_envelope, read_flags, read_message, read_whole
from connectors.exchange.lanes import first_contact, read_news, read_past
from connectors.exchange.listing import Listings
from connectors.exchange.opening import Opened
from connectors.exchange.people import People
from connectors.exchange.reading import BATCH, Got, get_items
from connectors.exchange.searching import naming
from connectors.exchange.soap import Seat
from connectors.exchange.xml import Element
from connectors.folders.choice import choose
from connectors.message import Away, Card, Cursor, Envelope, FlagChange, Folder, Listing, Message, Page, Withheld
from connectors.oauth import TokenCache
from connectors.past import portions

Read = Callable[[Element], Envelope]
_LEFT = "it has left the folder"


class ExchangeSource:
    """See `connectors.base.MailSource`. One thread at a time."""

    flags_in_changes = True

    def __init__(
        self, access: ExchangeAccess, folders: FolderChoice, timezone: str = "UTC", tokens: TokenCache | None = None
    ) -> None:
        """timezone: the owner's, for the days that flags are due."""
        self._access, self._choice, self._tokens = access, folders, tokens
        self._zone = ZoneInfo(timezone)
        self._opened: Opened | None = None
        self._seat_kept: Seat | None = None
        self._special: dict[str, str] | None = None
        self._people = People()
        self._listings = Listings()
        self._texts: dict[str, Message] = {}
        self.missing_folders: tuple[str, ...] = ()
        """Configured names that no folder had at the last listing."""

    @property
    def requests(self) -> int:
        """How many requests were made to this endpoint, by all mailboxes that share its sessions."""
        return self._opened.wire.requests if self._opened is not None else 0

    def folders(self) -> Sequence[Folder]:
        seat = self._seat()
        try:
            places = list_folders(seat)
            if self._special is None:
                self._special = distinguished_ids(seat)
        except Unreachable:
            self._look_elsewhere()
            raise
        chosen = choose(seen(places, self._special), self._choice, gmail=False, exchange=True)
        self.missing_folders = chosen.missing
        return chosen.folders

    def changes(self, folder: Folder, cursor: Cursor | None) -> Iterator[Page]:
        if cursor is None:
            yield first_contact(self._seat(), folder.key)
            return
        place = read_forward(cursor)
        yield from read_news(self._seat(), folder.key, place, self._fetcher(folder))

    def history(self, folder: Folder, cursor: Cursor, since: date | None) -> Iterator[Page]:
        place = read_history(cursor)
        yield from read_past(self._seat(), folder.key, place, since, self._fetcher(folder))

    def headers(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Page]:
        yield from self._envelopes(folder, ids, shapes.envelope(), self._read)

    def complete(self, folder: Folder, validity: str, ids: Sequence[str], *, texts: bool) -> Iterator[Page]:
        """The envelopes with the headers as they came in. Texts that came along are kept until `complete` is next
        asked.
        """
        self._texts = {}
        long: list[str] = []

        def read(item: Element) -> Envelope:
            envelope = self._read_whole(item)
            if texts:
                self._texts[envelope.id] = read_message(item)
            return envelope

        yield from self._envelopes(folder, ids, shapes.whole(texts=texts), read, long=long)
        # what has too long a text still has a header
        yield from self._envelopes(folder, long, shapes.whole(texts=False), self._read_whole)

    def bodies(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Message | Withheld]:
        wanted = list(dict.fromkeys(ids))
        kept = {id: self._texts.pop(id) for id in wanted if id in self._texts}
        yield from kept.values()
        left = [id for id in wanted if id not in kept]
        for got in self._get(folder, left, shapes.texts()):
            yield from (read_message(item) for item in got.items.values())
            yield from (Withheld(id=id, reason=_LEFT, gone=True) for id in got.gone)
            yield from (Message(id=id, truncated=True, defects=("long-text",)) for id in got.long)
            yield from _withheld(got)

    def flags(self, folder: Folder, validity: str, ids: Sequence[str]) -> Page:
        found = list(self._get(folder, list(dict.fromkeys(ids)), shapes.flags()))
        flags = [
            FlagChange(id=id, flags=read_flags(item, self._zone)) for got in found for id, item in got.items.items()
        ]
        return Page(validity=VALIDITY, flags=tuple(flags), gone=tuple(chain.from_iterable(got.gone for got in found)))

    def ids(self, folder: Folder, since: date | None) -> Listing:
        return Listing(validity=VALIDITY, ids=self._listings.ids(self._seat(), folder.key, since))

    def naming(self, folder: Folder, validity: str, addresses: Sequence[str]) -> frozenset[str]:
        """See `connectors.base.Searches`."""
        return naming(self._seat(), folder.key, addresses)

    def away(self) -> Away | None:
        return read_away(self._seat())

    def contacts(self) -> Iterator[Card]:
        """See `connectors.base.HoldsContacts`."""
        return read_cards(self._seat(), self._people)

    def close(self) -> None:
        opened, self._opened, self._seat_kept = self._opened, None, None
        if opened is not None:
            opened.close()

    def _seat(self) -> Seat:
        """Raises Fatal for settings that lead nowhere; connects only to find the endpoint, if that is not known."""
        if self._seat_kept is None:
            self._opened = Opened(self._access, self._tokens)
            self._seat_kept = Seat(self._opened.wire, self._access.user, self._access.access)
        return self._seat_kept

    def _look_elsewhere(self) -> None:
        """An endpoint that was found by autodiscover is looked for anew: the mailbox may have moved."""
        if self._access.autodiscover:
            ENDPOINTS.forget(self._access.user)
            self.close()

    def _fetcher(self, folder: Folder) -> Callable[[Sequence[str]], tuple[list[Envelope], list[Withheld], list[str]]]:
        def fetch(ids: Sequence[str]) -> tuple[list[Envelope], list[Withheld], list[str]]:
            pages = list(self._envelopes(folder, ids, shapes.envelope(), self._read))
            return (
                [envelope for page in pages for envelope in page.envelopes],
                [held for page in pages for held in page.withheld],
                [id for page in pages for id in page.gone],
            )

        return fetch

    def _read_whole(self, item: Element) -> Envelope:
        return read_whole(item, self._zone)

    def _read(self, item: Element) -> Envelope:
        return read_envelope(item, self._zone)

    def _envelopes(
        self, folder: Folder, ids: Sequence[str], shape: Element, read: Read, *, long: list[str] | None = None
    ) -> Iterator[Page]:
        """long: takes the ids of what is too long, which is withheld else."""
        for got in self._get(folder, list(dict.fromkeys(ids)), shape):
            if long is None:
                got.refused.update(dict.fromkeys(got.long, "it is longer than is read"))
            else:
                long += got.long
            envelopes = self._people.resolved(self._seat(), map(read, got.items.values()))
            yield Page(
                validity=VALIDITY,
                envelopes=tuple(envelopes),
                withheld=tuple(_withheld(got)),
                gone=tuple(got.gone),
            )

    def _get(self, folder: Folder, ids: Sequence[str], shape: Element) -> Iterator[Got]:
        """Items in batches; one by one where the last session ended, so that the one which ends it is found."""
        if not folder.fragile:
            yield from get_items(self._seat(), ids, shape, batch=BATCH)
            return
        for portion in portions(ids, 1):
            yield self._get_carefully(portion, shape)

    def _get_carefully(self, ids: Sequence[str], shape: Element) -> Got:
        try:
            return next(get_items(self._seat(), ids, shape, batch=1))
        except Interrupted:
            return Got(refused={ids[0]: "asking for it ends the session"})


def _withheld(got: Got) -> Iterator[Withheld]:
    for id, reason in got.refused.items():
        yield Withheld(id=id, reason=reason, ended=reason.endswith("ends the session"))
