"""The command line as scripts meet it: exit codes, one clear sentence, never a traceback."""

import gc
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from agent.cli import commands
from agent.cli import main as entry
from agent.cli.commands import NOUNS, Noun
from agent.cli.failure import failure
from agent.cli.house import noun
from agent.cli.main import main
from agent.cli.stop import Stop
from agent.store.errors import SchemaMismatch, StoreError
from config.problem import ConfigProblems, Problem
from config.secrets import SecretError
from connectors.errors import NeedsSignIn, Retriable
from tests.unit.program import PROGRAM, run_program

CONTRACT = {
    *("init", "config", "migrate", "sign-in", "doctor", "contacts", "purchases", "sync", "run", "mailboxes"),
    *("interactions", "explain", "review", "reconcile", "quarantine", "reminders", "feed", "audit", "demo"),
}


@pytest.fixture
def with_command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Puts one more noun, `probe`, on the command line; its module is a real one."""

    def put(action: Callable[[], object]) -> None:
        app = noun("Probe.")
        app.command()(action)
        module = type(sys)("agent.cli.probe_of_a_test")
        vars(module)["app"] = app
        monkeypatch.setitem(sys.modules, module.__name__, module)
        probe = Noun(name="probe", module="probe_of_a_test", summary="Probe.")
        monkeypatch.setattr(entry, "NOUNS", (*NOUNS, probe))

    return put


def test_every_noun_of_the_contract_stands_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    offered = {
        line.split()[0] for line in capsys.readouterr().out.partition("Commands:")[2].splitlines() if line.strip()
    }
    assert offered == CONTRACT | {"reload"}


def test_a_command_looks_seldom_for_circles_of_objects() -> None:
    """Rows stand in none, and looking took a third of the time that the reminder rules need."""
    before = gc.get_threshold()
    gc.set_threshold(700)
    try:
        assert main(["--version"]) == 0
        assert gc.get_threshold()[0] >= 10_000
    finally:
        gc.set_threshold(*before)


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from agent.cli.main import main; main(['--help']);"
        "heavy = {'pydantic', 'sqlalchemy', 'rich', 'msal', 'requests', 'imapclient', 'exchangelib', 'holidays',"
        " 'rapidfuzz', 'structlog', 'apscheduler', 'icalendar', 'keyring', 'cryptography', 'jinja2'};"
        "print('loaded', sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stderr == "loaded []\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["synk"], "No such command 'synk'. Did you mean 'sync'?"),
        (["--konfig", "x"], "No such option: --konfig"),
        (["config", "chek"], "No such command 'chek'."),
        (["config", "check", "--jsn"], "No such option: --jsn"),
        (["init", "a", "b"], "Got unexpected extra argument(s) (b)"),
    ],
)
def test_wrong_usage_is_told_on_stderr_and_exits_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert sentence in told.err
    assert "Usage: crm-agent" in told.err
    assert "--help" in told.err


@pytest.mark.parametrize("arguments", [[], ["config"]])
def test_a_bare_group_answers_its_help_and_exits_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("Usage: ") == 1


def test_the_version_is_told() -> None:
    answer = run_program("--version")
    assert answer.returncode == 0
    assert answer.stdout.startswith("crm-agent ")


@pytest.mark.parametrize(
    ("error", "lines", "code"),
    [
        (Stop("nothing to do"), ("nothing to do",), 1),
        (Stop("no such contact", code=2), ("no such contact",), 2),
        (SecretError("variable X is not set"), ("variable X is not set",), 2),
        (NeedsSignIn("refused", advice="sign in"), ("refused", "sign in"), 1),
        (Retriable("later"), ("later",), 1),
        (StoreError("it does not answer"), ("it does not answer",), 1),
        (SchemaMismatch("run migrate"), ("run migrate",), 2),
        (typer.Abort(), ("interrupted",), 130),
        (
            ConfigProblems(
                [
                    Problem(file=Path("b"), line=2, key="k", what="is wrong", instead="write y"),
                    Problem(file=Path("a"), line=0, key="", what="cannot be read"),
                ]
            ),
            ("a: cannot be read", "b:2: k: is wrong, write y"),
            2,
        ),
    ],
)
def test_each_error_has_its_sentences_and_its_exit_code(error: Exception, lines: tuple[str, ...], code: int) -> None:
    told = failure(error)
    assert (told.lines, told.code) == (lines, code)


def break_down() -> None:
    raise ValueError("anna@ourfirm.example wrote: my secret")


def test_an_unforeseen_error_is_one_sentence_without_its_text(
    with_command: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with_command(break_down)
    assert main(["probe"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("unexpected ValueError in test_cli_main.py:")
    assert "secret" not in told
    assert "Traceback" not in told
    assert len(told.splitlines()) == 1


def test_an_unforeseen_error_shows_its_trace_when_asked_to(
    with_command: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with_command(break_down)
    assert main(["--debug", "probe"]) == 1
    assert "Traceback" in capsys.readouterr().err
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    try:
        assert main(["probe"]) == 1
    finally:
        root.setLevel(before)
    assert "Traceback" in capsys.readouterr().err


def interrupt() -> None:
    raise KeyboardInterrupt


def test_an_interrupted_command_exits_130(with_command: Callable[[Callable[[], object]], None]) -> None:
    with_command(interrupt)
    assert main(["probe"]) == 130


@pytest.mark.parametrize(("answer", "code"), [(None, 0), (0, 0), (1, 1), (2, 2)])
def test_a_command_may_return_its_exit_code(
    with_command: Callable[[Callable[[], object]], None], answer: int | None, code: int
) -> None:
    with_command(lambda: answer)
    assert main(["probe"]) == code


def test_a_fault_inside_a_nouns_module_is_a_fault_of_the_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken_noun.py").write_text("import a_module_that_is_not_installed\n")
    monkeypatch.setattr("agent.cli.__path__", [*__import__("agent.cli").cli.__path__, str(tmp_path)])
    monkeypatch.setattr(entry, "NOUNS", (Noun(name="broken", module="broken_noun", summary="Broken."),))
    assert main(["broken"]) == 1
    assert "unexpected ModuleNotFoundError" in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_traceback() -> None:
    with subprocess.Popen(
        [*PROGRAM, "config", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        told = program.stderr.read()
        program.wait(timeout=60)
    assert told == ""
    assert program.returncode == 1


def test_nouns_are_named_once() -> None:
    names = [each.name for each in commands.NOUNS]
    assert len(names) == len(set(names))
