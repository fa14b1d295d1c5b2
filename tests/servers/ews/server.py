"""The server: mailboxes and accounts, what is served, and what tests look at. See the package for how tests use it."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from itertools import count
from secrets import token_urlsafe
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.servers.certs import Authority, ServerCertificate
from tests.servers.ews import autodiscover, schema, soap
from tests.servers.ews.calls import Account
from tests.servers.ews.exchange import Asked, Exchange, Reply
from tests.servers.ews.faults import Faults
from tests.servers.ews.https import Listener
from tests.servers.ews.owner import Mailbox
from tests.servers.ews.people import Person
from tests.servers.ews.signin import Doorman
from tests.servers.ews.store import Box, Folders, World

PATH = "/EWS/Exchange.asmx"


class EwsServer:
    """See the package. validate=False leaves the schema out, for benchmarks that measure a client.

    certificate: another one than the authority's usual, such as one that has expired.
    """

    def __init__(
        self, authority: Authority, *, validate: bool = True, certificate: ServerCertificate | None = None
    ) -> None:
        certificate = certificate or authority.server
        home = schema.folder() if validate else None
        self.world = World()
        self.exchange = Exchange(world=self.world, schema=schema.Schema(home) if home else None)
        self.doorman = Doorman(accounts={}, certificate=_der(certificate))
        self._numbers = count(1)
        self.compress = False
        self.redirects: dict[str, str] = {}
        self._http = Listener(self, certificate.context())
        self.port: int = self._http.server_address[1]
        self.host = "127.0.0.1"
        self.url = f"https://127.0.0.1:{self.port}{PATH}"
        self.autodiscover_url = f"https://127.0.0.1:{self.port}{autodiscover.SOAP_PATH}"
        self.ca_file = authority.ca_file
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="ews", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the server and its streaming connections."""
        self.drop_streams()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    # Mailboxes and accounts.

    def mailbox(self, address: str | None = None, *, name: str | None = None, legacy: str = "") -> Mailbox:
        """A new mailbox with an account of its own; by default with an address that nobody else has."""
        number = next(self._numbers)
        address = (address or f"user{number}@corp.example").lower()
        box = Box(self.world, address, name or address.partition("@")[0].title())
        account = Account(username=address, password=f"secret-{number}", box=box)
        with self.world.changed:
            Folders.plant(box)
            self.world.boxes[address] = box
            legacy = (
                legacy or f"/o=Lab/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn={number:032x}"
            )
            self.world.directory.people.append(Person(name=box.name, address=address, legacy=legacy))
            self.doorman.accounts[address] = account
        return Mailbox(self.world, box, account)

    def account(self, username: str, password: str, **rights: Any) -> Account:
        """An account without a mailbox: `impersonates={"*"}`, `opens={address}` or `reviews={address}`."""
        account = Account(username=username.lower(), password=password, **rights)
        self.doorman.accounts[account.username] = account
        return account

    def person(self, person: Person) -> None:
        """Somebody else in the directory: a contact, or a list with members."""
        with self.world.changed:
            self.world.directory.people.append(person)

    def issue_token(self, login: str, *, lifetime: float = 3600) -> str:
        """A bearer token for an account; it ends after so many seconds."""
        token = token_urlsafe(32)
        self.doorman.tokens[token] = (login.lower(), time.time() + lifetime)
        return token

    def expire_tokens(self) -> None:
        """All tokens issued until now have ended."""
        self.doorman.tokens.clear()

    # What is served.

    def answer(self, account: Account, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """See https.Site."""
        if not headers.get("Content-Type", "").lower().startswith("text/xml"):
            return Reply(status=415, body=b"")
        if path == PATH.lower():
            return self.exchange.reply(account, headers.get("X-AnchorMailbox"), body)
        if path == autodiscover.SOAP_PATH:
            found = autodiscover.user_settings(self.world, self.url, self.redirects, soap.parse(body))
            return Reply(status=200, body=found)
        if path == autodiscover.POX_PATH:
            return Reply(status=200, body=autodiscover.pox(self.world, self.url, body))
        return Reply(status=404, body=b"")

    def broke(self, error: BaseException | None) -> None:
        """See https.Site: the test fails for it."""
        self.violations.append(f"the server itself: {error!r}")

    # What tests look at and order.

    @property
    def connections(self) -> set[socket.socket]:
        """Connections that are open now."""
        return self._http.connections

    @property
    def faults(self) -> Faults:
        """Bad weather; see tests/servers/ews/faults.py."""
        return self.exchange.faults

    @property
    def operations(self) -> Counter[str]:
        """Requests by operation."""
        return self.exchange.operations

    @property
    def asked(self) -> list[Asked]:
        """Requests in their order: who asked, on whose behalf, with which X-AnchorMailbox."""
        return self.exchange.asked

    @property
    def violations(self) -> list[str]:
        """What broke Microsoft's schema, in requests and answers; the fixture `ews` fails the test for it."""
        return self.exchange.violations

    @property
    def judged(self) -> bool:
        """Are requests and answers judged by the schema?"""
        return self.exchange.schema is not None

    def drop_connections(self) -> None:
        """All connections end, as those do that nobody used for a while; clients may not notice before they write."""
        self._http.drop()

    def emigrate(self, box: Mailbox, address: str) -> None:
        """The mailbox moves to another organisation: it is no more here, and autodiscover names its new address."""
        with self.world.changed:
            del self.world.boxes[box.address]
            box.account.box = None
            self.redirects[box.address] = address

    def drop_streams(self) -> None:
        """Every streaming connection breaks."""
        with self.world.changed:
            self.world.pace.drops += 1
            self.world.changed.notify_all()

    def forget_subscriptions(self) -> None:
        """As after a restart of the server: subscriptions are gone, their connections are told so."""
        with self.world.changed:
            self.world.pace.subscriptions.clear()
            self.world.changed.notify_all()

    def reset(self) -> None:
        """For the next test: fine weather, usual manners, nothing counted. Mailboxes stay."""
        self.faults.clear()
        self.drop_streams()
        with self.world.changed:
            self.world.pace.minute, self.world.pace.heartbeat, self.world.pace.most = 60.0, 45.0, 20
            self.world.pace.subscriptions.clear()
            self.world.newest_first, self.world.most_found, self.world.merges = True, 1_000, False
            self.exchange.asked.clear()
            self.exchange.operations.clear()
            self.exchange.violations.clear()
            self.exchange.fractional = self.compress = False
            limits = self.exchange.limits
            limits.concurrency, limits.hanging, limits.peak = 27, 10, 0
            self.doorman.reset()


def _der(certificate: ServerCertificate) -> bytes:
    found = x509.load_pem_x509_certificate(certificate.certificate.read_bytes())
    return found.public_bytes(Encoding.DER)
