"""Exchange Server keeps the contract of mailboxes through EWS."""

from pathlib import Path

import pytest

from connectors import mime
from connectors.exchange import ExchangeSource
from connectors.message import NO_FLAGS
from tests.contracts.exchange_owner import ExchangeOwner
from tests.contracts.mail_owner import START, envelopes
from tests.contracts.mail_source import MailSourceContract
from tests.data.corpus import samples
from tests.servers.ews import EwsServer

MADE_TEXT = frozenset(("subject-raw-iso2022jp", "subject-raw-latin1", "no-header-fields"))
"""Exchange keeps a header as text: what it makes of octets without a charset is not ours to tell."""
NOT_TAKEN = frozenset(("date-9999", "subject-bad-base64"))
"""The server of the lab cannot take these in."""
PARTS = ("message_id", "date", "subject", "from_", "to", "cc", "references", "in_reply_to")


class TestExchange(MailSourceContract):
    can_renumber = False  # ids of EWS never change their meaning

    @pytest.fixture
    def owner(self, ews: EwsServer, tmp_path: Path) -> ExchangeOwner:
        return ExchangeOwner(box=ews.mailbox(), server=ews, secrets=tmp_path)

    def test_broken_mail_is_read_as_it_is_read_from_its_bytes(  # type: ignore[override]  # it takes the owner instead
        self, owner: ExchangeOwner, source: ExchangeSource
    ) -> None:
        """As far as the header goes, which Exchange keeps as it came; texts and attachments it makes itself."""
        raws = {
            sample.name: sample.raw.replace(b"\x00", b"").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            for sample in samples()
            if sample.name not in MADE_TEXT | NOT_TAKEN
        }
        ids = {owner.append("INBOX", raw, START): name for name, raw in raws.items()}
        folder = self.folder(source)
        validity = self.first_contact(source, folder)[2]
        read = {one.id: one for one in envelopes(source.complete(folder, validity, list(ids), texts=True))}
        assert read.keys() == ids.keys()
        for id, name in ids.items():
            expected = mime.read_header(raws[name], id=id, size=None, server_time=None, flags=NO_FLAGS)
            for part in PARTS:
                assert getattr(read[id], part) == getattr(expected, part), (name, part)
        assert {body.id for body in source.bodies(folder, validity, list(ids))} == ids.keys()
