"""Installations that read one mailbox of Exchange and write reminders into calendars of it, each into its own."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.kill import installations as kill
from tests.acceptance.kill import letters, state
from tests.acceptance.scenarios.exchange_user import ExchangeUser
from tests.acceptance.scenarios.graph_user import GraphUser
from tests.servers.ews import EwsServer
from tests.servers.graph import Tenant

KIM = "kim@ourfirm.example"
_WORDS = ("Subject", "Start", "End", "Sensitivity", "LegacyFreeBusyStatus", "ReminderMinutesBeforeStart", "Categories")
_OTHERS = ("href", "cursor", "mark")
"""What differs with each calendar, and with each round of questions. A mark is kept of folders that lie still."""


@dataclass(kw_only=True)
class Place(kill.Place):
    """items: what stands in its calendar."""

    items: Callable[[], Iterable[str]]

    def outcome(self) -> state.Rows:
        rows = {
            table: [tuple(cell for cell in row if cell.partition("=")[0] not in _OTHERS) for row in found]
            for table, found in self.rows().items()
        }
        return {**rows, "calendar": sorted((item,) for item in self.items())}


class Installations(kill.Installations):
    """writes: what makes a calendar item, as `victim.written` names it."""

    writes = "POST"

    def make(self, folder: Path) -> Place:
        place = Place(folder=folder, items=lambda: self.items(folder.name))
        (folder / "crm-agent.toml").write_text(
            '[organisation]\ndomains = ["ourfirm.example"]\ntimezone = "Europe/Berlin"\n'
            f'{kill.REMINDERS}[[connectors]]\nname = "lab"\n{self.way(place)}'
            f'defaults = {{ calendar = {{ type = "own", name = "{folder.name}", create = true }} }}\n'
            'folders = ["INBOX", "Sent", "Archive"]\n'
            f'mailboxes = [{{ address = "{self.address}" }}]\n'
        )
        return place

    @property
    @abstractmethod
    def address(self) -> str: ...

    @abstractmethod
    def way(self, place: Place) -> str:
        """The connector's own lines."""

    @abstractmethod
    def items(self, name: str) -> Iterable[str]:
        """What stands in the calendar of this name, as it reads."""


class Online(Installations):
    """Exchange Online, which forgets what it made at once: nothing but our own look may keep a second item away."""

    def __init__(self, folder: Path, tenant: Tenant, ca_file: Path) -> None:
        super().__init__(folder)
        self.user = GraphUser.make(tenant, ca_file, folder, KIM)
        self.user.mailbox.transaction_memory = 0.0
        letters.fill(self.user)

    @property
    def address(self) -> str:
        return KIM

    def way(self, place: Place) -> str:
        access = self.user.access
        place.secret("client.secret", next(iter(self.user.tenant.applications.values())).secret)
        return (
            f'type = "graph"\ntenant_id = "{access.tenant_id}"\nclient_id = "{access.client_id}"\n'
            f'client_secret = {{ file = "client.secret" }}\nendpoint = "{access.endpoint}"\n'
            f'authority = "{access.authority}"\nca_file = "{access.ca_file}"\n'
        )

    def items(self, name: str) -> Iterable[str]:
        events = (one for one in self.user.mailbox.calendars.events() if one.calendar.name == name)
        for event in events:
            words = {key: event.fields[key] for key in ("categories", "showAs", "sensitivity", "body")}
            yield f"{event.subject} {event.start} {event.start_zone} {event.end} {words}"


class Server(Installations):
    """Exchange Server."""

    writes = "CreateItem"

    def __init__(self, folder: Path, server: EwsServer) -> None:
        super().__init__(folder)
        self.user = ExchangeUser.make(server, folder)
        self.user.create("Archive")
        letters.fill(self.user)

    @property
    def address(self) -> str:
        return self.user.address

    def way(self, place: Place) -> str:
        place.secret("mail.secret", self.user.box.password)
        return (
            f'type = "exchange"\nendpoint = "{self.user.server.url}"\nauth = "basic"\naccess = "delegate"\n'
            f'ca_file = "{self.user.server.ca_file}"\nusername = "{{address}}"\npassword = {{ file = "mail.secret" }}\n'
        )

    def items(self, name: str) -> Iterable[str]:
        for item in self.user.box.items(f"Calendar/{name}"):
            yield str({word: item[word] for word in _WORDS})
