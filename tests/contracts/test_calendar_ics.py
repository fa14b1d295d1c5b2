"""A folder of .ics files keeps what every calendar keeps."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config.model import IcsCalendar
from connectors.base import CalendarSink
from connectors.errors import Fatal
from connectors.event import FoundEvent
from connectors.ics import IcsSink
from tests.contracts.calendar_sink import CalendarSinkContract, an_event
from tests.contracts.calendar_user import CalendarUserContract


class FolderDesk:
    """A program that writes files of the folder in place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def text(self, found: FoundEvent) -> str:
        return (self._folder / found.href).read_bytes().decode()

    def replace(self, found: FoundEvent, text: str) -> None:
        self.add(found.href, text)

    def add(self, name: str, text: str) -> None:
        (self._folder / name).write_bytes(text.encode())

    def remove(self, found: FoundEvent) -> None:
        (self._folder / found.href).unlink()

    def names(self) -> set[str]:
        return {path.name for path in self._folder.iterdir() if not path.name.startswith(".")}


@pytest.fixture
def make(tmp_path: Path) -> Callable[[], CalendarSink]:
    return lambda: IcsSink(IcsCalendar(path=tmp_path))


@pytest.fixture
def desk(tmp_path: Path) -> FolderDesk:
    return FolderDesk(tmp_path)


class TestIcs(CalendarSinkContract, CalendarUserContract):
    @pytest.fixture
    def make(self, make: Callable[[], CalendarSink]) -> Callable[[], CalendarSink]:
        return make

    def test_unreadable_files_block_nothing(self, make: Callable[[], CalendarSink], desk: FolderDesk) -> None:
        desk.add("broken.ics", "BEGIN:VCALENDAR\r\nX-CRM-REMINDER:x")
        desk.add("huge.ics", "X-CRM-REMINDER:" + "x" * 3_000_000)
        created = make().create(an_event())
        assert make().changes(None).found == (created,)
        assert desk.names() == {"broken.ics", "huge.ics", created.href}

    def test_a_name_cannot_leave_the_folder(self, make: Callable[[], CalendarSink], tmp_path: Path) -> None:
        created = make().create(an_event(uid="../../outside"))
        assert (tmp_path / created.href).is_file()
        assert make().find("../../outside") == created

    def test_a_link_out_of_the_folder_is_not_followed(
        self, make: Callable[[], CalendarSink], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        created = make().create(an_event())
        elsewhere = tmp_path_factory.mktemp("elsewhere") / "item.ics"
        (tmp_path / created.href).rename(elsewhere)
        (tmp_path / created.href).symlink_to(elsewhere)
        assert make().find(created.uid) is None
        make().delete(created)
        assert elsewhere.is_file()

    def test_nothing_is_left_aside(self, make: Callable[[], CalendarSink], tmp_path: Path) -> None:
        created = make().create(an_event())
        make().update(an_event(title="New"), created)
        assert {path.name for path in tmp_path.iterdir()} == {created.href, ".crm-agent.lock"}

    def test_a_missing_folder_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(Fatal) as caught:
            IcsSink(IcsCalendar(path=tmp_path / "none")).changes(None)
        assert "none" in str(caught.value)
        assert "make it" in caught.value.advice
