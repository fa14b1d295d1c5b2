"""pymap, a plain server without CONDSTORE, keeps the contract of mailboxes through IMAP."""

from pathlib import Path

import pytest

from connectors.base import MailSource
from tests.contracts.imap_owner import ImapOwner
from tests.contracts.mail_source import MailSourceContract, Owner
from tests.data.corpus import samples
from tests.servers.pymap import Pymap

NOT_HANDED_OUT_AS_STORED = frozenset(("line-without-colon", "multipart-no-parts", "partial-header-in-part"))
"""pymap 0.36 takes messages apart and puts them together again: of these it answers other octets than it was given."""


class TestPymap(MailSourceContract):
    can_renumber = False
    can_keyword = False
    odd_names = ('Año & "x"', "日本", "R&D", "100% [x]*", "tab's ünd ~")  # a dot turns into a level there

    @pytest.fixture
    def owner(self, pymap: Pymap, tmp_path: Path) -> ImapOwner:
        return ImapOwner(user=pymap.user(()), server=pymap, secrets=tmp_path)

    @pytest.mark.parametrize("name", [s.name for s in samples() if s.name not in NOT_HANDED_OUT_AS_STORED])
    def test_broken_mail_is_read_as_it_is_read_from_its_bytes(
        self, owner: Owner, source: MailSource, name: str
    ) -> None:
        super().test_broken_mail_is_read_as_it_is_read_from_its_bytes(owner, source, name)
