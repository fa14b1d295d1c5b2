"""What our own people forward: the customer inside is asked about. That nothing else stays, `test_no_trace` shows."""

import pytest

from agent.store.directory import contacts
from agent.store.mail import reviews
from tests.acceptance.scenarios.harness import Desk
from tests.acceptance.scenarios.letters import BOB, KIM, STRANGER, letter
from tests.servers.dovecot import DovecotUser

QUOTED = "See below.\n\n-----Original Message-----\nFrom: {}\nSent: Monday\nTo: Bob\nSubject: Offer\n\nThe {} words\n"


@pytest.fixture
def forwarded(desk: Desk, user: DovecotUser) -> None:
    """A forward of a customer's mail and one of a stranger's, by a colleague, both read."""
    for message_id, who, what in (("kim", KIM, "precious"), ("strange", STRANGER, "unwanted")):
        text = QUOTED.format(who, what)
        user.append(
            "INBOX", letter(from_=BOB, subject="Fwd: Offer", text=text, message_id=f"{message_id}@mail.example")
        )
    desk.read(user)
    desk.sync()


@pytest.mark.usefixtures("forwarded")
def test_a_forwarded_customer_is_asked_about_and_logged_once_somebody_says_so(desk: Desk) -> None:
    assert [desk.outcome("kim@mail.example"), desk.outcome("strange@mail.example")] == [
        "review",
        "skipped: internal-only",
    ]
    with desk.open() as house, house.database.write() as connection:
        (item,) = reviews.open_items(connection)
        assert (item.address, item.rule, [one["email"] for one in item.candidates]) == (KIM, "forward", [KIM])
        (kim,) = contacts.load(connection, [str(item.candidates[0]["id"])]).values()
        reviews.accept(house.database, connection, item, kim, house.clock())
    desk.sync()
    assert [one.contacts for one in desk.history()] == [((KIM, "manual"),)]
    assert "precious" in str(desk.only().text)


def test_a_forward_is_not_asked_about_once_the_customers_mail_is_logged(desk: Desk, user: DovecotUser) -> None:
    """Whatever was read first: the forward lies there for a pass before the mail it forwards."""
    text, root = QUOTED.format(KIM, "precious"), "root@mail.example"
    own = "forward@mail.example"
    user.append("INBOX", letter(from_=BOB, subject="Fwd: Offer", text=text, message_id=own, references=[root]))
    desk.read(user)
    desk.sync()
    assert desk.outcome(own) == "review"
    user.append("INBOX", letter(from_=KIM, subject="Offer", message_id=root))
    desk.sync()
    desk.sync()
    assert desk.outcome(own) == "skipped: internal-only"
    assert desk.count("reviews") == 0
