"""Bad weather at the EWS server of the lab: throttling, refusals, broken connections, limits, and judged requests."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests
from exchangelib.errors import ErrorInternalServerTransientError, ErrorServerBusy, ErrorTimeoutExpired
from exchangelib.services import SyncFolderItems
from lxml import etree

from tests.integration.ews_client import (
    Answer,
    Soap,
    exchangelib_account,
    field,
    get_folder,
    get_item,
    message,
    sync_items,
)
from tests.integration.test_ews_simulator_calendar import create
from tests.servers.certs import Authority
from tests.servers.ews import EwsServer


def test_a_busy_server_says_how_long_to_stay_away(ews: EwsServer) -> None:
    box = ews.mailbox()
    ews.faults.busy(12_000, "GetFolder")
    client = Soap.of(ews, box)
    answer = client.ask(get_folder())
    assert (answer.status, answer.codes) == (500, ["ErrorServerBusy"])
    assert answer.text("//t:MessageXml/t:Value[@Name='BackOffMilliseconds']") == "12000"
    assert client.ask(get_folder()).codes == ["NoError"]


def test_exchangelib_reads_the_time_to_stay_away(ews: EwsServer) -> None:
    box = ews.mailbox()
    account = exchangelib_account(ews, box)
    _ = account.inbox
    ews.faults.busy(12_000, "GetFolder")
    with pytest.raises(ErrorServerBusy) as refused:
        account.inbox.refresh()
    assert refused.value.back_off == 12.0


def test_some_of_what_was_asked_for_may_be_refused(ews: EwsServer) -> None:
    box = ews.mailbox()
    ids = [box.deliver(message(number)) for number in range(3)]
    ews.faults.refuse("ErrorServerBusy", "GetItem", back_off=500, whole=False, share=2)
    answer = Soap.of(ews, box).ask(get_item(*ids))
    assert (answer.status, answer.codes) == (200, ["ErrorServerBusy", "ErrorServerBusy", "NoError"])
    assert answer.texts("//m:MessageXml/t:Value") == ["500", "500"]


@pytest.mark.parametrize(
    "code",
    ["ErrorInvalidSyncStateData", "ErrorConnectionFailed", "ErrorMailboxMoveInProgress", "ErrorTooManyObjectsOpened"],
)
@pytest.mark.parametrize("whole", [True, False])
def test_any_code_can_be_ordered_for_later(ews: EwsServer, code: str, whole: bool) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    ews.faults.refuse(code, "SyncFolderItems", whole=whole, skip=1, times=2, mailbox=box.address)
    assert [client.ask(sync_items()).codes for _ in range(4)] == [["NoError"], [code], [code], ["NoError"]]


def test_a_mailbox_may_be_away_as_a_whole(ews: EwsServer) -> None:
    box, other = ews.mailbox(), ews.mailbox()
    box.refuse_all("ErrorMailboxStoreUnavailable")
    assert Soap.of(ews, box).ask(get_folder()).codes == ["ErrorMailboxStoreUnavailable"]
    assert Soap.of(ews, other).ask(get_folder()).codes == ["NoError"]
    box.refuse_all(None)
    assert Soap.of(ews, box).ask(get_folder()).codes == ["NoError"]


def test_http_may_refuse_before_exchange_hears_of_it(ews: EwsServer) -> None:
    box = ews.mailbox()
    ews.faults.http(503, headers={"Retry-After": "7"})
    client = Soap.of(ews, box)
    answer = client.post(get_folder())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert client.post(get_folder()).status_code == 200


def test_a_connection_may_break_in_the_middle_of_an_answer(ews: EwsServer) -> None:
    box = ews.mailbox()
    ews.faults.reset("GetFolder")
    client = Soap.of(ews, box)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.post(get_folder())
    assert client.post(get_folder()).status_code == 200


def test_an_answer_may_be_lost_after_the_work_was_done(ews: EwsServer) -> None:
    """The item is there, once, and the client does not know."""
    box = ews.mailbox()
    client = Soap.of(ews, box)
    ews.faults.lose_answer("CreateItem")
    with pytest.raises(requests.ConnectionError):
        client.post(create("<t:Subject>x</t:Subject>"))
    assert [item["Subject"] for item in box.items("calendar")] == ["x"]
    ews.faults.lose_request("CreateItem")
    with pytest.raises(requests.ConnectionError):
        client.post(create("<t:Subject>y</t:Subject>"))
    assert [item["Subject"] for item in box.items("calendar")] == ["x"]


def test_an_answer_may_end_too_soon(ews: EwsServer) -> None:
    """HTTP does not show it, XML does. exchangelib repairs such XML by itself and takes a part for the whole."""
    box = ews.mailbox()
    ids = [box.deliver(message(number)) for number in range(10)]
    account = exchangelib_account(ews, box)
    ews.faults.malformed("SyncFolderItems", times=2)
    with pytest.raises(etree.XMLSyntaxError):
        Soap.of(ews, box).ask(sync_items())
    service = SyncFolderItems(account=account)
    found = list(service.call(account.inbox, "IdOnly", None, None, None, 512, None))
    assert 0 < len(found) < len(ids)
    assert (bool(service.sync_state), service.includes_last_item_in_range) == (True, True)


@pytest.mark.parametrize("fault", ["reset", "lose_answer", "lose_request"])
def test_exchangelib_calls_a_broken_connection_by_its_own_name(ews: EwsServer, fault: str) -> None:
    box = ews.mailbox()
    account = exchangelib_account(ews, box)
    _ = account.inbox
    getattr(ews.faults, fault)("GetFolder")
    with pytest.raises((ErrorTimeoutExpired, ErrorInternalServerTransientError, requests.RequestException)):
        account.inbox.refresh()


def test_somebody_may_act_between_question_and_answer(ews: EwsServer) -> None:
    box = ews.mailbox()
    ews.faults.before(lambda: box.deliver(message()), "SyncFolderItems")
    assert len(Soap.of(ews, box).ask(sync_items()).ids) == 1


def test_answers_may_be_rewritten(ews: EwsServer) -> None:
    box = ews.mailbox()
    item = box.deliver(message())
    ews.faults.rewrite(lambda answer: answer.replace(b"Gr", b"gr"), "GetItem", times=1)
    client = Soap.of(ews, box)
    more = field("item:Subject")
    assert [client.ask(get_item(item, more=more)).text("//t:Subject") for _ in range(2)] == ["grüße 1", "Grüße 1"]


def test_no_more_requests_at_once_than_the_policy_allows(ews: EwsServer) -> None:
    """Those above the limit are refused; the peak is counted, and other accounts have a budget of their own."""
    box, other = ews.mailbox(), ews.mailbox()
    ews.exchange.limits.concurrency = 2
    together = threading.Barrier(3)
    ews.faults.before(together.wait, "GetFolder", times=2)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(Soap.of(ews, box).ask, get_folder()) for _ in range(2)]
        while ews.exchange.limits.peak < 2:
            time.sleep(0.001)
        assert Soap.of(ews, box).ask(get_folder()).codes == ["ErrorExceededConnectionCount"]
        assert Soap.of(ews, other).ask(get_folder()).codes == ["NoError"]
        together.wait()
        assert [done.result().codes for done in waiting] == [["NoError"]] * 2
    assert ews.exchange.limits.peak == 2


def test_a_slow_server_outlasts_an_impatient_client(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    ews.faults.delay(1.0, "GetFolder", times=1)
    with pytest.raises(requests.ReadTimeout):
        client.session.post(ews.url, data=client.written(get_folder()), timeout=0.2)


def test_what_is_no_xml_by_its_own_word_is_not_read(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    client.session.headers["Content-Type"] = "application/json"
    assert client.post(get_folder()).status_code == 415


def test_a_request_that_breaks_the_schema_is_refused_and_noted(ews: EwsServer) -> None:
    box = ews.mailbox()
    if not ews.judged:
        pytest.skip("Microsoft's schema is not at hand")
    answer = Soap.of(ews, box).ask(get_folder().replace("Default<", "Everything<"))
    assert answer.codes == ["ErrorSchemaValidation"]
    (noted,) = ews.violations
    assert noted.startswith("request GetFolder:")
    ews.violations.clear()


def test_an_answer_that_breaks_the_schema_is_noted(ews: EwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    box = ews.mailbox()
    if not ews.judged:
        pytest.skip("Microsoft's schema is not at hand")
    item = box.deliver(message())
    box.sensitivity(item, "Very")  # type: ignore[arg-type]  # no such word
    Soap.of(ews, box).ask(get_item(item, more=field("item:Sensitivity")))
    assert [sentence.partition(":")[0] for sentence in ews.violations] == ["answer"]
    ews.violations.clear()


def test_a_version_that_never_was_is_refused(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    unknown = client.written(get_folder()).replace(b"Exchange2013_SP1", b"Exchange1999")
    answer = Answer(client.session.post(ews.url, data=unknown, timeout=20))
    assert (answer.status, answer.codes) == (500, ["ErrorInvalidServerVersion"])


def test_connections_end_that_nobody_used_for_a_while(ews: EwsServer) -> None:
    """A client that keeps them must be ready for that; the next request finds a new one."""
    box = ews.mailbox()
    client = Soap.of(ews, box)
    assert client.post(get_folder()).status_code == 200
    assert ews.connections
    ews.drop_connections()
    while ews.connections:
        time.sleep(0.001)
    assert client.post(get_folder()).status_code == 200


def test_answers_may_be_compressed(ews: EwsServer) -> None:
    box = ews.mailbox()
    ews.compress = True
    answer = Soap.of(ews, box).post(get_folder())
    assert (answer.headers["Content-Encoding"], b"Inbox" in answer.content) == ("gzip", True)


def test_a_certificate_may_have_expired(authority: Authority) -> None:
    expired = authority.issue("expired", lasts=-timedelta(hours=1))
    server = EwsServer(authority, certificate=expired, validate=False)
    try:
        with pytest.raises(requests.exceptions.SSLError):
            Soap.of(server, server.mailbox()).post(get_folder())
    finally:
        server.close()
