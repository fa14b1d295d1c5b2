"""Streaming notifications: Subscribe, Unsubscribe and GetStreamingEvents ([MS-OXWSNTIF]).

The answer to GetStreamingEvents does not end: one whole envelope follows the other, each in a chunk, until the time
that the client gave is over (ConnectionStatus Closed). Between events the server says that it is there. What happened
before a connection was opened is told first. `Pace` makes a minute of the protocol as short as a test wants it.
"""

import time
from collections.abc import Iterator

from tests.servers.ews import soap
from tests.servers.ews.calls import Call, operation
from tests.servers.ews.soap import M, Node, Refusal, T, attributes, children, tag, text
from tests.servers.ews.store import Event, Folder, Subscription, World

MOST_SUBSCRIPTIONS = 200  # in one request


@operation("Subscribe")
def subscribe(call: Call) -> str:
    """A new subscription; only streaming ones are known here."""
    request = soap.children(call.element)[0]

    def one(_: Node) -> str:
        if soap.local(request) != "StreamingSubscriptionRequest":
            raise Refusal("ErrorInvalidSubscriptionRequest", "Only streaming subscriptions are known here.")
        made = _subscription(call, request)
        call.world.pace.subscriptions[made.id] = made
        return text("m:SubscriptionId", made.id)

    return call.each([None], one)


def _subscription(call: Call, request: Node) -> Subscription:
    named = request.find(f"{T}FolderIds")
    found = [] if named is None else [call.folder(element) for element in children(named)]
    if found and len({id(box) for box, _ in found}) > 1:
        raise Refusal("ErrorInvalidSubscriptionRequest", "All folders must be of one mailbox.")
    box = found[0][0] if found else call.mine()
    box.watched = True
    names = {element.text.removesuffix("Event") for element in children(request.find(f"{T}EventTypes"))}
    folders = frozenset(folder.id for _, folder in found) if named is not None else None
    identity = call.world.new_id("subscription").replace("AAMkAD", "JgBl")
    return Subscription(
        id=identity,
        box=box,
        owner=call.account.username,
        folders=folders,
        names=frozenset(names),
        heard=box.number,
    )


@operation("Unsubscribe")
def unsubscribe(call: Call) -> str:
    """A subscription ends."""

    def one(_: Node) -> str:
        if call.world.pace.subscriptions.pop(call.element.findtext(f"{M}SubscriptionId"), None) is None:
            raise _unknown()
        return ""

    return call.each([None], one)


def _unknown() -> Refusal:
    return Refusal("ErrorSubscriptionNotFound", "The specified subscription was not found.")


def stream(call: Call) -> Iterator[bytes]:
    """The envelopes of GetStreamingEvents, as they come."""
    pace, wanted = call.world.pace, [element.text for element in call.all("SubscriptionIds")]
    missing = [identity for identity in wanted if identity not in pace.subscriptions]
    if missing or len(wanted) > MOST_SUBSCRIPTIONS:
        yield _refused(missing)
        return
    drops, ends = pace.drops, time.monotonic() + pace.minute * int(call.element.findtext(f"{M}ConnectionTimeout"))
    yield _said(status="OK")
    while time.monotonic() < ends:
        news = _wait(call.world, wanted, min(ends, time.monotonic() + pace.heartbeat), drops)
        if pace.drops != drops:
            raise ConnectionAbortedError("dropped by the test")
        lost = [identity for identity in wanted if identity not in pace.subscriptions]
        if lost:
            yield _refused(lost)
            return
        yield _said(news) if news else _said(status="OK")
    yield _said(status="Closed")


def _wait(world: World, wanted: list[str], until: float, drops: int) -> str:
    """Notifications as soon as there are any; empty at `until`, after a drop, or when a subscription is gone."""
    with world.changed:
        while time.monotonic() < until and world.pace.drops == drops:
            subscriptions = [world.pace.subscriptions.get(identity) for identity in wanted]
            if any(found is None for found in subscriptions):
                return ""
            told = "".join(_told(found) for found in subscriptions if found is not None)
            if told:
                return told
            world.changed.wait(max(0.0, until - time.monotonic()))
    return ""


def _told(subscription: Subscription) -> str:
    news = subscription.news()
    if not news:
        return ""
    subscription.heard = news[-1].number
    inside = text("t:SubscriptionId", subscription.id) + "".join(_event(event) for event in news)
    return tag("m:Notification", inside)


def _event(event: Event) -> str:
    inside = text("t:TimeStamp", event.at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    if event.item is None:
        above = _parent("t:ParentFolderId", event.folder.parent or event.folder)
        inside += _parent("t:FolderId", event.folder) + above + text("t:UnreadCount", str(event.unread))
        return tag(f"t:{event.name}Event", inside)
    inside += tag("t:ItemId", Id=event.item, ChangeKey=event.change_key) + _parent("t:ParentFolderId", event.folder)
    if event.old_item is not None and event.old_folder is not None:
        inside += tag("t:OldItemId", Id=event.old_item, ChangeKey=event.change_key)
        inside += _parent("t:OldParentFolderId", event.old_folder)
    return tag(f"t:{event.name}Event", inside)


def _parent(element: str, folder: Folder) -> str:
    return f"<{element}{attributes(Id=folder.id, ChangeKey='AQAAAA==')}/>"


def _said(notifications: str = "", *, status: str = "") -> bytes:
    """News, or what the connection is like."""
    inside = text("m:ConnectionStatus", status) if status else tag("m:Notifications", notifications)
    return soap.envelope(soap.answer("GetStreamingEvents", [soap.success("GetStreamingEvents", inside)]))


def _refused(missing: list[str]) -> bytes:
    refusal = _unknown() if missing else Refusal("ErrorInvalidSubscription", "Too many subscriptions in one request.")
    inside = tag("m:ErrorSubscriptionIds", "".join(text("m:SubscriptionId", identity) for identity in missing))
    message = soap.failure(
        "GetStreamingEvents", refusal, (inside if missing else "") + text("m:ConnectionStatus", "Closed")
    )
    return soap.envelope(soap.answer("GetStreamingEvents", [message]))
