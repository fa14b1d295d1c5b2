"""`crm-agent doctor`: looks at everything the agent depends on, and says what to do about whatever is wrong."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings
from agent.cli.house import noun
from agent.cli.output import Json, cell, emit, note
from agent.cli.stop import Stop
from agent.exit_codes import DONE, SOME_FAILED, WRONG_USE

if TYPE_CHECKING:
    from agent.doctor.finding import Finding

app = noun("Check every mailbox and calendar, and say what to do.")


@app.command("doctor")
def doctor(
    context: typer.Context,
    mailbox: Annotated[str | None, typer.Option("--mailbox", metavar="ADDR", help="Only this mailbox.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Try the calendars: make an item of our own, find it, remove it.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Checks the database, every list, every mailbox and every calendar. Exit code 1 if anything failed."""
    from agent import observe
    from agent.bootstrap import selected
    from agent.doctor.rounds import round_of

    observe.configure("auto", "error")  # what is wrong is a finding
    configured = settings(context, secrets="store", mailboxes=True)
    if not configured.lists and not selected(configured, mailbox):
        raise _unknown(mailbox)
    seen: list[Finding] = []
    emit(
        (finding.told() for finding in _kept(round_of(configured, mailbox, write=write), seen)),
        as_json=as_json,
        columns=("subject", "check", "ok", "detail"),
    )
    if mailbox is not None and not any(_is_of(finding, mailbox) for finding in seen):
        raise _unknown(mailbox)
    return _advise(seen)


def _unknown(mailbox: str | None) -> Stop:
    return Stop(f"no mailbox {mailbox} in the configuration: see `crm-agent mailboxes`", code=WRONG_USE)


def _is_of(finding: "Finding", mailbox: str) -> bool:
    return finding.subject.lower() == mailbox.strip().lower()


def _kept(findings: "Iterable[Finding]", seen: "list[Finding]") -> "Iterator[Finding]":
    """Hands the findings through as they come, and keeps them."""
    for finding in findings:
        seen.append(finding)
        yield finding


def _advise(seen: "list[Finding]") -> int:
    """What to do, on stderr; the exit code."""
    from agent.doctor.finding import Verdict

    for finding in seen:
        if finding.ok in (Verdict.WARNING, Verdict.FAILED):
            note(cell(f"{finding.ok}: {finding.subject}, {finding.check}: {finding.detail}: {finding.advice}"))
    return SOME_FAILED if any(finding.ok is Verdict.FAILED for finding in seen) else DONE
