"""Change notifications of the Graph simulator, received by a webhook of the test's own."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.graph_lab import IMMUTABLE, Asker, mail
from tests.servers.certs import Authority
from tests.servers.graph import Tenant
from tests.servers.graph.mailbox import Mailbox
from tests.servers.graph.odata import split_query
from tests.servers.graph.web import Answer, Request, WebServer

RESOURCE = "users/anna@firm.example/mailFolders('inbox')/messages"


class Webhook:
    """An endpoint that echoes validation tokens and keeps what it is told. status: of its answers; deaf: no echo."""

    def __init__(self, authority: Authority) -> None:
        self.told: list[dict[str, Any]] = []
        self.status, self.deaf = 202, False
        self._web = WebServer(authority.server.context(), self._answer)
        self.url = f"https://127.0.0.1:{self._web.port}/hook"

    def _answer(self, request: Request) -> Answer:
        query = split_query(request.target.partition("?")[2])
        if "validationToken" in query:
            echo = b"" if self.deaf else query["validationToken"].encode()
            return Answer(200, echo, {"Content-Type": "text/plain"})
        self.told += json.loads(request.body)["value"]
        return Answer(self.status)

    def stop(self) -> None:
        """Close the port."""
        self._web.stop()


@pytest.fixture
def webhook(authority: Authority) -> Iterator[Webhook]:
    """An endpoint on loopback."""
    webhook = Webhook(authority)
    yield webhook
    webhook.stop()


def wanted(webhook: Webhook, **changed: object) -> dict[str, Any]:
    """What a client asks for."""
    expires = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    return {
        "changeType": "created,updated,deleted",
        "notificationUrl": webhook.url,
        "lifecycleNotificationUrl": f"{webhook.url}?lifecycle=1",
        "resource": RESOURCE,
        "expirationDateTime": expires,
        "clientState": "s3cret",
    } | changed


def subscribe(client: Asker, webhook: Webhook, **changed: object) -> dict[str, Any]:
    """Subscribe, with immutable ids. A slow machine is no slow endpoint: answers may take their time."""
    client.tenant.notifications.answer_seconds = 60.0
    answer = client.ask("POST", "/subscriptions", json=wanted(webhook, **changed), headers=IMMUTABLE)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_what_changes_is_told_to_the_webhook(
    graph_client: Asker, graph_anna: Mailbox, graph_tenant: Tenant, webhook: Webhook
) -> None:
    """created, updated, deleted, with the client's state and the kind of id that the subscription asked for."""
    subscription = subscribe(graph_client, webhook)
    message = graph_anna.deliver(mail())
    graph_anna.change(message, isRead=True)
    graph_anna.move(message, "archive")
    graph_anna.deliver(mail(), "sentitems")
    assert graph_tenant.notifications.wait()
    assert [one["changeType"] for one in webhook.told] == ["created", "updated", "deleted"]
    for one in webhook.told:
        assert one["resourceData"]["id"] == message.immutable_id
        assert one["resource"] == f"Users/{graph_anna.user.id}/Messages/{message.immutable_id}"
        assert (one["subscriptionId"], one["clientState"]) == (subscription["id"], "s3cret")
        assert one["tenantId"] == graph_tenant.id
    assert len({one["id"] for one in webhook.told}) == 3
    assert subscription["clientState"] == "s3cret"
    assert graph_client.get(f"/subscriptions/{subscription['id']}")["clientState"] is None


def test_events_are_told_too(graph_client: Asker, graph_anna: Mailbox, graph_tenant: Tenant, webhook: Webhook) -> None:
    """A subscription to users/x/events, only to what it named."""
    subscribe(graph_client, webhook, resource="users/anna@firm.example/events", changeType="updated")
    now = datetime.now(UTC)
    event = graph_anna.calendars.add(now, now + timedelta(hours=1))
    graph_anna.calendars.change(event, subject="Later")
    assert graph_tenant.notifications.wait()
    assert [(one["changeType"], one["resourceData"]["id"]) for one in webhook.told] == [("updated", event.immutable_id)]


def test_an_endpoint_that_does_not_echo_gets_no_subscription(graph_client: Asker, webhook: Webhook) -> None:
    """The token comes encoded in the URL and goes back decoded, as plain text."""
    webhook.deaf = True
    body = wanted(webhook)
    assert graph_client.refused(400, "POST", "/subscriptions", json=body) == "ValidationError"
    assert graph_client.get("/subscriptions")["value"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"expirationDateTime": "2020-01-01T00:00:00Z"},
        {"expirationDateTime": (datetime.now(UTC) + timedelta(days=30)).isoformat()},
        {"clientState": "x" * 129},
        {"changeType": "moved"},
        {"resource": "groups/x"},
        {"notificationUrl": "http://127.0.0.1/hook"},
        {"color": "blue"},
    ],
)
def test_what_a_subscription_cannot_be_is_refused(graph_client: Asker, webhook: Webhook, wrong: dict[str, Any]) -> None:
    """At most 10,080 minutes, at most 128 characters of state, only known kinds of change and resource."""
    assert graph_client.refused(400, "POST", "/subscriptions", json=wanted(webhook, **wrong)) == "InvalidRequest"


def test_a_subscription_is_renewed_listed_and_deleted(
    graph_client: Asker, graph_anna: Mailbox, graph_tenant: Tenant, webhook: Webhook, ca_file: Path
) -> None:
    """PATCH moves its end, DELETE ends it; another application does not see it."""
    subscription = subscribe(graph_client, webhook)
    path = f"/subscriptions/{subscription['id']}"
    later = (datetime.now(UTC) + timedelta(days=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
    renewed = graph_client.ask("PATCH", path, json={"expirationDateTime": later})
    assert renewed.status_code == 200
    assert renewed.json()["expirationDateTime"][:19] == later[:19]
    assert [one["id"] for one in graph_client.get("/subscriptions")["value"]] == [subscription["id"]]
    other = Asker(graph_tenant, graph_tenant.application(), ca_file)
    assert other.refused(404, "GET", path) == "ResourceNotFound"
    other.session.close()
    assert graph_client.ask("DELETE", path).status_code == 204
    graph_anna.deliver(mail())
    assert graph_tenant.notifications.wait()
    assert webhook.told == []


def test_a_subscription_may_move_to_another_endpoint_that_echoes(
    graph_client: Asker, graph_anna: Mailbox, graph_tenant: Tenant, webhook: Webhook
) -> None:
    """PATCH of notificationUrl shakes hands again."""
    path = f"/subscriptions/{subscribe(graph_client, webhook)['id']}"
    later = wanted(webhook)["expirationDateTime"]
    moved = {"expirationDateTime": later, "notificationUrl": f"{webhook.url}?second=1"}
    webhook.deaf = True
    assert graph_client.refused(400, "PATCH", path, json=moved) == "ValidationError"
    webhook.deaf = False
    assert graph_client.ask("PATCH", path, json=moved).json()["notificationUrl"].endswith("second=1")
    graph_anna.deliver(mail())
    assert graph_tenant.notifications.wait()
    assert len(webhook.told) == 1


def test_an_expired_subscription_is_silent(
    graph_client: Asker, graph_anna: Mailbox, graph_tenant: Tenant, webhook: Webhook
) -> None:
    """Nothing comes any more, and it is not there."""
    subscription = subscribe(graph_client, webhook)
    graph_tenant.notifications.all[subscription["id"]].expires = datetime.now(UTC) - timedelta(seconds=1)
    graph_anna.deliver(mail())
    assert graph_tenant.notifications.wait()
    assert webhook.told == []
    assert graph_client.refused(404, "GET", f"/subscriptions/{subscription['id']}") == "ResourceNotFound"


def test_lifecycle_events_are_sent_on_demand(
    graph_client: Asker, graph_anna: Mailbox, graph_tenant: Tenant, webhook: Webhook
) -> None:
    """missed; reauthorizationRequired, silent until it is authorized; subscriptionRemoved, gone."""
    notifications = graph_tenant.notifications
    subscription = notifications.all[subscribe(graph_client, webhook)["id"]]
    notifications.lifecycle(subscription, "missed")
    notifications.lifecycle(subscription, "reauthorizationRequired")
    graph_anna.deliver(mail("unheard"))
    assert graph_client.ask("POST", f"/subscriptions/{subscription.id}/reauthorize").status_code == 204
    graph_anna.deliver(mail("heard"))
    notifications.lifecycle(subscription, "subscriptionRemoved")
    assert notifications.wait()
    told = [one.get("lifecycleEvent") or one["changeType"] for one in webhook.told]
    assert told == ["missed", "reauthorizationRequired", "created", "subscriptionRemoved"]
    assert all(one["clientState"] == "s3cret" for one in webhook.told)
    assert graph_client.get("/subscriptions")["value"] == []


def test_notifications_may_come_twice_mixed_up_or_never(
    graph_client: Asker, graph_anna: Mailbox, graph_tenant: Tenant, webhook: Webhook
) -> None:
    """A notification is only a hint."""
    subscribe(graph_client, webhook)
    notifications = graph_tenant.notifications
    notifications.doubled = True
    notifications.hold()
    messages = [graph_anna.deliver(mail(f"mail {number}")) for number in range(6)]
    assert webhook.told == []
    notifications.release()
    assert notifications.wait()
    told = [one["resourceData"]["id"] for one in webhook.told]
    assert sorted(told) == sorted([m.immutable_id for m in messages] * 2)
    assert told != [m.immutable_id for m in messages for _ in range(2)]
    notifications.dropped = True
    graph_anna.deliver(mail())
    assert notifications.wait()
    assert len(webhook.told) == 12


def test_several_notifications_may_come_in_one_call(
    graph_client: Asker, graph_anna: Mailbox, graph_tenant: Tenant, webhook: Webhook
) -> None:
    """`value` is a list."""
    subscription = graph_tenant.notifications.all[subscribe(graph_client, webhook)["id"]]
    graph_tenant.notifications.together = 10
    graph_tenant.notifications.hold()
    for number in range(5):
        graph_anna.deliver(mail(f"mail {number}"))
    graph_tenant.notifications.release()
    assert graph_tenant.notifications.wait()
    assert (len(webhook.told), subscription.answers) == (5, [202])


def test_a_notification_that_is_not_accepted_comes_again(
    graph_client: Asker, graph_anna: Mailbox, graph_tenant: Tenant, webhook: Webhook
) -> None:
    """Anything but 2xx is tried again."""
    subscription = graph_tenant.notifications.all[subscribe(graph_client, webhook)["id"]]
    webhook.status = 503
    graph_anna.deliver(mail())
    assert graph_tenant.notifications.wait()
    assert subscription.answers == [503] * 4
    assert graph_tenant.notifications.sent == 0


def test_a_subscription_needs_the_right_to_read_what_it_is_about(
    graph_client: Asker, graph_tenant: Tenant, webhook: Webhook
) -> None:
    """403 for a mailbox that the application may not read."""
    graph_client.application = graph_tenant.application(only={"carl@firm.example"})
    graph_client.sign_in()
    assert graph_client.refused(403, "POST", "/subscriptions", json=wanted(webhook)) == "ErrorAccessDenied"
