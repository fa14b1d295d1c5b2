"""A calendar program that works on a CalDAV calendar of the lab behind the agent's back."""

from urllib.parse import unquote

from config.model import CaldavCalendar
from config.secrets import Secret
from connectors.event import FoundEvent
from tests.servers.radicale import DavCalendar


class DavDesk:
    """Saves without conditions, as the owner of the calendar."""

    def __init__(self, calendar: DavCalendar) -> None:
        self._calendar = calendar

    def text(self, found: FoundEvent) -> str:
        lines = self._calendar.read(found.href).text.replace("\r\n", "\n")
        return lines.replace("\n ", "").replace("\n", "\r\n")

    def replace(self, found: FoundEvent, text: str) -> None:
        self._calendar.put(found.href, text)

    def add(self, name: str, text: str) -> None:
        self._calendar.put(name, text)

    def remove(self, found: FoundEvent) -> None:
        self._calendar.delete(found.href)

    def names(self) -> set[str]:
        return {unquote(item.href.rpartition("/")[2]) for item in self._calendar.items()}


def access(calendar: DavCalendar, **changes: object) -> CaldavCalendar:
    """How the agent is told of a calendar. The password stands in the variable DAV_PASSWORD."""
    given = CaldavCalendar(
        url=calendar.url, username=calendar.username, password=Secret(env="DAV_PASSWORD"), ca_file=calendar.ca_file
    )
    return given.model_copy(update=changes)
