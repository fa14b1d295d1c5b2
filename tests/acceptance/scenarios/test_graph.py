"""The scenarios of mailboxes, told once more of a mailbox of Exchange Online that is read through Microsoft Graph.

Those named first run with the `user` of this file; what only Graph can do follows below.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import NeedsSignIn
from connectors.graph.source import GraphSource
from tests.acceptance.scenarios import (
    test_arrivals,
    test_database,
    test_directory,
    test_limits,
    test_moved_and_marked,
    test_oddities,
    test_one_interaction,
    test_remote_control,
)
from tests.acceptance.scenarios.graph_user import GraphUser
from tests.acceptance.scenarios.harness import Clock, Desk
from tests.acceptance.scenarios.letters import ANNA, BOB, KIM, STARTED, STRANGER, letter, letters
from tests.servers.dovecot import Dovecot
from tests.servers.graph import Tenant

read = test_moved_and_marked.read

test_08 = test_oddities.test_scenario_08_a_letter_that_really_is_empty_is_logged_at_once
test_11 = test_database.test_scenario_11_history_begins_again_where_its_commit_failed
test_12 = test_arrivals.test_scenario_12_on_a_kept_connection_no_arrival_is_missed
test_13 = test_arrivals.test_scenario_13_an_arrival_is_seen_though_the_number_of_messages_is_the_same
test_14 = test_one_interaction.test_scenario_14_moving_twice_between_two_passes_is_one_interaction
test_15 = test_one_interaction.test_scenario_15_copies_in_three_folders_are_one_interaction
test_16 = test_one_interaction.test_scenario_16_sent_copy_and_the_copy_to_oneself_are_one_outbound_mail
test_17 = test_one_interaction.test_scenario_17_two_messages_under_one_message_id_are_two_interactions
test_18 = test_one_interaction.test_scenario_18_without_message_id_the_text_tells_two_apart
test_19 = test_one_interaction.test_scenario_19_the_same_octets_delivered_twice_are_one
test_20_untrusted = test_one_interaction.test_scenario_20_a_date_nobody_can_trust_gives_way_to_the_server
test_20_trusted = test_one_interaction.test_scenario_20_a_date_that_can_be_trusted_places_the_mail
test_40 = test_limits.test_scenario_40_the_mailbox_of_a_dead_process_is_taken_at_once
test_41 = test_one_interaction.test_scenario_41_a_draft_in_sent_is_logged_when_only_its_flag_goes
test_43 = test_directory.test_scenario_43_mail_that_moved_before_the_import_is_found_where_it_lies
test_44_no_trace = test_remote_control.test_scenario_44_nothing_of_private_mail_is_left_in_the_database_file
test_44 = test_remote_control.test_scenario_44_mail_that_is_no_longer_private_comes_back
test_moved_and_marked_mail = test_moved_and_marked.test_mail_that_is_moved_and_marked_between_two_passes_is_taken_back


@pytest.fixture
def user(graph_tenant: Tenant, ca_file: Path, tmp_path: Path) -> GraphUser:
    """Anna's mailbox in Exchange Online."""
    return GraphUser.make(graph_tenant, ca_file, tmp_path, ANNA)


def test_scenario_14_a_message_that_comes_back_under_its_old_id_lies_there_again(desk: Desk, user: GraphUser) -> None:
    """Immutable ids outlive a move: away with a pass in between, and back."""
    user.create("Customers")
    number = user.append("INBOX", letter())
    desk.read(user)
    seen = []
    for source, target in (("INBOX", "INBOX"), ("INBOX", "Customers"), ("Customers", "INBOX")):
        if source != target:
            user.move(number, source, target)
        desk.sync()
        seen.append(desk.only().folders)
    assert seen == [("INBOX",), ("Customers",), ("INBOX",)]
    assert [event for event, _ in desk.feed()] == ["logged"]
    desk.complete()


@pytest.mark.parametrize("first", [ANNA, BOB])
def test_a_thread_seen_by_imap_and_by_graph_is_one_interaction_a_message(
    desk: Desk, user: GraphUser, dovecot: Dovecot, first: str
) -> None:
    """Whichever mailbox is read first, and whatever banner one of the ways adds; one thread in both."""
    bob = dovecot.user()
    to = f"{ANNA}, {BOB}"
    question: dict[str, Any] = {"to": to, "message_id": "q@customer.example", "date": "Mon, 02 Nov 2026 10:00:00 +0100"}
    answer: dict[str, Any] = {"from_": ANNA, "to": KIM, "cc": BOB, "message_id": "a@ourfirm.example"}
    plain = letter(**question, text="Can you deliver ten?")
    user.append("INBOX", plain)
    bob.append("INBOX", plain.replace(b"Can you", b"[EXTERNAL]\r\nCan you"))
    reply = letter(
        **answer, text="Yes, ten.", references=("q@customer.example",), date="Mon, 02 Nov 2026 11:00:00 +0100"
    )
    user.append("Sent", reply)
    bob.append("INBOX", b"Received: by mx.ourfirm.example; Mon, 02 Nov 2026 11:00:05 +0100\r\n" + reply)
    desk.read(user, ANNA)
    desk.read(bob, BOB)
    for address in sorted((ANNA, BOB), key=lambda one: one != first):
        desk.sync(address)
    told = desk.history()
    assert [(one.message_id, one.mailboxes) for one in told] == [
        ("q@customer.example", (ANNA, BOB)),
        ("a@ourfirm.example", (ANNA, BOB)),
    ]
    assert len({one.thread_id for one in told}) == 1
    desk.complete(ANNA)
    desk.complete(BOB)


@pytest.mark.parametrize("first", [ANNA, BOB])
def test_a_conversation_that_only_one_of_two_mailboxes_knows_counts_in_any_order(
    desk: Desk, user: GraphUser, dovecot: Dovecot, first: str
) -> None:
    """Exchange says that two letters without references belong together; the other copy of one of them does not."""
    bob = dovecot.user()
    question = letter(to=f"{ANNA}, {BOB}", message_id="q@customer.example", date="Mon, 02 Nov 2026 10:00:00 +0100")
    told = letter(from_=ANNA, to=KIM, message_id="t@ourfirm.example", date="Mon, 02 Nov 2026 11:00:00 +0100")
    for raw, folder in ((question, "inbox"), (told, "sentitems")):
        user.mailbox.deliver(raw, folder, fields={"conversationId": "one", "conversationIndex": None})
    bob.append("INBOX", question)
    desk.read(user, ANNA)
    desk.read(bob, BOB)
    for address in sorted((ANNA, BOB), key=lambda one: one != first):
        desk.sync(address)
    assert len({one.thread_id for one in desk.history()}) == 1
    assert len(desk.history()) == 2


def test_scenario_33_a_token_that_ends_in_a_pass_and_is_not_renewed_loses_nothing(
    desk: Desk, user: GraphUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One renewal at once, one more after an hour, then none until somebody signs in: directories lock accounts."""
    monkeypatch.setattr("connectors.graph.lanes.PAGE", 10)
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(25)))
    desk.read(user)
    tenant, clock = user.tenant, Clock()
    tenant.faults.before(lambda: tenant.fail_sign_in(401, "invalid_client", 7000222, times=9), r"delta\?\$skiptoken")
    tenant.faults.expire_token(r"GET .*/messages/delta\?\$skiptoken")
    with desk.open() as house:
        (ended,) = desk.attempt(house, eager=False, clock=clock)
        assert isinstance(ended.ended.error, NeedsSignIn)
        assert 0 < len(desk.history()) < 25
        assert len(tenant.sign_in_failures) == 8
        monkeypatch.setattr("connectors.graph.access.REFUSED_SECONDS", 0.0)
        for hours, left in ((0.9, 8), (0.2, 7), (48, 7)):
            clock.now += timedelta(hours=hours)
            desk.live(house, clock, timedelta(minutes=1))
            assert (desk.state(clock=clock).state, len(tenant.sign_in_failures)) == ("needs-sign-in", left)
    tenant.sign_in_failures.clear()
    desk.sync()
    assert len(desk.history()) == 25
    assert [event for event, _ in desk.feed()] == ["logged"] * 25
    assert desk.state().state == "ok"
    desk.complete()


def test_scenario_35_forgotten_links_cost_neither_a_message_nor_a_double(desk: Desk, user: GraphUser) -> None:
    """All links expire between two passes, while mail arrives, is moved and is marked."""
    user.create("Customers")
    numbers = [user.append("INBOX", letter(subject=f"Letter {number}")) for number in range(5)]
    desk.read(user)
    desk.sync()
    user.append("INBOX", letter(subject="New"))
    user.move(numbers[0], "INBOX", "Customers")
    user.flag("INBOX", numbers[1], "Private")
    user.mailbox.expire_links()
    desk.sync()
    assert desk.subjects() == ["Letter 0", "Letter 2", "Letter 3", "Letter 4", "New"]
    desk.complete()
    assert desk.sync()["logged"] == 0
    user.append("INBOX", letter(subject="After"))
    assert desk.sync()["logged"] == 1


def test_a_folder_of_many_pages_is_logged_once_and_watched_from_its_new_link(
    desk: Desk, user: GraphUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a page of old mail: afterwards a mark on the oldest of it is seen."""
    monkeypatch.setattr("connectors.graph.lanes.PAGE", 10)
    desk.policy(categories={"private": "Private"})
    oldest = user.append("INBOX", letter(subject="Oldest"), when=STARTED)
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(25, from_=STRANGER)))
    desk.read(user)
    with desk.daemon() as poll:
        assert poll()["logged"] == 1
        user.flag("INBOX", oldest, "Private")
        poll()
    assert desk.history() == []
    desk.complete()


def test_private_mail_is_never_asked_for_its_text(desk: Desk, user: GraphUser) -> None:
    """Sensitivity is told with the listing, and nothing more is asked of such a message."""
    number = user.append("INBOX", letter(message_id="private@customer.example"))
    user.mailbox.set_extended(user.mailbox.folder("inbox").messages[number], "Integer 0x36", "2")
    desk.read(user)
    desk.sync()
    assert desk.outcome("private@customer.example") == "skipped: private"
    assert user.tenant.requests["GET users/*/mailFolders/*/messages/*"] == 0


def test_an_unchanged_poll_of_twenty_folders_is_one_round_trip(desk: Desk, user: GraphUser) -> None:
    """Twenty folders, one batch; mail in any of them is logged by the poll that was told of it."""
    for number in range(20 - len(desk_folders(user))):
        user.create(f"Customer {number}")
    user.append("INBOX", letter())
    desk.read(user)
    with desk.daemon() as poll:
        poll()
        poll()
        for _ in range(6):
            before = user.tenant.http.total()
            poll()
            assert user.tenant.http.total() - before <= 1
        user.append("Customer 3", letter(subject="News"))
        poll()
        poll()
    assert "News" in desk.subjects()
    desk.complete()


def test_mail_of_a_new_contact_is_sought_first_and_the_rest_follows(
    desk: Desk, user: GraphUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One search a folder, however much lies there; the spelling that no index finds is logged all the same."""
    monkeypatch.setattr("agent.sync.repair.BATCH", 4)
    sent = [*(f"b{n}@nowhere.example" for n in range(6)), "New@gmail.com", "n.e.w@gmail.com"]
    for one in sent:
        user.append("INBOX", letter(from_=one, subject=one))
    desk.read(user)
    desk.sync()
    desk.know("Nora New", "new@gmail.com")
    before = user.tenant.requests["GET users/*/mailFolders/*/messages"]
    desk.sync()
    assert user.tenant.requests["GET users/*/mailFolders/*/messages"] - before == len(desk_folders(user))
    assert sorted(desk.subjects()) == ["New@gmail.com", "n.e.w@gmail.com"]


def desk_folders(user: GraphUser) -> list[str]:
    """Names of the folders that are read of a fresh mailbox."""
    source = GraphSource(user.access)
    return [folder.name for folder in source.folders()]


def test_a_mailbox_that_moved_to_exchange_online_logs_nothing_twice(
    desk: Desk, user: GraphUser, dovecot: Dovecot
) -> None:
    """The same address, the same mail, another connector; what came since the move is new."""
    before = dovecot.user()
    for raw in (letter(subject="Old"), letter(subject="Older", references=("thread@mail.example",))):
        before.append("INBOX", raw)
        user.append("INBOX", raw)
    desk.read(before)
    desk.sync()
    told = desk.history()
    user.append("INBOX", letter(subject="New"))
    desk.read(user)
    desk.sync()
    assert desk.history()[:2] == told
    assert desk.subjects() == ["New", "Old", "Older"]
    assert [event for event, _ in desk.feed()] == ["logged"] * 3
