"""People with mailboxes below an entry of a directory (LDAP v3, RFC 4511), for lists of mailboxes.

Answers everybody or raises, never a part: a size limit, a referral to another server or a session that ends would look
like people who left. Needs the extra `ldap`. Binds and searches, nothing else.
"""

import ssl
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from config.model import LdapBase, Member
from config.secrets import SecretError
from connectors.errors import ConnectorError, Fatal, NeedsSignIn, Retriable, Unreachable

if TYPE_CHECKING:
    from ldap3 import Connection

CONNECT_SECONDS = 10
ANSWER_SECONDS = 60
"""For one page."""
PAGE = 500
"""Entries asked for at a time: Active Directory hands out no more than 1,000 (MaxPageSize)."""
MOST = 100_000
_TIME_LIMIT, _SIZE_LIMIT, _REFERRAL = 3, 4, 10
_PAGED = "1.2.840.113556.1.4.319"
_ATTRIBUTES = ("mail", "proxyAddresses")
_INSTALL = "install the extra: pip install 'crm-sync-agent[ldap]'"


def people(source: LdapBase) -> Sequence[Member]:
    """Everybody that the filter finds and that has an address; each once. Raises ConnectorError."""
    try:
        import ldap3  # only where a directory is configured, and it is an extra
        from ldap3.core import exceptions
    except ImportError as error:
        raise Fatal("directories cannot be read: the package ldap3 is missing", advice=_INSTALL) from error
    try:
        connection = _connect(ldap3, source)
        try:
            return members(_entries(ldap3, connection, source))
        finally:
            connection.unbind()
    except exceptions.LDAPException as error:
        raise _meaning(exceptions, error, source) from error
    except (OSError, ssl.SSLError) as error:
        raise Unreachable(f"{_place(source)} does not answer: {type(error).__name__}") from error


def members(entries: Iterable[Mapping[str, Sequence[str]]]) -> Sequence[Member]:
    """entries: the values of each by lower-case name. In Active Directory the primary address is the one that begins
    with `SMTP:` in capitals, and `smtp:` marks the others. Pure.
    """
    found: dict[str, Member] = {}
    for entry in entries:
        proxies = [one.partition(":") for one in entry.get("proxyaddresses", ())]
        primary = [address for kind, _, address in proxies if kind == "SMTP"]
        addresses = [one for one in (*primary, *entry.get("mail", ())) if "@" in one]
        if addresses:
            others = [*addresses[1:], *(address for kind, _, address in proxies if kind == "smtp" and "@" in address)]
            found.setdefault(addresses[0].casefold(), _member(addresses[0], others))
    return list(found.values())


def _member(address: str, others: Iterable[str]) -> Member:
    aliases = {other.casefold(): other for other in others if other.casefold() != address.casefold()}
    return Member(address=address, aliases=tuple(aliases.values()))


def _connect(ldap3: Any, source: LdapBase) -> "Connection":  # noqa: ANN401  # untyped
    url = urlsplit(source.url)
    secure = url.scheme == "ldaps"
    trusted = str(source.ca_file) if source.ca_file is not None else None
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=trusted) if secure else None
    server = ldap3.Server(
        url.hostname,
        port=url.port or (636 if secure else 389),
        use_ssl=secure,
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=CONNECT_SECONDS,
    )
    return ldap3.Connection(
        server,
        user=source.username,
        password=_password(source),
        authentication=ldap3.SIMPLE if source.username else ldap3.ANONYMOUS,
        auto_bind=ldap3.AUTO_BIND_NO_TLS,  # over the TLS session that `ldaps` is
        auto_referrals=False,
        read_only=True,
        raise_exceptions=True,
        receive_timeout=ANSWER_SECONDS,
    )


def _password(source: LdapBase) -> str | None:
    try:
        return source.password.read() if source.password is not None else None
    except SecretError as error:
        raise Fatal(str(error)) from error


def _entries(ldap3: Any, connection: "Connection", source: LdapBase) -> list[dict[str, list[str]]]:  # noqa: ANN401  # untyped
    found: list[dict[str, list[str]]] = []
    cookie: bytes | None = b""
    while cookie is not None:
        connection.search(
            source.base,
            source.filter,
            search_scope=ldap3.SUBTREE,
            attributes=list(_ATTRIBUTES),
            paged_size=PAGE,
            paged_cookie=cookie or None,
        )
        _require_all(connection.result["result"], source)
        found += [_values(_own(entry, source)["raw_attributes"]) for entry in connection.response]
        if len(found) > MOST:
            raise Fatal(f"{_place(source)} has more than {MOST} people below the base", advice="narrow `filter`")
        cookie = _cookie(connection.result) or None
    return found


def _require_all(code: int, source: LdapBase) -> None:
    """Some results end a search early and are no error to the library (RFC 4511 appendix A.1)."""
    if code in (_TIME_LIMIT, _SIZE_LIMIT):
        raise Fatal(_part(source), advice="raise its limit, or narrow `filter`")
    if code == _REFERRAL:
        raise _elsewhere(source)


def _own(entry: Mapping[str, Any], source: LdapBase) -> Mapping[str, Any]:
    if entry["type"] != "searchResEntry":
        raise _elsewhere(source)
    return entry


def _elsewhere(source: LdapBase) -> Fatal:
    advice = "name a base that it holds itself, or the global catalogue (port 3269)"
    return Fatal(f"{_place(source)} refers to another server for a part of the list", advice=advice)


def _part(source: LdapBase) -> str:
    return f"{_place(source)} hands out a part of the list only"


def _cookie(result: Mapping[str, Any]) -> bytes:
    """What asks for the next page (RFC 2696), empty after the last; a server without pages sends none."""
    control = (result.get("controls") or {}).get(_PAGED)
    return bytes(control["value"]["cookie"] or b"") if control else b""


def _values(raw: Mapping[str, Sequence[bytes]]) -> dict[str, list[str]]:
    """Octets as text; what is no UTF-8 is no address."""
    return {
        name.lower(): [value.decode() for value in values if value.isascii() or _is_text(value)]
        for name, values in raw.items()
    }


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _meaning(exceptions: Any, error: Exception, source: LdapBase) -> ConnectorError:  # noqa: ANN401  # untyped
    """What the directory said (RFC 4511 section 4.1.9), by what is to be done. Its own words may name people."""
    place = _place(source)
    match error:
        case exceptions.LDAPInvalidCredentialsResult() | exceptions.LDAPInappropriateAuthenticationResult():
            return NeedsSignIn(f"{place} refused the name or the password", advice="check `username` and `password`")
        case exceptions.LDAPStrongerAuthRequiredResult() | exceptions.LDAPInsufficientAccessRightsResult():
            return Fatal(f"{place} lets this account not search", advice="give it the right to read the base")
        case exceptions.LDAPNoSuchObjectResult() | exceptions.LDAPInvalidDNSyntaxResult():
            return Fatal(f"{place} has no entry {source.base}", advice="correct `base`")
        case exceptions.LDAPInvalidFilterError():
            return Fatal("the filter is none (RFC 4515)", advice="correct `filter`")
        case exceptions.LDAPAdminLimitExceededResult():
            return Fatal(_part(source), advice="raise its limit, or narrow `filter`")
        case exceptions.LDAPCertificateError():
            return Fatal(f"the certificate of {place} is for another host", advice="write the name it is made for")
        case exceptions.LDAPSocketOpenError() | exceptions.LDAPStartTLSError():
            return _unreached(error, place)
        case exceptions.LDAPCommunicationError():
            return Retriable(f"the session with {place} ended")
        case _:
            return Retriable(f"{place} answered {type(error).__name__}")


def _unreached(error: Exception, place: str) -> ConnectorError:
    if "certificate" in str(error).lower():
        advice = "name the authority's certificate in `ca_file`, and the host as the certificate does in `url`"
        return Fatal(f"the certificate of {place} is not trusted", advice=advice)
    return Unreachable(f"{place} does not answer", advice="check `url`, and whether the directory runs")


def _place(source: LdapBase) -> str:
    return urlsplit(source.url).netloc
