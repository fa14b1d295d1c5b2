"""Mail that names an address, asked of the index of Exchange Server: bounded, and never more than a hint."""

import pytest

from connectors.base import Searches
from connectors.errors import Skippable
from connectors.exchange import searching
from connectors.exchange.cursors import VALIDITY
from tests.integration.exchange_lab import Open, box, inbox, opened
from tests.servers.ews import EwsServer, Mailbox

__all__ = ["box", "opened"]
KIM = "kim@customer.example"


def letter(number: int, **fields: str) -> bytes:
    header = {"From": KIM, "To": "us@ourfirm.example", "Message-ID": f"<{number}@mail.example>", **fields}
    return "".join(f"{name}: {value}\r\n" for name, value in header.items()).encode() + b"\r\nHello.\r\n"


def test_senders_and_recipients_are_found_in_their_folder_alone(box: Mailbox, opened: Open) -> None:
    source = opened()
    by_kim, to_kim = box.deliver(letter(1)), box.deliver(letter(2, From="x@y.example", To=f"Kim <{KIM.upper()}>"))
    copied = box.deliver(letter(3, From="x@y.example", Cc=f"z@y.example, {KIM}"))
    box.deliver(letter(4, From="x@y.example", To="kimberly@customer.example"))
    box.deliver(letter(5), "drafts")
    assert isinstance(source, Searches)
    assert source.naming(inbox(source), VALIDITY, [KIM]) == {by_kim, to_kim, copied}


def test_many_addresses_are_few_questions_and_much_mail_is_found_in_part(
    ews: EwsServer, box: Mailbox, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = opened()
    ids = {box.deliver(letter(number)) for number in range(7)}
    folder, many = inbox(source), [f"p{number}@customer.example" for number in range(24)]
    assert source.naming(folder, VALIDITY, [*many, KIM]) == ids
    assert ews.operations["FindItem"] == 3
    monkeypatch.setattr(searching, "MOST_LISTED", 2)
    assert source.naming(folder, VALIDITY, [KIM]) == ids
    monkeypatch.setattr(searching, "MOST_FOUND", 4)
    assert len(source.naming(folder, VALIDITY, [KIM])) == 4


def test_a_server_without_an_index_declines(ews: EwsServer, opened: Open) -> None:
    source = opened()
    folder = inbox(source)
    ews.faults.refuse("ErrorContentIndexingNotEnabled", "FindItem", whole=False)
    with pytest.raises(Skippable, match="does not search"):
        source.naming(folder, VALIDITY, [KIM])
