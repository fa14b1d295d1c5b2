"""What listens for news beside the daemon's passes, wired together. Connectors are loaded when a mailbox needs them."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from agent.push.keeper import Subscriptions
from agent.push.push import Push
from agent.push.streams import Streams
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.schedule import mailboxes
from agent.store.tokens import StoredTokens
from config.model import ExchangeAccess

if TYPE_CHECKING:
    from agent.engine.daemon import Beside


def beside(
    database: Database, hasher: Hasher, tokens: StoredTokens | None, clock: Callable[[], datetime]
) -> "Sequence[Beside]":
    """The webhook of Exchange Online and the streams of Exchange Server. tokens: for sign-ins that are kept."""

    def wake(addresses: Collection[str]) -> None:
        mailboxes.wake(database, addresses, clock())

    def listen(access: ExchangeAccess) -> Iterator[bool]:
        from connectors.exchange import streaming

        return streaming.listen(access, tokens)

    return (Push(_subscriptions, hasher, wake, clock), Streams(listen, wake))


def _subscriptions() -> Subscriptions:
    from connectors.graph import subscriptions

    return subscriptions
