"""Exchange Server keeps the contract of mailboxes through EWS."""

from pathlib import Path

import pytest

from tests.contracts.exchange_owner import ExchangeOwner
from tests.contracts.mail_source import MailSourceContract
from tests.servers.ews import EwsServer


class TestExchange(MailSourceContract):
    can_renumber = False  # ids of EWS never change their meaning

    @pytest.fixture
    def owner(self, ews: EwsServer, tmp_path: Path) -> ExchangeOwner:
        return ExchangeOwner(box=ews.mailbox(), server=ews, secrets=tmp_path)
