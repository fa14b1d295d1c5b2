"""Every kind of archive keeps the contract of mailboxes."""

from pathlib import Path

import pytest

from tests.contracts.archive_owner import EmlOwner, MaildirOwner, MboxOwner
from tests.contracts.mail_source import MailSourceContract


class TestMaildir(MailSourceContract):
    can_renumber = False

    @pytest.fixture
    def owner(self, tmp_path: Path) -> MaildirOwner:
        return MaildirOwner(tmp_path / "Maildir")


class TestEml(MailSourceContract):
    can_renumber = False
    can_flag = False
    can_keyword = False

    @pytest.fixture
    def owner(self, tmp_path: Path) -> EmlOwner:
        return EmlOwner(tmp_path / "mail")


class TestMbox(MailSourceContract):
    can_renumber = False
    can_create = False

    @pytest.fixture
    def owner(self, tmp_path: Path) -> MboxOwner:
        return MboxOwner(tmp_path / "inbox.mbox")
