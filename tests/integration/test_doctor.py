"""`crm-agent doctor` against real servers: what is well is said to be well, what is wrong is named with what to do."""

import json
import shutil
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.bootstrap import open_house, store_key
from agent.doctor.calendar import CalendarVisit, looks
from agent.doctor.examine import examine
from agent.doctor.finding import Finding, Verdict
from agent.doctor.probe import TITLE
from agent.doctor.rounds import round_of
from agent.store.tokens import StoredTokens
from config.load import load
from tests.integration.firm import Firm, oauth
from tests.servers.certs import Authority
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.http_proxy import HttpProxy, Request, Response
from tests.servers.postgres import Postgres
from tests.servers.process import free_port
from tests.servers.pymap import Pymap
from tests.servers.radicale import Radicale

Row = dict[str, Any]


@pytest.fixture
def firm(tmp_path: Path, ca_file: Path) -> Firm:
    return Firm(tmp_path, ca_file)


@pytest.fixture
def user(dovecot: Dovecot) -> DovecotUser:
    return dovecot.user()


def examined(firm: Firm, *, write: bool = False) -> dict[tuple[str, str], Finding]:
    """Every finding of a whole round in this process, by subject (without the domain) and check."""
    settings = load(firm.config, secrets="store")
    found = list(round_of(settings, write=write))
    assert all(each.advice for each in found if each.ok in (Verdict.FAILED, Verdict.WARNING))
    return {(each.subject.replace("@lab.example", ""), each.check): each for each in found}


def failures(found: dict[tuple[str, str], Finding]) -> set[str]:
    return {check for (_, check), each in found.items() if each.ok is Verdict.FAILED}


def waiting(found: dict[tuple[str, str], Finding]) -> dict[str, str]:
    return {check: each.detail for (_, check), each in found.items() if each.detail.startswith("waits for")}


def test_everything_that_is_well_is_said_to_be(
    firm: Firm, user: DovecotUser, dovecot: Dovecot, radicale_tls: Radicale
) -> None:
    firm.read(user, port=dovecot.imaps_port, extra=firm.calendar(radicale_tls.calendar()))
    assert firm.run("migrate").returncode == 0
    found = examined(firm, write=True)
    assert failures(found) == set()
    assert waiting(found) == {}
    assert [check for subject, check in found if subject == "database"] == [
        *("key file", "schema", "key", "write", "space"),
    ]
    assert [check for subject, check in found if subject == user.username] == [
        *("secrets", "resolve", "connect", "ca_file", "tls", "sign-in", "folders", "capabilities", "read", "clock"),
    ]
    assert [check for subject, check in found if subject.endswith("calendar")] == [
        *("secrets", "find", "rights", "tls", "clock", "write"),
    ]
    assert found[user.username, "folders"].detail == "2 to read: INBOX, Sent"
    assert found[f"{user.username} calendar", "rights"].detail == "read and write"
    assert found[f"{user.username} calendar", "clock"].ok is Verdict.OK


def test_nothing_on_the_server_changes(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    user.append("INBOX", b"From: a@b.example\r\nSubject: unseen\r\n\r\nhello\r\n")
    before = user.snapshot()
    firm.read(user, port=dovecot.imaps_port)
    examined(firm)
    assert user.snapshot() == before


def test_looking_makes_no_database_and_no_key(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    firm.read(user, port=dovecot.imaps_port)
    before = sorted(firm.folder.iterdir())
    found = examined(firm)
    assert found["database", "database"].ok is Verdict.WARNING
    assert sorted(firm.folder.iterdir()) == before


def test_the_probe_leaves_nothing_in_the_calendar(
    firm: Firm, user: DovecotUser, dovecot: Dovecot, radicale: Radicale, dav_proxy: HttpProxy
) -> None:
    calendar = radicale.calendar()
    firm.read(user, port=dovecot.imaps_port, extra=firm.calendar(calendar.through(dav_proxy.port)))
    found = examined(firm, write=True)
    assert found[f"{user.username} calendar", "write"].detail == "an item was made, found and removed"
    assert (dav_proxy.methods["PUT"], dav_proxy.methods["DELETE"]) == (1, 1)
    assert calendar.items() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_probe_leaves_nothing_when_an_answer_is_lost(
    firm: Firm, user: DovecotUser, dovecot: Dovecot, radicale: Radicale, dav_proxy: HttpProxy, method: str
) -> None:
    calendar = radicale.calendar()
    firm.read(user, port=dovecot.imaps_port, extra=firm.calendar(calendar.through(dav_proxy.port)))
    dav_proxy.lose_answer(method)
    examined(firm, write=True)
    assert calendar.items() == []


def test_a_probe_that_could_not_be_removed_goes_with_the_next_one(
    firm: Firm, user: DovecotUser, dovecot: Dovecot, radicale: Radicale, dav_proxy: HttpProxy
) -> None:
    calendar = radicale.calendar()
    firm.read(user, port=dovecot.imaps_port, extra=firm.calendar(calendar.through(dav_proxy.port)))
    dav_proxy.answer(403, "DELETE", times=None)
    said = examined(firm, write=True)[f"{user.username} calendar", "write"]
    assert said.ok is Verdict.FAILED
    assert f'delete the item "{TITLE}"' in said.advice
    assert len(calendar.items()) == 1
    dav_proxy.clear()
    assert failures(examined(firm, write=True)) == set()
    assert calendar.items() == []


def test_without_asking_nothing_is_written(
    firm: Firm, user: DovecotUser, dovecot: Dovecot, radicale: Radicale, dav_proxy: HttpProxy
) -> None:
    firm.read(user, port=dovecot.imaps_port, extra=firm.calendar(radicale.calendar().through(dav_proxy.port)))
    found = examined(firm)
    assert (f"{user.username} calendar", "write") not in found
    assert set(dav_proxy.methods) <= {"GET", "REPORT", "PROPFIND"}


def test_a_refused_password_is_named_and_what_is_behind_it_waits(
    firm: Firm, user: DovecotUser, dovecot: Dovecot
) -> None:
    firm.secret("wrong", "wrong")
    firm.read(user, port=dovecot.imaps_port, password='{ file = "wrong" }')
    found = examined(firm)
    assert failures(found) == {"sign-in"}
    assert set(waiting(found)) == {"folders", "capabilities", "read", "clock"}
    assert "refused the credentials" in found[user.username, "sign-in"].detail


def test_an_unreadable_secret_is_a_finding_and_nobody_signs_in(
    firm: Firm, user: DovecotUser, dovecot: Dovecot, make_proxy: Callable[[int], Any]
) -> None:
    proxy = make_proxy(dovecot.imap_port)
    firm.secret("open", user.password, mode=0o644)
    firm.read(user, port=proxy.port, password='{ file = "open" }')
    found = examined(firm)
    assert failures(found) == {"secrets"}
    assert "chmod 600" in found[user.username, "secrets"].advice
    assert waiting(found)["sign-in"] == "waits for: secrets"
    assert proxy.logins == 0


def test_a_port_where_nobody_listens(firm: Firm, user: DovecotUser) -> None:
    firm.read(user, port=free_port())
    found = examined(firm)
    assert failures(found) == {"connect"}
    assert "refused the connection" in found[user.username, "connect"].detail
    assert set(waiting(found)) == {"tls", "sign-in", "folders", "capabilities", "read", "clock"}


def test_a_name_that_means_no_machine(firm: Firm, user: DovecotUser) -> None:
    firm.read(user, port=993, host='"mail.nowhere.invalid"')
    found = examined(firm)
    assert failures(found) == {"resolve"}
    assert found[user.username, "resolve"].detail == "the host name mail.nowhere.invalid cannot be resolved"


def test_a_certificate_of_another_authority(firm: Firm, user: DovecotUser, dovecot: Dovecot, tmp_path: Path) -> None:
    folder = tmp_path / "stranger"
    folder.mkdir()
    firm.read(user, port=dovecot.imaps_port, ca_file=f'"{Authority(folder).ca_file}"')
    found = examined(firm)
    assert failures(found) == {"tls"}
    assert "certificate" in found[user.username, "tls"].detail
    assert "ca_file" in found[user.username, "tls"].advice


@pytest.mark.parametrize(
    ("days", "verdict"), [(60, Verdict.OK), (29, Verdict.WARNING), (-1, Verdict.FAILED)], ids=["long", "soon", "ended"]
)
def test_a_certificate_is_judged_by_how_long_it_lasts(
    firm: Firm,
    authority: Authority,
    make_dovecot: Callable[..., Dovecot],
    days: int,
    verdict: Verdict,
) -> None:
    server = make_dovecot(certificate=authority.issue(f"lasts{days}", lasts=timedelta(days=days, hours=1)))
    firm.read(server.user(), port=server.imaps_port)
    (said,) = [each for (_, check), each in examined(firm).items() if check == "tls"]
    assert said.ok is verdict
    assert "certificate" in said.detail


def test_starttls_is_verified_too_and_loopback_needs_none(firm: Firm, dovecot: Dovecot) -> None:
    first, second = dovecot.user(), dovecot.user()
    firm.read(first, port=dovecot.imap_port, security='"starttls"')
    firm.read(second, port=dovecot.imap_port, security='"none"')
    found = examined(firm)
    assert failures(found) == set()
    assert "verified" in found[first.username, "tls"].detail
    assert found[second.username, "tls"].detail == "none: the server is on this machine"


def test_a_plain_server_is_well_and_says_what_is_slower(firm: Firm, pymap: Pymap) -> None:
    user = pymap.user()
    firm.read(user, port=pymap.imaps_port)
    found = examined(firm)
    assert failures(found) == set()
    (said,) = [each for (_, check), each in found.items() if check == "capabilities"]
    assert said.ok is Verdict.OK
    assert "without CONDSTORE" in said.detail


def test_configured_folders_that_are_not_there(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    firm.read(user, port=dovecot.imaps_port, folders='["INBOX", "Customers"]')
    found = examined(firm)
    assert failures(found) == {"folders"}
    assert found[user.username, "folders"].detail.startswith("no such folder: Customers")
    assert found[user.username, "read"].ok is Verdict.OK


@pytest.mark.parametrize(
    ("change", "check", "told"),
    [
        ({"url": "missing/"}, "find", "there is no calendar at this address"),
        ({"password": "wrong"}, "find", "refused the user name or password"),
    ],
)
def test_a_calendar_that_cannot_be_used(
    firm: Firm, user: DovecotUser, dovecot: Dovecot, radicale: Radicale, change: Row, check: str, told: str
) -> None:
    calendar = radicale.calendar()
    firm.secret("other.secret", change.get("password", calendar.password))
    url = calendar.url.replace("reminders/", change.get("url", "reminders/"))
    extra = firm.calendar(calendar, url=f'"{url}"', password='{ file = "other.secret" }')
    firm.read(user, port=dovecot.imaps_port, extra=extra)
    found = examined(firm, write=True)
    assert failures(found) == {check}
    assert told in found[f"{user.username} calendar", check].detail
    assert set(waiting(found)) >= {"rights", "write"}


@pytest.mark.parametrize(("name", "verdict"), [("reminders", Verdict.OK), ("nowhere", Verdict.FAILED)])
def test_appointments_that_are_to_be_logged_are_looked_at(
    firm: Firm, user: DovecotUser, dovecot: Dovecot, radicale: Radicale, name: str, verdict: Verdict
) -> None:
    calendar = radicale.calendar()
    where = calendar.url.replace("/reminders/", f"/{name}/")
    lines = f'{firm.calendar(calendar)}[connectors.mailboxes.reminders]\nmeetings = "{where}"\n'
    firm.read(user, port=dovecot.imaps_port, extra=lines)
    found = examined(firm)
    assert found[f"{user.username} calendar", "find"].ok is Verdict.OK
    assert found[f"{user.username} calendar", "meetings"].ok is verdict


def test_a_calendar_server_whose_clock_is_wrong_is_warned_of(
    firm: Firm, user: DovecotUser, dovecot: Dovecot, radicale: Radicale, dav_proxy: HttpProxy
) -> None:
    def long_ago(_: Request, answer: Response) -> Response:
        headers = {**answer.headers, "date": "Mon, 02 Mar 2020 12:00:00 GMT"}
        return Response(answer.status, headers, answer.body)

    dav_proxy.rewrite(long_ago, "PROPFIND", times=None)
    firm.read(user, port=dovecot.imaps_port, extra=firm.calendar(radicale.calendar().through(dav_proxy.port)))
    said = examined(firm)[f"{user.username} calendar", "clock"]
    assert said.ok is Verdict.WARNING
    assert "behind ours" in said.detail
    assert "NTP" in said.advice


def test_a_folder_of_files_is_a_calendar_too(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    folder = firm.folder / "reminders"
    folder.mkdir()
    firm.read(
        user, port=dovecot.imaps_port, extra=f'[connectors.mailboxes.calendar]\ntype = "ics"\npath = "{folder}"\n'
    )
    found = examined(firm, write=True)
    assert failures(found) == set()
    assert list(folder.glob("*.ics")) == []
    shutil.rmtree(folder)
    assert failures(examined(firm, write=True)) == {"find"}


def test_a_calendar_behind_a_certificate_of_another_authority(
    firm: Firm, user: DovecotUser, dovecot: Dovecot, radicale_tls: Radicale, tmp_path: Path
) -> None:
    folder = tmp_path / "stranger"
    folder.mkdir()
    calendar = radicale_tls.calendar()
    extra = firm.calendar(calendar, ca_file=f'"{Authority(folder).ca_file}"')
    firm.read(user, port=dovecot.imaps_port, extra=extra)
    (mailbox,) = load(firm.config, secrets="store").mailboxes
    assert mailbox.calendar is not None
    visit = CalendarVisit(mailbox=mailbox, calendar=mailbox.calendar, now=datetime.now(UTC))
    found = {each.check: each for each in examine("anna", visit, looks(mailbox, mailbox.calendar, write=False))}
    visit.close()
    assert found["find"].detail == "the calendar server's certificate cannot be verified"
    assert found["tls"].ok is Verdict.SKIPPED


def test_a_missing_key_is_found_before_another_one_is_made(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    firm.read(user, port=dovecot.imaps_port)
    assert firm.run("migrate").returncode == 0
    key = firm.folder / "installation.key"
    kept = key.read_text()
    key.unlink()
    found = examined(firm)
    assert failures(found) == {"key file"}
    assert "restore it from the backup" in found["database", "key file"].advice
    assert not key.exists()
    key.touch(mode=0o600)
    key.write_text(kept[::-1].strip() + "\n")
    assert failures(examined(firm)) == {"key"}


def test_postgresql_is_looked_at_alike(firm: Firm, user: DovecotUser, dovecot: Dovecot, postgres: Postgres) -> None:
    url = postgres.database()
    firm.secret("key", "a key that only tests know, and long enough")
    firm.write(f'[store]\nurl = "{url}"\nkey = {{ file = "key" }}\n')
    firm.read(user, port=dovecot.imaps_port)
    before = examined(firm)
    assert failures(before) == {"schema"}
    assert before["database", "schema"].advice == "run `crm-agent migrate`"
    assert firm.run("migrate").returncode == 0
    assert failures(examined(firm)) == set()
    postgres.drop(url)
    gone = examined(firm)
    assert failures(gone) == {"schema"}
    assert "does not answer" in gone["database", "schema"].detail


def test_the_command_prints_json_and_says_what_to_do_and_exits_1(
    firm: Firm, user: DovecotUser, dovecot: Dovecot
) -> None:
    well = firm.read(dovecot.user(), port=dovecot.imaps_port)
    firm.read(user, port=dovecot.imaps_port, folders='["Nowhere"]')
    told = firm.run("doctor")
    assert told.returncode == 1
    assert told.stdout.splitlines()[0].split() == ["SUBJECT", "CHECK", "OK", "DETAIL"]
    assert f"failed: {user.address}, folders: no such folder: Nowhere" in told.stderr
    rows = firm.rows("doctor")
    assert {tuple(row) for row in rows} == {("subject", "check", "ok", "detail", "advice")}
    assert {row["subject"] for row in rows} == {"database", well, user.address}
    alone = firm.run("doctor", "--mailbox", well.upper(), "--json")
    assert alone.returncode == 0
    assert user.address not in alone.stdout
    unknown = firm.run("doctor", "--mailbox", "nobody@lab.example")
    assert (unknown.returncode, unknown.stdout) == (2, "")


def test_a_server_that_never_speaks_is_given_up(firm: Firm, user: DovecotUser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.imap.connection.CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        firm.read(user, port=silent.getsockname()[1])
        found = examined(firm)
    assert failures(found) == {"tls"}
    assert "did not answer in time" in found[user.username, "tls"].detail


def test_a_sign_in_by_token_is_tried_with_the_stored_tokens_and_a_renewed_one_is_kept(
    firm: Firm, user: DovecotUser, dovecot: Dovecot
) -> None:
    firm.secret("client", dovecot.tokens.client_secret)
    address = firm.read(user, port=dovecot.imaps_port, password="", oauth=oauth(dovecot))
    before = examined(firm)
    assert failures(before) == {"sign-in"}
    assert "nobody has signed in" in before[user.username, "sign-in"].detail
    assert "crm-agent sign-in" in before[user.username, "sign-in"].advice
    settings = load(firm.config)
    with open_house(settings) as house:
        stored = StoredTokens(house.database, store_key(settings.store))
        first = dovecot.tokens.issue_refresh(user.username)
        stored.save(address, json.dumps({"refresh_token": first}))
        for _ in range(2):
            found = examined(firm)
            assert failures(found) == set()
            assert found[user.username, "sign-in"].detail == f"as {user.username} by token"
        assert found[user.username, "client secret"].ok is Verdict.SKIPPED
        kept = stored.load(address)
    assert kept is not None
    assert first not in kept
