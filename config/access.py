"""How a mailbox on an IMAP server or on disk is reached: which keys are needed together and exclude each other."""

from config.model import Access, ArchiveAccess, ImapAccess
from config.node import Node
from config.personal import is_loopback
from config.reading import Reading
from config.values import Values, need, oauth_of

_PORTS = {"tls": 993, "starttls": 143, "none": 143}


def check_imap(connector: Node, own: Values, reading: Reading) -> None:
    """Plain text only to this machine."""
    host = own.get("host")
    if own.get("security") == "none" and isinstance(host, str) and not is_loopback(host):
        place = connector.table()["security"]
        reading.note(place, f"mail and passwords would reach {host} in plain text", 'write "tls" or "starttls"')


def imap_access(place: Node, own: Values, values: Values, reading: Reading) -> Access | None:
    """Access by IMAP of what applies to a mailbox. `own`: the connector's values, `values`: those of the mailbox."""
    oauth = oauth_of(place.table().get("oauth"), values, reading)
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


def archive_access(place: Node, values: Values, reading: Reading) -> Access | None:
    """Access to an archive on disk."""
    need(place, ["path"], reading)
    return ArchiveAccess.model_validate({"path": values["path"]}) if "path" in values else None
