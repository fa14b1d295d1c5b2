"""Times of the sample world: everything is told relative to now, in office hours of working days."""

from datetime import UTC, datetime, timedelta
from random import Random


def office_hour(moment: datetime) -> datetime:
    """The same moment if it lies in office hours (8 to 17 UTC, Monday to Friday), else the next one that does."""
    if moment.hour >= 17:
        moment = (moment + timedelta(days=1)).replace(hour=8)
    elif moment.hour < 8:
        moment = moment.replace(hour=8)
    while moment.weekday() >= 5:
        moment = (moment + timedelta(days=1)).replace(hour=8)
    return moment


def working_days_before(now: datetime, days: int, *, hour: int = 10) -> datetime:
    """`hour` o'clock UTC, so many Mondays to Fridays before the day of `now`; public holidays are not known here."""
    moment = now.astimezone(UTC).replace(hour=hour, minute=12, second=0, microsecond=0)
    while days > 0:
        moment -= timedelta(days=1)
        if moment.weekday() < 5:
            days -= 1
    return moment


def some_time(random: Random, now: datetime, earliest_days: int, latest_days: int) -> datetime:
    """A moment in office hours between so many days before now; never one to come."""
    minutes = random.randint(latest_days * 24 * 60, earliest_days * 24 * 60)
    moment = office_hour((now - timedelta(minutes=minutes)).astimezone(UTC).replace(microsecond=0))
    return moment if moment < now else moment - timedelta(days=7)


def a_while_later(random: Random, moment: datetime) -> datetime:
    """Some hours on, as an answer takes."""
    return office_hour(moment + timedelta(minutes=random.randint(25, 26 * 60)))
