"""Change notifications: real calls to the client's webhook when something changes in a mailbox.

"Receive change notifications through webhooks" and "Lifecycle notifications": the endpoint is validated with a token
that it must echo; a notification that is not answered with 2xx is sent again; a subscription ends when its time is up.
"""

import secrets
import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Literal
from urllib.parse import quote

import requests

Change = Literal["created", "updated", "deleted"]
Lifecycle = Literal["missed", "subscriptionRemoved", "reauthorizationRequired"]
_HANDSHAKE_SECONDS = 10
_ANSWER_SECONDS = 3
_TRIES = 4


@dataclass(kw_only=True, eq=False)
class Subscription:
    """One subscription. collection: `messages` or `events`; folder: the id of the only folder that it follows.

    paused: it waits to be authorized again. answers: the status of each call, 0 where there was none.
    """

    user: str
    collection: str
    folder: str | None
    immutable: bool
    application: str
    fields: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    expires: datetime = datetime.max
    paused: bool = False
    answers: list[int] = field(default_factory=list)

    def entity(self) -> dict[str, Any]:
        """As Graph shows it; the client state is not given back."""
        return {
            "id": self.id,
            "resource": self.fields["resource"],
            "applicationId": self.application,
            "changeType": self.fields["changeType"],
            "clientState": None,
            "notificationUrl": self.fields["notificationUrl"],
            "lifecycleNotificationUrl": self.fields.get("lifecycleNotificationUrl"),
            "expirationDateTime": written(self.expires),
            "creatorId": self.application,
            "includeResourceData": None,
            "latestSupportedTlsVersion": "v1_2",
            "encryptionCertificate": None,
            "encryptionCertificateId": None,
            "notificationUrlAppId": None,
            "notificationQueryOptions": None,
        }


@dataclass(frozen=True, kw_only=True)
class Happened:
    """Something changed. folder: the id of the one that a message stands in; None for events."""

    user: str
    collection: str
    change: Change
    folder: str | None
    id: str
    immutable_id: str
    etag: str


def written(moment: datetime) -> str:
    """With fractions of a second, as subscriptions have it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Notifications:
    """The subscriptions of a tenant. Ways to misbehave: `doubled`, every notification comes twice; `dropped`, none;
    `together`, so many in one call if they wait for the same address.

    `hold()` keeps notifications back and `release()` sends them, the order mixed up. `lifecycle()` sends one of those
    events. `sent` counts the notifications that were answered; `wait()` until nothing is on its way.
    """

    def __init__(self, tenant_id: str, ca_file: Path) -> None:
        self.tenant_id, self.ca_file = tenant_id, ca_file
        self.all: dict[str, Subscription] = {}
        self.doubled = self.dropped = False
        self.together = 1
        self.sent = 0
        self._waiting: list[tuple[Subscription, str, dict[str, Any]]] = []
        self._held = self._closed = False
        self._busy = False
        self._changed = threading.Condition()
        self._worker: threading.Thread | None = None

    def validate(self, url: str) -> bool:
        """Does this endpoint echo a token, decoded, as plain text and with 200?"""
        token = f"Validation: Testing client application reachability for subscription {secrets.token_urlsafe(12)} +&ä"
        asked = f"{url}{'&' if '?' in url else '?'}validationToken={quote(token)}"
        try:
            answer = _post(asked, None, self.ca_file, _HANDSHAKE_SECONDS)
        except requests.RequestException:
            return False
        plain = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/plain"
        return answer.status_code == 200 and plain and answer.content == token.encode()

    def happened(self, what: Happened) -> None:
        """Tell those who have subscribed to it."""
        if self.dropped or not self.all:
            return
        for subscription in [one for one in list(self.all.values()) if _concerns(one, what)]:
            self._send(subscription, subscription.fields["notificationUrl"], self._notice(subscription, what))

    def lifecycle(self, subscription: Subscription, event: Lifecycle) -> None:
        """Send a lifecycle event to where the subscription wants them; a removed one is gone."""
        if event == "subscriptionRemoved":
            self.all.pop(subscription.id, None)
        subscription.paused = event == "reauthorizationRequired"
        url = subscription.fields.get("lifecycleNotificationUrl")
        if url:
            self._send(subscription, url, {"lifecycleEvent": event, **self._about(subscription)})

    def hold(self) -> None:
        """Keep notifications back from now on."""
        self._held = True

    def release(self) -> None:
        """Send what was kept back, in another order."""
        with self._changed:
            Random(11).shuffle(self._waiting)  # noqa: S311  # an order, not a secret
            self._held = False
            self._changed.notify_all()

    def wait(self, seconds: float = 10) -> bool:
        """Until every notification has been sent (or given up); False if that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def close(self) -> None:
        """Send no more."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _about(self, subscription: Subscription) -> dict[str, Any]:
        return {
            "subscriptionId": subscription.id,
            "subscriptionExpirationDateTime": written(subscription.expires),
            "clientState": subscription.fields.get("clientState"),
            "tenantId": self.tenant_id,
        }

    def _notice(self, subscription: Subscription, what: Happened) -> dict[str, Any]:
        key = what.immutable_id if subscription.immutable else what.id
        resource = f"Users/{what.user}/{what.collection.capitalize()}/{key}"
        kind = f"#Microsoft.Graph.{what.collection.capitalize().removesuffix('s')}"
        data = {"@odata.type": kind, "@odata.id": resource, "@odata.etag": what.etag, "id": key}
        return {
            "changeType": what.change,
            "resource": resource,
            "resourceData": data,
            **self._about(subscription),
        }

    def _send(self, subscription: Subscription, url: str, notice: dict[str, Any]) -> None:
        with self._changed:
            self._waiting += [(subscription, url, notice)] * (2 if self.doubled else 1)
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, daemon=True)
                self._worker.start()
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closed or (self._waiting and not self._held))
                if self._closed:
                    return
                subscription, url, notices = self._take()
                self._busy = True
            self._deliver(subscription, url, notices)

    def _take(self) -> tuple[Subscription, str, list[dict[str, Any]]]:
        """The oldest notification, and those that may go with it."""
        subscription, url, _ = self._waiting[0]
        places = [at for at, one in enumerate(self._waiting) if one[1] == url][: self.together]
        notices = [self._waiting[at][2] for at in places]
        self._waiting = [one for at, one in enumerate(self._waiting) if at not in places]
        return subscription, url, notices

    def _deliver(self, subscription: Subscription, url: str, notices: Sequence[Mapping[str, Any]]) -> None:
        """Until they are answered with 2xx, a few times at most."""
        for wait in (0.0, 0.05, 0.2, 0.5)[:_TRIES]:
            time.sleep(wait)
            try:
                status = _post(url, {"value": list(notices)}, self.ca_file, _ANSWER_SECONDS).status_code
            except requests.RequestException:
                status = 0
            subscription.answers.append(status)
            if 200 <= status < 300:
                self.sent += len(notices)
                return


def _concerns(subscription: Subscription, what: Happened) -> bool:
    return (
        subscription.user == what.user
        and subscription.collection == what.collection
        and subscription.folder in (None, what.folder)
        and what.change in _changes(subscription.fields["changeType"])
        and not subscription.paused
        and subscription.expires > datetime.now(UTC)
    )


def _changes(written_list: str) -> Iterable[str]:
    return [word.strip() for word in written_list.split(",")]


def _post(url: str, content: object, ca_file: Path, seconds: float) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        headers = {} if content is not None else {"Content-Type": "text/plain; charset=utf-8"}
        return session.post(url, json=content, headers=headers, timeout=seconds, verify=str(ca_file))
