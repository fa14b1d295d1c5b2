"""Looks at the connectors of Exchange, once for all of their mailboxes: credentials, permissions, what stays closed."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from agent.doctor.calendar import judge_clock
from agent.doctor.examine import Look
from agent.doctor.finding import Said, failed, fine, skipped
from agent.doctor.permissions import judge_permissions
from agent.doctor.trust import authority, lasting, readable
from agent.doctor.web import date_of, tls_of
from config.model import ExchangeAccess, GraphAccess, MustRefuse
from connectors.errors import Fatal, NeedsSignIn
from connectors.oauth import TokenCache

_RENEW = "upload a new certificate beside the old one, then replace the file: no mail is read afterwards"
_RENEW_SERVER = "renew the server's certificate before then: afterwards no mail is read"
_CLOSE = "narrow the scope, and remove every consent or role that goes beyond it"


@dataclass(kw_only=True)
class ConnectorVisit:
    """One visit to a connector. access: of one of its mailboxes, which stands for all that sign in alike.

    needs_group: its list is a group of Entra. granted: what Entra says the application may do.
    """

    access: GraphAccess | ExchangeAccess
    tokens: TokenCache
    now: datetime
    must_refuse: MustRefuse | None = None
    needs_group: bool = False
    granted: frozenset[str] = field(default_factory=frozenset)

    @property
    def graph(self) -> GraphAccess:
        """Raises TypeError where there is none: such a connector is given other looks."""
        if not isinstance(self.access, GraphAccess):
            raise TypeError("not in Exchange Online")
        return self.access

    @property
    def ews(self) -> ExchangeAccess:
        """Raises TypeError where there is none: such a connector is given other looks."""
        if not isinstance(self.access, ExchangeAccess):
            raise TypeError("not on an Exchange server")
        return self.access


def looks(visit: ConnectorVisit) -> Sequence[Look[ConnectorVisit]]:
    """What there is to look at, by kind of connector and by what is configured."""
    access, endpoint = visit.access, visit.access.endpoint
    apply = {
        "ca_file": access.ca_file is not None,
        "must_refuse": visit.must_refuse is not None,
        "tls": endpoint is not None and endpoint.startswith("https:"),
        "offers": endpoint is not None,
        "clock": endpoint is not None,
    }
    chosen = _ONLINE if isinstance(access, GraphAccess) else _ON_PREMISES
    return [look for look in chosen if apply.get(look.check, True)]


def _secrets(visit: ConnectorVisit) -> Said:
    return readable(visit.access)


def _ca_file(visit: ConnectorVisit) -> Said:
    assert visit.access.ca_file is not None  # noqa: S101 - `looks` asks only where one is named; tells the type checker
    return authority(visit.access.ca_file, visit.now)


def _certificate(visit: ConnectorVisit) -> Said:
    from connectors.graph import checks  # msal takes 0.3 s: only where mailboxes are in Exchange Online

    end = checks.expires(visit.graph)
    if end is None:
        return skipped("only Entra knows when a secret ends: note that day yourself")
    return lasting("the application's certificate", end, visit.now, _RENEW)


def _sign_in_online(visit: ConnectorVisit) -> Said:
    from connectors.graph import checks  # as above

    visit.granted = checks.granted(visit.graph)
    return fine(f"application {visit.graph.client_id} in tenant {visit.graph.tenant_id}")


def _permissions(visit: ConnectorVisit) -> Said:
    return judge_permissions(visit.granted, needs_group=visit.needs_group)


def _closed_online(visit: ConnectorVisit) -> Said:
    from connectors.graph import checks  # as above

    assert visit.must_refuse is not None  # noqa: S101 - as in _ca_file
    return judge_closed(visit.must_refuse.address, is_closed=checks.is_refused(visit.graph, visit.must_refuse.address))


def judge_closed(address: str, *, is_closed: bool) -> Said:
    """Whether the mailbox that must stay closed is. Pure."""
    if is_closed:
        return fine(f"{address} cannot be read")
    return failed(f"{address} can be read, and must not", _CLOSE)


def _clock(visit: ConnectorVisit) -> Said:
    told = date_of(visit.access.endpoint or "", visit.access.ca_file)
    return told if isinstance(told, Said) else judge_clock(*told)


def _tls(visit: ConnectorVisit) -> Said:
    return tls_of(visit.access.endpoint or "", lambda: _trusting(visit.access.ca_file), visit.now, _RENEW_SERVER)


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    """As `connectors.oauth.http_session` trusts: a ca_file comes beside those that are trusted anyway."""
    context = ssl.create_default_context(cafile=None if ca_file is not None else DEFAULT_CA_BUNDLE_PATH)
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _offers(visit: ConnectorVisit) -> Said:
    from connectors.exchange import checks  # as above

    return judge_offers(checks.offered(visit.ews.endpoint or "", visit.ews.ca_file), visit.ews.auth)


def judge_offers(offered: Sequence[str], auth: str) -> Said:
    """offered: ways to sign in that the server names to a stranger; some name none. Pure."""
    if not offered:
        return skipped("the server does not say how one may sign in")
    if auth in offered:
        return fine(f"{', '.join(offered)}: {auth} is used")
    return failed(
        f"the server offers {', '.join(offered)}, not {auth}", f'write auth = "{offered[0]}", or enable {auth} for EWS'
    )


def _sign_in_on_premises(visit: ConnectorVisit) -> Said:
    """One mailbox stands for all: a wrong password tried with each of them would lock the account."""
    from connectors.exchange import checks  # as above

    try:
        found = checks.look(visit.ews, visit.tokens)
    except NeedsSignIn:
        raise
    except Fatal:
        return fine("signed in; a mailbox that cannot be opened is named below")
    return fine(f"{found.product} at {found.endpoint}, {visit.ews.auth}, {visit.ews.access}")


def _closed_on_premises(visit: ConnectorVisit) -> Said:
    from connectors.exchange import checks  # as above

    closed = visit.must_refuse
    assert closed is not None  # noqa: S101 - as in _ca_file
    assert isinstance(closed.access, ExchangeAccess)  # noqa: S101 - of this connector; tells the type checker
    return judge_closed(closed.address, is_closed=not checks.may_open(closed.access, visit.tokens))


_ONLINE: Sequence[Look[ConnectorVisit]] = (
    Look(check="secrets", at=_secrets),
    Look(check="certificate", at=_certificate, after=("secrets",)),
    Look(check="ca_file", at=_ca_file),
    Look(check="tls", at=_tls),
    Look(check="clock", at=_clock),
    Look(check="sign-in", at=_sign_in_online, after=("secrets",)),
    Look(check="permissions", at=_permissions, after=("sign-in",)),
    Look(check="must_refuse", at=_closed_online, after=("sign-in",)),
)
_ON_PREMISES: Sequence[Look[ConnectorVisit]] = (
    Look(check="secrets", at=_secrets),
    Look(check="ca_file", at=_ca_file),
    Look(check="tls", at=_tls),
    Look(check="clock", at=_clock),
    Look(check="offers", at=_offers),
    Look(check="sign-in", at=_sign_in_on_premises, after=("secrets", "tls", "offers")),
    Look(check="must_refuse", at=_closed_on_premises, after=("sign-in",)),
)
