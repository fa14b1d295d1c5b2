"""`crm-agent sync`: one complete pass over the mailboxes, then exit."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.house import noun
from agent.cli.output import Json, emit, note, printable, progress, say
from agent.cli.stop import Stop
from agent.cli.workable import refuse_idleness, workable
from agent.exit_codes import SOME_FAILED, WRONG_USE

if TYPE_CHECKING:
    from agent.bootstrap import House
    from agent.engine.once import Passed
    from agent.lists.look import Looked
    from agent.tending.withdrawn import Withdrawn
    from config.model import Mailbox

app = noun("One complete pass over the mailboxes, then exit.")

_COUNTED = ("logged", "review", "withheld", "before-start", "reminders")
_RARE = {"withheld": "held back by the server, to be tried again", "before-start": "older than `since`"}


@app.command("sync")
def sync(
    context: typer.Context,
    mailbox: Annotated[str | None, typer.Option("--mailbox", metavar="ADDR", help="Only this mailbox.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; say what would be done.")] = False,
    as_json: Json = False,
) -> None:
    """Reads all new mail, derives reminders and brings calendars up to date."""
    from agent import observe
    from agent.bootstrap import look_at_lists, open_house, selected

    observe.configure("auto", "error")  # what goes wrong in a mailbox is told once, in the end
    with open_house(workable(context), in_memory=dry_run) as opened:
        refuse_idleness(opened)
        house, looked = look_at_lists(opened)
        chosen = selected(house.settings, mailbox)
        if mailbox is not None and not chosen:
            raise Stop(f"no mailbox {mailbox} in the configuration: see `crm-agent mailboxes`", code=WRONG_USE)
        ended = _pass(house, chosen)
        withdrawn = _withdraw(house) if mailbox is None else {}
        if not house.dry:
            house.upkeep.to_the_end(house.settings.policy, house.clock())
        _report(house, ended, as_json=as_json, dry_run=dry_run)
        _stop_if_failed([*_doubts(looked), *_all_troubles(house, ended), *_told_of_leavers(withdrawn)])


def _pass(house: "House", chosen: Sequence["Mailbox"]) -> list["Passed"]:
    from agent.engine.once import run_once
    from agent.engine.runner import Runner
    from agent.store import roll

    work = house.work(eager=True)
    runner = Runner(database=house.database, work=work, remind=work.remind)
    roll.settle(house.database, house.settings, house.hasher, runner.clock())
    done: list[Passed] = []
    with progress() as show:

        def tell(passed: "Passed") -> None:
            done.append(passed)
            show(len(done), len(chosen), passed.mailbox.address)

        try:
            return run_once(runner, chosen, threading.Event(), tell=tell)
        except KeyboardInterrupt:
            note("interrupted: what was read so far is kept, the next pass goes on from there" * (not house.dry))
            raise


def _withdraw(house: "House") -> dict[str, "Withdrawn"]:
    """Empties the calendars of mailboxes that left the configuration."""
    from agent.engine.once import withdraw_once
    from agent.engine.runner import Runner

    farewell = house.farewell(eager=True)
    if farewell is None:
        return {}
    return withdraw_once(Runner(database=house.database, work=house.work(eager=True), farewell=farewell))


def _report(house: "House", ended: Sequence["Passed"], *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        emit(
            (
                {"mailbox": one.mailbox.address, "ended": one.ended.ending, "dry_run": dry_run}
                | told(house.memory.counts.get(one.mailbox.address, Counter()))
                for one in ended
            ),
            as_json=True,
        )
        return
    total = sum((house.memory.counts.get(one.mailbox.address, Counter()) for one in ended), Counter[str]())
    mailboxes = "1 mailbox" if len(ended) == 1 else f"{len(ended)} mailboxes"
    say(f"{mailboxes}: {'would be: ' if dry_run else ''}{summary(total)}")
    for sentence in _at_rest(house, [one.mailbox.address for one in ended if one.ended.ending == "paused"]):
        note(sentence)


def _at_rest(house: "House", addresses: Sequence[str]) -> Iterator[str]:
    """What somebody must do for mailboxes that were not read on purpose."""
    from agent.engine.progress import utc_now
    from agent.store.schedule import standing
    from matchers.address import normalise

    if not addresses:
        return
    with house.database.read() as connection:
        waiting = {one.address for one in standing.states(connection, utc_now()) if not one.approved}
    for address in addresses:
        if normalise(address).normalised in waiting:
            yield f"{address} waits for approval: `crm-agent mailboxes approve {address}` reads it"
        else:
            yield f"{address} is paused: `crm-agent mailboxes resume {address}` goes on"


def told(counts: Counter[str]) -> dict[str, object]:
    """The counts of a pass, with skips added up and by reason. Pure."""
    reasons = _reasons(counts)
    plain = {name: counts.get(name, 0) for name in _COUNTED}
    return {
        **plain,
        "skipped": sum(reasons.values()),
        "contacts_created": counts.get("contacts-created", 0),
        "reasons": reasons,
    }


def summary(counts: Counter[str]) -> str:
    """The same in a line for people; what is out of the ordinary only where there is any. Pure."""
    reasons = _reasons(counts)
    why = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
    words = [
        f"{counts['logged']} logged",
        f"{sum(reasons.values())} skipped" + (f" ({why})" if why else ""),
        f"{counts['review']} review",
        f"{counts['reminders']} reminder{'' if counts['reminders'] == 1 else 's'}",
        f"{counts['contacts-created']} contact{'' if counts['contacts-created'] == 1 else 's'} created",
    ]
    words += [f"{counts[name]} {what}" for name, what in _RARE.items() if counts[name]]
    return ", ".join(words)


def _reasons(counts: Counter[str]) -> dict[str, int]:
    return {name.removeprefix("skipped:"): count for name, count in counts.items() if name.startswith("skipped:")}


def _all_troubles(house: "House", ended: Sequence["Passed"]) -> Iterator["Trouble"]:
    return (trouble for one in ended for trouble in _troubles(house, one))


def _doubts(looked: Sequence["Looked"]) -> Iterator["Trouble"]:
    """Lists that were not taken: mailboxes were read by the ones before."""
    for one in looked:
        if one.doubt is not None:
            sentence = f"list of {printable(one.connector)}: {one.doubt.sentence}: nothing was changed"
            yield Trouble(sentence=sentence, advice=one.doubt.advice, wrong=False)


def _told_of_leavers(withdrawn: Mapping[str, "Withdrawn"]) -> Iterator["Trouble"]:
    """Says what became of the items of mailboxes that left. Yields what may work later.

    A refusal is told once: nobody may be left who could do something about it, and it ends no later pass in failure.
    """
    from connectors.errors import Fatal

    for address, done in withdrawn.items():
        whose = f"{address} left the configuration"
        if done.removed:
            note(f"{whose}: withdrawn from its calendar: {done.removed}")
        if done.stays:
            note(f"{whose}: left standing in its calendar, which was out of reach for too long: {done.stays}")
        if done.error is None and done.left:
            note(f"{whose}: still to be withdrawn from its calendar with the next pass: {done.left}")
        elif done.error is not None and (done.is_news or not isinstance(done.error, Fatal)):
            sentence = f"{whose}: still to be withdrawn from its calendar: {done.left}: {done.error}"
            yield Trouble(sentence=sentence, advice=LEFT_ADVICE, wrong=False)


def _stop_if_failed(troubles: Sequence["Trouble"]) -> None:
    """Exit 2 where the configuration must change, 1 where it may work later."""
    for trouble in troubles:
        note(trouble.sentence)
        note(trouble.advice)
    if troubles:
        raise Stop("", code=WRONG_USE if any(trouble.wrong for trouble in troubles) else SOME_FAILED)


LEFT_ADVICE = "it is tried again for 30 days; what is left then can be deleted by hand"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Something that went wrong in a pass. wrong: waiting does not help, the configuration must change."""

    sentence: str
    advice: str
    wrong: bool


def _troubles(house: "House", passed: "Passed") -> Iterator[Trouble]:
    from connectors.errors import Fatal

    address, error = passed.mailbox.address, passed.ended.error
    if error is not None:
        advice = getattr(error, "advice", "")
        yield Trouble(sentence=f"{address}: {_sentence(error)}", advice=advice, wrong=_is_wrong(house, address, error))
    missing = house.memory.missing_folders.get(address, ())
    if missing:
        sentence = f"{address}: no such folder: {', '.join(map(printable, missing))}"
        yield Trouble(sentence=sentence, advice="correct the names in `folders`; the others were read", wrong=True)
    refused = house.memory.calendar_errors.get(address)
    if refused is not None:
        sentence = f"{address}, calendar: {refused}"
        yield Trouble(sentence=sentence, advice=refused.advice, wrong=isinstance(refused, Fatal))


def _is_wrong(house: "House", address: str, error: Exception) -> bool:
    """A server that never answered is taken for a wrong address; one that did may be down."""
    from agent.engine.progress import utc_now
    from agent.store.errors import Unfit
    from agent.store.schedule import standing
    from connectors.errors import Fatal, Unreachable
    from matchers.address import normalise

    if not isinstance(error, Unreachable):
        return isinstance(error, Fatal | Unfit)
    with house.database.read() as connection:
        states = standing.states(connection, utc_now())
        reached = {normalise(one.address).normalised for one in states if one.last_success is not None}
    return normalise(address).normalised not in reached


def _sentence(error: Exception | None) -> str:
    from agent.engine.runner import place_of
    from agent.store.database import StoreError
    from agent.store.unit import LeaseLost
    from connectors.errors import ConnectorError

    if isinstance(error, ConnectorError | StoreError | LeaseLost):
        return str(error)
    return f"unexpected {type(error).__name__}: this is a fault of the program, see the log" + (
        f" ({place_of(error)[-1]})" if error is not None else ""
    )
