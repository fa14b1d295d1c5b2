"""Two clients of EWS for tests: SOAP written by hand over requests, and exchangelib with nothing of ours in between."""

from pathlib import Path
from typing import Any

import requests
from exchangelib import DELEGATE, IMPERSONATION, Account, Configuration, Credentials, FailFast
from exchangelib.protocol import BaseProtocol, CachingProtocol
from lxml import etree
from requests.adapters import HTTPAdapter

from tests.servers.ews import EwsServer, Mailbox

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
PLAIN = """From: Ann Client <ann@client.example>
To: Sam <sam@corp.example>
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= {number}
Message-ID: <{number}@client.example>
Date: Mon, 02 Mar 2026 10:00:00 +0100
Content-Type: text/plain; charset=utf-8

Hello {number}.
"""
NAMES = {"s": SOAP, "m": MESSAGES, "t": TYPES}


def message(number: int = 1) -> bytes:
    """A message from a client."""
    return PLAIN.format(number=number).replace("\n", "\r\n").encode()


def envelope(content: str, *, acting_as: str | None = None, version: str = "Exchange2013_SP1") -> bytes:
    """A request whose body is `content`, with the prefixes m and t."""
    who = ""
    if acting_as is not None:
        sid = f"<t:ConnectingSID><t:PrimarySmtpAddress>{acting_as}</t:PrimarySmtpAddress></t:ConnectingSID>"
        who = f"<t:ExchangeImpersonation>{sid}</t:ExchangeImpersonation>"
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">'
        f'<s:Header><t:RequestServerVersion Version="{version}"/>{who}</s:Header>'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    ).encode()


class Answer:
    """An answer that was whole XML."""

    def __init__(self, response: requests.Response) -> None:
        self.status = response.status_code
        self.root = etree.fromstring(response.content)

    def all(self, path: str) -> list[Any]:
        """Elements by an XPath with the prefixes s, m and t."""
        found: list[Any] = self.root.xpath(path, namespaces=NAMES)
        return found

    def texts(self, path: str) -> list[str]:
        """Their texts."""
        return [element.text or "" for element in self.all(path)]

    def text(self, path: str) -> str:
        """The text of the only one."""
        (found,) = self.texts(path)
        return found

    @property
    def codes(self) -> list[str]:
        """The codes of all response messages, or of the fault."""
        return [e.text for e in self.root.iter() if isinstance(e.tag, str) and e.tag.endswith("}ResponseCode")]

    @property
    def ids(self) -> list[str]:
        """All ItemIds, in the order of the answer."""
        return [element.get("Id") for element in self.all("//t:ItemId")]


class Soap:
    """A client of one login that keeps its connection. `ask` wants 200 or a fault; `post` gives whatever came."""

    def __init__(self, server: EwsServer, login: str, password: str, *, acting_as: str | None = None) -> None:
        self.url = server.url
        self.acting_as = acting_as
        self.session = requests.Session()
        self.session.trust_env = False  # an authority named in the environment would win over ours
        self.session.auth = (login, password)
        self.session.verify = str(server.ca_file)
        self.session.headers["Content-Type"] = "text/xml; charset=utf-8"
        if acting_as is not None:
            self.session.headers["X-AnchorMailbox"] = acting_as

    @classmethod
    def of(cls, server: EwsServer, box: Mailbox) -> "Soap":
        """The owner's own client."""
        return cls(server, box.address, box.password)

    def post(self, content: str, *, stream: bool = False) -> requests.Response:
        """Send a body; the raw response."""
        return self.session.post(self.url, data=self.written(content), timeout=20, stream=stream)

    def written(self, content: str) -> bytes:
        """The request as it is sent."""
        return envelope(content, acting_as=self.acting_as)

    def ask(self, content: str) -> Answer:
        """Send a body; the answer."""
        return Answer(self.post(content))


def item_ids(*ids: str) -> str:
    """An ItemIds element."""
    return "<m:ItemIds>" + "".join(f'<t:ItemId Id="{one}"/>' for one in ids) + "</m:ItemIds>"


def get_item(*ids: str, more: str = "", base: str = "IdOnly", shape: str = "") -> str:
    """A GetItem request. more: paths of additional properties. shape: further elements of the shape."""
    added = f"<t:AdditionalProperties>{more}</t:AdditionalProperties>" if more else ""
    inside = f"<m:ItemShape><t:BaseShape>{base}</t:BaseShape>{shape}{added}</m:ItemShape>"
    return f"<m:GetItem>{inside}{item_ids(*ids)}</m:GetItem>"


def field(*uris: str) -> str:
    """Paths of plain properties."""
    return "".join(f'<t:FieldURI FieldURI="{uri}"/>' for uri in uris)


def sync_items(state: str | None = None, *, most: int = 512, folder: str = "inbox", more: str = "") -> str:
    """A SyncFolderItems request."""
    added = f"<t:AdditionalProperties>{more}</t:AdditionalProperties>" if more else ""
    shape = f"<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>{added}</m:ItemShape>"
    where = f'<m:SyncFolderId><t:DistinguishedFolderId Id="{folder}"/></m:SyncFolderId>'
    known = f"<m:SyncState>{state}</m:SyncState>" if state else ""
    page = f"<m:MaxChangesReturned>{most}</m:MaxChangesReturned>"
    return f"<m:SyncFolderItems>{shape}{where}{known}{page}</m:SyncFolderItems>"


class Trusting(HTTPAdapter):
    """exchangelib takes its authority from the adapter's class. `ca_file` is set by `exchangelib_account`."""

    ca_file = ""

    def cert_verify(self, conn: object, url: str, verify: object, cert: object) -> None:
        """See requests."""
        super().cert_verify(conn, url, self.ca_file, cert)  # type: ignore[no-untyped-call]  # requests is untyped there


def exchangelib_account(
    server: EwsServer,
    box: Mailbox,
    *,
    auth_type: str | None = "basic",
    login: tuple[str, str] | None = None,
    connections: int = 1,
) -> Account:
    """An account of exchangelib. login: of another account that impersonates the mailbox."""
    trust(server.ca_file)
    username, password = login or (box.address, box.password)
    configuration = Configuration(
        service_endpoint=server.url,
        credentials=Credentials(username, password),
        auth_type=auth_type,
        retry_policy=FailFast(),
        max_connections=connections,
    )
    access = IMPERSONATION if login else DELEGATE
    return Account(box.address, config=configuration, autodiscover=False, access_type=access)


def trust(ca_file: Path) -> None:
    """Tell exchangelib which authority to trust; connections it kept from other tests are given up."""
    CachingProtocol.clear_cache()
    Trusting.ca_file = str(ca_file)
    BaseProtocol.HTTP_ADAPTER_CLS = Trusting


def extended(**words: str) -> str:
    """The path of an extended property."""
    return "<t:ExtendedFieldURI " + " ".join(f'{name}="{value}"' for name, value in words.items()) + "/>"


def find_item(inside: str = "", *, before: str = "", folder: str = "inbox", more: str = "") -> str:
    """A FindItem request. before: the view. inside: restriction and order."""
    added = f"<t:AdditionalProperties>{more}</t:AdditionalProperties>" if more else ""
    shape = f"<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>{added}</m:ItemShape>"
    where = f'<m:ParentFolderIds><t:DistinguishedFolderId Id="{folder}"/></m:ParentFolderIds>'
    return f'<m:FindItem Traversal="Shallow">{shape}{before}{inside}{where}</m:FindItem>'


def get_folder(name: str = "inbox", *, mailbox: str | None = None, base: str = "Default") -> str:
    """A GetFolder request for a distinguished folder, perhaps of somebody else."""
    whose = f"<t:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress></t:Mailbox>" if mailbox else ""
    shape = f"<m:FolderShape><t:BaseShape>{base}</t:BaseShape></m:FolderShape>"
    where = f'<m:FolderIds><t:DistinguishedFolderId Id="{name}">{whose}</t:DistinguishedFolderId></m:FolderIds>'
    return f"<m:GetFolder>{shape}{where}</m:GetFolder>"
