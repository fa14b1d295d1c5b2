"""Which calendars an account has (RFC 4791 sections 5.2.3 and 6.2.1, RFC 5397, RFC 6764 section 6).

Called by `agent.doctor` for whoever gave the address of a server or of an account instead of that of a calendar: what
programs with a wizard find by themselves can so be copied into the configuration. Only reads, on the configured server
alone; no more than a page of calendars is told.
"""

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from connectors.dav import DAV, DavClient, Resource, resources
from connectors.errors import ConnectorError

CAL = "{urn:ietf:params:xml:ns:caldav}"
WELL_KNOWN = "/.well-known/caldav"
MOST = 20
_PRINCIPAL = f"{DAV}current-user-principal"
_HOME = f"{CAL}calendar-home-set"
_COMPONENTS = f"{CAL}supported-calendar-component-set"
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_ASKED = (
    '<d:propfind xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:resourcetype/><d:displayname/>'
    "<d:current-user-principal/><c:calendar-home-set/><c:supported-calendar-component-set/></d:prop></d:propfind>"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Offered:
    """A calendar for events. name: as its owner calls it; '' if the server does not tell."""

    url: str
    name: str


def calendars(dav: DavClient, url: str) -> tuple[Offered, ...]:
    """The calendars of the account that this address belongs to; none if the server does not lead to them."""
    for start in (url, urljoin(url, WELL_KNOWN)):
        home = _home(dav, start)
        if home is not None:
            below = (one for one in _ask(dav, home, depth="1") if _takes_events(one))
            return tuple(_offered(url, one) for one in below)[:MOST]
    return ()


def _home(dav: DavClient, start: str) -> str | None:
    """From any address to the user's principal, and from there to the folder of their calendars."""
    told = _ask(dav, start, depth="0")
    principal = _linked(told, _PRINCIPAL)
    return _linked(_ask(dav, principal, depth="0") if principal is not None else told, _HOME)


def _ask(dav: DavClient, url: str, *, depth: str) -> list[Resource]:
    try:
        answer = dav.request("PROPFIND", url, body=_ASKED, headers={"Depth": depth, **_XML})
        return list(resources(answer)) if answer.status == 207 else []
    except ConnectorError:
        return []


def _linked(told: list[Resource], name: str) -> str | None:
    """The address that a property holds."""
    nodes = (one.properties.get(name) for one in told)
    links = (node.findtext(f"{DAV}href", "").strip() for node in nodes if node is not None)
    return next((link for link in links if link), None)


def _takes_events(one: Resource) -> bool:
    kinds = one.properties.get(f"{DAV}resourcetype")
    if kinds is None or kinds.find(f"{CAL}calendar") is None:
        return False
    components = one.properties.get(_COMPONENTS)
    names = {node.get("name", "").upper() for node in components} if components is not None else set()
    return not names or "VEVENT" in names


def _offered(url: str, one: Resource) -> Offered:
    parts = urlsplit(url)
    path = one.href if one.href.endswith("/") else one.href + "/"
    return Offered(url=f"{parts.scheme}://{parts.netloc}{path}", name=one.text(f"{DAV}displayname").strip())
