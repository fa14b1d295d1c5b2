"""Change tracking in the Graph simulator: rounds of pages, what is told after them, and links that expire."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.graph_lab import IMMUTABLE, Asker, mail
from tests.servers.graph import Tenant
from tests.servers.graph.items import Message
from tests.servers.graph.mailbox import Mailbox

DELTA = "/users/anna@firm.example/mailFolders/inbox/messages/delta"
OLDEST = datetime(2026, 11, 1, tzinfo=UTC)


def fill(mailbox: Mailbox, count: int) -> list[Message]:
    """Messages in the inbox, an hour apart, the oldest first."""
    return [mailbox.deliver(mail(f"mail {n}"), received=OLDEST + timedelta(hours=n)) for n in range(count)]


@pytest.mark.parametrize(
    "path",
    [
        DELTA,
        "/users('anna@firm.example')/mailFolders('inbox')/messages/delta()",
        "/users/anna@firm.example/mailfolders/inbox/messages/microsoft.graph.delta()",
    ],
)
def test_a_first_round_lists_every_message_once_in_pages_of_the_preferred_size(
    graph_client: Asker, graph_anna: Mailbox, path: str
) -> None:
    """nextLinks until a deltaLink; options are kept in the links; each way to write the path is the same."""
    fill(graph_anna, 7)
    pages, _ = graph_client.pages(f"{path}?$select=subject", Prefer="odata.maxpagesize=3")
    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(entry["subject"] for page in pages for entry in page) == [f"mail {n}" for n in range(7)]
    assert all(entry["@odata.type"] == "#microsoft.graph.message" for page in pages for entry in page)
    assert all("receivedDateTime" not in entry for page in pages for entry in page)


def test_the_newest_come_first_only_if_that_is_asked_for(graph_client: Asker, graph_anna: Mailbox) -> None:
    """$orderby=receivedDateTime desc is the only order there is."""
    fill(graph_anna, 12)
    newest_first = [f"mail {n}" for n in reversed(range(12))]
    ordered, _ = graph_client.round(f"{DELTA}?$orderby=receivedDateTime desc&$select=subject")
    anyhow, _ = graph_client.round(f"{DELTA}?$select=subject")
    assert [entry["subject"] for entry in ordered] == newest_first
    assert [entry["subject"] for entry in anyhow] not in (newest_first, newest_first[::-1])


def test_a_later_round_tells_what_came_changed_and_went(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Changed ones come again, removed ones with their id alone; a move is a removal here and an arrival there."""
    kept, moved, deleted = fill(graph_anna, 3)
    _, link = graph_client.round(f"{DELTA}?$select=subject,isRead", **IMMUTABLE)
    _, elsewhere = graph_client.round(DELTA.replace("inbox", "archive"), **IMMUTABLE)
    graph_anna.change(kept, isRead=True)
    graph_anna.move(moved, "archive")
    graph_anna.delete(deleted)
    fresh = graph_anna.deliver(mail("fresh"))

    entries, again = graph_client.round(link, **IMMUTABLE)
    told = {entry["id"]: entry for entry in entries}
    assert len(entries) == len(told) == 4
    assert told[kept.immutable_id]["isRead"] is True
    assert told[fresh.immutable_id]["subject"] == "fresh"
    for gone in (moved, deleted):
        assert told[gone.immutable_id]["@removed"] == {"reason": "deleted"}
        assert "subject" not in told[gone.immutable_id]
    assert [entry["id"] for entry in graph_client.round(elsewhere, **IMMUTABLE)[0]] == [moved.immutable_id]
    assert graph_client.round(again, **IMMUTABLE)[0] == []


def test_a_removed_message_is_named_by_the_kind_of_id_that_is_preferred(
    graph_client: Asker, graph_anna: Mailbox
) -> None:
    """Links are good for both kinds of id."""
    (message,) = fill(graph_anna, 1)
    ordinary = message.id
    _, link = graph_client.round(DELTA)
    graph_anna.move(message, "archive")
    assert graph_client.round(link)[0][0]["id"] == ordinary
    assert graph_client.round(link, **IMMUTABLE)[0][0]["id"] == message.immutable_id


def test_every_ordinary_id_that_ended_is_told(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Away and back: one message by its immutable id; by ordinary ids one that went and another that came."""
    (message,) = fill(graph_anna, 1)
    old = message.id
    _, link = graph_client.round(DELTA)
    graph_anna.move(graph_anna.move(message, "archive"), "inbox")
    assert [entry["id"] for entry in graph_client.round(link, **IMMUTABLE)[0]] == [message.immutable_id]
    told = {entry["id"]: "@removed" in entry for entry in graph_client.round(link)[0]}
    assert told == {old: True, message.id: False}


def test_a_link_that_is_used_again_gives_the_same_page(graph_client: Asker, graph_anna: Mailbox) -> None:
    """A client that stopped before it kept a page asks for it once more."""
    fill(graph_anna, 5)
    link = graph_client.get(f"{DELTA}?$select=id", Prefer="odata.maxpagesize=2")["@odata.nextLink"]
    pages = [graph_client.get(link, Prefer="odata.maxpagesize=2")["value"] for _ in range(2)]
    assert pages[0] == pages[1]
    assert len(pages[0]) == 2


def test_what_comes_during_a_round_is_told_in_the_next(graph_client: Asker, graph_anna: Mailbox) -> None:
    """The deltaLink stands for the moment at which the round began."""
    fill(graph_anna, 4)
    first = graph_client.get(DELTA, Prefer="odata.maxpagesize=2")
    late = graph_anna.deliver(mail("late"))
    rest, link = graph_client.round(first["@odata.nextLink"])
    assert late.id not in [entry["id"] for entry in [*first["value"], *rest]]
    assert [entry["id"] for entry in graph_client.round(link)[0]] == [late.id]


def test_a_filter_on_the_day_of_receipt_is_the_only_one(graph_client: Asker, graph_anna: Mailbox) -> None:
    """ge and gt of receivedDateTime; whatever else is refused."""
    fill(graph_anna, 4)
    since = (OLDEST + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    young, link = graph_client.round(f"{DELTA}?$filter=receivedDateTime ge {since}&$select=subject")
    younger, _ = graph_client.round(f"{DELTA}?$filter=receivedDateTime gt {since}&$select=subject")
    assert sorted(entry["subject"] for entry in young) == ["mail 2", "mail 3"]
    assert [entry["subject"] for entry in younger] == ["mail 3"]
    graph_anna.deliver(mail("old"), received=OLDEST - timedelta(days=1))
    assert graph_client.round(link)[0] == []
    for wrong in ("$filter=isRead eq false", "$orderby=subject", "$search=offer", "$skip=3"):
        assert graph_client.refused(400, "GET", f"{DELTA}?{wrong}") == "ErrorInvalidUrlQuery"


def test_a_filtered_round_ends_after_five_thousand(graph_client: Asker, graph_anna: Mailbox) -> None:
    """Applying $filter in a delta query returns only up to 5,000 messages; without one all come."""
    assert graph_anna.filtered_at_most == 5000
    graph_anna.filtered_at_most = 5
    fill(graph_anna, 8)
    asked = "$select=subject&$orderby=receivedDateTime desc&$filter=receivedDateTime ge 2026-01-01T00:00:00Z"
    filtered, link = graph_client.round(f"{DELTA}?{asked}", Prefer="odata.maxpagesize=2")
    assert [entry["subject"] for entry in filtered] == [f"mail {n}" for n in (7, 6, 5, 4, 3)]
    assert graph_client.round(link)[0] == []
    assert len(graph_client.round(f"{DELTA}?$select=id")[0]) == 8


def test_only_changes_of_one_kind_come_if_that_is_asked_for(graph_client: Asker, graph_anna: Mailbox) -> None:
    """changeType=created, updated or deleted."""
    links = {kind: graph_client.round(f"{DELTA}?changeType={kind}")[1] for kind in ("created", "updated", "deleted")}
    old = graph_anna.deliver(mail("old"))
    links |= {kind: graph_client.round(link)[1] for kind, link in links.items()}
    graph_anna.change(old, isRead=True)
    new = graph_anna.deliver(mail("new"))
    gone = graph_anna.deliver(mail("gone"))
    gone_id = gone.id
    graph_anna.delete(gone)
    told = {kind: [entry["id"] for entry in graph_client.round(link)[0]] for kind, link in links.items()}
    assert told == {"created": [new.id], "updated": [old.id], "deleted": [gone_id]}


@pytest.mark.parametrize("code", ["SyncStateNotFound", "resyncRequired"])
def test_an_expired_link_is_gone_and_a_full_round_begins_anew(
    graph_client: Asker, graph_anna: Mailbox, code: str
) -> None:
    """410 for a deltaLink and in the middle of a round; Location may say where to begin."""
    fill(graph_anna, 4)
    middle = graph_client.get(DELTA, Prefer="odata.maxpagesize=2")["@odata.nextLink"]
    _, link = graph_client.round(DELTA)
    graph_anna.expire_links(code=code, located=code == "resyncRequired")
    assert graph_client.refused(410, "GET", middle) == code
    answer = graph_client.ask("GET", link)
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, code)
    assert ("Location" in answer.headers) == (code == "resyncRequired")
    start = answer.headers.get("Location", DELTA)
    assert len(graph_client.round(start)[0]) == 4


def test_a_link_of_another_folder_or_a_token_that_was_never_given_is_refused(
    graph_client: Asker, graph_anna: Mailbox
) -> None:
    """Tokens belong to their collection."""
    _, link = graph_client.round(DELTA)
    inbox, archive = graph_anna.folder("inbox").id, graph_anna.folder("archive").id
    assert graph_client.refused(410, "GET", link.replace(inbox, archive)) == "SyncStateNotFound"
    assert graph_client.refused(400, "GET", f"{DELTA}?$deltatoken=nonsense") == "BadRequest"


def test_pages_can_repeat_mix_and_be_empty(graph_client: Asker, graph_anna: Mailbox, graph_tenant: Tenant) -> None:
    """Replays, duplicates and pages without an entry are normal; a round still names every message."""
    messages = fill(graph_anna, 9)
    graph_tenant.faults.replay = graph_tenant.faults.shuffle = graph_tenant.faults.empty_pages = True
    pages, _ = graph_client.pages(DELTA, Prefer="odata.maxpagesize=3")
    told = [entry["id"] for page in pages for entry in page]
    assert len(told) > 9
    assert set(told) == {message.id for message in messages}
    assert [] in pages


def test_the_reason_of_a_removal_may_be_a_change(
    graph_client: Asker, graph_anna: Mailbox, graph_tenant: Tenant
) -> None:
    """`changed` or `deleted`: both mean that it is not here any more."""
    (message,) = fill(graph_anna, 1)
    _, link = graph_client.round(DELTA)
    graph_tenant.faults.removed_reason = "changed"
    graph_anna.delete(message, soft=True)
    assert graph_client.round(link)[0][0]["@removed"] == {"reason": "changed"}


def test_folders_are_tracked_too(graph_client: Asker, graph_anna: Mailbox) -> None:
    """mailFolders/delta: all levels, new ones, other names, removed ones."""
    path = "/users/anna@firm.example/mailFolders/delta"
    parent = graph_anna.create_folder("Customers")
    child = graph_anna.create_folder("Acme", parent)
    every, link = graph_client.round(path)
    assert {parent.id, child.id} <= {entry["id"] for entry in every}
    assert graph_client.round(link)[0] == []
    graph_anna.rename_folder(parent, "Clients")
    graph_anna.delete_folder(child)
    told = {entry["id"]: entry for entry in graph_client.round(link)[0]}
    assert told[parent.id]["displayName"] == "Clients"
    assert told[child.id]["@removed"] == {"reason": "deleted"}
