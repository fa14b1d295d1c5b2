"""What goes wrong between us and an Exchange Server, and what of it is told as what.

Against the server of the lab, over TLS, with its real sign-in.
"""

import threading
from pathlib import Path

import pytest

from config.model import FolderChoice
from connectors.errors import ConnectorError, Fatal, Interrupted, Retriable, Skippable, Unreachable
from connectors.exchange import ExchangeSource, autodiscover, checks, reading, wire
from connectors.exchange.opening import sign_in_of
from connectors.exchange.xml import parse
from connectors.message import Folder, Message
from tests.contracts.exchange_owner import access_to
from tests.contracts.mail_owner import START, envelopes, letter, message_ids, names
from tests.integration.exchange_lab import Open, box, inbox, opened
from tests.servers.certs import Authority
from tests.servers.ews import EwsServer, Mailbox, Person
from tests.servers.ews.mime import recipients

__all__ = ["box", "opened"]

# -- the way there


def test_a_server_is_verified_by_the_authority_given_whatever_the_environment_says(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nothing.pem"))
    source = opened()
    assert source.folders()
    source.close()
    (tmp_path / "other").mkdir()
    with pytest.raises(Fatal, match="certificate"):
        opened(ca_file=Authority(tmp_path / "other").ca_file).folders()


def test_nobody_at_the_address_is_unreachable_and_a_plain_address_is_refused(opened: Open) -> None:
    with pytest.raises(Unreachable):
        opened(endpoint="https://127.0.0.1:9/EWS/Exchange.asmx").folders()
    with pytest.raises(Fatal, match="https only"):
        opened(endpoint="http://mail.corp.example/EWS/Exchange.asmx").folders()


@pytest.mark.parametrize("host", ["outlook.office365.com", "OUTLOOK.office365.com.", "partner.outlook.cn"])
def test_exchange_online_is_refused_before_anything_is_sent(opened: Open, host: str) -> None:
    with pytest.raises(Fatal, match="2026-10-01") as refused:
        opened(endpoint=f"https://{host}/EWS/Exchange.asmx").folders()
    assert 'type = "graph"' in refused.value.advice


def test_a_server_that_answers_as_exchange_online_is_refused_too(ews: EwsServer, opened: Open) -> None:
    ews.faults.rewrite(lambda body: body.replace(b'MinorVersion="2"', b'MinorVersion="20"'))
    with pytest.raises(Fatal, match="Exchange Online"):
        opened().folders()


def test_a_redirect_to_exchange_online_is_refused_as_that(ews: EwsServer, opened: Open) -> None:
    ews.faults.http(302, headers={"Location": "https://outlook.office365.com/EWS/Exchange.asmx"})
    with pytest.raises(Fatal, match="Exchange Online"):
        opened().folders()


def test_all_mailboxes_of_an_account_share_its_connections(ews: EwsServer, tmp_path: Path) -> None:
    boxes = [ews.mailbox() for _ in range(6)]
    ews.account("svc", "s3cret", impersonates={"*"})
    boxes[0].account.password = "s3cret"
    ews.faults.delay(0.05)
    ews.exchange.limits.peak = 0
    sources = [
        ExchangeSource(
            access_to(ews, boxes[0], tmp_path, user=box.address, username="svc", access="impersonation", connections=2),
            FolderChoice(),
        )
        for box in boxes
    ]
    workers = [threading.Thread(target=source.folders) for source in sources]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert ews.operations["FindFolder"] == 6
    assert len({one.acting_as for one in ews.asked}) == 6
    for source in sources:
        source.close()


# -- what the server says


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ErrorMailboxMoveInProgress", Retriable),
        ("ErrorConnectionFailed", Unreachable),
        ("ErrorNonExistentMailbox", Fatal),
        ("ErrorAccessDenied", Fatal),
        ("ErrorItemSave", Retriable),
    ],
)
def test_a_refusal_of_the_mailbox_is_told_by_what_to_do(
    box: Mailbox, opened: Open, code: str, kind: type[ConnectorError]
) -> None:
    box.refuse_all(code)
    with pytest.raises(kind, match=code) as refused:
        opened().folders()
    assert type(refused.value) is kind


@pytest.mark.parametrize("whole", [True, False])
def test_a_busy_server_says_how_long_to_wait(ews: EwsServer, opened: Open, whole: bool) -> None:
    ews.faults.refuse("ErrorServerBusy", "FindFolder", back_off=17_500, whole=whole)
    with pytest.raises(Retriable) as busy:
        opened().folders()
    assert busy.value.after == 17.5


def test_a_proxy_in_front_says_how_long_to_wait_too(ews: EwsServer, opened: Open) -> None:
    ews.faults.http(503, headers={"Retry-After": "30"})
    with pytest.raises(Retriable) as busy:
        opened().folders()
    assert busy.value.after == 30.0


def test_a_folder_that_may_not_be_read_stops_itself_alone(ews: EwsServer, opened: Open) -> None:
    source = opened()
    folder = inbox(source)
    ews.faults.refuse("ErrorAccessDenied", "SyncFolderItems", whole=False)
    with pytest.raises(Skippable):
        list(source.changes(folder, None))
    assert source.folders()
    source.close()


@pytest.mark.parametrize(("order", "times"), [("malformed", 1), ("reset", 2)])
def test_an_answer_that_was_cut_off_is_never_a_shorter_one(
    ews: EwsServer, box: Mailbox, opened: Open, order: str, times: int
) -> None:
    for number in range(20):
        box.deliver(letter(number))
    source = opened()
    folder = inbox(source)
    getattr(ews.faults, order)("FindItem", times=times)
    with pytest.raises(Interrupted):
        source.ids(folder, None)
    assert len(source.ids(folder, None).ids) == 20
    source.close()


def test_a_kept_connection_that_died_costs_a_reader_nothing_and_a_writer_is_not_repeated(
    ews: EwsServer, opened: Open
) -> None:
    source = opened()
    source.folders()
    ews.faults.lose_request("FindFolder")
    assert source.folders()
    source.close()


def test_items_that_the_server_stopped_before_are_asked_for_again(ews: EwsServer, box: Mailbox, opened: Open) -> None:
    ids = [box.deliver(letter(number), received=START) for number in range(4)]
    source = opened()
    folder = inbox(source)
    ews.faults.refuse("ErrorBatchProcessingStopped", "GetItem", whole=False, share=2)
    assert sorted(message_ids(source.headers(folder, "ews", ids))) == names(0, 1, 2, 3)
    source.close()


def test_an_item_that_is_kept_back_costs_itself_alone(ews: EwsServer, box: Mailbox, opened: Open) -> None:
    ids = [box.deliver(letter(number), received=START) for number in range(4)]
    source = opened()
    folder = inbox(source)
    ews.faults.refuse("ErrorItemCorrupt", "GetItem", whole=False, share=1)
    (page,) = source.headers(folder, "ews", ids)
    assert len(page.envelopes) == 3
    assert [held.reason for held in page.withheld] == ["the server refused it (ErrorItemCorrupt)"]
    source.close()


def test_the_message_that_ends_sessions_is_found_among_the_others(ews: EwsServer, box: Mailbox, opened: Open) -> None:
    ids = [box.deliver(letter(number), received=START) for number in range(3)]
    source = opened()
    found = inbox(source)
    fragile = Folder(key=found.key, name=found.name, role=found.role, fragile=True)
    ews.faults.lose_answer("GetItem", skip=1, times=2)
    pages = list(source.headers(fragile, "ews", ids))
    assert sorted(message_ids(pages)) == names(0, 2)
    assert [(held.id, held.ended) for page in pages for held in page.withheld] == [(ids[1], True)]
    source.close()


# -- people


def test_an_x500_sender_is_asked_for_once_and_a_miss_is_remembered(ews: EwsServer, box: Mailbox, opened: Open) -> None:
    legacy = "/o=Firm/ou=Sites/cn=Recipients/cn=lea"
    ews.person(Person(name="Lea", address="lea@corp.example", legacy=legacy))
    ids = [box.deliver(letter(number), received=START) for number in range(4)]
    for id, name in zip(ids, (legacy, legacy, "/o=Firm/cn=gone", "/o=Firm/cn=gone"), strict=True):
        box.set(id, "From", recipients("From", [("Lea", name)]))
    source = opened()
    (page,) = source.headers(inbox(source), "ews", ids)
    senders = {one.id: one.from_[0].address for one in page.envelopes}
    assert [senders[id] for id in ids] == ["lea@corp.example", "lea@corp.example", "", ""]
    assert ews.operations["ResolveNames"] == 2
    source.close()


def test_automatic_replies_are_told_with_their_times(box: Mailbox, opened: Open) -> None:
    source = opened()
    assert source.away() is None
    box.automatic_replies(True, start=START, end=START.replace(day=9))
    away = source.away()
    assert away is not None
    assert (away.start, away.end) == (START, START.replace(day=9))
    source.close()


# -- what doctor asks


def test_doctor_sees_the_version_the_ways_to_sign_in_and_the_end_of_the_certificate(
    ews: EwsServer, box: Mailbox, tmp_path: Path
) -> None:
    access = access_to(ews, box, tmp_path)
    assert checks.look(access).product.startswith("Exchange Server 2019 or Subscription Edition (15.2.")
    assert set(checks.offered(ews.url, ews.ca_file)) == {"ntlm", "basic", "oauth"}
    assert checks.certificate_end(ews.url, ews.ca_file).tzinfo is not None
    assert checks.may_open(access)
    assert not checks.may_open(access_to(ews, box, tmp_path, access="impersonation", user="board@corp.example"))


def test_envelopes_are_never_written_to_logs(box: Mailbox, opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    box.deliver(letter("secret"), received=START)
    source = opened()
    folder = inbox(source)
    history = next(iter(source.changes(folder, None))).history
    assert history is not None
    assert envelopes(source.history(folder, history, None))
    assert "secret" not in caplog.text
    source.close()


# -- finding the server, and texts without end


def test_an_endpoint_is_found_by_autodiscover_of_the_mail_domain(ews: EwsServer, box: Mailbox, tmp_path: Path) -> None:
    access = access_to(ews, box, tmp_path)
    url = f"https://127.0.0.1:{ews.port}/autodiscover/autodiscover.xml"
    assert autodiscover.follow(url, box.address, sign_in_of(access), ews.ca_file) == ews.url


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("<RedirectAddr>anna@corp.mail.onmicrosoft.com</RedirectAddr>", "Exchange Online"),
        ("<RedirectUrl>https://autodiscover.evil.example/x</RedirectUrl>", "out of the mail domain"),
        ("<RedirectUrl>http://autodiscover.corp.example/x</RedirectUrl>", "without https"),
    ],
)
def test_autodiscover_leads_no_password_astray(target: str, sentence: str) -> None:
    answer = parse(f"<A><R>{target}</R></A>".encode())
    with pytest.raises(Fatal, match=sentence):
        autodiscover.next_step(answer, "anna@corp.example", "corp.example")


def test_a_text_longer_than_is_read_costs_its_text_alone(
    box: Mailbox, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "ANSWER_LIMIT", 40_000)
    ids = [box.deliver(letter(number, body="x" * 60_000 if number == 1 else "short"), received=START)
           for number in range(3)]  # fmt: skip
    source = opened()
    folder = inbox(source)
    assert sorted(message_ids(source.complete(folder, "ews", ids, texts=True))) == names(0, 1, 2)
    read = {one.id: one for one in source.bodies(folder, "ews", ids) if isinstance(one, Message)}
    assert [(read[id].text, read[id].truncated) for id in ids] == [("short", False), ("", True), ("short", False)]
    source.close()


def test_a_delegate_reads_a_mailbox_that_is_not_their_own(ews: EwsServer, box: Mailbox, opened: Open) -> None:
    assistant = ews.mailbox()
    ews.account("assistant", box.password, opens={box.address})
    box.deliver(letter(1), received=START)
    source = opened(username="assistant")
    folder = inbox(source)
    assert len(source.ids(folder, None).ids) == 1
    assert {one.acting_as for one in ews.asked} == {None}
    assert assistant.items() == []
    source.close()


# -- signing in by token


@pytest.mark.parametrize("whole", [True, False])
def test_a_state_that_the_server_forgot_begins_anew_and_asks_to_compare(
    ews: EwsServer, box: Mailbox, opened: Open, whole: bool
) -> None:
    box.deliver(letter(1), received=START)
    source = opened()
    folder = inbox(source)
    (first,) = source.changes(folder, None)
    box.deliver(letter(2), received=START)
    ews.faults.refuse("ErrorInvalidSyncStateData", "SyncFolderItems", whole=whole)
    (page,) = source.changes(folder, first.cursor)
    assert sorted(message_ids([page])) == names(1, 2)
    assert (page.verify, page.renumbered) == (True, False)
    assert len(page.flags) == 2
    assert list(source.changes(folder, page.cursor)) == []
    source.close()


def test_messages_without_a_time_are_listed_and_hold_no_history_up(
    box: Mailbox, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_LISTED", 3)
    ids = [box.deliver(letter(number), received=START) for number in range(8)]
    for id in ids[2:]:
        box.set(id, "DateTimeReceived", None)
    source = opened()
    folder = inbox(source)
    (first,) = source.changes(folder, None)
    assert first.history is not None
    assert set(names(0, 1)) <= set(message_ids(source.history(folder, first.history, None)))
    source.close()
