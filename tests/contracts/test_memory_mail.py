"""The mailbox in memory keeps the contract of mailboxes, with and without flags in its changes."""

import threading
from datetime import datetime

import pytest

from connectors.errors import Retriable
from connectors.memory import MemoryMailbox, MemorySource
from connectors.message import NO_FLAGS, Flags, Withheld
from tests.contracts.mail_source import START, MailSourceContract, letter, message_ids, names


class MemoryOwner:
    """A MemoryMailbox by the words of the contract."""

    def __init__(self, *, tells_flags: bool) -> None:
        self.mailbox = MemoryMailbox(tells_flags=tells_flags)
        self.open = self.mailbox.open
        self.create = self.mailbox.create
        self.remove = self.mailbox.remove
        self.move = self.mailbox.move
        self.copy = self.mailbox.copy
        self.expunge = self.mailbox.expunge
        self.flag = self.mailbox.flag
        self.renumber = self.mailbox.renumber
        self.snapshot = self.mailbox.snapshot

    def append(self, folder: str, raw: bytes, when: datetime, flags: Flags = NO_FLAGS) -> str:
        return self.mailbox.deliver(folder, raw, when=when, flags=flags)


class TestMemory(MailSourceContract):
    @pytest.fixture
    def owner(self) -> MemoryOwner:
        return MemoryOwner(tells_flags=True)

    def test_what_the_server_refuses_is_withheld_and_the_rest_is_read(
        self, owner: MemoryOwner, source: MemorySource
    ) -> None:
        ids = self.fill(owner, 1, 2, 3)
        owner.mailbox.faults.refuse["INBOX", ids[1]] = "[UNAVAILABLE] try later"
        folder = self.folder(source)
        _, history, validity = self.first_contact(source, folder)
        pages, _ = self.past(source, folder, history)
        assert message_ids(pages) == names(3, 1)
        assert [withheld.id for page in pages for withheld in page.withheld] == [ids[1]]
        assert [type(found) for found in source.bodies(folder, validity, [ids[1]])] == [Withheld]

    def test_an_id_that_jumps_is_read_without_the_ids_between(self, owner: MemoryOwner, source: MemorySource) -> None:
        folder = self.folder(source)
        forward, _, _ = self.first_contact(source, folder)
        owner.mailbox.folders["INBOX"].next = 5_000
        self.fill(owner, 1)
        (page,) = source.changes(folder, forward)
        assert [envelope.id for envelope in page.envelopes] == ["5000"]

    def test_a_renamed_folder_keeps_its_mail_and_its_validity(self, owner: MemoryOwner, source: MemorySource) -> None:
        owner.create("Old")
        (id,) = self.fill(owner, 1, folder="Old")
        _, _, validity = self.first_contact(source, self.folder(source, "Old"))
        owner.mailbox.rename("Old", "New")
        listing = source.ids(self.folder(source, "New"), None)
        assert (listing.ids, listing.validity) == ({id}, validity)

    def test_a_fault_between_two_calls_meets_the_next_one(self, owner: MemoryOwner, source: MemorySource) -> None:
        (id,) = self.fill(owner, 1)
        folder = self.folder(source)
        _, _, validity = self.first_contact(source, folder)

        def leave(call: str, key: str) -> None:
            if call == "bodies":
                owner.mailbox.faults.before = None
                owner.expunge(key, id)

        owner.mailbox.faults.before = leave
        (found,) = source.bodies(folder, validity, [id])
        assert isinstance(found, Withheld)
        assert found.gone
        owner.mailbox.faults.error = Retriable("the server is away")
        with pytest.raises(Retriable, match="away"):
            source.folders()

    def test_mail_that_arrives_in_other_threads_is_handed_out_once(
        self, owner: MemoryOwner, source: MemorySource
    ) -> None:
        folder = self.folder(source)
        forward, _, _ = self.first_contact(source, folder)
        senders = [
            threading.Thread(target=self.fill, args=(owner, *range(start, start + 100))) for start in (0, 100, 200)
        ]
        for sender in senders:
            sender.start()
        seen: list[str] = []
        while any(sender.is_alive() for sender in senders) or len(seen) < 300:
            pages, forward = self.news(source, folder, forward)
            seen += message_ids(pages)
        assert sorted(seen) == sorted(names(*range(300)))

    def test_a_provider_id_survives_a_move(self) -> None:
        mailbox = MemoryMailbox(provider_ids=True)
        mailbox.create("Archive")
        id = mailbox.deliver("INBOX", letter(1), when=START)
        copied = mailbox.copy("INBOX", id, "Archive")
        source = mailbox.open()
        inbox, archive = source.folders()
        (one,) = source.headers(inbox, self.first_contact(source, inbox)[2], [id])
        (two,) = source.headers(archive, self.first_contact(source, archive)[2], [copied])
        assert one.envelopes[0].provider_id == two.envelopes[0].provider_id is not None


class TestMemoryWithoutFlagsInChanges(MailSourceContract):
    @pytest.fixture
    def owner(self) -> MemoryOwner:
        return MemoryOwner(tells_flags=False)
