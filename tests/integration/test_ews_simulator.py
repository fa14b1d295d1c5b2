"""The EWS server of the lab keeps Microsoft's protocol: mail, asked by hand and with exchangelib."""

from datetime import UTC, datetime

import pytest
from exchangelib import UTC as ZULU
from exchangelib import EWSDateTime
from exchangelib.services import SyncFolderItems

from tests.integration.ews_client import Soap, exchangelib_account, field, get_item, message, sync_items
from tests.servers.ews import EwsServer


def test_exchangelib_reads_a_mailbox_as_it_reads_an_exchange_server(ews: EwsServer) -> None:
    box = ews.mailbox()
    box.deliver(message(1), received=datetime(2026, 3, 2, 9, 0, 5, tzinfo=UTC))
    account = exchangelib_account(ews, box)
    (read,) = account.inbox.all()
    assert (read.subject, read.message_id, read.author.email_address) == (
        "Grüße 1",
        "<1@client.example>",
        "ann@client.example",
    )
    assert read.datetime_received == EWSDateTime(2026, 3, 2, 9, 0, 5, tzinfo=ZULU)
    assert read.text_body.strip() == "Hello 1."
    assert {folder.name for folder in account.msg_folder_root.walk()} >= {"Inbox", "Sent Items", "Calendar"}


@pytest.mark.parametrize("scheme", ["basic", "NTLM"])
def test_exchangelib_signs_in_by_password_and_by_challenge(ews: EwsServer, scheme: str) -> None:
    box = ews.mailbox()
    account = exchangelib_account(ews, box, auth_type=scheme)
    assert account.inbox.total_count == 0


@pytest.mark.parametrize("newest_first", [True, False])
def test_the_first_listing_comes_in_pages(ews: EwsServer, newest_first: bool) -> None:
    """Each page brings the state that continues it, and the last one says so. The order is the server's affair."""
    ews.world.newest_first = newest_first
    box = ews.mailbox()
    sent = [box.deliver(message(number)) for number in range(5)]
    client, found, state = Soap.of(ews, box), [], None
    for last in ("false", "false", "true"):
        answer = client.ask(sync_items(state, most=2))
        found += answer.ids
        state = answer.text("//m:SyncState")
        assert answer.text("//m:IncludesLastItemInRange") == last
    assert found == (sent[::-1] if newest_first else sent)


def test_exchangelib_follows_changes_by_their_state(ews: EwsServer) -> None:
    box = ews.mailbox()
    kept, read, gone = (box.deliver(message(number)) for number in range(3))
    account = exchangelib_account(ews, box)

    def changes(state: str | None) -> tuple[list[tuple[str, str]], str]:
        service = SyncFolderItems(account=account)
        found = list(
            service.call(
                folder=account.inbox,
                shape="IdOnly",
                additional_fields=None,
                sync_state=state,
                ignore=None,
                max_changes_returned=512,
                sync_scope=None,
            )
        )
        return [
            (kind, (thing[0] if isinstance(thing, tuple) else thing).id) for kind, thing in found
        ], service.sync_state

    _, state = changes(None)
    box.categorise(kept, "Private")
    box.mark_read(read)
    box.delete(gone)
    new = box.deliver(message(4))
    found, state = changes(state)
    assert found == [("update", kept), ("read_flag_change", read), ("delete", gone), ("create", new)]
    assert changes(state)[0] == []


def test_an_item_that_moves_is_another_item(ews: EwsServer) -> None:
    """It is deleted in one folder and created in the other, under a new id; the old id is gone."""
    box = ews.mailbox()
    item = box.deliver(message())
    client = Soap.of(ews, box)
    state = client.ask(sync_items()).text("//m:SyncState")
    moved = box.move(item, "deleteditems")
    assert moved != item
    answer = client.ask(sync_items(state))
    assert [element.get("Id") for element in answer.all("//t:Delete/t:ItemId")] == [item]
    assert client.ask(sync_items(folder="deleteditems")).ids == [moved]
    assert client.ask(get_item(item, moved, more=field("item:Subject"))).codes == ["ErrorItemNotFound", "NoError"]
