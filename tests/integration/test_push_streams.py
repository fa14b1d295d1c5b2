"""Exchange Server tells of news on a connection that hangs; a daemon is woken by it, and polls as before without."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.push.streams import MOST_AN_ACCOUNT, Streams, listened
from config.model import ExchangeAccess, Settings
from connectors.exchange.streaming import listen
from tests.contracts.exchange_owner import access_to, mailbox_of
from tests.contracts.mail_owner import letter
from tests.servers.ews import EwsServer, Mailbox


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


class Office:
    """Boxes of one server, and who was woken."""

    def __init__(self, server: EwsServer, secrets: Path) -> None:
        self.server, self._secrets = server, secrets
        self.woken: list[str] = []

    def settings(self, *boxes: Mailbox, **changes: str) -> Settings:
        return Settings(mailboxes=tuple(mailbox_of(access_to(self.server, b, self._secrets, **changes)) for b in boxes))

    @contextmanager
    def hearing(self, settings: Settings) -> Iterator[Streams]:
        streams = Streams(lambda access: listen(access, minutes=2), self.woken.extend, again_seconds=0.05)
        streams.over(settings)
        streams.start()
        try:
            yield streams
        finally:
            streams.stop(0)

    def listeners(self) -> int:
        return len(self.server.world.pace.subscriptions)


@pytest.fixture
def office(ews: EwsServer, tmp_path: Path) -> Office:
    ews.world.pace.minute, ews.world.pace.heartbeat = 1.0, 0.05
    return Office(ews, tmp_path)


def test_mail_that_arrives_makes_its_mailbox_due_and_no_other(office: Office) -> None:
    anna, ben = office.server.mailbox(), office.server.mailbox()
    with office.hearing(office.settings(anna, ben)):
        wait_for(lambda: sorted(office.woken) == sorted([anna.address, ben.address]))
        anna.deliver(letter(1))
        wait_for(lambda: office.woken.count(anna.address) > 1)
    assert office.woken.count(ben.address) == 1


def test_after_a_break_the_mailbox_is_looked_at_and_heard_again(office: Office) -> None:
    anna = office.server.mailbox()
    with office.hearing(office.settings(anna)):
        wait_for(lambda: office.woken == [anna.address])
        office.server.drop_streams()
        wait_for(lambda: len(office.woken) == 2)
        anna.deliver(letter(1))
        wait_for(lambda: len(office.woken) > 2)


def test_who_leaves_is_listened_to_no_more(office: Office) -> None:
    anna, ben = office.server.mailbox(), office.server.mailbox()
    with office.hearing(office.settings(anna, ben)) as streams:
        wait_for(lambda: len(office.woken) == 2)
        streams.over(office.settings(ben))
        wait_for(lambda: office.listeners() == 1)
        ben.deliver(letter(1))
        wait_for(lambda: office.woken.count(ben.address) > 1)


def test_a_mailbox_that_cannot_be_heard_holds_up_no_other(office: Office) -> None:
    anna, ben = office.server.mailbox(), office.server.mailbox()
    settings = office.settings(anna, ben)
    office.server.doorman.accounts[anna.address].password = "another one"
    with office.hearing(settings):
        wait_for(lambda: office.woken == [ben.address])


def test_of_one_account_few_are_heard_and_of_many_accounts_all(office: Office, tmp_path: Path) -> None:
    boxes = [office.server.mailbox() for _ in range(5)]
    one_account = office.settings(*boxes, username="service", access="impersonation")
    assert list(listened(one_account)) == [box.address for box in boxes[:MOST_AN_ACCOUNT]]
    everybody = listened(office.settings(*boxes))
    assert list(everybody) == [box.address for box in boxes]
    assert all(isinstance(access, ExchangeAccess) for access in everybody.values())
