"""Batches, throttling and bad weather of the Graph simulator."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.integration.graph_lab import Asker, mail
from tests.servers.graph import Tenant
from tests.servers.graph.mailbox import Mailbox

MESSAGES = "/users/anna@firm.example/messages"


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, ten seconds at most."""
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.005)


def part(name: int, url: str = f"{MESSAGES}?$select=subject", **more: object) -> dict[str, Any]:
    """One request of a batch."""
    return {"id": str(name), "method": "GET", "url": url, **more}


def test_a_batch_answers_every_part_by_its_id_in_any_order(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Twenty requests in one; each has its own status and its own Prefer header."""
    messages = [graph_anna.deliver(mail(f"mail {n}")) for n in range(19)]
    prefer = {"headers": {"Prefer": 'IdType="ImmutableId"'}}
    parts = [part(n, f"{MESSAGES}/{m.id}?$select=subject", **prefer) for n, m in enumerate(messages)]
    found = graph_client.batch(*parts, part(19, "/users/nobody@firm.example/messages"))
    assert [found[str(n)]["body"]["subject"] for n in range(19)] == [f"mail {n}" for n in range(19)]
    assert {found[str(n)]["body"]["id"] for n in range(19)} == {m.immutable_id for m in messages}
    assert (found["19"]["status"], found["19"]["body"]["error"]["code"]) == (404, "ErrorInvalidUser")
    answer = graph_client.ask("POST", "/$batch", json={"requests": parts}).json()["responses"]
    assert [one["id"] for one in answer] != [str(n) for n in range(19)]


def test_a_part_waits_for_those_it_depends_on_and_fails_with_them(graph_client: Asker) -> None:
    """dependsOn: 424 after a failure."""
    lost = part(1, "/users/nobody@firm.example/messages")
    found = graph_client.batch(
        part(3, dependsOn=["2"]), lost, part(2, dependsOn=["1"]), part(4, dependsOn=["5"]), part(5)
    )
    assert {name: one["status"] for name, one in found.items()} == {"1": 404, "2": 424, "3": 424, "4": 200, "5": 200}


def test_a_batch_that_is_wrong_is_refused_as_a_whole(graph_client: Asker, graph_tenant: Tenant) -> None:
    """More than twenty, the same id twice, unknown dependencies, a circle."""
    wrong = [
        [part(n) for n in range(21)],
        [part(1), part(1)],
        [part(1, dependsOn=["7"])],
        [part(1, dependsOn=["2"]), part(2, dependsOn=["1"])],
        [],
    ]
    for parts in wrong:
        assert graph_client.refused(400, "POST", "/$batch", json={"requests": parts}) == "BadRequest"
    assert graph_tenant.requests == {}


def test_parts_are_throttled_one_by_one(graph_client: Asker, graph_tenant: Tenant) -> None:
    """A batch is 200, its part 429 with a wait of its own."""
    fault = graph_tenant.faults.throttle(r"messages\?\$select=subject", retry_after=7, after=1)
    found = graph_client.batch(part(1), part(2), part(3))
    assert sorted(one["status"] for one in found.values()) == [200, 200, 429]
    (throttled,) = [one for one in found.values() if one["status"] == 429]
    assert throttled["headers"]["Retry-After"] == "7"
    assert throttled["body"]["error"]["code"] == "ApplicationThrottled"
    assert fault.happened == 1


def test_parts_that_work_at_once_are_limited_like_requests(
    graph_client: Asker, graph_tenant: Tenant, graph_anna: Mailbox
) -> None:
    """At most four in one mailbox, in a batch too."""
    graph_tenant.faults.batch_parallel = 8
    graph_tenant.faults.before(
        lambda: until(lambda: graph_tenant.throttled[graph_anna.address] == 4), "messages", times=4
    )
    found = graph_client.batch(*[part(n) for n in range(8)])
    assert sorted(one["status"] for one in found.values()) == [200] * 4 + [429] * 4


def test_the_fifth_request_at_once_is_throttled_and_counted(
    graph_client: Asker, graph_tenant: Tenant, graph_anna: Mailbox
) -> None:
    """MailboxConcurrency is four for an application and a mailbox; another mailbox has its own four."""
    graph_tenant.mailbox("carl@firm.example")
    answered = threading.Event()
    graph_tenant.faults.before(lambda: answered.wait(10), "anna@firm.example/messages", times=4)
    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(graph_client.ask, "GET", MESSAGES) for _ in range(4)]
        until(lambda: graph_tenant.busiest[graph_anna.address] == 4)
        fifth = graph_client.ask("GET", MESSAGES)
        graph_client.get("/users/carl@firm.example/messages")
        answered.set()
        assert [one.result().status_code for one in working] == [200] * 4
    assert (fifth.status_code, fifth.json()["error"]["code"]) == (429, "ApplicationThrottled")
    assert "MailboxConcurrency" in fifth.json()["error"]["message"]
    assert graph_tenant.throttled == {"anna@firm.example": 1}
    graph_client.get(MESSAGES)


def test_a_request_may_take_its_time(graph_client: Asker, graph_tenant: Tenant) -> None:
    """A client that waits less long than that gives up."""
    graph_tenant.faults.slow(0.5, times=1)
    with pytest.raises(requests.Timeout):
        graph_client.session.get(f"{graph_tenant.endpoint}{MESSAGES}", timeout=0.2)
    graph_client.get(MESSAGES)


@pytest.mark.parametrize(("status", "code"), [(503, "ServiceUnavailable"), (504, "GatewayTimeout")])
def test_the_service_may_fail_for_a_while(graph_client: Asker, graph_tenant: Tenant, status: int, code: str) -> None:
    """As often as the test says, then it works again."""
    graph_tenant.faults.fail(status, times=2)
    assert [graph_client.refused(status, "GET", MESSAGES) for _ in range(2)] == [code, code]
    graph_client.get(MESSAGES)


def test_throttling_may_come_without_a_time_to_wait(graph_client: Asker, graph_tenant: Tenant) -> None:
    """Retry-After is sometimes missing."""
    graph_tenant.faults.throttle(retry_after=3)
    graph_tenant.faults.throttle()
    assert graph_client.ask("GET", MESSAGES).headers["Retry-After"] == "3"
    answer = graph_client.ask("GET", MESSAGES)
    assert answer.status_code == 429
    assert "Retry-After" not in answer.headers


def test_a_link_may_be_gone_in_the_middle_of_a_round(
    graph_client: Asker, graph_tenant: Tenant, graph_anna: Mailbox
) -> None:
    """410 for the second page only."""
    for number in range(4):
        graph_anna.deliver(mail(f"mail {number}"))
    graph_tenant.faults.fail(410, r"delta\?.*skiptoken")
    first = graph_client.get("/users/anna@firm.example/mailFolders/inbox/messages/delta", Prefer="odata.maxpagesize=2")
    assert graph_client.refused(410, "GET", first["@odata.nextLink"]) == "SyncStateNotFound"


def test_a_token_may_end_while_a_client_works(graph_client: Asker, graph_tenant: Tenant) -> None:
    """401 from the second request on, until there is a new token."""
    graph_tenant.faults.expire_token(after=1)
    graph_client.get(MESSAGES)
    assert graph_client.refused(401, "GET", MESSAGES) == "InvalidAuthenticationToken"
    assert graph_client.refused(401, "GET", MESSAGES) == "InvalidAuthenticationToken"
    graph_client.sign_in()
    graph_client.get(MESSAGES)


def test_a_connection_may_break_before_during_or_after_the_work(graph_client: Asker, graph_tenant: Tenant) -> None:
    """The event of a lost answer is there, that of a lost request is not."""
    event = {
        "subject": "Call",
        "start": {"dateTime": "2026-12-01T08:30:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-01T08:45:00", "timeZone": "UTC"},
    }
    calendars = graph_tenant.mailboxes()[0].calendars
    graph_tenant.faults.lose_request("POST")
    graph_tenant.faults.lose_answer("POST")
    graph_tenant.faults.reset("GET .*/messages")
    with pytest.raises(requests.ConnectionError):
        graph_client.ask("POST", "/users/anna@firm.example/events", json=event)
    assert calendars.events() == []
    with pytest.raises(requests.ConnectionError):
        graph_client.ask("POST", "/users/anna@firm.example/events", json=event)
    assert len(calendars.events()) == 1
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        graph_client.ask("GET", MESSAGES)
    graph_client.get(MESSAGES)


def test_an_answer_may_be_no_answer_at_all(graph_client: Asker, graph_tenant: Tenant) -> None:
    """A page of a proxy, half a JSON, or very much of it."""
    graph_tenant.faults.answer_with(200, b'{"value": [{"id"')
    graph_tenant.faults.answer_with(502, b"<html>Bad gateway</html>")
    graph_tenant.faults.answer_with(200, b'{"value": "' + b"x" * 3_000_000 + b'"}')
    answers = [graph_client.ask("GET", MESSAGES) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 502, 200]
    assert len(answers[2].content) > 3_000_000
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answers[0].json()


def test_somebody_may_act_just_before_a_request(graph_client: Asker, graph_tenant: Tenant, graph_anna: Mailbox) -> None:
    """A message that was moved between two requests."""
    message = graph_anna.deliver(mail())
    path = f"{MESSAGES}/{message.id}"
    graph_tenant.faults.before(lambda: graph_anna.move(message, "archive"), "GET .*/messages/")
    assert graph_client.refused(404, "GET", path) == "ErrorItemNotFound"


def test_requests_are_counted_by_kind_and_by_wire(graph_client: Asker, graph_tenant: Tenant) -> None:
    """Parts of a batch count as requests; over the wire the batch is one."""
    graph_client.batch(part(1), part(2))
    graph_client.get("/users('anna@firm.example')/mailFolders('inbox')/messages/delta()")
    assert graph_tenant.requests == {"GET users/*/messages": 2, "GET users/*/mailFolders/*/messages/delta": 1}
    assert graph_tenant.http == {"POST $batch": 1, "GET users/*/mailFolders/*/messages/delta": 1}


def test_what_nobody_documented_is_refused(graph_client: Asker, graph_tenant: Tenant) -> None:
    """Unknown paths, methods and users; /me needs somebody who has signed in."""
    assert graph_client.refused(400, "GET", "/users/anna@firm.example/inbox") == "BadRequest"
    assert graph_client.refused(405, "DELETE", MESSAGES) == "Request_BadRequest"
    assert graph_client.refused(400, "GET", "/me/messages") == "BadRequest"
    graph_tenant.user("nobox@firm.example")
    assert graph_client.refused(404, "GET", "/users/nobox@firm.example/messages") == "MailboxNotEnabledForRESTAPI"
    graph_tenant.violations.clear()
