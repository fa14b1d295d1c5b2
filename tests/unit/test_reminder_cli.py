"""Reminders of one's own, from the command line to the calendar."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from config.model import IcsCalendar
from connectors.ics import IcsSink
from tests.unit.command_line import CommandLine


@pytest.fixture
def crm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """One mailbox with an empty archive and a calendar folder."""
    for folder in ("mail/cur", "mail/new", "mail/tmp", "calendar"):
        (tmp_path / folder).mkdir(parents=True)
    settings = (
        "[organisation]\ndomains = ['ourfirm.example']\ntimezone = 'Europe/Berlin'\n"
        "[[connectors]]\nname = 'archive'\ntype = 'maildir'\n"
        "[[connectors.mailboxes]]\naddress = 'Anna@ourfirm.example'\npath = 'mail'\n"
        "calendar = { type = 'ics', path = 'calendar' }\n"
    )
    (tmp_path / "people.csv").write_text(
        "name,email,owner\nZoë Buyer,zoe@buyer.example,anna@ourfirm.example\nNo Body,nobody@buyer.example,\n"
    )
    run = CommandLine(tmp_path, monkeypatch, capsys, settings)
    run("sync")
    run("contacts", "import", "people.csv")
    return run


def listed(crm: CommandLine, *more: str) -> list[dict[str, object]]:
    return crm.rows("reminders", "list", *more)


def in_calendar() -> Sequence[str]:
    path = Path(os.getcwd()) / "calendar"  # noqa: PTH109 - the fixture changed into it
    return [found.title for found in IcsSink(IcsCalendar(path=path)).changes(None).found]


@pytest.mark.parametrize("named", [(), ("--mailbox", "new@ourfirm.example")])
def test_a_reminder_is_added_for_a_mailbox_that_was_never_read(
    crm: CommandLine, tmp_path: Path, named: Sequence[str]
) -> None:
    with (tmp_path / "crm-agent.toml").open("a") as file:
        file.write("[[connectors.mailboxes]]\naddress = 'new@ourfirm.example'\npath = 'mail'\n")
    crm("contacts", "add", "eva@buyer.example", "--name", "Eva Buyer", "--owner", "new@ourfirm.example")
    crm("reminders", "add", "eva@buyer.example", "--due", "2099-03-02", "--title", "Say hello", *named)
    (one,) = listed(crm, "--mailbox", "new@ourfirm.example")
    assert (one["mailbox"], one["state"]) == ("new@ourfirm.example", "pending")
    crm("reminders", "feed-link", "new@ourfirm.example")


def test_a_reminder_added_by_hand_stands_in_the_calendar_of_the_contacts_owner(crm: CommandLine) -> None:
    crm("reminders", "add", "zoe@buyer.example", "--due", "2099-03-02T14:00", "--title", "Send the catalogue")
    assert [one["state"] for one in listed(crm)] == ["pending"]
    crm("sync")
    (one,) = listed(crm, "--contact", "zoe@buyer.example", "--mailbox", "anna@ourfirm.example")
    assert in_calendar() == ["Send the catalogue"]
    assert one["due_at"] == "2099-03-02T14:00:00+01:00"
    assert (one["rule"], one["state"], one["calendar"]) == ("manual", "in-calendar", "ics")
    assert str(one["uid"]).startswith(str(one["id"]))
    assert set(one) == {
        *("id", "rule", "contact", "mailbox", "title", "due_at", "timezone", "state", "calendar", "uid"),
        *("interaction_id", "why"),
    }


@pytest.mark.parametrize(("command", "state"), [("done", "done"), ("dismiss", "dismissed")])
def test_a_closed_reminder_leaves_the_calendar(crm: CommandLine, command: str, state: str) -> None:
    crm("reminders", "add", "zoe@buyer.example", "--due", "2099-03-02", "--title", "Send the catalogue")
    crm("sync")
    (one,) = listed(crm)
    crm("reminders", command, str(one["id"]))
    crm("sync")
    assert in_calendar() == []
    assert [found["state"] for found in listed(crm)] == [state]
    assert "already" in crm("reminders", command, str(one["id"]), code=1)


def test_a_snoozed_reminder_moves_in_the_calendar(crm: CommandLine) -> None:
    crm("reminders", "add", "zoe@buyer.example", "--due", "2099-03-02", "--title", "Send the catalogue")
    crm("sync")
    (one,) = listed(crm)
    crm("reminders", "snooze", str(one["id"])[:8], "--until", "2099-04-01T10:00")
    crm("sync")
    (found,) = IcsSink(IcsCalendar(path=Path("calendar"))).changes(None).found
    assert found.start == datetime(2099, 4, 1, 10, 0)
    assert [found["state"] for found in listed(crm, "--state", "snoozed")] == ["snoozed"]


def test_what_is_wrong_is_said_in_one_sentence(crm: CommandLine) -> None:
    due = ("--due", "2099-03-02", "--title", "T")
    assert "no owner" in crm("reminders", "add", "nobody@buyer.example", *due, code=2)
    assert "no mailbox" in crm("reminders", "add", "zoe@buyer.example", "--mailbox", "x@y.example", *due, code=2)
    assert "has passed" in crm("reminders", "add", "zoe@buyer.example", "--due", "2001-01-01", "--title", "T", code=2)
    assert "--title is empty" in crm("reminders", "add", "zoe@buyer.example", "--due", "friday", "--title", " ", code=2)
    assert "no reminder" in crm("reminders", "done", "ffff", code=1)
    assert "unknown" in crm("reminders", "list", "--state", "open", code=2)


def test_purchases_are_imported_once_and_corrected_by_their_order(crm: CommandLine, tmp_path: Path) -> None:
    sales = tmp_path / "sales.csv"
    sales.write_text(
        "email;date;amount;currency;product;order_id;company\n"
        "ZOE@buyer.example;2026-01-05;120,50;EUR;Pallets;A-1;\n"
        "zoe@buyer.example;5.2.2026;80;EUR;Pallets;;\n"
        "zoe@buyer.example;5.2.2026;80;EUR;Pallets;;\n"
    )
    assert crm("purchases", "import", "sales.csv") == "3 added, 0 updated, 0 unchanged, 0 refused\n"
    assert crm("purchases", "import", "sales.csv") == "0 added, 0 updated, 3 unchanged, 0 refused\n"
    sales.write_text("email,date,amount,order_id,product\nzoe@buyer.example,2026-01-06,120.50,A-1,Pallets\n")
    assert crm("purchases", "import", "sales.csv") == "0 added, 1 updated, 0 unchanged, 0 refused\n"


def test_purchases_of_nobody_known_are_refused_by_line(crm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(
        "email,date\nzoe@buyer.example,2026-01-05\nstranger@x.example,2026-01-05\nzoe@buyer.example,03/04/2026\n"
        "zoe@buyer.example,2999-01-01\n,2026-01-05\n"
    )
    told = crm("purchases", "import", "sales.csv", code=1)
    assert "line 3: refused: no contact has this address: import the contact first" in told
    assert "line 4: refused: date '03/04/2026' is not a clear day" in told
    assert "line 5: refused: 2999-01-01 is still to come" in told
    assert "line 6: refused: no mail address" in told
    assert "line 6: refused: no mail address" in crm("purchases", "import", "sales.csv", "--json", code=1)
    (tmp_path / "sales.csv").write_text("name,when\nx,y\n")
    assert "no column email" in crm("purchases", "import", "sales.csv", code=1)
    (tmp_path / "sales.csv").write_text('email,date,product\nzoe@buyer.example,2026-01-05,"Pallets\n')
    assert "line 2: refused: a quote in it is not closed" in crm("purchases", "import", "sales.csv", code=1)
    assert "is no .csv file" in crm("purchases", "import", "people.txt", code=2)


def test_only_a_suggestion_can_be_accepted(crm: CommandLine) -> None:
    crm("reminders", "add", "zoe@buyer.example", "--due", "2099-03-02T14:00", "--title", "Send the catalogue")
    (one,) = listed(crm)
    assert "no suggestion" in crm("reminders", "accept", str(one["id"]), code=1)
    assert "no reminder" in crm("reminders", "accept", "ffff", code=1)
    assert listed(crm, "--state", "suggested") == []


def test_a_link_to_subscribe_is_made_and_ended(crm: CommandLine) -> None:
    first, second = (crm("reminders", "feed-link", "Anna@ourfirm.example") for _ in range(2))
    assert first.startswith("http://127.0.0.1:8046/")
    assert first != second
    assert crm("reminders", "feed-link", "anna@ourfirm.example", "--revoke") == "the link is ended\n"
    assert "no mailbox" in crm("reminders", "feed-link", "nobody@ourfirm.example", code=2)
