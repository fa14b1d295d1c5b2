"""Errors of the outside world, named by what the caller must do.

ConnectorError
├── Fatal            stop this mailbox until the configuration changes (wrong CA, no such host path)
│   └── NeedsSignIn  credentials were refused: one more try after an hour, then only when they change
├── Retriable        try again after `after` seconds (None: the caller's own back-off)
│   ├── Interrupted  the session ended while it was used: twice at the same place, and the place is to blame
│   ├── Crowded      the server has no room for one more session: let go of what is idle there
│   ├── Unreachable  nobody answers there: a server that is down, or, if none ever answered, a wrong address
│   └── Renumbered   the folder's ids changed meanwhile: read its changes again, they say so
├── Skippable        this one folder or item cannot be had; go on with the others
└── Conflict         the calendar item is not what we thought: read it again, then decide

Every error carries one sentence for people (`str(error)`) and what to do (`advice`).
"""


class ConnectorError(Exception):
    """Base of everything a connector may raise on purpose."""

    def __init__(self, sentence: str, *, advice: str = "") -> None:
        super().__init__(sentence)
        self.advice = advice


class Fatal(ConnectorError):
    """Nothing will work before someone changes the configuration."""


class NeedsSignIn(Fatal):
    """The server refused the credentials. Directories lock accounts: never retry this in normal back-off."""


class Retriable(ConnectorError):
    """May work later. `after` is the wait in seconds that the server asked for, if it did."""

    def __init__(self, sentence: str, *, advice: str = "", after: float | None = None) -> None:
        super().__init__(sentence, advice=advice)
        self.after = after


class Interrupted(Retriable):
    """The session ended under our hands: end of file, a goodbye, a timeout, or an answer that makes no sense."""


class Crowded(Retriable):
    """The server has as many sessions, of this user or of this address, as it allows."""


class Unreachable(Retriable):
    """No session came about: the host is unknown, refuses, hangs up or stays silent."""


class Renumbered(Retriable):
    """UIDVALIDITY (or its like) is no longer the one the ids were given under."""


class Skippable(ConnectorError):
    """One folder or one item is out of reach; everything else goes on."""


class Conflict(ConnectorError):
    """A conditional calendar write met another state on the server (HTTP 412, a changed ChangeKey)."""
