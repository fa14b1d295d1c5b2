"""Subscriptions to the news of a mailbox: made, renewed, ended ("subscription resource type", Graph v1.0).

Called by `agent.push`. Graph posts to the URL whenever something in the mailbox changes, and once when it validates the
URL, during `create`. Everything that comes is a hint; nothing is read from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from config.model import GraphAccess
from connectors.graph.client import Ask, GraphClient, segment

LONGEST = timedelta(minutes=10_080)
"""How long a subscription to Outlook items may live at most."""
_MOST_PAGES = 200
_GONE = 404


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """One that exists. url: where its notifications go. ends: aware."""

    id: str
    url: str
    ends: datetime


def existing(access: GraphAccess) -> Iterator[Subscription]:
    """All subscriptions of this application in its tenant. Raises ConnectorError."""
    client, path = GraphClient(access), "/subscriptions"
    for _ in range(_MOST_PAGES):
        page = client.get(path)
        for entry in page.get("value", ()):
            if one := _read(entry):
                yield one
        path = str(page.get("@odata.nextLink") or "")
        if not path:
            return


def create(access: GraphAccess, url: str, client_state: str, ends: datetime) -> Subscription | None:
    """Follows all mail of the mailbox. client_state: comes back with every notification (≤ 128 characters).

    None if the answer makes no sense. Raises ConnectorError, also if the URL did not answer Graph.
    """
    client = GraphClient(access)
    body = {
        "changeType": "created,updated,deleted",
        "notificationUrl": url,
        "lifecycleNotificationUrl": url,
        "resource": f"{client.user}/messages",
        "expirationDateTime": _written(ends),
        "clientState": client_state,
    }
    return _read(client.ask(Ask(method="POST", path="/subscriptions", body=body, again=False)))


def renew(access: GraphAccess, id: str, ends: datetime) -> Subscription | None:
    """The same one with a later end; None if it is gone. Raises ConnectorError."""
    client = GraphClient(access)
    body = {"expirationDateTime": _written(ends)}
    reply = client.send(Ask(method="PATCH", path=f"/subscriptions/{segment(id)}", body=body))
    if reply.status == _GONE:
        return None
    if not reply.ok:
        raise client.fault(reply)
    return _read(reply.body)


def delete(access: GraphAccess, id: str) -> None:
    """Ends one; that it is gone already is no error. Raises ConnectorError."""
    client = GraphClient(access)
    reply = client.send(Ask(method="DELETE", path=f"/subscriptions/{segment(id)}"))
    if not reply.ok and reply.status != _GONE:
        raise client.fault(reply)


def _read(entry: object) -> Subscription | None:
    if not isinstance(entry, dict):
        return None
    try:
        ends = datetime.fromisoformat(str(entry["expirationDateTime"]))
        return Subscription(id=str(entry["id"]), url=str(entry["notificationUrl"]), ends=_aware(ends))
    except (KeyError, ValueError):
        return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
