"""Reads a folder's two lanes: forward for what arrives, history for what was there, newest first.

They never overlap: at first contact the next id to come divides them. They alternate page by page, so new mail is
logged while years of history are read.
"""

from collections.abc import Mapping
from datetime import date

from agent.store.mail import folders
from agent.store.mail.folders import FORWARD, HISTORY, FolderState
from agent.store.unit import fenced
from agent.sync.ingest import Task, ingest
from agent.sync.reader import Pages
from agent.sync.room import Room
from connectors.errors import Skippable
from connectors.message import Page

MOST_RENUMBERINGS = 3
"""So many times in a row may a folder's ids change meaning before it alone is stopped."""

States = Mapping[int, FolderState]


def read_forward(room: Room, state: FolderState, states: States) -> bool:
    """Everything new in a folder. True if the server hints that something may have left or been missed."""
    pages = Pages(room.reader, lambda: room.reader.source.changes(state.folder, state.forward))
    verify = False
    while (page := pages.take()) is not None:
        room.step()
        if page.history is not None:
            _begin(room, state, page)
            return True
        verify = verify or page.verify
        ingest(room, Task(state=state, page=page, lane=FORWARD, ahead=pages.want), states)
        _got_through(room, state)
    return verify


def _got_through(room: Room, state: FolderState) -> None:
    """A page is on record: whatever ended the last sessions, it does not hold this folder up."""
    if state.breaks:
        with fenced(room.database, room.lease) as connection:
            folders.update(connection, state.id, breaks=0)


def _begin(room: Room, state: FolderState, page: Page) -> None:
    """First contact, or a new validity: both lanes start anew, places under the old one are void."""
    with fenced(room.database, room.lease) as connection:
        folders.renumber(connection, state, page.validity, room.now())
        for lane, cursor in ((FORWARD, page.cursor), (HISTORY, page.history)):
            if cursor is not None:
                folders.save_cursor(connection, state.id, lane, cursor)
    if page.renumbered and state.renumberings + 1 >= MOST_RENUMBERINGS:
        raise Skippable(
            "the server gives this folder new message numbers at every look",
            advice="ask the server's administrator to repair the folder; the others go on",
        )


def needs_history(state: FolderState, since: date | None) -> bool:
    """Whether there is history to read: not finished yet, or the floor was lowered since. Pure."""
    if state.history is None:
        return False
    if not state.history_done:
        return True
    return state.history_since is not None and (since is None or since < state.history_since)


class History:
    """A folder's history lane, a page at a time."""

    def __init__(self, room: Room, state: FolderState, states: States) -> None:
        self._room, self._state, self._states = room, state, states
        cursor = state.history
        assert cursor is not None  # noqa: S101 - `needs_history` has said so
        self._pages = Pages(room.reader, lambda: room.reader.source.history(state.folder, cursor, room.since))

    def read_page(self) -> bool:
        """One page; False when the lane is read to its end, which is then on record."""
        self._room.step()
        page = self._pages.take()
        if page is None:
            with fenced(self._room.database, self._room.lease) as connection:
                folders.finish_history(connection, self._state.id, self._room.since)
            return False
        task = Task(state=self._state, page=page, lane=HISTORY, ahead=self._pages.want)
        ingest(self._room, task, self._states)
        _got_through(self._room, self._state)
        return True
