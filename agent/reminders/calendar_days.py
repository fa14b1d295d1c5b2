"""Working days, mornings and wall time: when a reminder may stand in somebody's calendar.

Pure. Times of a person are wall time plus an IANA zone; a wall time that does not exist (the clock goes forward)
moves on by the gap, one that exists twice is the first.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from holidays import HolidayBase

_A_YEAR = 366


class UnknownCountry(ValueError):
    """There is no table of holidays for this country."""


@dataclass(frozen=True, kw_only=True)
class WorkDays:
    """When people work. working_days: 0 is Monday. closed: days of the firm's own.

    country: ISO 3166, None: no holidays. Raises UnknownCountry.
    """

    working_days: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    closed: frozenset[date] = frozenset()
    country: str | None = None
    _holidays: Collection[date] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_holidays", _holidays(self.country) if self.country else ())

    def is_working(self, day: date) -> bool:
        return day.weekday() in self.working_days and day not in self.closed and day not in self._holidays

    def on_or_after(self, day: date) -> date:
        """The first working day from this one on; the day itself where a whole year holds none."""
        days = (day + timedelta(days=ahead) for ahead in range(_A_YEAR))
        return next((one for one in days if self.is_working(one)), day)

    def on_or_before(self, day: date) -> date:
        """The last working day up to this one; the day itself where a whole year holds none."""
        days = (day - timedelta(days=back) for back in range(_A_YEAR))
        return next((one for one in days if self.is_working(one)), day)

    def after(self, day: date, count: int = 1) -> date:
        """The count-th working day after this one."""
        for _ in range(count):
            day = self.on_or_after(day + timedelta(days=1))
        return day

    def next_morning(self, now: datetime, at: time, zone: str) -> datetime:
        """Wall time of the next working morning after now (aware); today's, if that hour is still to come."""
        here = now.astimezone(ZoneInfo(zone))
        today = here.replace(tzinfo=None)
        first = today.date() if today.time() < at else today.date() + timedelta(days=1)
        return datetime.combine(self.on_or_after(first), at)


def instant(wall: datetime, zone: str) -> datetime:
    """The moment in UTC that a wall time means: after a gap where there is none, the first where there are two."""
    return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def existing(wall: datetime, zone: str) -> datetime:
    """The wall time that a clock really shows then: 02:30 becomes 03:30 where the clock goes forward at 02:00."""
    return instant(wall, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def local_day(moment: datetime, zone: str) -> date:
    """The date on the wall of this zone at an aware moment."""
    return moment.astimezone(ZoneInfo(zone)).date()


@lru_cache(maxsize=64)
def _holidays(country: str) -> "HolidayBase":
    from holidays import country_holidays, list_supported_countries  # only where the settings name a country

    if country.upper() not in list_supported_countries():
        raise UnknownCountry(f"there is no table of holidays for country {country!r}: write a code like DE or FR")
    return country_holidays(country.upper())
