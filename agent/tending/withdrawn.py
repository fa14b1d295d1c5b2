"""What emptying the calendars of a mailbox came to."""

from dataclasses import dataclass

from connectors.errors import ConnectorError


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdrawn:
    """What came of it. removed, left: items. error: why some are left. stays: so many were given up and stay.

    is_news: the error was not there at the last visit.
    """

    removed: int = 0
    left: int = 0
    stays: int = 0
    error: ConnectorError | None = None
    is_news: bool = False

    def __add__(self, other: "Withdrawn") -> "Withdrawn":
        return Withdrawn(
            removed=self.removed + other.removed,
            left=self.left + other.left,
            stays=self.stays + other.stays,
            error=self.error or other.error,
            is_news=self.is_news or other.is_news,
        )
