"""A Dovecot with large synthetic mailboxes, made once a run and shared by the benchmarks."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks import mailboxes
from benchmarks.program import Firm
from tests.servers.certs import Authority
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.process import make_folder, remove_folder

KINDS = {"business": mailboxes.business, "small": mailboxes.small}


class Lab:
    """quick: a fifth of the mail, for a look rather than a figure."""

    def __init__(self, dovecot: Dovecot, ca_file: Path, *, quick: bool) -> None:
        self.dovecot, self.ca_file, self.quick = dovecot, ca_file, quick
        self._filled: dict[tuple[str, int], DovecotUser] = {}

    def count(self, full: int) -> int:
        """So many messages, or a fifth."""
        return full // 5 if self.quick else full

    def mailbox(self, kind: str, count: int) -> DovecotUser:
        """A user with so much mail in INBOX."""
        if (kind, count) not in self._filled:
            user = self._filled[kind, count] = self.dovecot.user(())
            mails: Iterable[mailboxes.Mail] = KINDS[kind](count)
            self.dovecot.bulk(user, "INBOX", mails)
        return self._filled[kind, count]

    def forget(self, user: DovecotUser) -> None:
        """Take from the server what it keeps of headers it parsed: whoever reads next is the first to do so."""
        home = self.dovecot.folder / "home" / user.username
        for cache in home.rglob("dovecot.index.cache*"):
            with suppress(FileNotFoundError):
                cache.unlink()

    @contextmanager
    def firm(self, *users: DovecotUser) -> Iterator[Firm]:
        """A firm that reads these users, in a folder that is gone afterwards."""
        folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
        try:
            yield Firm(folder, self.dovecot.imaps_port, self.ca_file, *users)
        finally:
            shutil.rmtree(folder)


@contextmanager
def open_lab(*, quick: bool) -> Iterator[Lab]:
    """The servers, and their end."""
    folder = make_folder("ca")
    try:
        authority = Authority(folder)
        with Dovecot(authority) as dovecot:
            yield Lab(dovecot, authority.ca_file, quick=quick)
    finally:
        remove_folder(folder)
