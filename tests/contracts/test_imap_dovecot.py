"""Dovecot keeps the contract of mailboxes through IMAP, however it stores its mail."""

from pathlib import Path

import pytest

from tests.contracts.imap_owner import ImapOwner
from tests.contracts.mail_source import MailSourceContract
from tests.servers.dovecot import Dovecot


class TestDovecotMaildir(MailSourceContract):
    odd_names = ('Año & "x"', "日本", "R&D", "100% [x]*", "tab's ünd ~", "Año/日本/x")  # a dot separates levels there

    @pytest.fixture
    def owner(self, dovecot: Dovecot, tmp_path: Path) -> ImapOwner:
        return ImapOwner(user=dovecot.user((), storage="maildir"), server=dovecot, secrets=tmp_path)


class TestDovecotMdbox(MailSourceContract):
    @pytest.fixture
    def owner(self, dovecot: Dovecot, tmp_path: Path) -> ImapOwner:
        return ImapOwner(user=dovecot.user((), storage="mdbox"), server=dovecot, secrets=tmp_path)
