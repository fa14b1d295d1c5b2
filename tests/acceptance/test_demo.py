"""`crm-agent demo` on a fresh machine: servers of its own, the agent at work, and nothing left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("pymap", reason="the extra demo is not installed")

COMMAND = (sys.executable, "-m", "agent.cli", "demo")


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "PYTHONIOENCODING": "utf-8"}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple["subprocess.CompletedProcess[str]", Path]:
    """What one pass printed, and the folder that held its temporary files."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [*COMMAND, "--once"], capture_output=True, text=True, env=_environment(folder), timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done, folder


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found, f"{pattern} not in:\n{text}"
    return int(found[1])


def test_one_pass_logs_what_concerns_contacts_and_misses_nothing(
    once: tuple["subprocess.CompletedProcess[str]", Path],
) -> None:
    out = once[0].stdout
    assert _number(r"Logged: (\d+) interactions", out) > 300
    assert _number(r"(\d+) in more than one mailbox", out) >= 2
    assert _number(r"messages in \d+ folders, (\d+) missing", out) == 0
    for reason in ("no-contact", "internal-only", "bulk", "auto-reply", "never-log", "private", "calendar", "receipt"):
        assert f"({reason})" in out, reason


def test_one_pass_asks_a_person_where_an_address_is_shared(
    once: tuple["subprocess.CompletedProcess[str]", Path],
) -> None:
    assert _number(r"To be decided by a person: (\d+)", once[0].stdout) == 3


def test_one_pass_puts_the_open_questions_and_flags_into_the_calendars(
    once: tuple["subprocess.CompletedProcess[str]", Path],
) -> None:
    out = once[0].stdout
    told = out[out.index("Reminders:") : out.index("Every decision")]
    for name in ("Helen Wright", "Maria Sonnleitner", "Nadia Benali", "James Aldous", "Lucía Fernández"):
        assert name in told, name
    assert "Katrin Hofmann" not in told, "a colleague of hers has answered"
    assert _number(r"Reminders: \d+, (\d+) of them read back", out) >= 5


def test_one_pass_leaves_nothing_behind(once: tuple["subprocess.CompletedProcess[str]", Path]) -> None:
    _, folder = once
    assert list(folder.iterdir()) == []
    assert _processes_below(folder) == []


def test_the_demo_logs_mail_as_it_comes_and_ends_when_asked(tmp_path: Path) -> None:
    """The daemon answers the first arrival: the customer's reply is logged and the reminder withdrawn."""
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment(tmp_path)
    ) as running:
        assert running.stdout is not None
        said: list[str] = []
        try:
            for line in running.stdout:
                said.append(line)
                if "reminder withdrawn" in line:
                    break
        finally:
            asked = time.monotonic()
            running.send_signal(signal.SIGTERM)
            rest = running.stdout.read()
    text = "".join(said) + rest
    assert "logged in ben.carter@nordlicht.example" in text, text
    assert "reminder withdrawn: " in text, text
    assert running.returncode == 0, text
    assert time.monotonic() - asked < 25
    assert list(tmp_path.iterdir()) == []
    assert _processes_below(tmp_path) == []


def _processes_below(folder: Path) -> list[str]:
    """Command lines that name the folder: servers that outlived the demo."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if str(folder) in words:
            found.append(words)
    return found
