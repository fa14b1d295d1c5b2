"""What the doctor makes of what it sees, and in which order it gives up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.doctor.calendar import judge_clock, judge_collection, judge_offer, judge_privileges
from agent.doctor.examine import Look, examine
from agent.doctor.finding import Said, Verdict, failed, fine, warning
from agent.doctor.mail import judge_capabilities, judge_folders
from agent.doctor.storage import MB, judge_schema, judge_space
from agent.doctor.trust import authority, end_of, lasting, readable, secrets_of
from agent.store.errors import SchemaMismatch, StoreError, Unfit
from config.model import CaldavCalendar, ImapAccess, OAuth
from config.secrets import Secret, SecretError
from connectors.caldav_discovery import Offered
from connectors.dav import Answer, Resource, resources
from connectors.errors import Fatal, NeedsSignIn, Retriable, Skippable
from tests.servers.certs import Authority

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def raising(error: Exception) -> Said:
    raise error


def test_what_stands_behind_a_failure_is_skipped_and_says_what_it_waits_for() -> None:
    looks: list[Look[None]] = [
        Look(check="connect", at=lambda _: failed("no answer", "start it")),
        Look(check="tls", at=lambda _: fine("verified"), after=("connect",)),
        Look(check="sign-in", at=lambda _: fine("as anna"), after=("secrets", "tls")),
        Look(check="space", at=lambda _: fine("plenty")),
    ]
    found = [(each.check, each.ok.value, each.detail) for each in examine("anna", None, looks)]
    assert found == [
        ("connect", "failed", "no answer"),
        ("tls", "skipped", "waits for: connect"),
        ("sign-in", "skipped", "waits for: tls"),
        ("space", "ok", "plenty"),
    ]


def test_a_warning_holds_nothing_up() -> None:
    looks: list[Look[None]] = [
        Look(check="tls", at=lambda _: warning("ends soon", "renew it")),
        Look(check="sign-in", at=lambda _: fine("as anna"), after=("tls",)),
    ]
    assert [each.ok for each in examine("anna", None, looks)] == [Verdict.WARNING, Verdict.OK]


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (NeedsSignIn("refused", advice="check the password"), "check the password"),
        (Fatal("no"), "correct the configuration"),
        (Retriable("busy"), "try again later; if it stays so, ask whoever runs the server"),
        (Skippable("not this folder"), "try again later; if it stays so, ask whoever runs the server"),
        (StoreError("does not answer"), "start the database, and check `store.url`"),
    ],
)
def test_every_error_is_a_failure_with_something_to_do(error: Exception, advice: str) -> None:
    (found,) = examine("anna", None, [Look(check="x", at=lambda _: raising(error))])
    assert (found.ok, found.detail, found.advice) == (Verdict.FAILED, str(error), advice)


@pytest.mark.parametrize(
    ("error", "detail", "advice"),
    [
        (SchemaMismatch("old: run `crm-agent migrate`"), "old", "run `crm-agent migrate`"),
        (
            SecretError("file x can be read by others: run chmod 600 x"),
            "file x can be read by others",
            "run chmod 600 x",
        ),
        (Unfit("cannot be read: malformed; check store.url"), "cannot be read: malformed", "check store.url"),
    ],
)
def test_an_error_that_says_what_to_do_is_told_in_two_parts(error: Exception, detail: str, advice: str) -> None:
    (found,) = examine("anna", None, [Look(check="x", at=lambda _: raising(error))])
    assert (found.ok, found.detail, found.advice) == (Verdict.FAILED, detail, advice)


def test_a_fault_of_the_program_is_not_taken_for_a_finding() -> None:
    with pytest.raises(ZeroDivisionError):
        list(examine("anna", None, [Look(check="x", at=lambda _: raising(ZeroDivisionError()))]))


@pytest.mark.parametrize(
    ("left", "verdict"),
    [
        (timedelta(days=31), Verdict.OK),
        (timedelta(days=30), Verdict.WARNING),
        (timedelta(hours=1), Verdict.WARNING),
        (timedelta(), Verdict.FAILED),
        (-timedelta(days=1), Verdict.FAILED),
    ],
)
def test_a_certificate_is_warned_of_thirty_days_ahead(left: timedelta, verdict: Verdict) -> None:
    said = lasting("the certificate", NOW + left, NOW, "renew it")
    assert said.ok is verdict
    assert str((NOW + left).date()) in said.detail
    assert bool(said.advice) == (verdict is not Verdict.OK)


def test_the_end_of_a_certificate_is_read_as_python_tells_it() -> None:
    assert end_of("Mar  2 12:00:00 2026 GMT") == NOW


def test_the_certificate_of_an_authority_that_ends_first_counts(tmp_path: Path) -> None:
    first = Authority(tmp_path)
    path = tmp_path / "both.pem"
    path.write_bytes(
        first.ca_file.read_bytes() + first.issue("long", lasts=timedelta(days=400)).certificate.read_bytes()
    )
    said = authority(path, datetime.now(UTC))
    assert said.ok is Verdict.WARNING
    assert said.detail.startswith("the first of 2 in both.pem is good until")
    assert str(path) in said.advice


@pytest.mark.parametrize(
    "content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_ca_file_without_a_certificate_fails(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    assert authority(path, NOW).ok is Verdict.FAILED
    assert authority(tmp_path / "absent.pem", NOW).ok is Verdict.FAILED


def test_every_secret_is_tried_and_none_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "client"
    path.write_text("very secret")
    path.chmod(0o600)
    oauth = OAuth(provider="custom", client_id="c", client_secret=Secret(file=path))
    access = ImapAccess(host="mail.example", username="anna", oauth=oauth)
    assert list(secrets_of(access)) == [Secret(file=path)]
    said = readable(access)
    assert said == fine(f"file {path}")
    path.chmod(0o644)
    with pytest.raises(SecretError, match="chmod 600"):
        readable(access)


def test_settings_without_secrets_need_none() -> None:
    assert readable(CaldavCalendar(url="https://dav.example/anna/")) == fine("none needed")


def test_configured_folders_that_are_missing_fail_though_others_are_read() -> None:
    said = judge_folders(["INBOX", "Sent"], ["Customers", "Offers*"])
    assert (said.ok, said.detail) == (
        Verdict.FAILED,
        "no such folder: Customers, Offers*; 2 to read: INBOX, Sent",
    )
    assert "folders" in said.advice


def test_many_folders_are_counted_and_some_named() -> None:
    assert judge_folders([f"F{n}" for n in range(8)], ()) == fine("8 to read: F0, F1, F2, F3, F4 and 3 more")


def test_no_folder_at_all_fails() -> None:
    assert judge_folders([], ()).ok is Verdict.FAILED


@pytest.mark.parametrize(
    ("offered", "told"),
    [
        ({"CONDSTORE", "LIST-STATUS", "IDLE"}, "nothing is slower"),
        ({"QRESYNC", "LIST-STATUS", "IDLE"}, "nothing is slower"),
        ({"CONDSTORE", "IDLE"}, "without LIST-STATUS every folder is asked"),
        ({"CONDSTORE", "LIST-STATUS"}, "without IDLE new mail is noticed at the next poll"),
        (set(), "without CONDSTORE flags are compared"),
    ],
)
def test_what_a_server_lacks_is_told_as_what_it_costs(offered: set[str], told: str) -> None:
    said = judge_capabilities(frozenset(offered))
    assert said.ok is Verdict.OK
    assert told in said.detail


@pytest.mark.parametrize(
    ("date", "verdict", "told"),
    [
        ("Mon, 02 Mar 2026 12:00:00 GMT", Verdict.OK, "agree"),
        ("Mon, 02 Mar 2026 12:01:00 GMT", Verdict.OK, "agree"),
        ("Mon, 02 Mar 2026 12:05:00 GMT", Verdict.WARNING, "300 s ahead of ours"),
        ("Mon, 02 Mar 2026 11:00:00 GMT", Verdict.WARNING, "3600 s behind ours"),
        ("Mon, 02 Mar 2026 13:00:00 +0100", Verdict.OK, "agree"),
        ("Mon, 02 Mar 2026 12:00:00 -0000", Verdict.OK, "agree"),
        ("", Verdict.SKIPPED, "does not tell"),
        ("yesterday", Verdict.SKIPPED, "does not tell"),
    ],
)
def test_clocks_are_compared_where_the_server_tells_its_time(date: str, verdict: Verdict, told: str) -> None:
    said = judge_clock(date, NOW)
    assert said.ok is verdict
    assert told in said.detail


@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        (set(), Verdict.OK),
        ({"read", "write"}, Verdict.OK),
        ({"all"}, Verdict.OK),
        ({"read", "bind", "unbind"}, Verdict.OK),
        ({"read"}, Verdict.FAILED),
        ({"read", "write-properties", "read-free-busy"}, Verdict.FAILED),
    ],
)
def test_a_calendar_that_may_only_be_read_fails(names: set[str], verdict: Verdict) -> None:
    assert judge_privileges(names).ok is verdict


def collection(inside: str) -> Resource:
    body = (
        '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response><d:href>/a/</d:href>'
        f"<d:propstat><d:prop>{inside}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
        "</d:response></d:multistatus>"
    )
    (told,) = resources(Answer(status=207, url="https://dav.example/a/", body=body.encode()))
    return told


CALENDAR = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>"


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        (CALENDAR, "the server does not tell more"),
        ("", "the server does not tell more"),
        (
            CALENDAR
            + '<c:supported-calendar-component-set><c:comp name="VTODO"/></c:supported-calendar-component-set>',
            "tasks only",
        ),
        (
            CALENDAR + '<c:supported-calendar-component-set><c:comp name="VTODO"/><c:comp name="VEVENT"/>'
            "</c:supported-calendar-component-set>",
            "the server does not tell more",
        ),
        (
            CALENDAR + "<d:current-user-privilege-set><d:privilege><d:read/></d:privilege>"
            "<d:privilege><d:write/></d:privilege></d:current-user-privilege-set>",
            "read and write",
        ),
        (
            CALENDAR + "<d:current-user-privilege-set><d:privilege><d:read/></d:privilege>"
            "</d:current-user-privilege-set>",
            "may read this calendar but not write it",
        ),
    ],
)
def test_a_collection_is_told_by_what_the_server_says_of_it(inside: str, told: str) -> None:
    assert told in judge_collection(collection(inside)).detail


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        (
            "https://dav.example/anna/",
            "write one of these in `url`: https://dav.example/anna/a/ (Private), https://dav.example/b/",
        ),
        ("https://dav.example/anna/a", "as it was"),
    ],
)
def test_who_gave_no_calendar_is_told_which_there_are(url: str, advice: str) -> None:
    """But not where the configured one is among them: then something else is wrong with it."""
    offered = (
        Offered(url="https://dav.example/anna/a/", name="Private"),
        Offered(url="https://dav.example/b/", name=""),
    )
    assert judge_offer(failed("nothing there", "as it was"), url, offered) == failed("nothing there", advice)


@pytest.mark.parametrize(
    ("state", "verdict", "advice"),
    [
        ("current", Verdict.OK, ""),
        ("new", Verdict.FAILED, "run `crm-agent migrate`"),
        ("old", Verdict.FAILED, "stop the service and run `crm-agent migrate`"),
        ("future", Verdict.FAILED, "install that version, or restore a backup"),
    ],
)
def test_the_schema_says_what_to_run(state: str, verdict: Verdict, advice: str) -> None:
    said = judge_schema(state)
    assert (said.ok, said.advice) == (verdict, advice)


@pytest.mark.parametrize(
    ("free", "verdict", "told"),
    [
        (5_000 * MB, Verdict.OK, "5.0 GB free"),
        (999 * MB, Verdict.WARNING, "999 MB free"),
        (99 * MB, Verdict.FAILED, "99 MB free"),
        (0, Verdict.FAILED, "0 MB free"),
    ],
)
def test_little_space_is_warned_of_before_there_is_none(free: int, verdict: Verdict, told: str) -> None:
    said = judge_space(free)
    assert (said.ok, said.detail) == (verdict, told)
