"""`crm-agent init` and `crm-agent config`: the file itself, before anything is read or connected."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import configuration_file
from agent.cli.context import settings as effective
from agent.cli.house import noun
from agent.cli.output import Json, emit, note, say
from agent.cli.stop import Stop
from agent.exit_codes import SOME_FAILED, WRONG_USE

if TYPE_CHECKING:
    from config.model import Settings

init = noun("Write a commented crm-agent.toml.")
app = noun("Check and show the configuration.")


@init.command("init")
def write_example(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to.")] = Path(),
) -> None:
    """Writes a commented crm-agent.toml, and its schema beside it for completion in editors."""
    from config.files import NAME
    from config.schema import FILE, example, written

    target = directory / NAME
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file, _whole(target):
            file.write(example())
            file.flush()
            (directory / FILE).write_text(written(), encoding="utf-8")
    except FileExistsError:
        if not directory.is_dir():
            raise Stop(f"{directory} is a file: name a folder", code=WRONG_USE) from None
        raise Stop(f"{target} is there already: remove it or name another folder", code=WRONG_USE) from None
    except OSError as error:
        raise Stop(f"{target} cannot be written: {error.strerror}", code=SOME_FAILED) from None
    say(f"wrote {target}: name your mailboxes there, then run crm-agent --config {target} config check")


@contextmanager
def _whole(target: Path) -> Iterator[None]:
    """Leaves no half of a file behind, which would be in the way of the next try."""
    try:
        yield
    except OSError:
        target.unlink()
        raise


@app.command()
def check(context: typer.Context, as_json: Json = False) -> int:
    """Names every problem at once as file:line: key: what is wrong, what to write. Exit code 2 if there is one."""
    from config.notes import notes
    from config.problem import ConfigProblems

    try:
        settings, listed = _whole_settings(context)
    except ConfigProblems as problems:
        if not as_json:
            raise
        emit(({**vars(each), "file": str(each.file)} for each in problems.problems), as_json=True)
        return WRONG_USE
    for sentence in notes(settings):
        note(f"note: {sentence}")
    count = len(settings.mailboxes)
    from_files = f", {listed} of them from files" if listed else ""
    note(f"{settings.path}: no problems, {count} mailbox{'' if count == 1 else 'es'}{from_files}")
    return 0


def _whole_settings(context: typer.Context) -> "tuple[Settings, int]":
    """The settings with the lists that are files, and how many mailboxes those add. Other lists are asked by doctor."""
    from config.listed import with_members
    from config.mailboxes_csv import read_mailboxes
    from config.model import CsvList
    from config.problem import ConfigProblems, Problem

    settings = effective(context)
    members, problems = {}, list[Problem]()
    for one in settings.lists:
        if isinstance(one.source, CsvList):
            try:
                members[one.connector] = read_mailboxes(one.source.path)
            except ConfigProblems as wrong:
                problems += wrong.problems
    whole, wrong_entries = with_members(settings, members)
    if problems or wrong_entries:
        raise ConfigProblems([*problems, *wrong_entries])
    return whole, len(whole.mailboxes) - len(settings.mailboxes)


@app.command()
def schema(as_json: Json = False) -> None:
    """Prints the JSON Schema of the configuration file."""
    from config.schema import schema as described
    from config.schema import written

    if as_json:
        emit([described()], as_json=True)
    else:
        say(written().rstrip("\n"))


@app.command()
def show(context: typer.Context, as_json: Json = False) -> None:
    """Prints the effective settings with secrets as references."""
    from config.load import load
    from config.show import as_toml, as_values

    settings = load(configuration_file(context), secrets="none")
    if as_json:
        emit([as_values(settings)], as_json=True)
    else:
        say(as_toml(settings).rstrip("\n"))
