"""Names of time zones as calendars write them, turned into IANA names.

Outlook and Exchange write Windows names, older Mozilla clients prefix the IANA name with a path of their own
(`/mozilla.org/20070129_1/Europe/Berlin`), some add quotes. Called by every calendar connector.
"""

from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal.windows_tz import win_tz

LONGEST_NAME = 128
_WINDOWS = {name.casefold(): iana for name, iana in win_tz.items()}


@lru_cache(maxsize=512)
def iana_name(name: str) -> str | None:
    """The IANA name that a TZID means; None if nobody knows it."""
    name = name.strip().strip('"')
    if not name or len(name) > LONGEST_NAME:
        return None
    known = next((tail for tail in _tails(name) if is_zone(tail)), None)
    return known or _WINDOWS.get(name.casefold())


def is_zone(name: str) -> bool:
    """Whether the time zone database has this very name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of the database, such as "Europe"
        return False
    return True


def _tails(name: str) -> list[str]:
    """The name itself, then what remains of a path with its front cut off, longest first."""
    parts = name.strip("/").split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]
