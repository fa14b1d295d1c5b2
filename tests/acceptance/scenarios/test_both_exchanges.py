"""One firm with mailboxes by IMAP, on Exchange Server and in Exchange Online, and mailboxes that move between them."""

from pathlib import Path

import pytest

from tests.acceptance.scenarios.exchange_desk import read_exchange
from tests.acceptance.scenarios.graph_user import GraphUser
from tests.acceptance.scenarios.harness import Desk
from tests.acceptance.scenarios.letters import ANNA, BOB, KIM, letter
from tests.servers.dovecot import DovecotUser
from tests.servers.ews import EwsServer
from tests.servers.graph import Tenant

CARL = "carl@ourfirm.example"


@pytest.fixture
def online(graph_tenant: Tenant, ca_file: Path, tmp_path: Path) -> GraphUser:
    """Anna's mailbox in Exchange Online."""
    return GraphUser.make(graph_tenant, ca_file, tmp_path, ANNA)


def test_a_thread_in_three_kinds_of_mailboxes_is_one_interaction_a_message(
    desk: Desk, ews: EwsServer, online: GraphUser, user: DovecotUser, tmp_path: Path
) -> None:
    """Whatever banner one of the ways adds, and although Sent Items of Exchange keep no header."""
    box = ews.mailbox()
    question = letter(
        to=f"{ANNA}, {BOB}", cc=CARL, subject="Offer", text="Can you deliver ten?", message_id="q@x.example"
    )
    reply = letter(
        from_=CARL, to=KIM, cc=f"{ANNA}, {BOB}", subject="Re: Offer", text="Yes.", references=["q@x.example"]
    )
    online.append("INBOX", question)
    user.append("INBOX", question.replace(b"Can you", b"[EXTERNAL]\r\nCan you"))
    box.deliver(question)
    online.append("INBOX", reply)
    user.append("INBOX", reply)
    box.send(reply)
    desk.read(online, ANNA)
    desk.read(user, BOB)
    read_exchange(desk, ews, box, tmp_path, address=CARL)
    desk.sync()
    first, second = desk.history()
    assert (first.subject, second.subject) == ("Offer", "Re: Offer")
    assert first.mailboxes == second.mailboxes == (ANNA, BOB, CARL)
    assert first.thread_id == second.thread_id


def test_a_mailbox_that_moves_to_exchange_online_logs_nothing_twice(
    desk: Desk, ews: EwsServer, online: GraphUser, tmp_path: Path
) -> None:
    box = ews.mailbox()
    received = [letter(subject=f"Mail {number}") for number in range(3)]
    sent = letter(from_=ANNA, to=KIM, subject="Ours")
    for raw in received:
        box.deliver(raw)
        online.append("INBOX", raw)
    box.send(sent)
    online.append("Sent", sent)
    read_exchange(desk, ews, box, tmp_path, address=ANNA)
    desk.sync()
    desk.read(online, ANNA)
    online.append("INBOX", letter(subject="New"))
    desk.sync()
    assert desk.subjects() == [*(f"Mail {number}" for number in range(3)), "New", "Ours"]
