"""What to do so that the reminders that stand are the ones that are wanted: a pure difference.

Called after each sync of a mailbox. A reason gives one reminder, once: what the user finished or dismissed does not
come back, what nobody wants any more is withdrawn, what a rule moved moves unless the user moved it first. A day
takes `per_day` items of its own; the rest of it stands in one bundle. What would fall into the owner's absence stands
in one bundle too, on the second day that they are back. What a rule only suggests waits until somebody accepts it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from agent.reminders.calendar_days import WorkDays, existing, instant, local_day
from agent.reminders.rules.base import Wanted
from agent.reminders.rules.promise import RULE as PROMISE

BUNDLE, MANUAL, ADOPTED = "bundle", "manual", "adopted"
SUGGESTED, PENDING, IN_CALENDAR, SNOOZED = "suggested", "pending", "in-calendar", "snoozed"
DONE, DISMISSED, NOT_NEEDED = "done", "dismissed", "not-needed"
ACTIVE = frozenset({PENDING, IN_CALENDAR, SNOOZED})
CLOSED_BY_USER = frozenset({DONE, DISMISSED})
_UNCOUNTED = frozenset({BUNDLE, MANUAL, ADOPTED})
ONLY_SUGGESTS = frozenset({PROMISE})
"""Rules that never remind by themselves. What a person accepted is theirs: it stays until they are done with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A reminder as the store knows it.

    planned: the due that the rule gave, before mornings and caps; due: where it stands, or will. Both wall time.
    zone: of both. bundle_id: the bundle it stands in, None if it has an item of its own. reason: of bundles,
    `<day>/<number>`.
    """

    id: str
    rule: str
    state: str
    planned: datetime
    due: datetime
    title: str
    why: str
    zone: str = "UTC"
    reason: str = ""
    contact_id: str | None = None
    about: str | None = None
    bundle_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """The terms of one run. now: aware. per_day: items of its own a day takes. bundle_name: reason -> reminder id.

    behind: the mailbox is behind, so no rule fires. read_back_to: how far Inbox and Sent are read, None: to the end.
    away: (first, last) day of each absence of the owner whose end is known.
    """

    mailbox: str
    zone: str
    now: datetime
    at: time
    days: WorkDays
    bundle_name: Callable[[str], str]
    per_day: int = 5
    max_age: timedelta = timedelta(days=30)
    behind: bool = False
    read_back_to: datetime | None = None
    away: tuple[tuple[date, date], ...] = ()

    def back_on(self, day: date) -> date | None:
        """The second working day after the absence that a day falls into, None if it falls into none."""
        if not self.away:
            return None
        today = local_day(self.now, self.zone)
        lasts = [last for first, last in self.away if first <= day <= last and last >= today]
        return self.days.after(max(lasts), 2) if lasts else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggest:
    """Writes a suggestion, new or anew: it stands in no calendar."""

    id: str
    wanted: Wanted
    due: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Writes a reminder (new, or anew) and lets it stand at `due`, in a bundle or with an item of its own."""

    id: str
    wanted: Wanted
    due: datetime
    bundle_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdraw:
    """The reason has gone: no item any more."""

    id: str


Action = Place | Withdraw | Suggest


def plan(wanted: Mapping[str, Wanted], standing: Sequence[Standing], frame: Frame) -> tuple[Action, ...]:
    """wanted: reminder id -> what a rule wants. The same input after the actions gives no action."""
    known = {one.id: one for one in standing}
    withdrawn = [Withdraw(id=one.id) for one in standing if _has_no_reason(one, wanted)]
    left = {action.id for action in withdrawn}
    stays = [one for one in standing if one.state in ACTIVE and one.id not in left]
    reminding = {name: one for name, one in wanted.items() if one.rule not in ONLY_SUGGESTS}
    placed = () if frame.behind else _place_all(reminding, known, stays, frame)
    suggested = () if frame.behind else tuple(_suggest(wanted, known, frame))
    after = _after(stays, placed)
    return (*withdrawn, *suggested, *placed, *_bundles(after, known, frame))


def young(wanted: Mapping[str, Wanted], frame: Frame) -> frozenset[str]:
    """Those that may be reminded of anew. Of the others it matters only whether they stand."""
    return frozenset(name for name, one in wanted.items() if _is_young(one, frame))


def morning_for(planned: datetime, frame: Frame) -> datetime:
    """Where a due time really stands: at the next working morning if it has passed, at a time that clocks show.

    While the owner is away, on the second day that they are back.
    """
    due = _morning(planned, frame)
    back = frame.back_on(due.date())
    return due if back is None else existing(datetime.combine(back, frame.at), frame.zone)


def _morning(planned: datetime, frame: Frame) -> datetime:
    if instant(planned, frame.zone) <= frame.now:
        return existing(frame.days.next_morning(frame.now, frame.at, frame.zone), frame.zone)
    return existing(planned, frame.zone)


def _has_no_reason(one: Standing, wanted: Mapping[str, Wanted]) -> bool:
    if one.id in wanted:
        return False
    if one.rule in ONLY_SUGGESTS:
        return one.state == SUGGESTED
    return one.state in ACTIVE and one.rule not in _UNCOUNTED


def _suggest(wanted: Mapping[str, Wanted], known: Mapping[str, Standing], frame: Frame) -> Iterator[Suggest]:
    """New suggestions, and those that say something else now."""
    for name, one in wanted.items():
        if one.rule not in ONLY_SUGGESTS:
            continue
        before, due = known.get(name), existing(one.due, frame.zone)
        stands = before is not None and before.state == SUGGESTED
        is_news = before is None or (before.title, before.why, before.due) != (one.title, one.why, due)
        if is_news if stands else _is_fresh(one, before, frame):
            yield Suggest(id=name, wanted=one, due=due)


def _place_all(
    wanted: Mapping[str, Wanted], known: Mapping[str, Standing], stays: Sequence[Standing], frame: Frame
) -> tuple[Place, ...]:
    fresh = [(name, one) for name, one in wanted.items() if _is_fresh(one, known.get(name), frame)]
    dated = sorted(((morning_for(one.due, frame), name, one) for name, one in fresh), key=_urgency)
    changed = [_change(known[name], one, frame) for name, one in wanted.items() if name in known]
    moved = [_gathered(action, known, frame) for action in changed if action is not None]
    taken = Counter(one.due.date() for one in _after(stays, moved) if _takes_room(one))
    placed = [_seat(due, name, one, taken, known, frame) for due, name, one in dated]
    return (*moved, *placed)


def _is_fresh(one: Wanted, before: Standing | None, frame: Frame) -> bool:
    """New, or wanted again after it was withdrawn; recent, and read back far enough to know that nobody answered."""
    if before is not None and before.state != NOT_NEEDED:
        return False
    is_read = frame.read_back_to is None or frame.read_back_to <= one.reason_at
    return is_read and _is_young(one, frame)


def _is_young(one: Wanted, frame: Frame) -> bool:
    return frame.now - one.reason_at <= frame.max_age


def _urgency(item: tuple[datetime, str, Wanted]) -> tuple[datetime, float, str]:
    """Earlier days first; on one day the latest reason, because it is the warmest."""
    due, name, one = item
    return due, -one.reason_at.timestamp(), name


def _change(one: Standing, wanted: Wanted, frame: Frame) -> Place | None:
    """What a rule changed about a reminder that stands. What the user moved stays where they put it."""
    if one.state not in ACTIVE:
        return None
    is_theirs = one.state == SNOOZED or one.rule == ADOPTED
    stays = is_theirs or (one.planned == wanted.due and frame.back_on(one.due.date()) is None)
    due = one.due if stays else morning_for(wanted.due, frame)
    same = (one.rule, one.planned, one.due, one.title, one.why, one.about)
    if same == (wanted.rule, wanted.due, due, wanted.title, wanted.why, wanted.about):
        return None
    return Place(id=one.id, wanted=wanted, due=due, bundle_id=one.bundle_id if due == one.due else None)


def _is_held_back(wanted: Wanted, frame: Frame) -> bool:
    """Whether it would fall into the owner's absence."""
    return frame.back_on(_morning(wanted.due, frame).date()) is not None


def _seat(
    due: datetime, name: str, one: Wanted, taken: Counter[date], known: Mapping[str, Standing], frame: Frame
) -> Place:
    """An item of its own while the day has room, else a place in the day's bundle."""
    if not _is_held_back(one, frame) and taken[due.date()] < frame.per_day:
        taken[due.date()] += 1
        return Place(id=name, wanted=one, due=due)
    return Place(id=name, wanted=one, due=due, bundle_id=_open_bundle(due.date(), known, frame))


def _gathered(action: Place, known: Mapping[str, Standing], frame: Frame) -> Place:
    """What moves behind the owner's absence goes into that day's bundle."""
    if action.bundle_id is not None or known[action.id].due == action.due or not _is_held_back(action.wanted, frame):
        return action
    return replace(action, bundle_id=_open_bundle(action.due.date(), known, frame))


def _open_bundle(day: date, known: Mapping[str, Standing], frame: Frame) -> str:
    """The day's bundle; the next one if the user has closed or moved the first."""
    number = 1
    while True:
        name = frame.bundle_name(f"{day}/{number}")
        before = known.get(name)
        if before is None or before.state in (PENDING, IN_CALENDAR, NOT_NEEDED):
            return name
        number += 1


def _takes_room(one: Standing) -> bool:
    return one.rule not in _UNCOUNTED and one.bundle_id is None


def _after(stays: Sequence[Standing], placed: Sequence[Place]) -> list[Standing]:
    """The active reminders once these actions are carried out."""
    result = {one.id: one for one in stays}
    for action in placed:
        before = result.get(action.id)
        result[action.id] = Standing(
            id=action.id,
            rule=action.wanted.rule,
            state=before.state if before is not None else PENDING,
            planned=action.wanted.due,
            due=action.due,
            title=action.wanted.title,
            why=action.wanted.why,
            bundle_id=action.bundle_id,
        )
    return list(result.values())


def _bundles(after: Sequence[Standing], known: Mapping[str, Standing], frame: Frame) -> list[Action]:
    """Each bundle says what stands in it now; an empty one goes."""
    members: dict[str, list[Standing]] = {}
    for one in after:
        if one.bundle_id is not None:
            members.setdefault(one.bundle_id, []).append(one)
    empty = [one for one in after if one.rule == BUNDLE and one.id not in members]
    actions: list[Action] = [Withdraw(id=one.id) for one in empty]
    for name, content in members.items():
        action = _bundle(name, content, known.get(name), frame)
        if action is not None:
            actions.append(action)
    return actions


def _bundle(name: str, content: list[Standing], before: Standing | None, frame: Frame) -> Place | None:
    lines = sorted(f"• {one.title}" for one in content)
    is_open = before is not None and before.state in ACTIVE
    due = before.due if before is not None and is_open else content[0].due
    wanted = Wanted(
        rule=BUNDLE,
        mailbox=frame.mailbox,
        contact_id=None,
        reason=before.reason if before is not None else _reason(name, due.date(), frame),
        reason_at=frame.now,
        due=before.planned if before is not None and is_open else due,
        title=f"{len(content)} more follow-ups" if len(content) > 1 else "1 more follow-up",
        why="\n".join(lines),
    )
    if before is not None and is_open and (before.title, before.why) == (wanted.title, wanted.why):
        return None
    return Place(id=name, wanted=wanted, due=due)


def _reason(name: str, day: date, frame: Frame) -> str:
    """The reason that gives a new bundle its name."""
    number = 1
    while frame.bundle_name(f"{day}/{number}") != name:
        number += 1
    return f"{day}/{number}"
