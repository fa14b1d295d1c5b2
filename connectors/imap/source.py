"""One mailbox by IMAP, as a `MailSource`: opens, keeps and renews the session, and leads into the lanes.

A session is kept between calls. If it turns out dead when a call first uses it, one new sign-in is made silently; a
session that breaks later ends the call with Retriable, and the next call signs in again.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import TypeVar

from config.model import FolderChoice, ImapAccess
from connectors.errors import Retriable
from connectors.folders.choice import choose
from connectors.idset import Numbers
from connectors.imap.bodies import read_bodies
from connectors.imap.careful import Careful
from connectors.imap.connection import AccessTokens, sign_in
from connectors.imap.cursor import Forward, read_forward, read_history
from connectors.imap.faults import Dropped
from connectors.imap.fetch import PAGE, Enter, fetch_envelopes, fetch_flags, flag_changes
from connectors.imap.folders import Lister
from connectors.imap.forward import first_page, read_news
from connectors.imap.history import read_history as read_history_pages
from connectors.imap.search import all_ids, naming, present
from connectors.imap.session import Session, View
from connectors.imap.syntax import id_sets
from connectors.message import Cursor, Flags, Folder, Listing, Message, Page, Withheld

T = TypeVar("T")
_FLAGS_AT_ONCE = 2_000
_MOST_SIZES = 2_000
_HOUR = 3_600.0
_NO_RIGHTS = "the master user signs in, but no folder of this mailbox is visible to it"
_GIVE_RIGHTS = "Dovecot's acl plugin gives a master user no rights by default: set `acl_user` or grant lookup and read"


class ImapSource:
    """See `connectors.base.MailSource`. One thread at a time."""

    def __init__(self, access: ImapAccess, folders: FolderChoice, tokens: AccessTokens | None = None) -> None:
        self._access, self._choice, self._tokens = access, folders, tokens
        self._lister = Lister()
        self._session: Session | None = None
        self._all_have_modseq = True
        self._condstore = False
        self._sizes: dict[int, int] = {}
        self._sizes_of = ("", "")
        self.missing_folders: tuple[str, ...] = ()
        """Configured names that no folder had at the last listing."""
        self.sign_ins = 0
        """How often this object signed in."""

    @property
    def flags_in_changes(self) -> bool:
        """Known once a folder was opened; False before."""
        return self._condstore and self._all_have_modseq

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server can do, as told after sign-in. Signs in if need be."""
        return self._open().capabilities

    @property
    def greeting(self) -> str:
        """The server's first words, which often name the product. Signs in if need be."""
        return self._open().greeting

    @property
    def round_trips(self) -> int:
        """Flights of commands on the present session after sign-in."""
        return self._session.wire.round_trips if self._session else 0

    def folders(self) -> Sequence[Folder]:
        session, seen = self._answer(lambda: (session := self._open(), self._lister.seen(session)))
        if not seen and self._access.master is not None:
            raise Retriable(_NO_RIGHTS, advice=_GIVE_RIGHTS, after=_HOUR)
        gmail, exchange = session.has("X-GM-EXT-1"), "microsoft exchange" in session.greeting.lower()
        chosen = choose(seen, self._choice, gmail=gmail, exchange=exchange)
        self.missing_folders = chosen.missing
        return chosen.folders

    def changes(self, folder: Folder, cursor: Cursor | None) -> Iterator[Page]:
        place = None if cursor is None else read_forward(cursor)
        return self._noting_sizes(folder, self._pages(lambda: self._read_changes(folder, place)))

    def _read_changes(self, folder: Folder, place: Forward | None) -> Iterator[Page]:
        session, view, just_opened = self._look(folder, anew=place is None)
        if place is None:
            yield first_page(session, view)
        elif view.validity != place.validity:
            if not just_opened:
                session, view, _ = self._look(folder, anew=True)
            yield first_page(session, view, renumbered=True)
        else:
            enter = self._enter(folder, place.validity, refresh=False)
            yield from read_news(enter, view, place, just_opened=just_opened, careful=_careful(folder, enter))

    def history(self, folder: Folder, cursor: Cursor, since: date | None) -> Iterator[Page]:
        place = read_history(cursor)

        def start() -> Iterator[Page]:
            enter = self._enter(folder, place.validity)
            return read_history_pages(enter, place, since, _careful(folder, enter))

        return self._noting_sizes(folder, self._pages(start))

    def headers(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Page]:
        pages = self._pages(lambda: self._read_headers(folder, validity, _numbers(ids)))
        return self._noting_sizes(folder, pages)

    def _read_headers(self, folder: Folder, validity: str, ids: Sequence[int]) -> Iterator[Page]:
        enter = self._enter(folder, int(validity))
        careful = _careful(folder, enter)
        for portion in id_sets(ids, most=PAGE):
            fetched = careful.fetch(portion) if careful else fetch_envelopes(enter(), portion)
            yield Page(
                validity=validity,
                envelopes=tuple(fetched.envelopes),
                withheld=tuple(fetched.withheld),
                gone=tuple(map(str, fetched.gone)),
            )

    def bodies(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Message | Withheld]:
        sizes = dict(self._sizes) if self._sizes_of == (folder.key, validity) else {}
        numbers = _numbers(ids)
        return self._pages(lambda: read_bodies(self._enter(folder, int(validity), refresh=False), numbers, sizes))

    def naming(self, folder: Folder, validity: str, addresses: Sequence[str]) -> frozenset[str]:
        enter = self._enter(folder, int(validity))
        return frozenset(map(str, self._answer(lambda: naming(enter(), addresses))))

    def flags(self, folder: Folder, validity: str, ids: Sequence[str]) -> Page:
        flags, gone = self._answer(lambda: self._read_flags(self._enter(folder, int(validity)), _numbers(ids)))
        return Page(validity=validity, flags=flag_changes(flags), gone=tuple(map(str, gone)))

    def _read_flags(self, enter: Enter, ids: Sequence[int]) -> tuple[dict[int, Flags], list[int]]:
        flags: dict[int, Flags] = {}
        for portion in id_sets(ids, most=_FLAGS_AT_ONCE):
            flags.update(fetch_flags(enter(), portion))
        silent = [uid for uid in ids if uid not in flags]
        there = present(enter(), silent) if silent else set()
        return flags, [uid for uid in silent if uid not in there]

    def ids(self, folder: Folder, since: date | None) -> Listing:
        return self._answer(lambda: self._read_ids(folder, since))

    def _read_ids(self, folder: Folder, since: date | None) -> Listing:
        session, view, _ = self._look(folder, anew=False)
        return Listing(validity=str(view.validity), ids=Numbers(all_ids(session, view.exists, since)))

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.wire.close()

    def _open(self) -> Session:
        """The session, signed in now if there is none. Raises NeedsSignIn, Fatal, Retriable."""
        if self._session is None or self._session.wire.closed:
            self._session = Session(sign_in(self._access, self._tokens))
            self.sign_ins += 1
            self._condstore = self._session.condstore
        return self._session

    def _look(self, folder: Folder, *, anew: bool) -> tuple[Session, View, bool]:
        """The session, the folder as it is now, and whether it was opened for that."""
        session = self._open()
        if anew:
            session.leave()
        before = session.view
        view = session.look(folder.key)
        self._all_have_modseq = self._all_have_modseq and view.modseq is not None
        return session, view, view is not before

    def _enter(self, folder: Folder, validity: int, *, refresh: bool = True) -> Enter:
        """Opens the folder again wherever a step needs it: another lane may have opened another one meanwhile.

        refresh: the first time it is to be seen as it is now. Texts can do without: what left meanwhile may be read.
        """

        def enter() -> Session:
            nonlocal refresh
            session = self._open()
            session.enter(folder.key, validity, refresh=refresh)
            refresh = False
            return session

        return enter

    def _noting_sizes(self, folder: Folder, pages: Iterator[Page]) -> Iterator[Page]:
        """Remember the sizes of the messages handed out last: a small one is read without asking for its structure."""
        for page in pages:
            if self._sizes_of != (folder.key, page.validity) or len(self._sizes) > _MOST_SIZES:
                self._sizes_of, self._sizes = (folder.key, page.validity), {}
            self._sizes.update((int(e.id), e.size) for e in page.envelopes if e.size is not None)
            yield page

    def _answer(self, step: Callable[[], T]) -> T:
        """What `step` answers; once more if a session kept from before turned out to be dead and says nothing."""
        kept = self._session
        heard = kept.wire.responses if kept is not None else 0
        try:
            return step()
        except Dropped:
            if kept is None or kept is not self._session or kept.wire.responses != heard:
                raise
        return step()

    def _pages(self, start: Callable[[], Iterator[T]]) -> Iterator[T]:
        """What `start` yields; from its beginning once more if a kept session was dead before anything came."""

        def begin() -> tuple[list[T], Iterator[T]]:
            pages = start()
            return list(islice(pages, 1)), pages

        first, rest = self._answer(begin)
        yield from first
        yield from rest


def _careful(folder: Folder, enter: Enter) -> Careful | None:
    return Careful(enter) if folder.fragile else None


def _numbers(ids: Sequence[str]) -> list[int]:
    return sorted({int(uid) for uid in ids if uid.isdigit()})
