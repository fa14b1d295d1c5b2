"""How much an Exchange Server is asked: for a first reading, for a quiet poll, for news; and of the largest folders.

The least that the protocol allows for a thousand messages: 2 to pass over the folder (512 ids each), 1 view of a
thousand, 10 for envelopes and 10 for headers and texts (a hundred each).
"""

from datetime import timedelta
from pathlib import Path

import pytest

from config.model import ExchangeCalendar, FolderChoice
from connectors.event import CalendarCursor
from connectors.exchange import ExchangeSource, folders, lanes, open_calendar, reading
from connectors.message import Cursor, Folder
from tests.contracts.exchange_owner import access_to
from tests.contracts.mail_owner import START, envelopes, last_cursor, letter, message_ids, names
from tests.servers.ews import EwsServer, Mailbox


@pytest.fixture
def box(ews: EwsServer) -> Mailbox:
    return ews.mailbox()


@pytest.fixture
def source(ews: EwsServer, box: Mailbox, tmp_path: Path) -> ExchangeSource:
    return ExchangeSource(access_to(ews, box, tmp_path), FolderChoice())


def fill(box: Mailbox, *numbers: int) -> list[str]:
    return [box.deliver(letter(number), received=START + timedelta(minutes=number)) for number in numbers]


def begin(source: ExchangeSource) -> tuple[Folder, Cursor, Cursor]:
    folder = source.folders()[0]
    (page,) = source.changes(folder, None)
    assert page.cursor is not None
    assert page.history is not None
    return folder, page.cursor, page.history


def test_a_first_reading_asks_for_each_message_once_and_no_oftener_than_it_must(
    ews: EwsServer, box: Mailbox, source: ExchangeSource
) -> None:
    fill(box, *range(250))
    folder, _, history = begin(source)
    ews.operations.clear()
    pages = list(source.history(folder, history, None))
    assert len(envelopes(pages)) == 250
    assert ews.operations == {"FindItem": 1, "GetItem": 3, "SyncFolderItems": 1}
    ids = [envelope.id for envelope in envelopes(pages)][:100]
    list(source.complete(folder, "ews", ids, texts=True))
    list(source.bodies(folder, "ews", ids))
    assert ews.operations["GetItem"] == 4


def test_a_quiet_folder_costs_one_request_and_one_that_says_so_itself_none(
    ews: EwsServer, box: Mailbox, source: ExchangeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(18):
        box.create_folder(f"Folder {number}")
    listed = source.folders()
    assert len(listed) >= 20
    cursors = {folder.key: next(iter(source.changes(folder, None))).cursor for folder in listed}
    ews.operations.clear()
    for folder in source.folders():
        assert list(source.changes(folder, cursors[folder.key])) == []
    assert ews.operations == {"FindFolder": 1, "SyncFolderItems": len(listed)}
    monkeypatch.setattr(folders, "SETTLED", timedelta(0))
    before, after = ({one.key: one.mark for one in source.folders()} for _ in range(2))
    assert before == after
    assert None not in before.values()
    fill(box, 1)
    changed = {one.key for one in source.folders() if one.mark != before[one.key]}
    assert changed == {listed[0].key}


def test_a_change_that_is_not_over_for_seconds_gives_no_mark(box: Mailbox, source: ExchangeSource) -> None:
    """Times are whole seconds: another change may follow in the same one."""
    fill(box, 1)
    assert source.folders()[0].mark is None


def test_folders_that_a_program_hides_are_not_read(box: Mailbox, source: ExchangeSource) -> None:
    for path in ("Add-in/Log", "Projects"):
        box.create_folder(path)
    box.folder("Add-in").hidden = True
    read = {folder.name for folder in source.folders()}
    assert "Projects" in read
    assert not [name for name in read if name.startswith("Add-in")]


def test_a_folder_too_large_for_one_look_is_passed_over_page_by_page_and_nothing_is_lost(
    ews: EwsServer, box: Mailbox, source: ExchangeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its newest mail comes first. What comes while it is passed over is the history's, later the forward lane's."""
    monkeypatch.setattr(lanes, "_MOST_PASSED", 1)
    monkeypatch.setattr(reading, "MOST_CHANGES", 10)
    fill(box, *range(25))
    folder, forward, history = begin(source)
    fill(box, 25)
    monkeypatch.setattr(lanes, "PAGE", 3)
    passed = list(source.changes(folder, forward))
    assert message_ids(passed[:1]) == names(23, 24, 25)
    assert message_ids(passed[1:]) == []
    assert len(passed) == 3
    fill(box, 26, 27)
    assert message_ids(source.changes(folder, last_cursor(passed, forward))) == names(26, 27)
    old = message_ids(source.history(folder, history, None))
    assert [one for one in old if one not in names(26, 27)] == names(*range(25, -1, -1))


def test_many_messages_of_one_second_are_read_once_each_over_restarts(
    box: Mailbox, source: ExchangeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mailbox that was brought in from elsewhere: all of it was received at once."""
    monkeypatch.setattr(lanes, "PAGE", 7)
    monkeypatch.setattr(reading, "MOST_LISTED", 10)
    for number in range(40):
        box.deliver(letter(number), received=START)
    folder, _, cursor = begin(source)
    found: list[str] = []
    for _ in range(20):
        page = next(iter(source.history(folder, cursor, None)), None)
        if page is None:
            break
        found += message_ids([page])
        cursor = page.cursor or cursor
    assert sorted(found) == sorted(names(*range(40)))


def test_a_listing_survives_what_leaves_while_it_is_read(
    ews: EwsServer, box: Mailbox, source: ExchangeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_LISTED", 30)
    ids = fill(box, *range(70))
    folder = source.folders()[0]

    def clear_out() -> None:
        for id in ids[:25]:
            box.delete(id)

    ews.faults.before(clear_out, "FindItem", skip=1)
    assert source.ids(folder, None).ids == set(ids[25:])


def test_a_quiet_calendar_costs_one_request_a_poll_and_one_that_is_elsewhere_now_is_found_again(
    ews: EwsServer, box: Mailbox, tmp_path: Path
) -> None:
    def poll(cursor: CalendarCursor | None) -> CalendarCursor:
        return open_calendar(ExchangeCalendar(access=access_to(ews, box, tmp_path))).changes(cursor).cursor

    cursor = poll(None)
    ews.operations.clear()
    cursor = poll(cursor)
    assert ews.operations == {"SyncFolderItems": 1}
    ews.faults.refuse("ErrorItemNotFound", "SyncFolderItems", whole=False)
    poll(cursor)
    assert ews.operations["GetFolder"] == 1


def test_a_comparison_lists_a_folder_once_for_all_ids_and_those_down_to_the_floor(
    ews: EwsServer, box: Mailbox, source: ExchangeSource
) -> None:
    """Which come to the same as two questions do."""
    ids, floor = fill(box, 0, 2_000), (START + timedelta(days=1)).date()
    folder = source.folders()[0]
    asked_alone = source.ids(folder, floor).ids
    ews.operations.clear()
    assert source.ids(folder, None).ids == set(ids)
    assert source.ids(folder, floor).ids == asked_alone == {ids[1]}
    assert ews.operations == {"FindItem": 1}
    box.deliver(letter(3))
    assert len(source.ids(folder, floor).ids) == 2


def test_the_history_of_an_empty_folder_costs_one_request(ews: EwsServer, source: ExchangeSource) -> None:
    folder, _, history = begin(source)
    ews.operations.clear()
    assert envelopes(list(source.history(folder, history, None))) == []
    assert ews.operations == {"FindItem": 1}
