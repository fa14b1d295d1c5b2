"""The two promises every connector makes: mailboxes in (`MailSource`), calendars out (`CalendarSink`).

Called by `agent.sync` and `agent.reminders`; implemented by the folders beside this file and by outsiders. An
implementation is proven by inheriting the test classes in `tests/contracts/`. Instances are used by one thread at
a time. Failures are the errors of `connectors.errors`, nothing else.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Protocol, runtime_checkable

from connectors.event import CalendarChanges, CalendarCursor, CalendarEvent, FoundEvent
from connectors.meeting import Appointments, Window
from connectors.message import Away, Card, Cursor, Folder, Listing, Message, Page, Withheld


class MailSource(Protocol):
    """One mailbox, read-only. Nothing a source does changes anything on the server, not even \\Seen.

    Lanes: at first contact the next id to come is read once as S. `changes` owns ids from S upward, `history` those
    below S, newest first. They never overlap and may alternate page by page on one instance.
    """

    flags_in_changes: bool
    """Whether `changes` reports flags of earlier mail (CONDSTORE, delta); otherwise `flags` must be asked."""

    def folders(self) -> Sequence[Folder]:
        """The folders to read, chosen by configuration, inbox first. An empty answer removes nothing."""

    def changes(self, folder: Folder, cursor: Cursor | None) -> Iterator[Page]:
        """Everything since the cursor, oldest first, in pages; ends when nothing is left.

        None means first contact: one page without envelopes that holds both lanes' cursors. A folder whose ids
        changed meaning answers one page with `renumbered` and both cursors anew.
        """

    def history(self, folder: Folder, cursor: Cursor, since: date | None) -> Iterator[Page]:
        """What lies below the forward lane, newest first, down to the floor `since` (server date), in pages.

        Ends at once when all of it was read; a lower `since` than last time goes on from there. A page may be
        without envelopes. Raises Renumbered if the cursor is of another validity.
        """

    def headers(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Page]:
        """The envelopes of these ids once more (retry, re-read, repair), in pages without cursors.

        Ids that left are in `gone`, those refused in `withheld`. Raises Renumbered.
        """

    def bodies(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Message | Withheld]:
        """Text and attachment names of these ids, each exactly once, in any order. Raises Renumbered."""

    def flags(self, folder: Folder, validity: str, ids: Sequence[str]) -> Page:
        """The flags of these ids now, and those gone. Raises Renumbered."""

    def ids(self, folder: Folder, since: date | None) -> Listing:
        """All ids of the folder not older than `since`: what `reconcile` and repair compare with."""

    def close(self) -> None:
        """Lets go of the server. May be called twice; never raises."""


@runtime_checkable
class CompletesHeaders(Protocol):
    """A source whose envelopes lack what costs a request a message: `headers`, references, the size.

    They tell enough to see whom a message concerns and whether it is a draft, private, an invitation or a report.
    """

    def complete(self, folder: Folder, validity: str, ids: Sequence[str], *, texts: bool) -> Iterator[Page]:
        """The whole envelopes of these ids, in pages without cursors, as `headers` tells them.

        Asked only of mail that would be kept. texts: `bodies` is asked next of most of them, so that a server which
        hands out both at once is asked once. Raises Renumbered.
        """


@runtime_checkable
class AsksTogether(Protocol):
    """A source that can ask many folders for what is new in one request."""

    def expect(self, wanted: Sequence[tuple[Folder, Cursor | None]]) -> None:
        """`changes` is asked of these folders next, in this order, with these cursors. Asks nothing yet."""


@runtime_checkable
class Searches(Protocol):
    """A source whose server can look for addresses: whose mail is read again first when they become a contact's."""

    def naming(self, folder: Folder, validity: str, addresses: Sequence[str]) -> frozenset[str]:
        """Ids of messages whose header names one of these addresses, as far as the server finds them.

        It may miss some (other spellings, an index of whole words) and name too many, so nobody may conclude anything
        from what it leaves out. Raises Renumbered, or Skippable where the server declines.
        """


@runtime_checkable
class TellsAway(Protocol):
    """A source that knows whether its owner is away."""

    def away(self) -> Away | None:
        """The owner's automatic replies, if they are on now or set for later."""


@runtime_checkable
class HoldsContacts(Protocol):
    """A source whose mailbox has an address book of its own."""

    def contacts(self) -> Iterator[Card]:
        """Everybody in the main address book, each once; nothing private, no distribution lists.

        Raises ConnectorError.
        """


class MeetingSource(Protocol):
    """The owner's own appointments: read for the history of contacts, never touched.

    A connector offers it beside `open_calendar` as `open_meetings(calendar, other)`.
    """

    def meetings(self, cursor: CalendarCursor | None, window: Window, known: Collection[str]) -> Appointments:
        """What came, changed or moved since the cursor; None: everything that touches the window.

        known: hrefs of appointments still to come that were told before. Those that stand there no more are in `gone`;
        those that left the window are found where they are now. Private ones are told as private, without content.
        """

    def close(self) -> None:
        """Lets go of the server. May be called twice; never raises."""


class CalendarSink(Protocol):
    """One calendar, of which only the items with our own property exist for us."""

    def find(self, uid: str) -> FoundEvent | None:
        """Our item with that uid, or None."""

    def create(self, event: CalendarEvent) -> FoundEvent:
        """Writes the item once. If the uid already stands there, nothing is written and Conflict is raised."""

    def update(self, event: CalendarEvent, found: FoundEvent) -> FoundEvent:
        """Replaces the item if it is still the version `found` names, else raises Conflict."""

    def delete(self, found: FoundEvent) -> None:
        """Removes the item if it is still that version, else raises Conflict. One already gone is no error."""

    def changes(self, cursor: CalendarCursor | None) -> CalendarChanges:
        """What happened to our items since the cursor; None, or one the server forgot, means everything."""

    def close(self) -> None:
        """Lets go of the server. May be called twice; never raises."""
