"""An Exchange that behaves as Microsoft's documents allow, and not as the usual one does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from config.model import ExchangeCalendar, FolderChoice
from config.secrets import Secret
from connectors.errors import ConnectorError, Fatal, NeedsSignIn, Retriable
from connectors.exchange import ExchangeSource, open_calendar
from tests.contracts.calendar_sink import an_event
from tests.contracts.exchange_owner import access_to
from tests.contracts.mail_owner import START, letter
from tests.integration.exchange_lab import Open, box, inbox, opened
from tests.servers.ews import EwsServer, Mailbox, soap
from tests.servers.ews.soap import Refusal, SoapFault

__all__ = ["box", "opened"]


def fill(box: Mailbox, count: int) -> list[str]:
    return [box.deliver(letter(number), received=START + timedelta(minutes=number)) for number in range(count)]


def listed(source: ExchangeSource) -> frozenset[str]:
    return frozenset(source.ids(inbox(source), None).ids)


def test_ids_are_listed_in_few_requests_where_the_server_gives_small_pages(
    ews: EwsServer, box: Mailbox, opened: Open
) -> None:
    """EWSFindCountLimit is the administrator's: half of a page is new at least."""
    ids = fill(box, 60)
    ews.world.most_found = 12
    source = opened()
    assert listed(source) == frozenset(ids)
    assert ews.operations["FindItem"] <= 10


BUSY = Refusal("ErrorServerBusy", "Later.", values={"BackOffMilliseconds": "17500"})


def test_one_refusal_for_all_that_was_asked_is_told_as_what_it_is(ews: EwsServer, opened: Open) -> None:
    """GetFolder asks for many; a server that refuses the request as a whole may write a single message."""
    told = soap.envelope(soap.answer("GetFolder", [soap.failure("GetFolder", BUSY)]))
    ews.faults.http(200, "GetFolder", body=told)
    with pytest.raises(Retriable, match="ErrorServerBusy") as busy:
        opened().folders()
    assert busy.value.after == 17.5


def test_a_fault_that_comes_with_503_says_how_long_to_wait(ews: EwsServer, opened: Open) -> None:
    ews.faults.http(503, "FindFolder", body=soap.fault(SoapFault(BUSY.code, BUSY.text, values=BUSY.values)))
    with pytest.raises(Retriable, match="ErrorServerBusy") as busy:
        opened().folders()
    assert busy.value.after == 17.5


@pytest.mark.parametrize(
    ("details", "kind", "told"),
    [
        ("", Fatal, "ErrorImpersonateUserDenied"),
        (
            '<detail><ResponseCode xmlns="urn:other">ErrorPasswordExpired</ResponseCode></detail>',
            Fatal,
            "ErrorPasswordExpired",
        ),
        (
            "<detail><ResponseCode>Anna wrote to a customer</ResponseCode></detail>",
            Retriable,
            "an error that it does not name",
        ),
    ],
)
def test_a_fault_is_known_by_its_code_wherever_it_is_written(
    ews: EwsServer, opened: Open, details: str, kind: type[ConnectorError], told: str
) -> None:
    """SOAP leaves the details of a fault to the server; what is no code is not quoted."""
    fault = soap.fault(SoapFault("ErrorImpersonateUserDenied", "No.")).decode()
    start, end = fault.index("<detail>"), fault.index("</s:Fault>")
    ews.faults.http(500, "FindFolder", body=(fault[:start] + details + fault[end:]).encode())
    with pytest.raises(kind, match=told):
        opened().folders()


@pytest.mark.parametrize("whole", [True, False])
def test_a_short_wait_that_a_busy_server_asks_for_ends_no_pass(ews: EwsServer, opened: Open, whole: bool) -> None:
    ews.faults.refuse("ErrorServerBusy", "FindFolder", back_off=20, times=2, whole=whole)
    assert opened().folders()
    assert ews.operations["FindFolder"] == 3


def test_a_server_that_stays_busy_is_not_asked_for_ever(ews: EwsServer, opened: Open) -> None:
    ews.faults.busy(20, "FindFolder", times=None)
    with pytest.raises(Retriable):
        opened().folders()
    assert ews.operations["FindFolder"] == 4


def test_what_is_written_is_not_written_again_by_itself_when_the_server_is_busy(
    ews: EwsServer, box: Mailbox, tmp_path: Path
) -> None:
    """The outbox looks first whether its item stands there."""
    ews.faults.busy(20, "CreateItem")
    with pytest.raises(Retriable):
        open_calendar(ExchangeCalendar(access=access_to(ews, box, tmp_path))).create(an_event())
    assert ews.operations["CreateItem"] == 1


def test_a_calendar_is_found_however_small_the_pages_of_folders_are(
    ews: EwsServer, box: Mailbox, tmp_path: Path
) -> None:
    box.create_folder("Zeta", folder_class="IPF.Appointment")
    ews.world.most_found = 3
    sink = open_calendar(ExchangeCalendar(access=access_to(ews, box, tmp_path), name="Zeta", create=True))
    assert sink.find("nobody's") is None
    assert ews.operations["CreateFolder"] == 0


def test_a_calendar_that_may_not_be_made_is_told_as_that(ews: EwsServer, box: Mailbox, tmp_path: Path) -> None:
    ews.faults.refuse("ErrorAccessDenied", "CreateFolder", whole=False)
    sink = open_calendar(ExchangeCalendar(access=access_to(ews, box, tmp_path), name="Zeta", create=True))
    with pytest.raises(Fatal, match='may not make the calendar "Zeta"'):
        sink.create(an_event())


def of_one_account(ews: EwsServer, secrets: Path, count: int, **changes: object) -> list[ExchangeSource]:
    """Mailboxes for which one service account acts."""
    account = ews.account("svc-many", "new", impersonates={"*"})
    boxes = [ews.mailbox() for _ in range(count)]
    return [
        ExchangeSource(
            access_to(
                ews, box, secrets, user=box.address, username=account.username, access="impersonation", **changes
            ),
            FolderChoice(),
        )
        for box in boxes
    ]


def ask_at_once(sources: list[ExchangeSource]) -> list[ConnectorError | None]:
    def ask(source: ExchangeSource) -> ConnectorError | None:
        try:
            source.folders()
        except ConnectorError as error:
            return error
        return None

    with ThreadPoolExecutor(len(sources)) as pool:
        return list(pool.map(ask, sources))


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_a_wrong_password_is_tried_once_and_not_for_each_mailbox_of_the_account(
    ews: EwsServer, tmp_path: Path, auth: str
) -> None:
    """Directories lock an account after a few; and the right password works as soon as it is written."""
    ews.doorman.lockout = 2
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    for path, word in ((wrong, "old"), (right, "new")):
        path.touch(mode=0o600)
        path.write_text(word)
    told = ask_at_once(of_one_account(ews, tmp_path, 8, auth=auth, password=Secret(file=wrong)))
    assert {type(error) for error in told} == {NeedsSignIn}
    assert ews.doorman.refused == 1
    assert ask_at_once(of_one_account(ews, tmp_path, 2, auth=auth, password=Secret(file=right))) == [None, None]


def test_a_sign_in_that_is_refused_in_passing_ends_nothing(ews: EwsServer, opened: Open) -> None:
    source = opened()
    assert source.folders()
    ews.faults.http(401, "FindFolder", headers={"WWW-Authenticate": "Basic"})
    assert source.folders()
    ews.faults.http(401, "FindFolder", headers={"WWW-Authenticate": "Basic"}, times=None)
    ews.operations.clear()
    for _ in range(3):
        with pytest.raises(NeedsSignIn):
            source.folders()
    assert ews.operations["FindFolder"] == 2


def test_mail_without_a_time_of_receipt_is_listed_whatever_the_floor(
    ews: EwsServer, box: Mailbox, opened: Open
) -> None:
    """The schema leaves DateTimeReceived out of what an item must have; no comparison of times finds such mail."""
    old, timeless = fill(box, 2)
    with ews.world.changed:
        del ews.world.items[timeless][1].fields["DateTimeReceived"]
    source = opened()
    assert source.ids(inbox(source), date(2200, 1, 1)).ids == {timeless}
    ews.faults.refuse("ErrorUnsupportedPathForQuery", "FindItem", whole=False, skip=1)
    assert source.ids(inbox(source), date(2200, 1, 1)).ids == frozenset()
    assert listed(source) == {old, timeless}
