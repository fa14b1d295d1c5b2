"""What reminders are made, as settings: a class a rule, and the table that holds them."""

from datetime import time, timedelta

from config.frozen import Frozen


class WorkingDays(Frozen):
    """A span written as `3 working days`."""

    count: int


class AfterRule(Frozen):
    """A reminder rule whose only setting is how long to wait."""

    after: WorkingDays = WorkingDays(count=3)


class GoneQuiet(Frozen):
    """Nothing with a contact for so long. stages: (stage, its own span; None: never), other stages take `after`."""

    after: timedelta = timedelta(days=90)
    stages: tuple[tuple[str, timedelta | None], ...] = ()


class LateOrder(Frozen):
    """A buyer is late by their own rhythm. quantile: the share of gaps that are shorter than what is called late."""

    quantile: float = 0.9


class KeyDate(Frozen):
    """A date of a contact draws near. fields: (its field, how long before the date to remind)."""

    fields: tuple[tuple[str, timedelta], ...] = (("birthday", timedelta(days=1)),)


class MeetingFollowUp(Frozen):
    """Nobody wrote after a meeting. after: since its end."""

    after: timedelta = timedelta(hours=24)


class PromiseRule(Frozen):
    """Our own text promises something: only ever a suggestion."""


class Feed(Frozen):
    """Where reminders can be subscribed to. host: an IP address. url: how people reach it, None: as it listens."""

    host: str = "127.0.0.1"
    port: int = 8046
    url: str | None = None


class Reminders(Frozen):
    """Which reminders are made, and how they stand in the calendar. A rule that is None is off.

    meetings: whether appointments with contacts are logged; a text is the address of another calendar of the account.
    """

    at: time = time(8, 30)
    per_day: int = 5
    max_age: timedelta = timedelta(days=30)
    meetings: bool | str = False
    feed: Feed | None = None
    waiting_for_them: AfterRule | None = None
    waiting_for_us: AfterRule | None = None
    flagged: AfterRule | None = None
    gone_quiet: GoneQuiet | None = None
    late_order: LateOrder | None = None
    key_date: KeyDate | None = None
    meeting_follow_up: MeetingFollowUp | None = None
    promise: PromiseRule | None = None

    @property
    def has_rules(self) -> bool:
        """Whether any rule is on."""
        return any(getattr(self, name) is not None for name in RULES)

    @property
    def reads_meetings(self) -> bool:
        """Whether the owner's appointments are looked at: `meeting_follow_up` needs them too."""
        return self.meetings is not False or self.meeting_follow_up is not None


RULES = (
    *("waiting_for_them", "waiting_for_us", "flagged", "gone_quiet"),
    *("late_order", "key_date", "meeting_follow_up", "promise"),
)
"""The rules that can be switched on."""
