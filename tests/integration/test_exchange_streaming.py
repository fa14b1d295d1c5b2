"""An Exchange Server tells by itself that something happened: a hint, on a connection of its own, ended properly."""

from pathlib import Path

import pytest

from connectors.errors import Interrupted, NeedsSignIn, Retriable
from connectors.exchange.streaming import listen
from tests.contracts.exchange_owner import access_to
from tests.contracts.mail_owner import letter
from tests.servers.ews import EwsServer, Mailbox


@pytest.fixture
def box(ews: EwsServer) -> Mailbox:
    ews.world.pace.minute, ews.world.pace.heartbeat = 0.5, 0.1
    return ews.mailbox()


def test_news_is_told_and_signs_of_life_are_none_until_the_time_is_over(
    ews: EwsServer, box: Mailbox, tmp_path: Path
) -> None:
    heard = listen(access_to(ews, box, tmp_path, auth="ntlm"), minutes=2)
    assert next(heard) is False
    box.deliver(letter(1))
    assert True in [next(heard), next(heard)]
    assert True not in list(heard)
    assert ews.operations["Unsubscribe"] == 1
    assert ews.world.pace.subscriptions == {}


def test_who_stops_listening_ends_subscription_and_connection(ews: EwsServer, box: Mailbox, tmp_path: Path) -> None:
    heard = listen(access_to(ews, box, tmp_path))
    next(heard)
    heard.close()  # type: ignore[attr-defined]  # a generator
    assert ews.world.pace.subscriptions == {}


def test_a_connection_that_drops_is_interrupted_and_a_new_one_hears(
    ews: EwsServer, box: Mailbox, tmp_path: Path
) -> None:
    heard = listen(access_to(ews, box, tmp_path), minutes=20)
    next(heard)
    ews.drop_streams()
    with pytest.raises(Interrupted):
        list(heard)
    again = listen(access_to(ews, box, tmp_path), minutes=20)
    assert next(again) is False
    again.close()  # type: ignore[attr-defined]  # a generator


def test_a_server_that_forgot_the_subscription_says_so(ews: EwsServer, box: Mailbox, tmp_path: Path) -> None:
    heard = listen(access_to(ews, box, tmp_path), minutes=20)
    next(heard)
    ews.forget_subscriptions()
    with pytest.raises(Retriable):
        list(heard)


def test_a_wrong_password_needs_a_sign_in_here_too(ews: EwsServer, box: Mailbox, tmp_path: Path) -> None:
    access = access_to(ews, box, tmp_path)
    box.account.password = "another"
    with pytest.raises(NeedsSignIn):
        next(listen(access))
