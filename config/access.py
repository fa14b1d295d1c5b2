"""How a mailbox and its calendar are reached: which keys are needed together and which exclude each other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from config.model import Access, ArchiveAccess, CaldavCalendar, Calendar, IcsCalendar, ImapAccess, OAuth
from config.node import Node
from config.reading import Reading
from config.words import CALENDAR

Values = Mapping[str, object]
_PORTS = {"tls": 993, "starttls": 143, "none": 143}


@dataclass(frozen=True, kw_only=True)
class _CalendarKind:
    name: str
    needs: str
    keys: frozenset[str]


_CALENDARS = {
    "caldav": _CalendarKind(
        name="caldav", needs="url", keys=frozenset({"type", "url", "username", "password", "ca_file"})
    ),
    "ics": _CalendarKind(name="ics", needs="path", keys=frozenset({"type", "path"})),
}


def imap_access(place: Node, own: Values, values: Values, reading: Reading) -> Access | None:
    """Access by IMAP of what applies to a mailbox. `own`: the connector's values, `values`: those of the mailbox."""
    oauth = _oauth(place.table().get("oauth"), values, reading)
    _check_credentials(place, own, reading)
    if "host" not in own:
        return None
    security = own.get("security", "tls")
    return ImapAccess.model_validate(
        {
            "host": own["host"],
            "port": own.get("port", _PORTS[str(security)]),
            "security": security,
            "ca_file": own.get("ca_file"),
            "username": values.get("username", reading.address),
            "password": values.get("password"),
            "oauth": oauth,
            "master": own.get("master"),
        }
    )


def _check_credentials(place: Node, own: Values, reading: Reading) -> None:
    """Exactly one of password and oauth, and a password where a master user signs in."""
    password, oauth = place.table().get("password"), place.table().get("oauth")
    if password is None and oauth is None:
        reading.note(place, "has neither password nor oauth", 'write password = { env = "NAME" }')
    elif oauth is not None and password is not None:
        reading.note(oauth, "stands beside a password", "remove one of the two")
    elif oauth is not None and "master" in own:
        reading.note(oauth, "a master user signs in by password", "write its password instead")


def _oauth(place: Node | None, values: Values, reading: Reading) -> OAuth | None:
    oauth = values.get("oauth")
    if place is None or not isinstance(oauth, dict):
        return None
    needed = _oauth_needs(str(oauth.get("provider")), str(oauth.get("flow", "device")))
    _need(place, needed, reading)
    if oauth.get("provider") == "google" and oauth.get("flow") == "client-credentials":
        reading.note(place, "google has no client-credentials for mail", 'write flow = "device"')
    return OAuth.model_validate(oauth) if all(name in oauth for name in needed) else None


def _oauth_needs(provider: str, flow: str) -> list[str]:
    """The keys without which a sign-in of that kind cannot be tried."""
    needed = ["provider", "client_id"]
    if flow == "client-credentials":
        needed += ["client_secret"] + ["tenant_id"] * (provider == "microsoft")
    if provider == "custom":
        needed += ["token_url", "scope"] + ["device_url"] * (flow == "device")
    return needed


def archive_access(place: Node, values: Values, reading: Reading) -> Access | None:
    """Access to an archive on disk."""
    _need(place, ["path"], reading)
    return ArchiveAccess.model_validate({"path": values["path"]}) if "path" in values else None


def calendar_of(place: Node | None, values: Values, reading: Reading) -> Calendar | None:
    """The calendar that applies to a mailbox, None if it has none or something about it is wrong."""
    calendar = values.get("calendar")
    if place is None or not isinstance(calendar, dict):
        return None
    _need(place, ["type"], reading)
    kind = _CALENDARS.get(str(calendar.get("type")))
    if kind is None or not _belong(place, kind, reading):
        return None
    _need(place, [kind.needs], reading)
    if kind.needs not in calendar:
        return None
    if kind is _CALENDARS["ics"]:
        return IcsCalendar.model_validate(calendar)
    signs_in = {"username": reading.address} if "password" in calendar else {}
    return CaldavCalendar.model_validate({**signs_in, **calendar})


def _belong(place: Node, kind: _CalendarKind, reading: Reading) -> bool:
    """Whether all keys that are calendar keys are of this kind of calendar; those that are not are noted."""
    strange = [node for name, node in place.table().items() if name in CALENDAR.keys and name not in kind.keys]
    for node in strange:
        name = node.key.rpartition(".")[2]
        reading.note(node, f"{name} does not belong to {kind.name} calendars", "remove it")
    return not strange


def _need(place: Node, names: Iterable[str], reading: Reading) -> None:
    for name in names:
        if name not in place.table():
            reading.note(place, f"{name} is missing", f"write {name} = …")
