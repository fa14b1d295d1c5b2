"""The difference between the reminders that are wanted and those that stand."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.reminders.calendar_days import WorkDays, instant
from agent.reminders.cycle import (
    ACTIVE,
    ADOPTED,
    BUNDLE,
    DISMISSED,
    DONE,
    IN_CALENDAR,
    MANUAL,
    NOT_NEEDED,
    PENDING,
    SNOOZED,
    Action,
    Frame,
    Place,
    Standing,
    Withdraw,
    plan,
)
from agent.reminders.rules.base import Wanted

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
THURSDAY = datetime(2026, 3, 5, 8, 30)


def frame(**changes: object) -> Frame:
    given: dict[str, object] = {
        "mailbox": "anna",
        "zone": "Europe/Berlin",
        "now": NOW,
        "at": time(8, 30),
        "days": WorkDays(),
        "bundle_name": lambda reason: f"bundle {reason}",
    }
    return Frame(**{**given, **changes})  # type: ignore[arg-type]  # fields of the frame


def wanted(name: str = "r", due: datetime = THURSDAY, reason_at: datetime = NOW, title: str = "") -> Wanted:
    return Wanted(
        rule="waiting_for_them",
        mailbox="anna",
        contact_id="zoe",
        reason=name,
        reason_at=reason_at,
        due=due,
        title=title or f"About {name}",
        why="because",
    )


def carry_out(standing: list[Standing], actions: tuple[Action, ...]) -> list[Standing]:
    """What the store does with the actions, all of them confirmed in the calendar."""
    rows = {one.id: one for one in standing}
    for action in actions:
        if isinstance(action, Withdraw):
            rows[action.id] = replace(rows[action.id], state=NOT_NEEDED, bundle_id=None)
            continue
        before = rows.get(action.id)
        state = before.state if before is not None and before.state in ACTIVE - {PENDING} else IN_CALENDAR
        rows[action.id] = Standing(
            id=action.id,
            rule=action.wanted.rule,
            state=state,
            planned=action.wanted.due,
            due=action.due,
            title=action.wanted.title,
            why=action.wanted.why,
            reason=action.wanted.reason,
            about=action.wanted.about,
            bundle_id=action.bundle_id if isinstance(action, Place) else None,
        )
    return list(rows.values())


def a_standing(**changes: object) -> Standing:
    given: dict[str, object] = {"id": "r", "rule": "waiting_for_them", "state": IN_CALENDAR, "planned": THURSDAY}
    rest: dict[str, object] = {"due": THURSDAY, "title": "About r", "why": "because"}
    return Standing(**{**given, **rest, **changes})  # type: ignore[arg-type]  # fields of the reminder


def test_a_new_reason_is_placed_at_its_due_time() -> None:
    (action,) = plan({"r": wanted()}, [], frame())
    assert isinstance(action, Place)
    assert (action.id, action.due, action.bundle_id) == ("r", THURSDAY, None)


def test_a_reason_that_has_gone_is_withdrawn_whatever_the_user_made_of_it() -> None:
    for state in ACTIVE:
        assert plan({}, [a_standing(state=state)], frame()) == (Withdraw(id="r"),)


def test_what_the_user_closed_does_not_come_back_for_the_same_reason() -> None:
    for state in (DONE, DISMISSED):
        assert plan({"r": wanted(title="New words")}, [a_standing(state=state)], frame()) == ()


def test_a_reason_that_came_back_is_placed_again() -> None:
    (action,) = plan({"r": wanted()}, [a_standing(state=NOT_NEEDED)], frame())
    assert isinstance(action, Place)


def test_what_a_rule_moves_moves_and_what_the_user_moved_stays() -> None:
    later = wanted(due=datetime(2026, 3, 10, 8, 30))
    (moved,) = plan({"r": later}, [a_standing()], frame())
    assert isinstance(moved, Place)
    assert moved.due == later.due
    mine = a_standing(state=SNOOZED, due=datetime(2026, 3, 6, 15, 0))
    (kept,) = plan({"r": later}, [mine], frame())
    assert isinstance(kept, Place)
    assert kept.due == mine.due


def test_an_item_that_stood_at_its_time_is_not_pushed_from_day_to_day() -> None:
    assert plan({"r": wanted()}, [a_standing()], frame(now=NOW + timedelta(days=9))) == ()


def test_manual_and_adopted_reminders_need_no_rule() -> None:
    for rule in (MANUAL, ADOPTED):
        assert plan({}, [a_standing(rule=rule)], frame()) == ()


def test_an_adopted_item_keeps_its_time_when_its_rule_is_found_again() -> None:
    mine = a_standing(rule=ADOPTED, due=datetime(2026, 3, 6, 15, 0), planned=datetime(2026, 3, 6, 15, 0))
    (action,) = plan({"r": wanted()}, [mine], frame())
    assert isinstance(action, Place)
    assert (action.wanted.rule, action.due) == ("waiting_for_them", mine.due)


def test_no_rule_fires_while_the_mailbox_is_behind_but_answers_still_withdraw() -> None:
    standing = [a_standing(), a_standing(id="gone")]
    assert plan({"r": wanted(), "new": wanted("new")}, standing, frame(behind=True)) == (Withdraw(id="gone"),)


def test_nothing_is_made_of_what_was_not_read_back_to_or_is_too_old() -> None:
    assert plan({"r": wanted()}, [], frame(read_back_to=NOW + timedelta(hours=1))) == ()
    assert plan({"r": wanted(reason_at=NOW - timedelta(days=31))}, [], frame()) == ()


def test_a_morning_that_the_clock_change_swallows_moves_forward() -> None:
    night = wanted(due=datetime(2026, 3, 29, 2, 30))
    (action,) = plan({"r": night}, [], frame())
    assert isinstance(action, Place)
    assert action.due == datetime(2026, 3, 29, 3, 30)


def test_a_bundle_the_user_closed_is_not_opened_again() -> None:
    closed = a_standing(id="bundle 2026-03-05/1", rule=BUNDLE, state=DONE, reason="2026-03-05/1")
    actions = plan({"r": wanted()}, [closed], frame(per_day=0))
    assert {action.id for action in actions} == {"r", "bundle 2026-03-05/2"}


reasons = st.sets(st.sampled_from("abcdefghij"), max_size=10)
dues = st.sampled_from([THURSDAY, THURSDAY + timedelta(days=1), THURSDAY - timedelta(days=20)])
step = st.tuples(
    reasons,
    dues,
    st.integers(0, 40),
    st.sampled_from(["nothing", "done", "dismissed", "snoozed"]),
    st.sampled_from("abcdefghij"),
    st.booleans(),
)


@settings(max_examples=300)
@given(steps=st.lists(step, max_size=12), per_day=st.integers(0, 3))
def test_over_any_history_of_reasons_and_deeds_the_promises_hold(
    steps: list[tuple[set[str], datetime, int, str, str, bool]], per_day: int
) -> None:
    """One reminder a reason, none without its reason, none after the user closed it, never more than a day takes."""
    standing: list[Standing] = []
    closed: set[str] = set()
    now = NOW
    for names, due, hours, deed, target, behind in steps:
        now += timedelta(hours=hours)
        around = frame(now=now, per_day=per_day, behind=behind)
        want = {name: wanted(name, due, reason_at=now) for name in names}
        before = {one.id: one for one in standing}
        actions = plan(want, standing, around)
        assert len({action.id for action in actions}) == len(actions)
        standing = carry_out(standing, actions)
        assert plan(want, standing, around) == ()
        active = {one.id: one for one in standing if one.state in ACTIVE}
        own = {name: one for name, one in active.items() if one.rule != BUNDLE}
        assert set(own) <= names
        assert not set(own) & closed
        assert all(name in own or name in closed for name in names) or behind
        bundles = {name for name, one in active.items() if one.rule == BUNDLE}
        assert {one.bundle_id for one in own.values() if one.bundle_id} == bundles
        fresh = [one for name, one in own.items() if name not in before or before[name].state not in ACTIVE]
        assert all(instant(one.due, "Europe/Berlin") > now for one in fresh)
        _check_days(fresh, own, per_day)
        if target in own and deed != "nothing":
            standing = _user(standing, target, deed)
            closed |= {target} if deed in (DONE, DISMISSED) else set()


def _check_days(fresh: list[Standing], own: dict[str, Standing], per_day: int) -> None:
    """A day that got something new for itself has no more items than it takes."""
    taken: Counter[date] = Counter(one.due.date() for one in own.values() if one.bundle_id is None)
    unmoved = {one.due.date() for one in fresh if one.bundle_id is None}
    assert all(taken[day] <= per_day for day in unmoved)


def _user(standing: list[Standing], target: str, deed: str) -> list[Standing]:
    due = datetime(2027, 1, 4, 15, 0)
    return [
        (replace(one, state=deed, due=due if deed == SNOOZED else one.due) if one.id == target else one)
        for one in standing
    ]
