"""What Graph's refusals mean, named by what the caller must do. Codes are compared without case.

ConnectorError
├── Fatal         the mailbox is not there, or not in the cloud
│   └── Forbidden it is closed to the application
├── Skippable
│   ├── Absent    one folder, message or item is not there (any more)
│   ├── Refused   the request itself is not taken, with the code that says why
│   └── TooLarge  the answer is larger than what is read
├── Retriable
│   ├── Stale     a link to what changes is not known any more: begin with the folder anew
│   └── Trouble   the server failed over the request: later, or asked in another way
└── Conflict      the item is another version than the one named
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.errors import Conflict, ConnectorError, Fatal, NeedsSignIn, Retriable, Skippable
from connectors.http_dates import http_date

BUSY = frozenset((429, 503, 504))
"""Statuses after which the same request may work later ("Microsoft Graph throttling guidance")."""
FALTERING = frozenset((500, 502))
"""Statuses of a server that stumbled: worth one more try, for they may as well be the answer to this very request."""
_FOR_NOW = frozenset((408, 423, 425, 509))
"""Statuses that say nothing against the request ("Microsoft Graph error responses and resource types")."""
LONGEST_WAIT = 3600.0
"""Seconds. A server that asks for more is asked again after an hour."""
_STALE = frozenset(("syncstatenotfound", "syncstateinvalid", "resyncrequired", "resyncchangesapplydifferences",
                    "resyncchangesuploaddifferences", "errorinvalidsyncstatedata"))  # fmt: skip
_NO_MAILBOX = {
    "mailboxnotenabledforrestapi": "the mailbox is not in Exchange Online",
    "errormailboxnotenabledforrestapi": "the mailbox is not in Exchange Online",
    "mailboxnotsupportedforrestapi": "the mailbox is not in Exchange Online",
    "mailboxnothostedinexchangeonline": "the mailbox is not in Exchange Online",
    "resourcenotfound": "there is no such mailbox in the tenant",
    "request_resourcenotfound": "there is no such mailbox in the tenant",
    "errorinvaliduser": "there is no such mailbox in the tenant",
    "errornonexistentmailbox": "there is no such mailbox in the tenant",
}
_CLOUD_ADVICE = (
    "check the address, and that the person has a licence for Exchange Online; where the user principal name is not "
    "the address, write it as `username` of the mailbox; a mailbox that lies on Exchange Server is read by "
    'type = "exchange"'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer. body: its JSON, {} if it has none. headers: by lower-case name."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def ok(self) -> bool:
        return self.status < 300

    @property
    def code(self) -> str:
        """The error's code in lower case, '' without one."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return str(error.get("code", "")).lower()[:80] if isinstance(error, dict) else ""


class Forbidden(Fatal):
    """The application lacks a permission, or the mailbox is not in its scope."""


class Absent(Skippable):
    """A folder, a message or an item that is not there."""


class Refused(Skippable):
    """The server does not take the request as it is."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence, advice="it is passed over; the others go on")
        self.code = code


class TooLarge(Skippable):
    """An answer with more bytes than are read."""


class Stale(Retriable):
    """A nextLink or deltaLink that the server does not know any more."""


class Trouble(Retriable):
    """The server failed (HTTP 500). Graph does so too over what it should refuse, as an `$expand` in some queries."""


def fault_of(reply: Reply, permission: str) -> ConnectorError:
    """What a refusal means. permission: what the application needs for this, by name."""
    code = reply.code
    if reply.status == 410 or code in _STALE:
        return Stale("the server has forgotten how far this was read; it is read again from the beginning")
    if code in _NO_MAILBOX and "Group" not in permission:
        return Fatal(_NO_MAILBOX[code], advice=_CLOUD_ADVICE)
    if reply.status in BUSY or reply.status in _FOR_NOW:
        return Retriable(f"Exchange Online is busy (HTTP {reply.status})", after=wait_of(reply))
    if reply.status == 401:
        return NeedsSignIn("Microsoft Graph refuses the token it was given", advice="check `tenant_id` and `client_id`")
    if reply.status == 403:
        return _forbidden(permission)
    if reply.status in (404, 405) or code == "errorinvalididmalformed":
        return Absent("it is not there any more")
    if reply.status in (409, 412) or code in ("errorirresolvableconflict", "errorchangekeyrequiredforwriteoperations"):
        return Conflict("it was changed meanwhile")
    if reply.status >= 500:
        return Trouble(f"Exchange Online has trouble (HTTP {reply.status})", after=wait_of(reply))
    return Refused(f"Microsoft Graph refused the request (HTTP {reply.status} {_plain(code)})", code)


def _plain(code: str) -> str:
    return "".join(c for c in code if c.isalnum() or c in "_-.")[:60]


def _forbidden(permission: str) -> Forbidden:
    if permission.startswith("Group"):
        return Forbidden(
            f"the application may not see who is in a group: {permission} is missing",
            advice=f"consent to {permission} in Entra, as an application permission",
        )
    return Forbidden(
        f"the application may not do this in the mailbox: {permission} is missing",
        advice=f"grant {permission} as an application permission, or put the mailbox into its scope; "
        "a new grant takes up to two hours",
    )


def wait_of(reply: Reply) -> float | None:
    """Seconds the server wants to be left alone (RFC 9110 section 10.2.3: seconds or a date); None if it says none."""
    written = reply.headers.get("retry-after", "").strip()
    if not written:
        return None
    try:
        wait = float(written)
    except ValueError:
        when = http_date(written)
        if when is None:
            return None
        wait = (when - datetime.now(UTC)).total_seconds()
    return min(max(wait, 0.0), LONGEST_WAIT) if wait == wait else None  # not for NaN
