"""`crm-agent purchases`: what customers bought, for the reminder of an order that is late."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings
from agent.cli.house import noun
from agent.cli.output import Json, emit, note, say
from agent.cli.stop import Stop
from agent.exit_codes import DONE, SOME_FAILED, WRONG_USE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.people.purchases import Result

app = noun("The sales history.")

LARGEST_FILE = 256 * 1024 * 1024
"""Bytes of an import."""


@app.callback()
def purchases() -> None:
    """Keeps `import` a verb although it is the only one."""


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="email,date,amount,currency,product,order_id,company")
    ],
    as_json: Json = False,
) -> int:
    """Adds purchases. The same file twice changes nothing the second time. Exit 1 if a row was refused."""
    from agent.bootstrap import open_house
    from agent.engine.progress import utc_now
    from agent.people.purchases import import_purchases
    from agent.people.purchases_csv import read_purchases_csv

    data = _read(file)
    with open_house(settings(context, secrets="store")) as house:
        rows = read_purchases_csv(data)
        results = import_purchases(house.database, house.hasher, rows, today=utc_now().date())
    return _report(results, as_json=as_json)


def _read(file: Path) -> bytes:
    if file.suffix.lower() != ".csv":
        raise Stop(f"{file} is no .csv file: export your purchases as one", code=WRONG_USE)
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise Stop(f"{file} is larger than {LARGEST_FILE // 2**20} MB: split it", code=WRONG_USE)
        return file.read_bytes()
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror}", code=WRONG_USE) from None


def _report(results: "Sequence[Result]", *, as_json: bool) -> int:
    """One object a row, or a line of counts; the rows refused on stderr."""
    from agent.people.purchases import Outcome

    counts = Counter(one.outcome for one in results)
    if as_json:
        emit(({"line": one.line, "outcome": one.outcome, "text": one.text} for one in results), as_json=True)
    for one in results:
        if one.outcome is Outcome.REFUSED:
            note(f"line {one.line}: {one.outcome}: {one.text}")
    if not as_json:
        say(", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome))
    return SOME_FAILED if counts[Outcome.REFUSED] else DONE
