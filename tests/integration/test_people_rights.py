"""What people have a right to: to be forgotten, to be told what is held, and that nobody reads what is not theirs."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.firm import Firm
from tests.integration.people_desk import id_of, ok
from tests.servers.dovecot import Dovecot, DovecotUser

on_sqlite = pytest.mark.parametrize("firm", ["sqlite"], indirect=True)
"""For what does not hang by the database: the rooms below are tested on both."""


def subjects(firm: Firm) -> list[str]:
    return sorted(str(one["subject"]) for one in firm.rows("interactions", "list"))


def test_the_next_mail_and_the_next_import_do_not_bring_an_erased_person_back(
    firm: Firm, user: DovecotUser, deliver: Callable[..., str]
) -> None:
    """Mail they wrote is not kept; mail that a contact wrote is, without them."""
    ok(firm, "contacts", "add", "lea@other.example", "--name", "Lea")
    deliver("before", "jane@acme.example")
    deliver("shared", "lea@other.example", to="jane@acme.example")
    deliver("hers", "jane@acme.example", to="lea@other.example")
    ok(firm, "contacts", "erase", "jane@acme.example")
    deliver("after", "Jane.Doe+x <jane@acme.example>")
    deliver("shared-after", "lea@other.example", to="JANE@acme.example")
    user.set_uidvalidity("INBOX", 99)
    ok(firm, "sync")

    assert subjects(firm) == ["hers", "shared", "shared-after"]
    (hers,) = (one for one in firm.rows("interactions", "list") if one["subject"] == "hers")
    assert ([who["name"] for who in hers["contacts"]], hers["text"]) == (["Lea"], None), "it is Lea's history too"
    assert firm.rows("explain", "after")[0]["reason"] == "erased"
    assert firm.rows("explain", "before")[0]["reason"] == "erased"
    again = firm.run("contacts", "import", str(firm.folder / "people.csv"))
    assert (again.returncode, "line 2: refused: a person with this address was erased" in again.stderr) == (1, True)
    held = [path for path in firm.folder.glob("crm-agent.db*") if b"jane@acme" in path.read_bytes().lower()]
    assert held == []
    (noted,) = firm.rows("audit")
    assert (noted["what"], noted["entity"]) == ("erased", None)


@on_sqlite
def test_an_erased_persons_reminder_leaves_the_calendar(firm: Firm, dovecot: Dovecot) -> None:
    """By the next pass, and in the files of the store at once."""
    anna, calendar = dovecot.user(domain="ourfirm.example"), firm.folder / "calendar"
    calendar.mkdir()
    firm.read(
        anna, port=dovecot.imaps_port, extra=f'[connectors.mailboxes.calendar]\ntype = "ics"\npath = "{calendar}"\n'
    )
    ok(firm, "contacts", "add", "jane@acme.example", "--name", "Jane Quartz")
    ok(firm, "sync")
    title = ("--title", "Call Jane Quartz", "--mailbox", anna.address)
    ok(firm, "reminders", "add", "jane@acme.example", "--due", "2026-12-24", *title)
    ok(firm, "sync")
    (item,) = calendar.glob("*.ics")
    assert "Call Jane Quartz" in item.read_text()

    ok(firm, "contacts", "erase", "jane@acme.example")
    assert [one for one in firm.folder.glob("crm-agent.db*") if b"Quartz" in one.read_bytes()] == []
    ok(firm, "sync")
    assert list(calendar.glob("*.ics")) == []


@on_sqlite
def test_what_is_held_about_a_person_is_handed_out_whole(firm: Firm, deliver: Callable[..., str]) -> None:
    deliver("one", "jane@acme.example")
    deliver("two", "stranger@x.example", to="jane@acme.example")
    held = [json.loads(line) for line in ok(firm, "contacts", "export", "jane@acme.example").splitlines()]

    assert [one["emails"][0]["address"] for one in held if one["held"] == "contact"] == ["jane@acme.example"]
    mail = {one["subject"]: one for one in held if one["held"] == "interaction"}
    assert sorted(mail) == ["one", "two"]
    assert mail["two"]["text"].startswith("Can you send the offer?")
    assert mail["two"]["named_as"] == [{"role": "to", "address": "jane@acme.example", "name": ""}]
    assert {one["event"] for one in held if one["held"] == "feed"} == {"added"}
    assert firm.run("contacts", "export", "nobody@x.example").stderr.strip() == "nothing is held about nobody@x.example"


def test_two_become_one_and_two_again_on_the_command_line(firm: Firm, deliver: Callable[..., str]) -> None:
    """Their shared address was in doubt; the preview changes nothing; the doubt is gone after the next pass."""
    message = deliver("doubt", "office@globex.example")
    max_, mia = id_of(firm, "Max One"), id_of(firm, "Mia Two")
    told = ok(firm, "contacts", "merge", max_, mia, "--dry-run")
    assert "would merge Mia Two into Max One" in told
    assert "1 in review" in told
    assert id_of(firm, "Mia Two") == mia

    ok(firm, "contacts", "merge", max_, mia)
    ok(firm, "sync")
    assert firm.rows("explain", message)[0]["outcome"] == "logged"
    ok(firm, "contacts", "unmerge", max_)
    ok(firm, "sync")

    assert id_of(firm, "Mia Two") == mia
    assert firm.rows("explain", message)[0]["outcome"] == "review", "nobody is guessed"
    assert firm.run("contacts", "unmerge", max_).returncode == 1


@on_sqlite
def test_a_preview_of_an_import_says_what_would_be_looked_at_again(
    firm: Firm, user: DovecotUser, deliver: Callable[..., str]
) -> None:
    deliver("nobody", "new@x.example")
    told = ok(firm, "contacts", "add", "new@x.example", "--name", "New", "--dry-run")

    assert "would be: 1 added" in told
    assert "1 of nobody's" in told
    assert [one["name"] for one in firm.rows("contacts", "list") if one["name"] == "New"] == []


@on_sqlite
def test_an_accepted_address_is_the_contacts_from_now_on_only_if_that_is_said(
    firm: Firm, user: DovecotUser, deliver: Callable[..., str]
) -> None:
    for subject, always in (("one", ()), ("two", ("--always",))):
        raw = (
            f"From: jd@private.example\r\nTo: {user.address}\r\nSubject: {subject}\r\nMessage-ID: <{subject}>\r\n\r\nx"
        )
        user.append("INBOX", raw.encode(), flags=["CRM"])
        ok(firm, "sync")
        (item,) = firm.rows("review", "list")
        ok(firm, "review", "accept", item["id"], "jane@acme.example", *always)
        deliver(f"after-{subject}", "jd@private.example")

    assert firm.rows("explain", "after-one")[0]["outcome"] == "logged", "the rule finds what came before it, too"
    assert subjects(firm) == ["after-one", "after-two", "one", "two"]
    (jane,) = firm.rows("contacts", "show", "jane@acme.example")
    assert [email["address"] for email in jane["emails"]] == ["jane@acme.example", "jd@private.example"]


@on_sqlite
def test_an_address_of_two_is_nobodys_alone_and_can_be_kept_away(firm: Firm, deliver: Callable[..., str]) -> None:
    deliver("first", "office@globex.example")
    (item,) = firm.rows("review", "list")
    refused = firm.run("review", "accept", item["id"], id_of(firm, "Max One"), "--always")
    assert (refused.returncode, "is another contact's too" in refused.stderr) == (2, True)

    ok(firm, "review", "reject", item["id"], "--never")
    deliver("second", "office@globex.example")
    assert firm.rows("explain", "second")[0]["reason"] == "never-log"
    assert [one["address"] for one in firm.rows("review", "rules")] == ["office@globex.example"]
    ok(firm, "review", "forget", "office@globex.example")
    deliver("third", "office@globex.example")
    assert firm.rows("explain", "third")[0]["outcome"] == "review"


@pytest.fixture
def two(firm: Firm, dovecot: Dovecot) -> tuple[str, str]:
    """Two salespeople; the first has a customer's mail and a doubt."""
    anna, ben = (dovecot.user(domain="ourfirm.example") for _ in range(2))
    for one in (anna, ben):
        firm.read(one, port=dovecot.imaps_port)
    assert firm.run("contacts", "import", str(firm.folder / "people.csv")).returncode == 0
    for number, sender in enumerate(("jane@acme.example", "office@globex.example")):
        head = f"From: {sender}\r\nTo: {anna.address}\r\nSubject: s{number}\r\nMessage-ID: <{number}@x.example>\r\n"
        anna.append("INBOX", (head + "Date: Fri, 20 Nov 2026 10:00:00 +0100\r\n\r\nBetween us.\r\n").encode())
    ok(firm, "sync")
    return anna.address, ben.address


def texts(firm: Firm, *options: str) -> list[object]:
    return [one["text"] and one["text"].strip() for one in firm.rows("interactions", "list", *options)]


@on_sqlite
def test_a_text_is_its_mailboxs_owners_and_every_other_reading_is_noted(firm: Firm, two: tuple[str, str]) -> None:
    anna, ben = two
    assert texts(firm, "--as", anna) == ["Between us."]
    assert texts(firm, "--as", ben) == [None]
    assert firm.rows("audit") == []

    assert texts(firm) == ["Between us."], "of several mailboxes the administrator reads, if nobody is named"
    (shown,) = firm.rows("interactions", "list", "--as", anna)
    assert "Between us." in ok(firm, "interactions", "show", str(shown["id"]), "--as-admin")
    assert [(one["what"], one["entity"]) for one in firm.rows("audit")] == [("read-text", shown["id"])] * 2
    assert firm.run("interactions", "list", "--as", "nobody@x.example").returncode == 2


@on_sqlite
def test_a_policy_lets_the_team_read_and_that_is_noted_too(firm: Firm, two: tuple[str, str]) -> None:
    _, ben = two
    firm.write('\n[policy]\nvisible_to = "team"\n')
    assert texts(firm, "--as", ben) == ["Between us."]
    (noted,) = firm.rows("audit")
    assert str(noted["who"]).endswith(f"for {ben}")


@on_sqlite
def test_questions_are_for_the_owner_of_their_mailbox(firm: Firm, two: tuple[str, str]) -> None:
    anna, ben = two
    assert firm.rows("review", "list", "--as", ben) == []
    (item,) = firm.rows("review", "list", "--as", anna)
    refused = firm.run("review", "accept", str(item["id"]), id_of(firm, "Max One"), "--as", ben)
    assert (refused.returncode, "somebody else" in refused.stderr) == (2, True)
    assert firm.rows("audit") == []

    assert len(firm.rows("review", "list")) == 1
    ok(firm, "review", "accept", str(item["id"]), id_of(firm, "Max One"), "--as", anna)
    assert [one["what"] for one in firm.rows("audit")] == ["read-review"]


@on_sqlite
def test_whom_we_write_to_becomes_a_contact_where_the_firm_wants_that(
    firm: Firm, user: DovecotUser, deliver: Callable[..., str]
) -> None:
    """Not who only wrote to us, no task's address; older mail of the new contact is found in the same pass."""
    deliver("older", "new@x.example")
    deliver("stranger", "other@y.example")
    firm.write('\n[policy]\ncreate_contacts = "when-we-write"\n')
    head = f"From: {user.address}\r\nTo: Nora New <new@x.example>, info@z.example\r\nSubject: ours\r\n"
    user.append("Sent", (head + "Message-ID: <ours>\r\nDate: Fri, 20 Nov 2026 11:00:00 +0100\r\n\r\nHi\r\n").encode())
    told = firm.run("sync", "--dry-run")
    assert "1 contact created" in told.stdout
    ok(firm, "sync")

    made = [one for one in firm.rows("contacts", "list") if one["created_by"] == "mail"]
    assert [(one["name"], one["emails"][0]["address"]) for one in made] == [("Nora New", "new@x.example")]
    assert subjects(firm) == ["older", "ours"]


@on_sqlite
def test_strangers_are_suggested_only_where_the_admin_allows_it(firm: Firm, user: DovecotUser) -> None:
    head = f"From: {user.address}\r\nTo: Nora New <new@x.example>\r\nSubject: ours\r\nMessage-ID: <ours>\r\n"
    raw = (head + "Date: Fri, 20 Nov 2026 11:00:00 +0100\r\n\r\nHi\r\n").encode()
    user.append("Sent", raw)
    ok(firm, "sync")
    assert firm.rows("contacts", "suggestions") == []

    firm.write("\n[policy]\nsuggest_contacts = true\n")
    user.append("Sent", raw.replace(b"<ours>", b"<more>"))
    ok(firm, "sync")
    assert [one["address"] for one in firm.rows("contacts", "suggestions")] == ["new@x.example"]
    ok(firm, "contacts", "add", "new@x.example")
    assert firm.rows("contacts", "suggestions") == []


def test_mail_older_than_the_firm_keeps_is_neither_kept_nor_read(
    firm: Firm, user: DovecotUser, deliver: Callable[..., str], tmp_path: Path
) -> None:
    """An archive that was handed in only lately is as old as that: it does not go at once."""
    deliver("young", "jane@acme.example")
    for subject, received in (("old", datetime(2025, 11, 20, 9, tzinfo=UTC)), ("handed in", datetime.now(UTC))):
        head = f"From: jane@acme.example\r\nTo: {user.address}\r\nSubject: {subject}\r\nMessage-ID: <{subject[:3]}>\r\n"
        raw = f"{head}Date: Thu, 20 Nov 2025 10:00:00 +0100\r\n\r\nLong ago.\r\n".encode()
        user.append("INBOX", raw, when=received)
    ok(firm, "sync")
    assert subjects(firm) == ["handed in", "old", "young"]

    firm.write("\n[policy]\nretention_days = 100\n")
    ok(firm, "sync")
    user.set_uidvalidity("INBOX", 99)
    ok(firm, "sync")
    assert subjects(firm) == ["handed in", "young"]
    assert firm.rows("explain", "old")[0]["reason"] == "before-start"
    assert firm.run("reconcile").returncode == 0


@on_sqlite
def test_the_second_list_lies_where_the_policy_says(firm: Firm, user: DovecotUser) -> None:
    """Where it cannot be written nothing is erased, and the sentence says what to do."""
    firm.write('\n[policy]\nerased_list = "apart/erased"\n')
    refused = firm.run("contacts", "erase", "jane@acme.example")
    assert (refused.returncode, "policy.erased_list" in refused.stderr) == (2, True)
    assert firm.run("contacts", "show", "jane@acme.example").returncode == 0

    (firm.folder / "apart").mkdir()
    ok(firm, "contacts", "erase", "jane@acme.example")
    assert (firm.folder / "apart/erased").read_text().count("\n") == 1
