"""Whether something happened in a mailbox, as the server tells it by itself (streaming notifications, [MS-OXWSNTIF]).

A hint and no more: whoever listens polls at each, and now and then without one, with the same result. A connection of
its own is used, beside the sessions that read; a server allows an account few of those that hang (10, or 3 before
Exchange 2016), so it is for few mailboxes. Closing the generator ends the subscription and the connection.
"""

import re
from collections.abc import Iterator

import requests
from urllib3.exceptions import HTTPError

from config.model import ExchangeAccess
from connectors.errors import ConnectorError, Interrupted
from connectors.exchange.folders import list_folders
from connectors.exchange.opening import Opened
from connectors.exchange.reading import folder_id
from connectors.exchange.replies import network_error, refusal
from connectors.exchange.soap import Seat, error_of, only
from connectors.exchange.xml import MESSAGES, Element, children, local, m, parse, t
from connectors.oauth import TokenCache

MINUTES = 29
"""How long one connection lasts; servers allow 30."""
_EVENTS = ("NewMailEvent", "CreatedEvent", "DeletedEvent", "ModifiedEvent", "MovedEvent", "CopiedEvent")
_END = re.compile(rb"</(?:[A-Za-z0-9]+:)?Envelope>\s*")
_MOST_FOLDERS = 100
_PIECE = 64 * 1024
_LONGEST = 1024 * 1024
"""Bytes of one envelope of events."""


def listen(access: ExchangeAccess, tokens: TokenCache | None = None, *, minutes: int = MINUTES) -> Iterator[bool]:
    """True for each time that something happened in any folder, False for each sign of life; ends with its time.

    Raises Interrupted where the connection broke, and what else goes wrong: wait, poll, and listen again.
    """
    opened = Opened(access, tokens)
    try:
        seat = Seat(opened.wire, access.user, access.access)
        subscription = _subscribe(seat, access.access)
        try:
            yield from _hear(seat, subscription, minutes)
        finally:
            _unsubscribe(seat, subscription)
    finally:
        opened.close()


def _subscribe(seat: Seat, access: str) -> str:
    """To the whole mailbox. A delegate has to name its folders: "all" are those of the delegate's own."""
    events = t("EventTypes", *(t("EventType", name) for name in _EVENTS))
    if access == "delegate":
        named = t("FolderIds", *map(folder_id, _folders(seat)))
        payload = m("Subscribe", m("StreamingSubscriptionRequest", named, events))
    else:
        payload = m("Subscribe", m("StreamingSubscriptionRequest", events, SubscribeToAllFolders="true"))
    found = only(seat.ask(payload, affinity=True)).findtext(MESSAGES + "SubscriptionId")
    if not found:
        raise Interrupted("the mail server made a subscription without a name")
    return str(found)


def _folders(seat: Seat) -> list[str]:
    """Ids of the mailbox's folders of mail, the first of many; of the others polling tells."""
    return [place.id for place in list_folders(seat) if place.kind in ("", "ipf.note")][:_MOST_FOLDERS]


def _unsubscribe(seat: Seat, subscription: str) -> None:
    """What cannot be ended ends by itself half an hour later."""
    try:
        seat.ask(m("Unsubscribe", m("SubscriptionId", subscription)), affinity=True)
    except ConnectorError:
        return


def _hear(seat: Seat, subscription: str, minutes: int) -> Iterator[bool]:
    ids = m("SubscriptionIds", t("SubscriptionId", subscription))
    body, headers = seat.envelope(m("GetStreamingEvents", ids, m("ConnectionTimeout", str(minutes))))
    session, response = seat.wire.stream(body, headers)
    try:
        for envelope in _envelopes(response, seat.wire.endpoint, seat.wire.auth):
            for message in envelope.iter(MESSAGES + "GetStreamingEventsResponseMessage"):
                refused = error_of(message)
                if refused is not None:
                    raise refused
                yield _is_news(message)
                if message.findtext(MESSAGES + "ConnectionStatus") == "Closed":
                    return
    finally:
        response.close()
        session.close()


def _envelopes(response: requests.Response, endpoint: str, auth: str) -> Iterator[Element]:
    """Whole envelopes as they come, whatever pieces they come in."""
    if response.status_code != 200:
        names = {name.lower(): value for name, value in response.headers.items()}
        raise refusal(response.status_code, names, b"", endpoint, auth) or Interrupted("the mail server tells nothing")
    held = b""
    try:
        for piece in _pieces(response):
            held += piece
            while (end := _END.search(held)) is not None:
                yield parse(held[: end.end()].strip())
                held = held[end.end() :]
            if len(held) > _LONGEST:
                raise Interrupted("the mail server tells more at once than we read")
    except (requests.RequestException, HTTPError, OSError) as error:
        raise network_error(error, endpoint, None) from error


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """Bytes as they come. Behind some proxies an answer has no chunks and ends with its connection; requests would
    wait for that end.
    """
    if response.raw.chunked:
        yield from response.iter_content(None)
    while piece := response.raw.read1(_PIECE):
        yield piece


def _is_news(message: Element) -> bool:
    """Whether an answer holds more than a sign of life."""
    found = message.find(MESSAGES + "Notifications")
    notifications = () if found is None else tuple(one for one in found if isinstance(one.tag, str))
    return any(local(event).endswith("Event") and local(event) != "StatusEvent"
               for one in notifications for event in children(one))  # fmt: skip
