"""What `crm-agent doctor` says of the links to subscribe to."""

import errno
import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.doctor.finding import Verdict
from agent.doctor.subscriptions import judge_refusal
from agent.engine.links import Links
from agent.store.database import Database
from agent.store.hashes import Hasher
from config.model import Feed, Reminders, Settings
from tests.servers.process import free_port

Doctor = Callable[[], dict[str, tuple[str, str]]]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def doctor(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Runs it for one archive whose reminders are served. Answers (verdict, detail) by check, of the feed alone."""
    for folder in ("mail/cur", "mail/new", "mail/tmp"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "crm-agent.toml").write_text(
        f"[organisation]\ndomains = ['ourfirm.example']\n[reminders]\nfeed = {{ port = {port} }}\n"
        "[[connectors]]\nname = 'archive'\ntype = 'maildir'\n"
        "[[connectors.mailboxes]]\naddress = 'anna@ourfirm.example'\npath = 'mail'\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_AGENT_CONFIG", raising=False)

    def run() -> dict[str, tuple[str, str]]:
        capsys.readouterr()
        main(["doctor", "--json"])
        told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return {one["check"]: (one["ok"], one["detail"]) for one in told if one["subject"] == "feed"}

    return run


def test_a_free_port_will_do_and_nobody_has_a_link_yet(doctor: Doctor, port: int) -> None:
    assert doctor()["links"] == ("skipped", "waits for: schema of database")
    main(["sync"])
    assert doctor() == {
        "listens": ("ok", f"127.0.0.1, port {port} is free: `crm-agent run` serves there"),
        "links": ("warning", "nobody has a link"),
    }
    main(["reminders", "feed-link", "anna@ourfirm.example"])
    assert doctor()["links"] == ("ok", "1 link")


def test_a_daemon_that_serves_there_already_is_no_fault(
    doctor: Doctor, port: int, database: Database, hasher: Hasher
) -> None:
    links = Links(database, hasher)
    links.over(Settings(reminders=Reminders(feed=Feed(port=port))))
    assert doctor()["listens"] == ("ok", f"served at 127.0.0.1, port {port}")
    links.stop(0)


def test_another_program_there_is_a_fault(doctor: Doctor, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)) as other:
        other.settimeout(0)
        assert doctor()["listens"] == ("failed", f"another program listens at 127.0.0.1, port {port}")


@pytest.mark.parametrize("reason", [errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES, errno.EINVAL, None])
def test_whatever_forbids_to_listen_says_what_to_do(reason: int | None) -> None:
    said = judge_refusal("10.0.0.1, port 80", reason)
    assert said.ok is Verdict.FAILED
    assert said.advice.startswith(("end it", "write", "correct"))
