"""What the outbox machine knows of the rules that look beyond mail, and of a configuration that changes.

Contacts grow quiet, order late, have birthdays and meet us; rules are switched off and on and wait longer or shorter
while their reminders stand. Of each reminder that stands it is said here, in other words than the rule's, whether it
has its reason.
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
from hypothesis.stateful import initialize, rule

from agent.reminders.cycle import ACTIVE, Standing
from agent.store import feed
from agent.store.calendar import reminders
from config.model import AfterRule, GoneQuiet, KeyDate, LateOrder, MeetingFollowUp, Reminders
from config.reminder_model import WorkingDays
from tests.machines.outbox import THREADS, OutboxWorld
from tests.unit.reminder_room import MONDAY

people = st.sampled_from(sorted(set(THREADS.values())))
SETTINGS: dict[str, tuple[object, ...]] = {
    "waiting_for_them": (AfterRule(), AfterRule(after=WorkingDays(count=5)), None),
    "flagged": (AfterRule(), AfterRule(after=WorkingDays(count=1)), None),
    "gone_quiet": (GoneQuiet(after=timedelta(days=6)), GoneQuiet(after=timedelta(days=12)), None),
    "late_order": (LateOrder(), LateOrder(quantile=0.5), None),
    "key_date": (KeyDate(), KeyDate(fields=(("birthday", timedelta(days=3)),)), None),
    "meeting_follow_up": (MeetingFollowUp(), MeetingFollowUp(after=timedelta(hours=2)), None),
}
"""As it begins, otherwise, and off."""
_MAIL = frozenset({"waiting_for_them", "flagged"})
_CUSTOMERS = frozenset(SETTINGS) - _MAIL
_GAP = 5
"""Days between the orders of a regular buyer."""


class OccasionsWorld(OutboxWorld):
    """Contacts who are customers of the mailbox: regular buyers with birthdays far away, called some days ago."""

    def __init__(self) -> None:
        super().__init__()
        self._choose({name: choices[0] for name, choices in SETTINGS.items()})
        self.heard: dict[str, list[datetime]] = defaultdict(list)
        self.written: dict[str, list[datetime]] = defaultdict(list)
        self.meetings: dict[str, tuple[str, datetime]] = {}
        self.bought: dict[str, list[date]] = {}
        self.born: dict[str, date] = {}
        self.sent: dict[str, datetime] = {}
        for contact in sorted(set(THREADS.values())):
            self.room.change(contact, owner=self.room.mailbox.address)
            self._orders(contact, *(self._today() - timedelta(days=_GAP * number) for number in range(1, 6)))
            self._is_born(contact, self._today() + timedelta(days=180))
            self._called(contact, MONDAY - timedelta(days=5))

    @initialize(names=st.sampled_from((_MAIL, _CUSTOMERS, _MAIL | _CUSTOMERS)))
    def begin(self, names: frozenset[str]) -> None:
        """Where all rules are on at once, each has its turn but seldom."""
        self._choose(dict.fromkeys(SETTINGS.keys() - names))

    # The customers.

    @rule(contact=people, what=st.sampled_from(("orders", "is born")), days=st.integers(0, 20))
    def learn(self, contact: str, what: str, days: int) -> None:
        """Of an order of today, or of a birthday to come."""
        if what == "orders":
            self._orders(contact, self._today())
        else:
            self._is_born(contact, self._today() + timedelta(days=days))

    @rule(contact=people)
    def meet(self, contact: str) -> None:
        at = self._later()
        self.number += 1
        name = f"meeting{self.number}"
        self._act(lambda: self.room.met(contact, at=at, id=name))
        self.met[contact] = at
        self.meetings[name] = (contact, at)
        self.heard[contact].append(at)

    # The configuration.

    @rule(number=st.integers(0, 9), which=st.integers(0, 2))
    def change_a_rule(self, number: int, which: int) -> None:
        """One of those that reminders stand for, if there are any."""
        with self.database.read() as connection:
            known = [one for one in reminders.standing(connection, self._mailbox) if one.state in ACTIVE]
        names = sorted({one.rule for one in known} & SETTINGS.keys()) or sorted(SETTINGS)
        name = names[number % len(names)]
        self._choose({name: SETTINGS[name][which]})

    def _choose(self, chosen: dict[str, object]) -> None:
        rules = Reminders.model_validate({**dict(self.room.mailbox.reminders), **chosen})
        self.room.mailbox = self.room.mailbox.model_copy(update={"reminders": rules})

    # How it is done.

    def _today(self) -> date:
        return self.room.now.astimezone(ZoneInfo("Europe/Berlin")).date()

    def _orders(self, contact: str, *days: date) -> None:
        def buy() -> None:
            self.room.bought(*days, contact=contact)
            self._tell("purchases", contact)

        self._act(buy)
        self.bought.setdefault(contact, []).extend(days)

    def _called(self, contact: str, at: datetime) -> None:
        def call() -> None:
            now, self.room.now = self.room.now, at
            self.room.called(contact)
            self.room.now = now

        self._act(call)
        self.heard[contact].append(at)

    def _is_born(self, contact: str, day: date) -> None:
        def learn() -> None:
            self.room.change(contact, fields={"birthday": f"1980-{day:%m-%d}"})
            self._tell("contact", contact)

        self._act(learn)
        self.born[contact] = day

    def _tell(self, kind: str, contact: str) -> None:
        with self.database.write() as connection:
            feed.append(self.database, connection, [feed.Change(kind=kind, event="updated", entity=contact, body={})])

    def _forget_what_is_over(self) -> None:
        """What the user did to an item ends with it: a reason that comes again makes a new one."""
        with self.database.read() as connection:
            over = {
                self._uid(one.id) for one in reminders.standing(connection, self._mailbox) if one.state not in ACTIVE
            }
        over -= {item.uid for item in self._ours()}
        self.moved = {uid: at for uid, at in self.moved.items() if uid not in over}
        self.worded = {uid: text for uid, text in self.worded.items() if uid not in over}

    def _tend(self) -> None:
        super()._tend()
        if self.calendar.faults.error is None:
            self._forget_what_is_over()

    def _told(self) -> list[tuple[object, ...]]:
        """What people see of the reminders."""
        with self.database.read() as connection:
            known = reminders.standing(connection, self._mailbox)
        return [(one.id, one.state, one.due, one.title, one.why, one.bundle_id) for one in known]

    # What must hold.

    def _settle(self) -> None:
        super()._settle()
        with self.database.read() as connection:
            known = [one for one in reminders.standing(connection, self._mailbox) if one.state in ACTIVE]
        for one in known:
            expected = self._planned(one)
            assert expected is None or one.planned.date() == expected, f"{one.title} is due at another time"

    def _planned(self, one: Standing) -> date | None:
        """For which day the rule as it is now plans it; None for rules that are not recalculated here."""
        chosen: Any = getattr(self.room.mailbox.reminders, one.rule, None)
        if one.rule in _MAIL:
            day = self.sent[one.reason].astimezone(ZoneInfo("Europe/Berlin")).date()
            for _ in range(chosen.after.count):
                day += timedelta(days={4: 3, 5: 2}.get(day.weekday(), 1))
            return day
        if one.rule == "key_date":
            lead: timedelta = dict(chosen.fields)["birthday"]
            day = date.fromisoformat(one.reason.removeprefix("birthday/")) - lead
            return day - timedelta(days=max(0, day.weekday() - 4))
        return None

    def _has_reason(self, id: str, rule_name: str) -> bool:
        if rule_name in SETTINGS and getattr(self.room.mailbox.reminders, rule_name) is None:
            return False
        checks = {
            "gone_quiet": self._is_quiet,
            "late_order": self._orders_late,
            "key_date": self._has_a_date,
            "meeting_follow_up": self._met_in_vain,
        }
        if rule_name not in checks:
            return super()._has_reason(id, rule_name)
        one = self._standing(id)
        assert one.contact_id is not None
        return checks[rule_name](one.contact_id, one.reason)

    def _is_quiet(self, contact: str, reason: str) -> bool:
        chosen = self.room.mailbox.reminders.gone_quiet
        last = max(self.heard[contact])
        return chosen is not None and reason == f"silence/{last.date()}" and last + chosen.after <= self.room.now

    def _orders_late(self, contact: str, reason: str) -> bool:
        last = max(self.bought[contact])
        return reason == f"order/{last}" and self._today() > last

    def _has_a_date(self, contact: str, reason: str) -> bool:
        day = date.fromisoformat(reason.removeprefix("birthday/"))
        return (day.month, day.day) == (self.born[contact].month, self.born[contact].day) and day >= self._today()

    def _met_in_vain(self, contact: str, reason: str) -> bool:
        whom, at = self.meetings[reason]
        wrote = any(written > at for written in self.written[contact])
        return whom == contact and at + timedelta(hours=1) <= self.room.now and not wrote

    def _standing(self, id: str) -> Standing:
        with self.database.read() as connection:
            return next(one for one in reminders.standing(connection, self._mailbox) if one.id == id)
