"""What Exchange says when it does not answer, put into the errors of `connectors.errors`.

Codes are those of ResponseCode ([MS-OXWSCDATA] section 2.2.5.24), which come alike in a SOAP fault and in the answer
for a single item. What is said about one folder stops that folder alone (`folder=True`).
"""

from connectors.errors import ConnectorError, Crowded, Fatal, NeedsSignIn, Retriable, Skippable, Unreachable

LONGEST_WAIT = 3_600.0
"""Seconds that a server may ask us to wait."""


class NoState(Retriable):
    """The server does not know any more where a folder's reading stood: begin again."""


class NoQuery(Retriable):
    """The server cannot look by this condition."""


GONE = frozenset(
    (
        "ErrorItemNotFound", "ErrorObjectTypeChanged", "ErrorCalendarOccurrenceIsDeletedFromRecurrence",
        "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange",
    )
)  # fmt: skip
"""The item is not there any more, or that time of a series."""
NO_STATE = frozenset(("ErrorInvalidSyncStateData", "ErrorSyncFolderNotFound"))
"""A sync state that the server cannot go on from."""
CHANGED = frozenset(("ErrorIrresolvableConflict", "ErrorStaleObject", "ErrorChangeKeyRequiredForWriteOperations"))
"""The item is of another version than the one named."""

_NO_QUERY = frozenset(
    (
        "ErrorUnsupportedPathForQuery", "ErrorUnsupportedQueryFilter", "ErrorUnsupportedTypeForConversion",
        "ErrorRestrictionTooComplex", "ErrorRestrictionTooLong", "ErrorInvalidOperation", "ErrorInvalidRequest",
    )
)  # fmt: skip
_BUSY = frozenset(("ErrorServerBusy", "ErrorTooManyObjectsOpened", "ErrorInsufficientResources"))
_LATER = frozenset(
    (
        "ErrorADUnavailable", "ErrorADOperation", "ErrorBatchProcessingStopped", "ErrorInternalServerError",
        "ErrorInternalServerTransientError", "ErrorMailboxFailover", "ErrorMailboxMoveInProgress",
        "ErrorMailboxStoreUnavailable", "ErrorTimeoutExpired", "ErrorCrossSiteRequest", "ErrorWrongServerVersion",
    )
)  # fmt: skip
_CROWDED = frozenset(("ErrorExceededConnectionCount", "ErrorExceededSubscriptionCount"))
_NO_FOLDER = frozenset(("ErrorFolderNotFound", "ErrorInvalidFolderId", "ErrorCannotUseFolderIdForItemId"))
_NO_MAILBOX = frozenset(
    ("ErrorNonExistentMailbox", "ErrorNonExistentMailboxGuid", "ErrorMissingEmailAddress", "ErrorInvalidSmtpAddress")
)
_NO_IMPERSONATION = frozenset(
    (
        "ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed",
        "ErrorImpersonationRequired", "ErrorInvalidExchangeImpersonationHeaderData",
    )
)  # fmt: skip
_TOO_OLD = frozenset(("ErrorInvalidServerVersion", "ErrorInvalidSchemaVersionForMailboxVersion"))
_SAYINGS = {
    "ErrorMailboxMoveInProgress": "the mailbox is being moved to another database",
    "ErrorMailboxStoreUnavailable": "the mailbox's database is not available",
    "ErrorServerBusy": "the mail server is busy",
}
_GIVE_IMPERSONATION = (
    "give the account the role ApplicationImpersonation with a scope that holds this mailbox "
    '(New-ManagementRoleAssignment), or set `access = "delegate"` and grant it full access'
)
ONLINE = (
    "this is Exchange Online, which answers EWS no longer: it is refused there since 2026-10-01 and ends on 2027-04-01"
)
USE_GRAPH = 'set `type = "graph"` for this connector; the history stays, and nothing is logged twice'


def explain(code: str, *, wait: float | None = None, folder: bool = False) -> ConnectorError:
    """The error that a code means. wait: seconds that the server asked for."""
    if code in _BUSY or code in _LATER:
        return Retriable(f"{_SAYINGS.get(code, 'the mail server cannot answer now')} ({code})", after=_bounded(wait))
    if code in _NO_QUERY:
        return NoQuery(f"the mail server cannot do what it was asked ({code})")
    if code in NO_STATE:
        return NoState(f"the mail server no longer knows where the reading of a folder stood ({code})")
    if code in _CROWDED:
        return Crowded(f"the mail server has no room for one more session ({code})", advice="lower `connections`")
    if code == "ErrorConnectionFailed":
        return Unreachable(
            f"the mail server lost its way to the mailbox ({code})", advice="it is tried again by itself"
        )
    return _explain_refusal(code, folder)


def _explain_refusal(code: str, folder: bool) -> ConnectorError:
    of_folder = code in GONE or code == "ErrorAccessDenied" or code.startswith("ErrorInvalidId")
    if code in _NO_FOLDER or (folder and of_folder):
        return Skippable(f"the folder cannot be opened ({code})", advice="check that it exists and may be read")
    if code in _NO_MAILBOX:
        advice = "check the address; if the mailbox moved to Exchange Online, give it a connector of type graph"
        return Fatal(f"there is no mailbox with this address on the server ({code})", advice=advice)
    if code in _NO_IMPERSONATION:
        return Fatal(f"the account may not act for this mailbox ({code})", advice=_GIVE_IMPERSONATION)
    if code in ("ErrorAccessDenied", "ErrorMailboxConfiguration"):
        return Fatal(f"the account has no access to this mailbox ({code})", advice=_GIVE_IMPERSONATION)
    if code in _TOO_OLD:
        return Fatal(f"the server is older than Exchange 2013 SP1 ({code})", advice="read its mailboxes by IMAP")
    if code in ("ErrorAccountDisabled", "ErrorPasswordExpired", "ErrorPasswordChangeRequired"):
        return NeedsSignIn(f"the account cannot sign in ({code})", advice="renew it, or use another `username`")
    return Retriable(f"the mail server answered {code or 'an error that it does not name'}")


def _bounded(wait: float | None) -> float | None:
    return None if wait is None else min(max(wait, 0.0), LONGEST_WAIT)


def is_online(endpoint_host: str) -> bool:
    """Whether a host is one of Exchange Online's, in any of Microsoft's clouds."""
    host = endpoint_host.lower().rstrip(".")
    return any(host == name or host.endswith("." + name) for name in _ONLINE_HOSTS)


_ONLINE_HOSTS = (
    "outlook.office365.com", "outlook.office.com", "outlook.office.de", "outlook.office365.us",
    "outlook-dod.office365.us", "partner.outlook.cn", "outlook.com", "office365.com", "onmicrosoft.com",
    "onmicrosoft.us", "partner.onmschina.cn",
)  # fmt: skip


def online() -> Fatal:
    """What a mailbox of Exchange Online is answered."""
    return Fatal(ONLINE, advice=USE_GRAPH)
