"""`crm-agent mailboxes`: how every mailbox stands, and whether to read it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings
from agent.cli.doors import enlisted
from agent.cli.house import noun
from agent.cli.output import Json, emit, note, say
from agent.cli.stop import Stop
from agent.exit_codes import DONE, SOME_FAILED, WRONG_USE

if TYPE_CHECKING:
    from agent.store.calendar.leaving import LeftCalendar
    from agent.store.schedule.lists import Known
    from agent.store.schedule.standing import State
    from config.model import Settings

app = noun("State, lag and last error of every mailbox.", shows=True)

Address = Annotated[str, typer.Argument(metavar="ADDR", help="The mailbox's address.")]

_SHOWN = ("address", "state", "lag_seconds", "last_success", "logged", "skipped", "review", "quarantined", "pending")


@app.callback()
def show(context: typer.Context, as_json: Json = False) -> None:
    """Shows state, lag, last success, counts, and what to do about the last error."""
    if context.invoked_subcommand is None:
        seen = _look(settings(context, secrets="store"))
        _tell(seen.states, as_json=as_json)
        for sentence in (*seen.doubts, *seen.leavers):
            note(sentence)


@app.command()
def check(context: typer.Context, as_json: Json = False) -> int:
    """For monitoring: names each mailbox (or folder) that is stopped, or behind by more than `policy.alert_after`.

    A list of mailboxes that could not be taken counts too. Exit 1 if there is any.
    """
    configured = settings(context, secrets="store")
    seen = _look(configured)
    behind = [(state, why) for state in seen.states if (why := late(state, configured.policy.alert_after))]
    if as_json:
        emit(({**state.told(), "why": why} for state, why in behind), as_json=True)
    for state, why in behind:
        note(f"{state.address}: {why}")
    for sentence in seen.doubts:
        note(sentence)
    return SOME_FAILED if behind or seen.doubts else DONE


@app.command()
def pause(context: typer.Context, address: Address) -> None:
    """Reads a mailbox no more until `resume`; a pass under way ends at its next page."""
    from agent.store.schedule import mailboxes

    with enlisted(context) as house:
        found = mailboxes.pause(house.database, address)
    _require(found, address)
    say(f"{address} is paused: `crm-agent mailboxes resume {address}` goes on")


@app.command()
def resume(context: typer.Context, address: Address) -> None:
    """Reads a paused or stopped mailbox again, at once."""
    from agent.engine.progress import utc_now
    from agent.store.schedule import mailboxes

    with enlisted(context) as house:
        found = mailboxes.resume(house.database, address, utc_now())
    _require(found, address)
    say(f"{address} is read again")


@app.command()
def approve(context: typer.Context, address: Address) -> None:
    """Reads a mailbox that waits for approval (`policy.newcomers = "wait"`), at once."""
    from agent.engine.progress import utc_now
    from agent.store.schedule import mailboxes

    with enlisted(context) as house:
        found = mailboxes.approve(house.database, address, utc_now())
    _require(found, address)
    say(f"{address} is read from now on")


def late(state: "State", alert_after: timedelta) -> str:
    """Why a mailbox is behind, or ''. One that rests on purpose is not; one that was never read is."""
    if state.state == "paused" or not state.approved:
        return ""
    if state.state in ("stopped", "needs-sign-in"):
        return f"{state.state}: {state.last_error}" + (f"; {state.advice}" if state.advice else "")
    if state.lag is not None and state.lag > alert_after:
        why = f": {state.last_error}" if state.last_error else ": is `crm-agent run` running?"
        return f"behind by {round(state.lag.total_seconds())} s{why}"
    if state.lag is None and state.state == "waiting":
        return f"never read completely: {state.last_error}"
    if state.stopped:
        return "; ".join(f"folder {name} is not read: {why}" for name, why in state.stopped.items())
    if state.calendar_error:
        return f"calendar: {state.calendar_error}"
    return "never read: is `crm-agent run` running?" if state.state == "new" else ""


def _tell(states: "list[State]", *, as_json: bool) -> None:
    rows = [state.told() for state in states]
    emit(rows, as_json=as_json, columns=_SHOWN, empty="no mailboxes in the configuration")
    for state in states if not as_json else ():
        for name, why in state.stopped.items():
            note(f"{state.address}: folder {name} is not read: {why}")
        if state.last_error and state.approved:
            note(f"{state.address}: {state.last_error}" + (f"; {state.advice}" if state.advice else ""))
        if state.calendar_error:
            note(f"{state.address}: calendar: {state.calendar_error}")
    waiting = [state for state in states if not state.approved]
    for state in waiting if not as_json else ():
        note(f"{state.address} waits for approval: {state.advice}")


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """How every mailbox stands; a sentence for each list that was not taken, and for each mailbox that left."""

    states: "list[State]"
    doubts: Sequence[str] = ()
    leavers: Sequence[str] = ()


def _look(configured: "Settings") -> _Seen:
    """Everything the database knows of the mailboxes; without a database all are new."""
    from agent.bootstrap import open_house
    from agent.engine.progress import utc_now
    from agent.store.calendar import leaving
    from agent.store.database import sqlite_file
    from agent.store.schedule import lists, standing

    file = sqlite_file(configured.store.url)
    if file is not None and not file.exists():
        return _Seen(states=_states(configured, {}), doubts=list(_doubts(configured, {})))
    with open_house(configured, create=False) as house, house.database.read() as connection:
        recorded = {state.address: state for state in standing.states(connection, utc_now())}
        return _Seen(
            states=_states(house.settings, recorded),
            doubts=list(_doubts(configured, lists.known(connection))),
            leavers=[_leaver(one) for one in leaving.waiting(connection) if one.gone],
        )


def _states(configured: "Settings", recorded: "Mapping[str, State]") -> "list[State]":
    """Every mailbox that the database or the configuration names, as written there."""
    from agent.store.schedule.standing import State
    from matchers.address import normalise

    states = dict(recorded)
    for mailbox in configured.mailboxes:
        address = normalise(mailbox.address).normalised
        state = states.get(address, State(address=address, connector=mailbox.connector))
        states[address] = replace(state, address=mailbox.address)
    return [states[address] for address in sorted(states)]


def _doubts(configured: "Settings", known: "Mapping[str, Known]") -> Iterator[str]:
    """One sentence a list that was not taken, or that nobody looked at yet."""
    for one in configured.lists:
        kept = known.get(one.connector)
        if kept is None:
            yield f"list of {one.connector}: nobody looked at it yet: `crm-agent run` and `crm-agent sync` do"
        elif kept.fault:
            sentence = f"list of {one.connector}: {kept.fault}: nothing was changed"
            yield sentence + (f"; {kept.advice}" if kept.advice else "")


def _leaver(one: "LeftCalendar") -> str:
    sentence = f"{one.address} left the configuration: still to be withdrawn from its calendar: {one.waiting}"
    return sentence + (f": {one.fault}" if one.fault else "")


def _require(found: bool, address: str) -> None:
    if not found:
        raise Stop(f"no mailbox {address} in the configuration: see `crm-agent mailboxes`", code=WRONG_USE)
