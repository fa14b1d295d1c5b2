"""A mailbox of Exchange Online is read to the last message, whatever goes wrong on the way."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from connectors.errors import Fatal, Interrupted, NeedsSignIn, Retriable
from connectors.message import Message
from tests.contracts.mail_owner import letter, message_ids, names
from tests.integration.graph_mailroom import MORNING, Lab, begin, forward_of, inbox
from tests.servers.graph import Tenant


def day(number: int) -> date:
    return (MORNING + timedelta(days=number)).date()


@pytest.fixture
def lab(graph_tenant: Tenant, ca_file: Path, tmp_path: Path) -> Lab:
    return Lab.make(graph_tenant, ca_file, tmp_path)


@pytest.mark.parametrize(("asked", "waited"), [(2, 2.0), (None, 1.0)])
def test_a_throttled_request_waits_as_told_or_a_while(lab: Lab, asked: int | None, waited: float) -> None:
    lab.fill(1)
    source = lab.open()
    folder = inbox(source)
    lab.tenant.faults.throttle("messages/delta", retry_after=asked)
    begin(source, folder)
    assert lab.waits == [waited]


def test_a_long_wait_is_handed_to_the_caller(lab: Lab) -> None:
    source = lab.open()
    folder = inbox(source)
    lab.tenant.faults.throttle("messages/delta", retry_after=300)
    with pytest.raises(Retriable) as busy:
        begin(source, folder)
    assert busy.value.after == 300.0
    assert lab.waits == []


def test_a_server_that_stays_busy_is_left_alone_after_a_few_tries(lab: Lab) -> None:
    source = lab.open()
    folder = inbox(source)
    lab.tenant.faults.fail(503, "messages/delta", times=None)
    with pytest.raises(Retriable):
        begin(source, folder)
    assert lab.waits == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("status", [500, 502])
def test_a_server_that_stumbles_once_ends_no_pass(lab: Lab, status: int) -> None:
    """Neither over a page, nor over one message in a batch."""
    lab.fill(1, 2)
    lab.tenant.faults.fail(status, "GET .*/mailFolders/delta")
    source = lab.open()
    folder = inbox(source)
    _, history = begin(source, folder)
    found = [envelope for page in source.history(folder, history, None) for envelope in page.envelopes]
    lab.tenant.faults.fail(status, "GET .*/messages/")
    read = list(source.bodies(folder, "graph", [one.id for one in found]))
    assert [type(one) for one in read] == [Message, Message]
    assert lab.waits == [1.0, 1.0]


def test_only_the_throttled_parts_of_a_batch_are_asked_for_again(lab: Lab) -> None:
    ids = [message.immutable_id for message in lab.fill(*range(20))]
    source = lab.open()
    folder = inbox(source)
    lab.tenant.faults.throttle("messages/[^/]*\\?", times=3, after=4)
    before = sum(lab.tenant.requests.values())
    (page,) = source.headers(folder, "graph", ids)
    assert {envelope.id for envelope in page.envelopes} == set(ids)
    parts = sum(lab.tenant.requests.values()) - before
    assert parts == 20 + 3
    assert lab.tenant.http["POST $batch"] == 3, "roles, the batch, and one more for three parts"


def test_a_batch_that_is_answered_bit_by_bit_is_followed_to_its_end(lab: Lab) -> None:
    """ "Combine multiple HTTP requests using JSON batching": a nextLink says that responses are still to come."""
    lab.fill(*range(20))
    source = lab.open()
    folder = inbox(source)
    _, history = begin(source, folder)
    found = [envelope for page in source.history(folder, history, None) for envelope in page.envelopes]
    lab.tenant.faults.batch_links = True
    read = list(source.bodies(folder, "graph", [one.id for one in found]))
    assert [type(one) for one in read] == [Message] * 20
    assert lab.waits == []


def test_a_token_that_ends_mid_run_is_renewed_once(lab: Lab) -> None:
    lab.fill(1)
    source = lab.open()
    folder = inbox(source)
    lab.tenant.expire_tokens()
    _, history = begin(source, folder)
    assert message_ids(source.history(folder, history, None)) == names(1)
    assert lab.tenant.token_requests["secret"] == 2


def test_a_token_that_ends_while_a_batch_is_worked_on_is_renewed(lab: Lab) -> None:
    ids = [message.immutable_id for message in lab.fill(*range(20))]
    source = lab.open()
    folder = inbox(source)
    lab.tenant.faults.expire_token("messages/[^/]*\\?", after=4)
    (page,) = source.headers(folder, "graph", ids)
    assert {envelope.id for envelope in page.envelopes} == set(ids)
    assert lab.tenant.token_requests["secret"] == 2


def test_a_client_secret_that_was_taken_back_asks_for_a_sign_in(lab: Lab) -> None:
    source = lab.open()
    inbox(source)
    application = next(iter(lab.tenant.applications.values()))
    application.secrets.clear()
    lab.tenant.expire_tokens()
    with pytest.raises(NeedsSignIn, match="secret is not one of the application's"):
        source.folders()


def test_an_answer_that_breaks_off_is_asked_for_once_more(lab: Lab) -> None:
    lab.fill(1, 2)
    source = lab.open()
    folder = inbox(source)
    lab.tenant.faults.reset("messages/delta", octets=200)
    _, history = begin(source, folder)
    assert message_ids(source.history(folder, history, None)) == names(2, 1)


def test_answers_that_keep_breaking_off_are_an_interrupted_session(lab: Lab) -> None:
    source = lab.open()
    folder = inbox(source)
    lab.tenant.faults.reset("messages/delta", octets=200, times=None)
    with pytest.raises(Interrupted):
        begin(source, folder)


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b'{"value":', b"[" * 100_000])
def test_an_answer_that_is_no_json_is_an_interrupted_session(lab: Lab, body: bytes) -> None:
    source = lab.open()
    folder = inbox(source)
    lab.tenant.faults.answer_with(200, body, "messages/delta", times=None)
    with pytest.raises(Interrupted):
        begin(source, folder)


def test_a_mailbox_outside_the_scope_is_told_by_its_permission(lab: Lab) -> None:
    next(iter(lab.tenant.applications.values())).only = set()
    with pytest.raises(Fatal, match=r"Mail\.Read is missing"):
        lab.open().folders()


def test_a_person_without_a_cloud_mailbox_is_told(lab: Lab) -> None:
    lab.tenant.user("bea@lab.example")
    lab.access = lab.access.model_copy(update={"user": "bea@lab.example"})
    with pytest.raises(Fatal, match="not in Exchange Online"):
        lab.open().folders()


# -- rounds and links


def test_a_folder_of_many_pages_hands_the_link_over_at_the_end_of_its_history(lab: Lab) -> None:
    old = lab.fill(*range(30))
    source = lab.open(page=10)
    folder = inbox(source)
    forward, history = begin(source, folder)
    lab.fill(100)
    assert message_ids(source.changes(folder, forward)) == names(100)
    pages = list(source.history(folder, history, None))
    assert message_ids(pages) == names(*range(29, -1, -1))
    forward = forward_of(pages, forward)
    list(source.changes(folder, forward))
    lab.mailbox.categorise(old[3], "Private")
    lab.mailbox.delete(old[4])
    news = list(source.changes(folder, forward))
    told = {change.id: change.flags.categories for page in news for change in page.flags}
    assert told[old[3].immutable_id] == {"Private"}
    assert old[4].immutable_id in [id for page in news for id in page.gone]


def test_mail_older_than_the_floor_is_passed_over_and_the_link_is_had_all_the_same(lab: Lab) -> None:
    lab.fill(*range(0, 30 * 1440, 1440))  # one a day
    source = lab.open(page=7)
    folder = inbox(source)
    _, history = begin(source, folder)
    pages = list(source.history(folder, history, day(20)))
    assert message_ids(pages) == names(*range(29 * 1440, 19 * 1440, -1440))
    assert forward_of(pages, history) != history
    assert pages[-1].cursor is not None
    lower = list(source.history(folder, pages[-1].cursor, day(18)))
    assert message_ids(lower) == names(19 * 1440, 18 * 1440)


def test_parts_of_a_second_that_exchange_does_not_show_lose_nothing(lab: Lab) -> None:
    """Neither of a folder that is listed at once, nor where pages end within a second, nor of the list of all ids."""
    for number in range(12):
        lab.mailbox.deliver(letter(number), received=MORNING + timedelta(milliseconds=250 * number + 100))
    for page in (250, 3):
        source = lab.open(page=page)
        folder = inbox(source)
        _, history = begin(source, folder)
        high = list(source.history(folder, history, day(1)))
        cursor = high[-1].cursor if high else history
        assert cursor is not None
        assert sorted(message_ids([*high, *source.history(folder, cursor, None)])) == sorted(names(*range(12)))
        assert len(source.ids(folder, None).ids) == 12


@pytest.mark.parametrize("code", ["SyncStateNotFound", "resyncRequired", "SyncStateInvalid"])
def test_a_forgotten_link_begins_anew_and_keeps_what_ids_mean(lab: Lab, code: str) -> None:
    lab.fill(1, 2)
    source = lab.open()
    folder = inbox(source)
    forward, _ = begin(source, folder)
    lab.mailbox.expire_links(code=code)
    lab.fill(3)
    (page,) = source.changes(folder, forward)
    assert not page.renumbered
    assert page.history is not None
    assert message_ids(source.history(folder, page.history, None)) == names(3, 2, 1)


def test_a_link_that_is_called_malformed_begins_anew_too(lab: Lab) -> None:
    lab.fill(1, 2)
    source = lab.open()
    folder = inbox(source)
    forward, _ = begin(source, folder)
    lab.tenant.faults.fail(400, "deltatoken", code="BadRequest", message="Badly formed token.")
    lab.fill(3)
    (page,) = source.changes(folder, forward)
    assert page.history is not None
    assert message_ids(source.history(folder, page.history, None)) == names(3, 2, 1)


def test_a_round_whose_link_expires_midway_is_read_again_to_its_end(lab: Lab) -> None:
    lab.fill(*range(30))
    source = lab.open(page=10)
    folder = inbox(source)
    forward, history = begin(source, folder)
    reading = source.history(folder, history, None)
    pages = [next(reading)]
    lab.mailbox.expire_links()
    pages += list(reading)
    assert set(message_ids(pages)) == set(names(*range(30)))
    assert forward_of(pages, forward) != forward


def test_repeated_and_reordered_pages_lose_nothing(lab: Lab) -> None:
    lab.fill(*range(50))
    source = lab.open(page=10)
    folder = inbox(source)
    _, history = begin(source, folder)
    lab.tenant.faults.replay = lab.tenant.faults.shuffle = lab.tenant.faults.empty_pages = True
    pages = list(source.history(folder, history, None))
    assert set(message_ids(pages)) == set(names(*range(50)))


# -- what a change tells


def test_a_change_that_tells_only_what_changed_is_asked_for_whole(lab: Lab) -> None:
    (message,) = lab.fill(1)
    source = lab.open()
    folder = inbox(source)
    forward, _ = begin(source, folder)
    lab.mailbox.flag(message)
    partly = (
        f'{{"@odata.deltaLink":"{lab.tenant.endpoint}/x?$deltatoken=y","value":[{{"id":"{message.immutable_id}"}}]}}'
    )
    lab.tenant.faults.answer_with(200, partly.encode(), "messages/delta")
    (page,) = source.changes(folder, forward)
    assert [change.flags.flagged for change in page.flags] == [True]


def test_a_letter_too_large_to_be_read_is_kept_back_alone(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.graph.client.ANSWER_LIMIT", 200_000)
    small = lab.fill(1, 2, 3)
    large = lab.mailbox.deliver(b"From: a@b.example\r\nMessage-ID: <big@b.example>\r\n\r\n" + b"x" * 300_000)
    source = lab.open()
    folder = inbox(source)
    read = list(source.bodies(folder, "graph", [m.immutable_id for m in (*small, large)]))
    assert sorted(one.id for one in read if isinstance(one, Message)) == sorted(m.immutable_id for m in small)
    assert len(read) == 4


@pytest.mark.parametrize(
    ("status", "path", "code"),
    [(400, "messages.*expand", "ErrorInvalidUrlQuery"), (500, "messages/delta.*expand", "InternalServerError")],
)
def test_a_server_that_expands_nothing_in_listings_is_read_without(lab: Lab, status: int, path: str, code: str) -> None:
    lab.fill(1, 2)
    lab.tenant.faults.fail(status, path, code=code, times=None)
    source = lab.open()
    folder = inbox(source)
    forward, history = begin(source, folder)
    assert message_ids(source.history(folder, history, None)) == names(2, 1)
    (new,) = lab.fill(3)
    pages = list(source.changes(folder, forward))
    assert message_ids(pages) == names(3)
    (whole,) = source.complete(folder, "graph", [new.immutable_id], texts=True)
    assert message_ids([whole]) == names(3)


def test_what_is_private_is_known_of_changes_that_cannot_expand(lab: Lab) -> None:
    """Also in the next session, which only has the link of a delta query that was made without `$expand`."""
    lab.fill(1)
    lab.tenant.faults.fail(500, "messages/delta.*expand", code="InternalServerError", times=None)
    source = lab.open()
    forward, _ = begin(source, inbox(source))
    lab.mailbox.deliver(b"Sensitivity: Private\r\n" + letter(2))
    later = lab.open()
    pages = list(later.changes(inbox(later), forward))
    assert [change.flags.private for page in pages for change in page.flags] == [True]


@pytest.mark.parametrize("status", [408, 423, 509])
def test_a_mailbox_that_is_not_available_for_now_is_tried_again(lab: Lab, status: int) -> None:
    source = lab.open()
    folder = inbox(source)
    lab.tenant.faults.fail(status, "messages/delta", retry_after=40, times=None)
    with pytest.raises(Retriable) as later:
        begin(source, folder)
    assert later.value.after == 40.0


def test_no_more_than_four_requests_are_in_flight_in_one_mailbox(lab: Lab) -> None:
    lab.fill(1)
    folder = inbox(lab.open())
    lab.tenant.faults.slow(0.05, "messages")
    sources = [lab.open() for _ in range(10)]
    with ThreadPoolExecutor(len(sources)) as pool:
        found = list(pool.map(lambda source: source.ids(folder, None).ids, sources))
    assert [len(ids) for ids in found] == [1] * 10
    assert lab.tenant.busiest[lab.mailbox.address] == 4
    assert not lab.tenant.throttled
