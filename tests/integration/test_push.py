"""Exchange Online tells of news: the webhook, the subscriptions behind it, and a daemon that is woken by them."""

import json
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from agent.push.keeper import LIFE
from agent.push.push import Push, wanted_of
from agent.push.receiver import Receiver
from agent.store.hashes import Hasher
from config.model import Mailbox, Reminders, Settings
from config.model import Push as PushSettings
from connectors.graph import subscriptions
from tests.contracts.graph_owner import access_to
from tests.integration.firm import Firm
from tests.servers.certs import Authority
from tests.servers.graph import Tenant
from tests.servers.process import free_port
from tests.servers.proxy import Proxy
from tests.storefixtures import KEY
from tests.unit.program import PROGRAM

ANNA, BEN = "anna@ourfirm.example", "ben@ourfirm.example"
ROOT = Path(__file__).parents[2]
HASHER = Hasher(KEY)


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


class Office:
    """Mailboxes of a tenant and the push that follows them, behind a proxy that speaks TLS."""

    def __init__(self, tenant: Tenant, folder: Path, ca_file: Path, port: int, url: str) -> None:
        self.tenant, self.application = tenant, tenant.application()
        self.folder, self.ca_file, self.port, self.url = folder, ca_file, port, url
        self.woken: list[str] = []
        self.now = datetime.now(UTC)

    def settings(self, *addresses: str, push: bool = True) -> Settings:
        receiving = PushSettings(url=self.url, port=self.port) if push else None
        return Settings(push=receiving, mailboxes=tuple(map(self._mailbox, addresses)))

    def _mailbox(self, address: str) -> Mailbox:
        access = access_to(self.tenant, address, self.ca_file, self.folder, self.application)
        return Mailbox(
            address=address,
            connector="online",
            access=access,
            timezone="UTC",
            capture="full",
            reminders=Reminders(),
        )

    @contextmanager
    def following(self, settings: Settings) -> Iterator[Push]:
        push = Push(lambda: subscriptions, HASHER, self._wake, lambda: self.now, keep_seconds=0.05)
        push.over(settings)
        push.start()
        try:
            yield push
        finally:
            push.stop(5)

    def _wake(self, addresses: Collection[str]) -> None:
        self.woken += addresses

    def followed(self) -> int:
        return len(self.tenant.notifications.all)

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
        """A stranger's post to the webhook itself, past the proxy."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as line:
            line.request("POST", path, body, headers)
            answer = line.getresponse()
            return answer.status, answer.read()


@pytest.fixture
def office(graph_tenant: Tenant, tmp_path: Path, ca_file: Path, authority: Authority) -> Iterator[Office]:
    port = free_port()
    with Proxy(port, certificate=authority.server) as proxy:
        yield Office(graph_tenant, tmp_path, ca_file, port, f"https://127.0.0.1:{proxy.port}/news/")


def letter(subject: str) -> bytes:
    return f"From: kim@customer.example\r\nTo: {ANNA}\r\nSubject: {subject}\r\n\r\nHello\r\n".encode()


def test_mail_that_arrives_makes_its_mailbox_due_and_no_other(office: Office) -> None:
    anna, _ = office.tenant.mailbox(ANNA), office.tenant.mailbox(BEN)
    with office.following(office.settings(ANNA, BEN)):
        wait_for(lambda: office.followed() == 2)
        anna.deliver(letter("News"))
        wait_for(lambda: office.woken != [])
        assert office.tenant.notifications.wait()
    assert set(office.woken) == {ANNA}


def test_doubled_and_mixed_up_notices_are_one_hint(office: Office) -> None:
    anna, notifications = office.tenant.mailbox(ANNA), office.tenant.notifications
    with office.following(office.settings(ANNA)):
        wait_for(lambda: office.followed() == 1)
        notifications.doubled = True
        notifications.hold()
        for number in range(5):
            anna.deliver(letter(str(number)))
        notifications.release()
        assert notifications.wait()
        wait_for(lambda: office.woken != [])
        (subscription,) = notifications.all.values()
        assert set(subscription.answers) == {202}
    assert 1 <= len(office.woken) <= len(subscription.answers) // 2


def test_a_subscription_is_renewed_before_it_ends_and_not_before(office: Office) -> None:
    office.tenant.mailbox(ANNA)
    with office.following(office.settings(ANNA)):
        wait_for(lambda: office.followed() == 1)
        (subscription,) = office.tenant.notifications.all.values()
        first = subscription.expires
        assert first - office.now < timedelta(minutes=10_080)
        office.now += LIFE - timedelta(hours=1)
        wait_for(lambda: subscription.expires > first)
    assert office.followed() == 1


@pytest.mark.parametrize("event", ["missed", "subscriptionRemoved", "reauthorizationRequired"])
def test_after_a_lifecycle_event_the_mailbox_is_looked_at_and_followed(office: Office, event: str) -> None:
    anna, notifications = office.tenant.mailbox(ANNA), office.tenant.notifications
    with office.following(office.settings(ANNA)):
        wait_for(lambda: office.followed() == 1)
        (subscription,) = notifications.all.values()
        notifications.lifecycle(subscription, event)  # type: ignore[arg-type]  # one of three
        wait_for(lambda: office.woken == [ANNA])
        wait_for(lambda: office.followed() == 1 and not next(iter(notifications.all.values())).paused)
        anna.deliver(letter("Once more"))
        wait_for(lambda: len(office.woken) > 1)


def test_a_new_process_takes_over_what_the_last_one_left_and_ends_what_is_nobodys(office: Office) -> None:
    for address in (ANNA, BEN):
        office.tenant.mailbox(address)
    with office.following(office.settings(ANNA, BEN)):
        wait_for(lambda: office.followed() == 2)
    before = {one.fields["notificationUrl"]: id for id, one in office.tenant.notifications.all.items()}
    with office.following(office.settings(ANNA)):
        wait_for(lambda: office.followed() == 1)
    (wanted,) = wanted_of(office.settings(ANNA), HASHER).values()
    assert set(office.tenant.notifications.all) == {before[wanted.url]}


def test_who_leaves_is_followed_no_more(office: Office) -> None:
    for address in (ANNA, BEN):
        office.tenant.mailbox(address)
    with office.following(office.settings(ANNA, BEN)) as push:
        wait_for(lambda: office.followed() == 2)
        push.over(office.settings(BEN))
        wait_for(lambda: office.followed() == 1)
        push.over(office.settings(BEN, push=False))
        wait_for(lambda: office.followed() == 0)


def test_a_mailbox_that_cannot_be_followed_holds_up_no_other(office: Office) -> None:
    anna = office.tenant.mailbox(ANNA)
    with office.following(office.settings("nobody@ourfirm.example", ANNA)):
        wait_for(lambda: office.followed() == 1)
        anna.deliver(letter("News"))
        wait_for(lambda: office.woken == [ANNA])


def test_what_strangers_post_wakes_nobody_and_tells_them_nothing(office: Office) -> None:
    settings = office.settings(ANNA)
    door = wanted_of(settings, HASHER)[ANNA].door
    push = Push(lambda: subscriptions, HASHER, office._wake, lambda: office.now)
    push.over(settings)
    try:
        wrong = json.dumps({"value": [{"clientState": "guess", "changeType": "created"}, {"clientState": None}, 7]})
        assert office.post(f"/news/{door.path}", wrong.encode()) == (202, b"")
        assert office.post("/news/other", wrong.encode())[0] == 404
        assert office.post(f"/news/{door.path}", b"{")[0] == 400
        assert office.post(f"/news/{door.path}", b"[" * 100_000)[0] == 400
        assert office.post(f"/news/{door.path}", b"", **{"Content-Length": "9999999999"})[0] == 413
        assert office.post(f"/news/{door.path}?validationToken=a%2Bb%20%26", b"") == (200, b"a+b &")
        push._drain()
    finally:
        push.stop(0)
    assert office.woken == []


def test_a_post_in_chunks_as_proxies_send_it_is_heard(office: Office) -> None:
    heard: list[str] = []
    receiver = Receiver("127.0.0.1", office.port, lambda address, news: heard.append(address))
    receiver.doors = {"door": wanted_of(office.settings(ANNA), HASHER)[ANNA].door}
    body = json.dumps({"value": [{"clientState": receiver.doors["door"].client_state}]}).encode()
    try:
        with closing(HTTPConnection("127.0.0.1", office.port, timeout=10)) as line:
            line.request("POST", "/door", iter([body[:10], body[10:]]), encode_chunked=True)
            assert line.getresponse().status == 202
    finally:
        receiver.close()
    assert heard == [ANNA]


def test_a_crowd_of_silent_callers_ends_and_leaves_room(office: Office) -> None:
    heard: list[str] = []
    receiver = Receiver("127.0.0.1", office.port, lambda address, news: heard.append(address))
    receiver.doors = {"door": wanted_of(office.settings(ANNA), HASHER)[ANNA].door}
    state = receiver.doors["door"].client_state
    lines = [HTTPConnection("127.0.0.1", office.port, timeout=10) for _ in range(80)]
    try:
        for line in lines:
            line.connect()
        with pytest.raises((HTTPException, OSError)):
            office.post("/door", b"{}")
        for line in lines:
            line.close()
        body = json.dumps({"value": [{"clientState": state}]}).encode()
        wait_for(lambda: _posted(office, body))
    finally:
        receiver.close()
    assert heard == [ANNA]


def _posted(office: Office, body: bytes) -> bool:
    try:
        return office.post("/door", body)[0] == 202
    except (HTTPException, OSError):
        return False


def test_a_daemon_that_polls_once_a_day_logs_new_mail_when_it_is_told(office: Office, tmp_path: Path) -> None:
    anna = office.tenant.mailbox(ANNA)
    firm = Firm(tmp_path, office.ca_file)
    secret = firm.secret("secret", office.application.secret)
    firm.write(
        f"""
[push]
url = "{office.url}"
port = {office.port}
[[connectors]]
name = "online"
type = "graph"
tenant_id = "{office.tenant.id}"
client_id = "{office.application.client_id}"
client_secret = {{ file = "{secret}" }}
endpoint = "{office.tenant.resource}"
authority = "{office.tenant.authority}"
ca_file = "{office.ca_file}"
poll_seconds = 86400
[[connectors.mailboxes]]
address = "{ANNA}"
"""
    )
    assert firm.run("contacts", "add", "kim@customer.example", "--name", "Kim Customer").returncode == 0
    command = [*PROGRAM, "--config", str(firm.config), "run"]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, cwd=ROOT, stderr=log) as daemon:
        try:
            wait_for(lambda: office.followed() == 1, 40)
            wait_for(lambda: any(row["last_success"] for row in firm.rows("mailboxes")), 40)
            anna.deliver(letter("Told at once"))
            wait_for(lambda: [row["subject"] for row in firm.rows("interactions", "list")] == ["Told at once"], 40)
        finally:
            daemon.terminate()
            daemon.wait(20)
    assert b"unexpected" not in (tmp_path / "log").read_bytes()
