"""pymap, a plain server without CONDSTORE, keeps the contract of mailboxes through IMAP."""

from pathlib import Path

import pytest

from tests.contracts.imap_owner import ImapOwner
from tests.contracts.mail_source import MailSourceContract
from tests.servers.pymap import Pymap


class TestPymap(MailSourceContract):
    can_renumber = False
    can_keyword = False

    @pytest.fixture
    def owner(self, pymap: Pymap, tmp_path: Path) -> ImapOwner:
        return ImapOwner(user=pymap.user(()), server=pymap, secrets=tmp_path)
