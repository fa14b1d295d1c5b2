"""An Exchange that behaves as Microsoft's documents allow, and not as the usual one does."""

from datetime import timedelta

from connectors.exchange import ExchangeSource
from tests.contracts.mail_owner import START, letter
from tests.integration.exchange_lab import Open, box, inbox, opened
from tests.servers.ews import EwsServer, Mailbox

__all__ = ["box", "opened"]


def fill(box: Mailbox, count: int) -> list[str]:
    return [box.deliver(letter(number), received=START + timedelta(minutes=number)) for number in range(count)]


def listed(source: ExchangeSource) -> frozenset[str]:
    return source.ids(inbox(source), None).ids


def test_ids_are_listed_in_few_requests_where_the_server_gives_small_pages(
    ews: EwsServer, box: Mailbox, opened: Open
) -> None:
    """EWSFindCountLimit is the administrator's: half of a page is new at least."""
    ids = fill(box, 60)
    ews.world.most_found = 12
    source = opened()
    assert listed(source) == frozenset(ids)
    assert ews.operations["FindItem"] <= 10
