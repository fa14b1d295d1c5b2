"""An Exchange Server tells by itself that something happened: a hint, on a connection of its own, ended properly."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


def test_a_delegate_hears_of_the_mailbox_that_is_read_and_not_of_their_own(
    ews: EwsServer, box: Mailbox, tmp_path: Path
) -> None:
    own = ews.mailbox()
    ews.account(own.address, box.password, opens={box.address})
    box.create_folder("Customers")
    heard = listen(access_to(ews, box, tmp_path, username=own.address), minutes=20)
    next(heard)
    own.deliver(letter(1))
    assert [next(heard), next(heard), next(heard)] == [False] * 3
    box.deliver(letter(2), folder="Customers")
    assert True in [next(heard), next(heard), next(heard)]
    heard.close()  # type: ignore[attr-defined]  # a generator


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


SPACES = 'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"'
NEWS = (
    "<m:Notifications><m:Notification><t:NewMailEvent "
    'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"/></m:Notification></m:Notifications>'
)


def answer(operation: str, content: str) -> bytes:
    return (
        f'<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><m:{operation}Response {SPACES}>'
        f'<m:ResponseMessages><m:{operation}ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError'
        f"</m:ResponseCode>{content}</m:{operation}ResponseMessage></m:ResponseMessages></m:{operation}Response>"
        "</S:Body></S:Envelope>"
    ).encode()


class _Unchunked(BaseHTTPRequestHandler):
    """Events in an answer without chunks or length, the next one when the last was heard."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        if b"GetStreamingEvents" not in asked:
            operation = "Unsubscribe" if b"<m:Unsubscribe" in asked else "Subscribe"
            self.wfile.write(answer(operation, "<m:SubscriptionId>1</m:SubscriptionId>"))
            return
        self.wfile.write(answer("GetStreamingEvents", NEWS))
        self.wfile.flush()
        self.server.heard_in_time = self.server.heard.wait(5)  # type: ignore[attr-defined]  # of the fixture
        self.wfile.write(answer("GetStreamingEvents", "<m:ConnectionStatus>Closed</m:ConnectionStatus>"))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def unchunked() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Unchunked) as server:
        server.heard = threading.Event()  # type: ignore[attr-defined]  # for the handler
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_news_is_told_at_once_also_where_an_answer_has_no_chunks(
    ews: EwsServer, box: Mailbox, tmp_path: Path, unchunked: ThreadingHTTPServer
) -> None:
    endpoint = f"http://127.0.0.1:{unchunked.server_port}/EWS/Exchange.asmx"
    heard = listen(access_to(ews, box, tmp_path, endpoint=endpoint, access="impersonation"))
    assert next(heard) is True
    unchunked.heard.set()  # type: ignore[attr-defined]  # of the fixture
    assert list(heard) == [False]
    assert unchunked.heard_in_time  # type: ignore[attr-defined]  # of the handler
