"""The commands of people, the feed, the schedule and the daemon, as a person or script meets them."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.cli.main import main

CSV = """\
name,email,other_emails,company,company_domain,owner,region
Jane Doe,Jane@acme.example,jane.doe@gmail.com,Acme,acme.example,Di@ourfirm.example,North
John Roe,office@acme.example,,Acme,,,
Ann Lee,office@acme.example,,Acme,,,
Nobody,not an address,,,,,
"""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A folder with a configuration, an archive as its only mailbox, and a command line."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *words: str | Path) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        code = main(["--config", str(self.folder / "crm-agent.toml"), *map(str, words)])
        out, err = self.capture.readouterr()
        return code, out, err

    def objects(self, *words: str | Path) -> list[dict[str, object]]:
        """What `--json` says; nothing else may stand on stdout."""
        return [json.loads(line) for line in self.run(*words, "--json")[1].splitlines()]

    def command(self, *words: str) -> Sequence[str]:
        return [sys.executable, "-m", "agent.cli", "--config", str(self.folder / "crm-agent.toml"), *words]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    for name in ("cur", "new", "tmp"):
        (tmp_path / "di" / name).mkdir(parents=True)
    (tmp_path / "crm-agent.toml").write_text(
        '[organisation]\ndomains = ["ourfirm.example"]\n[[connectors]]\nname = "archive"\ntype = "maildir"\n'
        f'mailboxes = [{{ address = "Di@ourfirm.example", path = "{tmp_path / "di"}" }}]\n'
    )
    (tmp_path / "people.csv").write_text(CSV)
    return Desk(folder=tmp_path, capture=capsys)


def test_an_import_counts_and_names_what_it_refused_by_line(desk: Desk) -> None:
    code, out, err = desk.run("contacts", "import", desk.folder / "people.csv")

    assert code == 1
    assert out.strip() == "2 added, 0 updated, 0 unchanged, 1 shared, 1 refused"
    assert "line 5: refused: " in err
    assert "line 4: shared: Ann Lee" in err


def test_the_same_import_again_changes_nothing_and_tells_the_feed_nothing(desk: Desk) -> None:
    desk.run("contacts", "import", desk.folder / "people.csv")
    before = desk.objects("feed")
    code, out, _ = desk.run("contacts", "import", desk.folder / "people.csv")

    assert (code, out.strip()) == (1, "0 added, 0 updated, 3 unchanged, 0 shared, 1 refused")
    assert desk.objects("feed") == before


def test_import_rows_as_json_and_what_failed_on_stderr_too(desk: Desk) -> None:
    code, out, err = desk.run("contacts", "import", desk.folder / "people.csv", "--json")
    assert code == 1
    assert "line 5: refused: " in err
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["line"], row["outcome"]) for row in rows] == [
        (2, "added"),
        (3, "added"),
        (4, "shared"),
        (5, "refused"),
    ]


@pytest.mark.parametrize("name", ["people.xlsx", "missing.csv"])
def test_a_file_that_cannot_be_imported_is_wrong_use(desk: Desk, name: str) -> None:
    code, out, err = desk.run("contacts", "import", desk.folder / name)
    assert (code, out) == (2, "")
    assert name in err


def test_shows_a_contact_by_any_of_its_addresses_and_by_id(desk: Desk) -> None:
    desk.run("contacts", "import", desk.folder / "people.csv")
    (jane,) = desk.objects("contacts", "show", "janedoe@gmail.com")

    assert (jane["name"], jane["company"], jane["owner"]) == ("Jane Doe", "Acme", "Di@ourfirm.example")
    assert jane["fields"] == {"region": "North"}
    assert desk.objects("contacts", "show", str(jane["id"])) == [jane]
    assert "Jane@acme.example, jane.doe@gmail.com" in desk.run("contacts", "show", str(jane["id"]))[1]


def test_an_address_that_two_share_names_their_ids(desk: Desk) -> None:
    desk.run("contacts", "import", desk.folder / "people.csv")
    ids = [str(row["id"]) for row in desk.objects("contacts", "list") if row["name"] != "Jane Doe"]
    code, out, err = desk.run("contacts", "show", "office@acme.example")

    assert (code, out, len(ids)) == (2, "", 2)
    assert all(one in err for one in ids)


def test_adds_one_contact_and_completes_it_the_second_time(desk: Desk) -> None:
    assert desk.run("contacts", "add", "max@globex.example", "--name", "Max")[0] == 0
    code, out, _ = desk.run("contacts", "add", "max@globex.example", "--name", "Max", "--company", "Globex")
    (max_,) = desk.objects("contacts", "list")

    assert (code, out.split(",")[1].strip()) == (0, "1 updated")
    assert (max_["company"], max_["created_by"]) == ("Globex", "add")


def test_refuses_to_add_what_is_no_address(desk: Desk) -> None:
    code, _, err = desk.run("contacts", "add", "max at globex")
    assert code == 2
    assert "max at globex" in err


def test_the_feed_goes_on_after_a_token(desk: Desk) -> None:
    desk.run("contacts", "import", desk.folder / "people.csv")
    first, *rest = desk.objects("feed")

    assert [row["event"] for row in (first, *rest)] == ["added"] * 3
    assert desk.objects("feed", "--after", str(first["token"])) == rest
    assert desk.objects("feed", "--limit", "1") == [first]
    assert desk.objects("feed", "--limit", "9" * 30) == [first, *rest]
    code, out, err = desk.run("feed", "--after", "9-9", "--json")
    assert (code, out) == (2, "")
    assert "from the beginning" in err


def test_numbers_that_no_database_can_hold_are_no_fault_of_the_program(desk: Desk) -> None:
    desk.run("contacts", "import", desk.folder / "people.csv")
    assert desk.objects("interactions", "list", "--limit", "9" * 30) == []
    for number in ("9" * 19, "9" * 5_000):
        code, _, err = desk.run("quarantine", "retry", number)
        assert (code, "is not in quarantine" in err) == (1, True)


def test_mailboxes_are_new_before_the_first_pass_and_nothing_is_made(desk: Desk) -> None:
    (one,) = desk.objects("mailboxes")
    code, _, err = desk.run("mailboxes", "check")

    assert (one["address"], one["state"], one["lag_seconds"]) == ("Di@ourfirm.example", "new", None)
    assert (code, "never read" in err) == (1, True)
    assert not list(desk.folder.glob("*.db*"))


def test_a_paused_mailbox_says_so_alarms_nobody_and_goes_on_when_resumed(desk: Desk) -> None:
    assert desk.run("mailboxes", "pause", "di@ourfirm.example")[0] == 0
    assert desk.objects("mailboxes")[0]["state"] == "paused"
    assert desk.run("mailboxes", "check")[0] == 0
    assert "Di@ourfirm.example is paused" in desk.run("sync")[2]
    assert desk.run("mailboxes", "resume", "di@ourfirm.example")[0] == 0
    assert desk.objects("mailboxes")[0]["state"] == "new"
    assert desk.run("mailboxes", "pause", "who@ourfirm.example")[0] == 2


def test_a_list_that_was_narrowed_to_nothing_does_not_say_that_there_is_nothing_at_all(desk: Desk) -> None:
    desk.run("contacts", "import", desk.folder / "people.csv")
    assert desk.run("interactions", "list") == (0, "", "nothing was logged yet\n")
    assert desk.run("interactions", "list", "--since", "2099-01-01") == (0, "", "nothing like that was logged\n")
    assert desk.run("reminders", "list") == (0, "", "no reminders\n")
    assert desk.run("reminders", "list", "--state", "done") == (0, "", "no such reminders\n")


def test_a_calendar_that_fails_is_told_with_its_mailbox(desk: Desk) -> None:
    config = desk.folder / "crm-agent.toml"
    config.write_text(config.read_text().replace("path =", 'calendar = { type = "ics", path = "nowhere" }, path ='))
    desk.run("sync")
    code, out, err = desk.run("mailboxes")
    assert (code, out.count("Di@ourfirm.example")) == (0, 1)
    assert err == f"Di@ourfirm.example: calendar: there is no folder {desk.folder / 'nowhere'}\n"


def test_a_mailbox_that_cannot_be_counted_says_why_and_what_to_do(desk: Desk) -> None:
    desk.run("sync")
    archive = desk.folder / "di"
    archive.rename(desk.folder / "elsewhere")
    advice = "set path to a Maildir, an mbox file or a folder of .eml files"
    assert desk.run("reconcile") == (1, "", f"Di@ourfirm.example: archive {archive} is not there; {advice}\n")


def test_a_message_that_nobody_saw_fails_with_the_sentence_for_scripts_too(desk: Desk) -> None:
    desk.run("migrate")
    code, out, err = desk.run("explain", "<nobody@saw.example>", "--json")
    assert (code, json.loads(out)["outcome"]) == (1, "unknown")
    assert err == "This message was never seen in a mailbox that is read.\n"


def test_migrate_says_what_it_did(desk: Desk) -> None:
    assert "created" in desk.run("migrate")[1]
    assert "nothing to do" in desk.run("migrate")[1]


def test_a_note_without_words_is_refused(desk: Desk) -> None:
    desk.run("contacts", "import", desk.folder / "people.csv")
    code, _, err = desk.run("interactions", "add", "--contact", "jane@acme.example", "--kind", "call", "--text", " ")
    assert (code, "write what was said" in err) == (2, True)


def test_reload_without_a_daemon_says_so(desk: Desk) -> None:
    code, _, err = desk.run("reload")
    assert code == 1
    assert "crm-agent run" in err


def test_addresses_are_told_as_their_owners_write_them(desk: Desk) -> None:
    """A file that spells the owner otherwise the next time changes nothing."""
    desk.run("contacts", "import", desk.folder / "people.csv")
    (desk.folder / "people.csv").write_text(CSV.replace("Di@ourfirm", "DI@OurFirm"))
    assert "3 unchanged" in desk.run("contacts", "import", desk.folder / "people.csv")[1]
    (desk.folder / "di/new/1").write_text(
        "From: jane@acme.example\nTo: di@ourfirm.example, office@acme.example\nMessage-ID: <1@acme.example>\n"
        "Date: Fri, 20 Nov 2026 10:00:00 +0100\n\nHello\n"
    )
    assert desk.run("sync")[0] == 0
    assert desk.run("reminders", "add", "jane@acme.example", "--due", "tomorrow", "--title", "Call")[0] == 0

    (logged,) = desk.objects("interactions", "list")
    (explained,) = desk.objects("explain", "1@acme.example")
    (waiting,) = desk.objects("review", "list")
    (reminder,) = desk.objects("reminders", "list", "--mailbox", "DI@ourfirm.example")
    told = (explained["mailbox"], waiting["mailbox"], reminder["mailbox"])
    assert (logged["mailboxes"], told) == (["Di@ourfirm.example"], ("Di@ourfirm.example",) * 3)
    assert (logged["contacts"][0]["email"], reminder["contact"]) == ("Jane@acme.example", "Jane@acme.example")  # type: ignore[index]  # JSON


def test_the_daemon_reads_new_mail_reloads_and_stops(desk: Desk) -> None:
    """The whole program as a service manager runs it, with an archive as its mailbox."""
    desk.run("contacts", "import", desk.folder / "people.csv")
    (desk.folder / "di/new/1").write_text(
        "From: Jane <jane@acme.example>\nTo: di@ourfirm.example\nSubject: Offer\nMessage-ID: <1@acme.example>\n"
        "Date: Fri, 20 Nov 2026 10:00:00 +0100\n\nHello\n"
    )
    with (
        (desk.folder / "log").open("wb") as log,
        subprocess.Popen(desk.command("run"), stderr=log, stdout=subprocess.PIPE) as daemon,
    ):
        try:
            wait_until_logged(desk)
            reloaded = desk.run("reload")[0]
            wait_for_line(desk, "reloaded")
            daemon.send_signal(signal.SIGTERM)
            out, _ = daemon.communicate(timeout=10)
        finally:
            daemon.kill()

    log_text = (desk.folder / "log").read_text()
    assert (daemon.returncode, out, reloaded) == (0, b"", 0)
    assert [json.loads(line)["event"] for line in log_text.splitlines()][-1] == "stopped"
    assert "acme" not in log_text
    assert "Offer" not in log_text


def wait_until_logged(desk: Desk) -> None:
    end = time.monotonic() + 30
    while not any(row["logged"] for row in desk.objects("mailboxes")):
        assert time.monotonic() < end, (desk.folder / "log").read_text()
        time.sleep(0.1)


def wait_for_line(desk: Desk, event: str) -> None:
    end = time.monotonic() + 15
    while f'"{event}"' not in (desk.folder / "log").read_text():
        assert time.monotonic() < end, (desk.folder / "log").read_text()
        time.sleep(0.05)
