"""One mailbox by IMAP, as a `MailSource`: opens, keeps and renews the session, and leads into the lanes.

A session is kept between calls. If it turns out dead at the first step of a call, one new sign-in is made silently;
a session that breaks later in a call ends the call with Retriable, and the next call signs in again.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TypeVar

from config.model import FolderChoice, ImapAccess
from connectors.errors import Retriable
from connectors.imap.bodies import read_bodies
from connectors.imap.choice import choose
from connectors.imap.connection import AccessTokens, sign_in
from connectors.imap.cursor import read_forward, read_history
from connectors.imap.faults import Dropped
from connectors.imap.fetch import PAGE, fetch_envelopes, fetch_flags, flag_changes
from connectors.imap.folders import Lister
from connectors.imap.forward import first_page, read_news
from connectors.imap.history import read_history as read_history_pages
from connectors.imap.search import all_ids, present
from connectors.imap.session import Session, View
from connectors.imap.syntax import id_sets
from connectors.message import Cursor, Folder, Listing, Message, Page, Withheld

T = TypeVar("T")
_FLAGS_AT_ONCE = 2_000
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
    def round_trips(self) -> int:
        """Flights of commands on the present session after sign-in."""
        return self._session.wire.round_trips if self._session else 0

    def folders(self) -> Sequence[Folder]:
        with self._letting_go():
            session, seen = self._first(lambda session: (session, self._lister.seen(session)))
        if not seen and self._access.master is not None:
            raise Retriable(_NO_RIGHTS, advice=_GIVE_RIGHTS, after=_HOUR)
        gmail, exchange = session.has("X-GM-EXT-1"), "microsoft exchange" in session.greeting.lower()
        chosen = choose(seen, self._choice, gmail=gmail, exchange=exchange)
        self.missing_folders = chosen.missing
        return chosen.folders

    def changes(self, folder: Folder, cursor: Cursor | None) -> Iterator[Page]:
        place = None if cursor is None else read_forward(cursor)
        with self._letting_go():
            session, view, just_opened = self._first(lambda session: self._look(session, folder, anew=place is None))
            if place is None:
                yield first_page(session, view)
                return
            if view.validity != place.validity:
                session, view, _ = self._look(session, folder, anew=True)
                yield first_page(session, view, renumbered=True)
                return
            yield from read_news(self._enter(folder, place.validity), view, place, just_opened=just_opened)

    def history(self, folder: Folder, cursor: Cursor, since: date | None) -> Iterator[Page]:
        place = read_history(cursor)
        with self._letting_go():
            yield from read_history_pages(self._enter(folder, place.validity), place, since)

    def headers(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Page]:
        enter = self._enter(folder, int(validity))
        with self._letting_go():
            for portion in id_sets(_numbers(ids), most=PAGE):
                fetched = fetch_envelopes(enter(), portion)
                yield Page(
                    validity=validity,
                    envelopes=tuple(fetched.envelopes),
                    withheld=tuple(fetched.withheld),
                    gone=tuple(map(str, fetched.gone)),
                )

    def bodies(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Message | Withheld]:
        with self._letting_go():
            yield from read_bodies(self._enter(folder, int(validity)), _numbers(ids))

    def flags(self, folder: Folder, validity: str, ids: Sequence[str]) -> Page:
        enter, numbers = self._enter(folder, int(validity)), _numbers(ids)
        with self._letting_go():
            flags = {}
            for portion in id_sets(numbers, most=_FLAGS_AT_ONCE):
                flags.update(fetch_flags(enter(), portion))
            silent = [uid for uid in numbers if uid not in flags]
            there = present(enter(), silent) if silent else set()
        gone = tuple(str(uid) for uid in silent if uid not in there)
        return Page(validity=validity, flags=flag_changes(flags), gone=gone)

    def ids(self, folder: Folder, since: date | None) -> Listing:
        with self._letting_go():
            session, view, _ = self._first(lambda session: self._look(session, folder, anew=False))
            ids = all_ids(session, view.exists, since)
        return Listing(validity=str(view.validity), ids=frozenset(map(str, ids)))

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.wire.close()

    def _open(self) -> Session:
        """The session, signed in now if there is none. Raises NeedsSignIn, Fatal, Retriable."""
        if self._session is None or self._session.wire.closed:
            self._session = None
            self._session = Session(sign_in(self._access, self._tokens))
            self.sign_ins += 1
            self._condstore = self._session.condstore
        return self._session

    def _first(self, step: Callable[[Session], T]) -> T:
        """The first step of a call. A kept session may have died unseen: then once more on a new one."""
        kept = self._session
        try:
            return step(self._open())
        except Dropped:
            if kept is None or self._session is not kept:
                raise
            self.close()
            return step(self._open())

    def _look(self, session: Session, folder: Folder, *, anew: bool) -> tuple[Session, View, bool]:
        """The folder as it is now, and whether it was opened for that."""
        if anew:
            session.view = None
        before = session.view
        view = session.look(folder.key)
        self._all_have_modseq = self._all_have_modseq and view.modseq is not None
        return session, view, view is not before

    def _enter(self, folder: Folder, validity: int) -> Callable[[], Session]:
        """Opens the folder again wherever a step needs it: another lane may have opened another one meanwhile."""

        def enter() -> Session:
            def step(session: Session) -> Session:
                session.enter(folder.key, validity)
                return session

            return self._first(step)

        return enter

    @contextmanager
    def _letting_go(self) -> Iterator[None]:
        """After a broken session nothing is kept of it."""
        try:
            yield
        except Dropped:
            self.close()
            raise


def _numbers(ids: Sequence[str]) -> list[int]:
    return sorted({int(uid) for uid in ids if uid.isdigit()})
