"""What a first sync and an unchanged poll of Exchange cost in requests, beside the least that the protocols allow.

The servers are the simulators of the tests, in this process; `crm-agent` is a process of its own for the first sync.
Messages a second tell how fast the client is against them, not how fast Microsoft's servers are. Mail alone is
measured: a calendar of reminders costs one more request a poll.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from math import ceil
from pathlib import Path

from benchmarks.inside import open_agent
from benchmarks.lab import Lab
from benchmarks.mailboxes import OWN_DOMAIN, concerns_contact, small, write_contacts
from benchmarks.program import CRM_AGENT, run
from benchmarks.table import Figure, middle, show
from config.load import load
from connectors import registry
from tests.servers.certs import Authority
from tests.servers.ews import EwsServer
from tests.servers.graph import GraphServer
from tests.servers.process import make_folder, remove_folder

MESSAGES = 5_000
FOLDERS = 20
WARMING = 3
"""The first passes look at everything once."""
ADDRESS = "anna@ourfirm.example"
GRAPH_PAGE, GRAPH_BATCH = 1_000, 20
"""Most messages in a page and most parts in a batch that Graph takes."""
EWS_CHANGES, EWS_ITEMS = 512, 500
"""Most changes of SyncFolderItems, and items that a GetItem is taken to hand out ([MS-OXWSSYNC]; tens to hundreds)."""


class Office:
    """One mailbox of one kind, its configuration and its server's count of requests."""

    def __init__(self, folder: Path, connector: str, count: Callable[[], int]) -> None:
        self.folder, self.config, self._count = folder, folder / "crm-agent.toml", count
        self.config.write_text(
            f'[organisation]\ndomains = ["{OWN_DOMAIN}"]\n'
            f'[store]\nurl = "sqlite:///{folder / "crm-agent.db"}"\n'
            f'[[connectors]]\nname = "lab"\npoll_seconds = 5\n{connector}'
            f'[[connectors.mailboxes]]\naddress = "{ADDRESS}"\ncalendar = {{ type = "none" }}\n'
        )

    def run(self, *arguments: str) -> float:
        """Seconds of wall time."""
        return run([CRM_AGENT, "--config", str(self.config), *arguments]).wall

    def folders(self) -> int:
        """How many are read."""
        (mailbox,) = load(self.config).mailboxes
        with closing(registry.open_source(mailbox)) as source:
            return len(source.folders())

    def first_sync(self) -> tuple[int, float]:
        """(requests, seconds) of a first sync, the start of the process subtracted."""
        people = self.folder / "contacts.csv"
        write_contacts(people)
        self.run("migrate")
        self.run("contacts", "import", str(people))
        before = self._count()
        seconds = self.run("sync")
        asked = self._count() - before
        return asked, seconds - self.run("sync")

    def poll(self) -> float:
        """Requests of an unchanged poll while connections are kept, the median of some."""
        counts = []
        with open_agent(self.config) as agent:
            for _ in range(WARMING + 5):
                before = self._count()
                agent.read(ADDRESS)
                counts.append(self._count() - before)
        return middle(counts[WARMING:])


def measure(lab: Lab) -> None:
    """Prints two tables."""
    count = lab.count(MESSAGES)
    kept = sum(concerns_contact(number) for number in range(count))
    folder = make_folder("ca")
    try:
        authority = Authority(folder)
        with _graph(authority, count) as office:
            least = 2 + FOLDERS - 1 + ceil(count / GRAPH_PAGE) + ceil(kept / GRAPH_BATCH)  # 2: a token, the folders
            _tell("Exchange Online (Graph)", office, count, least=least, poll=1)
        with _exchange(authority, count) as office:
            least = 1 + FOLDERS - 1 + ceil(count / EWS_CHANGES) + ceil(count / EWS_ITEMS) + ceil(kept / EWS_ITEMS)
            _tell("Exchange Server (EWS)", office, count, least=least, poll=FOLDERS)
    finally:
        remove_folder(folder)


def _tell(name: str, office: Office, count: int, *, least: int, poll: int) -> None:
    asked, seconds = office.first_sync()
    show(
        f"{name}: {count:,} messages, {FOLDERS} folders",
        [
            Figure(what="first sync", value=asked * 1_000 / count, unit="requests per 1,000 messages"),
            Figure(what="the least for this mail", value=least * 1_000 / count, unit="requests per 1,000 messages"),
            Figure(what="first sync against the simulator", value=count / seconds, unit="messages/s"),
            Figure(what="unchanged poll", value=office.poll(), unit="requests", bar=poll, least=False),
        ],
    )


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _secret(folder: Path, value: str) -> Path:
    path = folder / "secret"
    path.touch(mode=0o600)
    path.write_text(value)
    return path


@contextmanager
def _graph(authority: Authority, count: int) -> Iterator[Office]:
    with GraphServer(authority) as server, _folder() as folder:
        tenant = server.tenant()
        application = tenant.application()
        mailbox = tenant.mailbox(ADDRESS)
        for mail in small(count):
            mailbox.deliver(mail.raw, received=mail.received)
        secret = _secret(folder, application.secret)
        office = Office(
            folder,
            f'type = "graph"\ntenant_id = "{tenant.id}"\nclient_id = "{application.client_id}"\n'
            f'client_secret = {{ file = "{secret}" }}\nendpoint = "{tenant.resource}"\n'
            f'authority = "{tenant.authority}"\nca_file = "{authority.ca_file}"\n',
            lambda: tenant.http.total() + tenant.token_requests.total(),
        )
        for number in range(FOLDERS - office.folders()):
            mailbox.create_folder(f"Project {number}")
        yield office


@contextmanager
def _exchange(authority: Authority, count: int) -> Iterator[Office]:
    with closing(EwsServer(authority, validate=False)) as server, _folder() as folder:
        box = server.mailbox(ADDRESS)
        for mail in small(count):
            box.deliver(mail.raw, received=mail.received)
        secret = _secret(folder, box.password)
        office = Office(
            folder,
            f'type = "exchange"\nendpoint = "{server.url}"\nauth = "basic"\nusername = "{ADDRESS}"\n'
            f'password = {{ file = "{secret}" }}\naccess = "delegate"\nca_file = "{authority.ca_file}"\n',
            lambda: server.operations.total(),
        )
        for number in range(FOLDERS - office.folders()):
            box.create_folder(f"Project {number}")
        yield office
