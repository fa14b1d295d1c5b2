"""What every mailbox keeps, whatever its protocol: each `MailSource` inherits these tests.

A back end gives the fixture `owner`: a mailbox of its own with an empty folder INBOX, and what its owner does to it
behind the agent's back. What a protocol cannot do is switched off by the class attributes; nothing else is.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain, zip_longest
from typing import Protocol

import pytest

from connectors import mime
from connectors.base import MailSource
from connectors.errors import Fatal, Renumbered, Retriable, Skippable
from connectors.message import NO_FLAGS, Cursor, Envelope, Flags, Folder, Message, Page, Withheld
from tests.data.corpus import samples


class Owner(Protocol):
    """The mailbox from its owner's side. Folders are called by their readable names; ids are those of the source."""

    def open(self) -> MailSource:
        """The mailbox once more, as a restarted agent would open it."""

    def append(self, folder: str, raw: bytes, when: datetime, flags: Flags = NO_FLAGS) -> str:
        """Puts a message into a folder; `when` is its server time."""

    def create(self, folder: str) -> None: ...

    def remove(self, folder: str) -> None:
        """Removes a folder with all that is in it."""

    def move(self, folder: str, id: str, target: str) -> str:
        """The id in the target."""

    def copy(self, folder: str, id: str, target: str) -> str: ...

    def expunge(self, folder: str, *ids: str) -> None: ...

    def flag(self, folder: str, id: str, flags: Flags) -> None:
        """Replaces the flags of a message."""

    def renumber(self, folder: str) -> None:
        """All ids of the folder change their meaning."""

    def snapshot(self) -> object:
        """Everything a mail program could see: ids, contents, flags of all folders."""


START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def letter(number: int | str, *, body: str = "Hello.\r\n") -> bytes:
    """A small message with Message-ID m<number>@lab.example."""
    return (
        f"From: Sender {number} <sender{number}@customer.example>\r\nTo: anna@lab.example\r\n"
        f"Subject: Mail {number}\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100\r\nMessage-ID: <m{number}@lab.example>\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}"
    ).encode()


def names(*numbers: int) -> list[str]:
    return [f"m{number}@lab.example" for number in numbers]


def envelopes(pages: Iterable[Page]) -> list[Envelope]:
    return [envelope for page in pages for envelope in page.envelopes]


def message_ids(pages: Iterable[Page]) -> list[str]:
    return [envelope.message_id or "" for envelope in envelopes(pages)]


def last_cursor(pages: Sequence[Page], before: Cursor) -> Cursor:
    return next((page.cursor for page in reversed(pages) if page.cursor is not None), before)


class MailSourceContract:
    """Inherit, and provide the fixture `owner`."""

    can_flag = True
    can_delete = True
    can_renumber = True
    can_keyword = True
    can_create = True
    odd_names: Sequence[str] = ('Año & "x"', "日本", "R&D", "a.b c", "100% [x]*", "tab's ünd ~")
    """Folder names that the back end must be able to hold and read back."""

    @pytest.fixture
    def owner(self) -> Owner:
        raise NotImplementedError

    @pytest.fixture
    def source(self, owner: Owner) -> Iterator[MailSource]:
        source = owner.open()
        yield source
        source.close()

    def fill(self, owner: Owner, *numbers: int, folder: str = "INBOX") -> list[str]:
        """Messages with these numbers, a day apart by number; their ids."""
        return [owner.append(folder, letter(number), START + timedelta(days=number)) for number in numbers]

    def folder(self, source: MailSource, name: str = "INBOX") -> Folder:
        return next(folder for folder in source.folders() if folder.name == name)

    def first_contact(self, source: MailSource, folder: Folder) -> tuple[Cursor, Cursor, str]:
        """(forward, history, validity)"""
        (page,) = source.changes(folder, None)
        assert page.cursor is not None
        assert page.history is not None
        return page.cursor, page.history, page.validity

    def news(self, source: MailSource, folder: Folder, cursor: Cursor) -> tuple[list[Page], Cursor]:
        pages = list(source.changes(folder, cursor))
        return pages, last_cursor(pages, cursor)

    def past(
        self, source: MailSource, folder: Folder, cursor: Cursor, since: date | None = None
    ) -> tuple[list[Page], Cursor]:
        pages = list(source.history(folder, cursor, since))
        return pages, last_cursor(pages, cursor)

    # -- the two lanes

    def test_first_contact_hands_out_both_lanes_and_no_mail(self, owner: Owner, source: MailSource) -> None:
        self.fill(owner, 1, 2, 3)
        (page,) = source.changes(self.folder(source), None)
        assert page.envelopes == ()
        assert page.cursor is not None
        assert page.history is not None
        assert not page.renumbered
        assert page.validity

    def test_forward_and_history_together_hand_out_every_message_once(self, owner: Owner, source: MailSource) -> None:
        self.fill(owner, *range(1, 6))
        folder = self.folder(source)
        forward, history, _ = self.first_contact(source, folder)
        self.fill(owner, 6, 7)
        new, _ = self.news(source, folder, forward)
        old, _ = self.past(source, folder, history)
        assert message_ids(new) == names(6, 7)
        assert message_ids(old) == names(5, 4, 3, 2, 1)

    def test_the_lanes_may_alternate_page_by_page_while_mail_arrives(self, owner: Owner, source: MailSource) -> None:
        self.fill(owner, *range(1, 231))
        folder = self.folder(source)
        forward, history, _ = self.first_contact(source, folder)
        self.fill(owner, *range(231, 341))
        new: list[Page] = []
        old: list[Page] = []
        lanes = zip_longest(source.changes(folder, forward), source.history(folder, history, None))
        for step, (one, other) in enumerate(lanes):
            new += [one] if one is not None else []
            old += [other] if other is not None else []
            if step < 2:
                self.fill(owner, 341 + step)
        late, _ = self.news(source, folder, last_cursor(new, forward))
        assert message_ids(old) == names(*range(230, 0, -1))
        assert message_ids([*new, *late]) == names(*range(231, 343))

    def test_each_page_can_be_the_last_that_was_read(self, owner: Owner) -> None:
        self.fill(owner, *range(1, 261))
        source = owner.open()
        folder = self.folder(source)
        forward, history, _ = self.first_contact(source, folder)
        self.fill(owner, *range(261, 401))
        seen: list[str] = []
        for _ in range(100):
            source.close()
            source = owner.open()
            new = next(iter(source.changes(folder, forward)), None)
            old = next(iter(source.history(folder, history, None)), None)
            seen += message_ids(page for page in (new, old) if page)
            forward = (new.cursor if new else None) or forward
            history = (old.cursor if old else None) or history
            if not (new and new.envelopes) and not (old and old.envelopes):
                break
        source.close()
        assert sorted(seen) == sorted(names(*range(1, 401)))

    def test_history_is_read_newest_first(self, owner: Owner, source: MailSource) -> None:
        self.fill(owner, *range(1, 31))
        folder = self.folder(source)
        _, history, _ = self.first_contact(source, folder)
        old, _ = self.past(source, folder, history)
        assert message_ids(old) == names(*range(30, 0, -1))

    def test_history_that_was_read_ends_at_once(self, owner: Owner, source: MailSource) -> None:
        self.fill(owner, 1, 2)
        folder = self.folder(source)
        _, history, _ = self.first_contact(source, folder)
        _, history = self.past(source, folder, history)
        again, _ = self.past(source, folder, history)
        assert message_ids(again) == []

    def test_the_floor_is_the_server_date_and_lowering_it_goes_on_from_there(
        self, owner: Owner, source: MailSource
    ) -> None:
        self.fill(owner, *range(1, 11))
        folder = self.folder(source)
        _, history, _ = self.first_contact(source, folder)
        newest, history = self.past(source, folder, history, (START + timedelta(days=8)).date())
        raised, history = self.past(source, folder, history, (START + timedelta(days=9)).date())
        lower, history = self.past(source, folder, history, (START + timedelta(days=4)).date())
        rest, _ = self.past(source, folder, history, None)
        assert message_ids(newest) == names(10, 9, 8)
        assert message_ids(raised) == []
        assert message_ids(lower) == names(7, 6, 5, 4)
        assert message_ids(rest) == names(3, 2, 1)

    def test_an_empty_folder_has_no_news_and_no_history(self, source: MailSource) -> None:
        folder = self.folder(source)
        forward, history, validity = self.first_contact(source, folder)
        assert message_ids(self.news(source, folder, forward)[0]) == []
        assert message_ids(self.past(source, folder, history)[0]) == []
        assert source.ids(folder, None).ids == frozenset()
        assert list(source.headers(folder, validity, [])) == []
        assert list(source.bodies(folder, validity, [])) == []

    def test_the_first_mail_of_an_empty_folder_is_news(self, owner: Owner, source: MailSource) -> None:
        folder = self.folder(source)
        forward, _, _ = self.first_contact(source, folder)
        self.fill(owner, 1)
        pages, forward = self.news(source, folder, forward)
        assert message_ids(pages) == names(1)
        assert message_ids(self.news(source, folder, forward)[0]) == []

    def test_cursors_are_json_and_outlive_a_restart(self, owner: Owner) -> None:
        self.fill(owner, 1, 2)
        first = owner.open()
        folder = self.folder(first)
        forward, history, _ = self.first_contact(first, folder)
        first.close()
        for cursor in (forward, history):
            assert isinstance(json.loads(cursor), dict)
        self.fill(owner, 3)
        second = owner.open()
        assert message_ids(self.news(second, folder, forward)[0]) == names(3)
        assert message_ids(self.past(second, folder, history)[0]) == names(2, 1)
        second.close()

    @pytest.mark.parametrize("cursor", ["", "not json", "[]", "{}", '{"v": 99, "lane": "forward"}'])
    def test_a_cursor_of_somebody_else_is_refused_in_words(self, source: MailSource, cursor: str) -> None:
        folder = self.folder(source)
        with pytest.raises(Fatal, match="place"):
            list(source.changes(folder, Cursor(cursor)))
        with pytest.raises(Fatal, match="place"):
            list(source.history(folder, Cursor(cursor), None))

    # -- what an envelope and a message hold

    def test_an_envelope_holds_the_header_the_size_and_the_server_time(self, owner: Owner, source: MailSource) -> None:
        (id,) = self.fill(owner, 1)
        folder = self.folder(source)
        _, history, _ = self.first_contact(source, folder)
        (envelope,) = envelopes(self.past(source, folder, history)[0])
        assert envelope.id == id
        assert envelope.message_id == "m1@lab.example"
        assert [(a.name, a.address) for a in envelope.from_] == [("Sender 1", "sender1@customer.example")]
        assert envelope.subject == "Mail 1"
        assert envelope.date == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        assert envelope.server_time is not None
        assert envelope.server_time.utcoffset() is not None
        assert abs(envelope.server_time - (START + timedelta(days=1))) < timedelta(seconds=2)
        assert envelope.size is not None
        assert abs(envelope.size - len(letter(1))) < 40

    def test_headers_read_again_say_the_same(self, owner: Owner, source: MailSource) -> None:
        self.fill(owner, *range(1, 131))
        folder = self.folder(source)
        _, history, validity = self.first_contact(source, folder)
        old = {envelope.id: envelope for envelope in envelopes(self.past(source, folder, history)[0])}
        pages = list(source.headers(folder, validity, list(old)))
        assert {envelope.id: envelope for envelope in envelopes(pages)} == old
        assert all(page.cursor is None for page in pages)

    def test_a_body_is_text_and_names_each_id_once(self, owner: Owner, source: MailSource) -> None:
        bodies = {
            owner.append("INBOX", letter(n, body=f"Grüße aus Köln, {n}.\r\n"), START): f"Grüße aus Köln, {n}."
            for n in range(1, 8)
        }
        folder = self.folder(source)
        _, _, validity = self.first_contact(source, folder)
        read = list(source.bodies(folder, validity, list(bodies)))
        assert {found.id: found.text for found in read if isinstance(found, Message)} == bodies
        assert len(read) == len(bodies)

    @pytest.mark.parametrize("name", [sample.name for sample in samples()])
    def test_broken_mail_is_read_as_it_is_read_from_its_bytes(
        self, owner: Owner, source: MailSource, name: str
    ) -> None:
        sample = next(sample for sample in samples() if sample.name == name)
        raw = sample.raw.replace(b"\x00", b"").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        id = owner.append("INBOX", raw, START)
        folder = self.folder(source)
        _, history, validity = self.first_contact(source, folder)
        (envelope,) = envelopes(self.past(source, folder, history)[0])
        expected = mime.read_header(raw, id=id, size=None, server_time=None, flags=NO_FLAGS)
        for part in ("message_id", "date", "subject", "from_", "to", "cc", "references", "in_reply_to"):
            assert getattr(envelope, part) == getattr(expected, part), part
        (body,) = source.bodies(folder, validity, [id])
        assert isinstance(body, Message)
        whole = mime.read_message(raw, id=id)
        assert body.text == whole.text
        assert [a.name for a in body.attachments] == [a.name for a in whole.attachments]
        assert (body.encrypted, body.report) == (whole.encrypted, whole.report)
        assert body.calendar_method == whole.calendar_method

    # -- what leaves and what is refused

    def test_ids_that_are_not_there_are_gone(self, owner: Owner, source: MailSource) -> None:
        if not self.can_delete:
            pytest.skip("nothing can be deleted here")
        first, second = self.fill(owner, 1, 2)
        folder = self.folder(source)
        _, _, validity = self.first_contact(source, folder)
        owner.expunge("INBOX", first)
        pages = list(source.headers(folder, validity, [first, second]))
        assert message_ids(pages) == names(2)
        assert list(chain.from_iterable(page.gone for page in pages)) == [first]
        assert source.flags(folder, validity, [first, second]).gone == (first,)
        read = {found.id: found for found in source.bodies(folder, validity, [first, second])}
        assert isinstance(read[second], Message)
        gone = read[first]
        assert isinstance(gone, Withheld)
        assert gone.gone

    def test_mail_expunged_between_listing_and_reading_costs_only_itself(
        self, owner: Owner, source: MailSource
    ) -> None:
        if not self.can_delete:
            pytest.skip("nothing can be deleted here")
        ids = self.fill(owner, *range(1, 11))
        folder = self.folder(source)
        _, history, validity = self.first_contact(source, folder)
        owner.expunge("INBOX", *ids[2:6])
        old, _ = self.past(source, folder, history)
        assert message_ids(old) == names(10, 9, 8, 7, 2, 1)
        read = list(source.bodies(folder, validity, ids))
        assert {found.id for found in read if isinstance(found, Withheld) and found.gone} == set(ids[2:6])

    def test_an_expunge_is_told_or_hinted_at(self, owner: Owner, source: MailSource) -> None:
        if not self.can_delete:
            pytest.skip("nothing can be deleted here")
        ids = self.fill(owner, 1, 2, 3)
        folder = self.folder(source)
        forward, _, _ = self.first_contact(source, folder)
        owner.expunge("INBOX", ids[1])
        pages, forward = self.news(source, folder, forward)
        told = [id for page in pages for id in page.gone]
        assert told == [ids[1]] or any(page.verify for page in pages)
        again, _ = self.news(source, folder, forward)
        assert not any(page.gone or page.verify for page in again)

    def test_an_arrival_that_keeps_the_count_equal_is_news(self, owner: Owner, source: MailSource) -> None:
        if not self.can_delete:
            pytest.skip("nothing can be deleted here")
        ids = self.fill(owner, 1, 2, 3)
        folder = self.folder(source)
        forward, _, _ = self.first_contact(source, folder)
        owner.expunge("INBOX", ids[0])
        self.fill(owner, 4)
        pages, _ = self.news(source, folder, forward)
        assert message_ids(pages) == names(4)
        assert any(page.verify or page.gone for page in pages)

    def test_all_ids_of_a_folder_can_be_listed_down_to_a_floor(self, owner: Owner, source: MailSource) -> None:
        ids = self.fill(owner, *range(1, 6))
        folder = self.folder(source)
        _, _, validity = self.first_contact(source, folder)
        everything = source.ids(folder, None)
        assert everything.ids == frozenset(ids)
        assert everything.validity == validity
        assert source.ids(folder, (START + timedelta(days=4)).date()).ids == frozenset(ids[3:])

    # -- flags

    def test_flags_are_read_with_the_header_and_again(self, owner: Owner, source: MailSource) -> None:
        if not self.can_flag:
            pytest.skip("there are no flags here")
        id = owner.append("INBOX", letter(1), START, Flags(flagged=True))
        plain = owner.append("INBOX", letter(2), START)
        folder = self.folder(source)
        _, history, validity = self.first_contact(source, folder)
        old = {envelope.id: envelope for envelope in envelopes(self.past(source, folder, history)[0])}
        assert old[id].flags.flagged
        assert not old[plain].flags.flagged
        owner.flag("INBOX", plain, Flags(flagged=True))
        owner.flag("INBOX", id, NO_FLAGS)
        now = {change.id: change.flags.flagged for change in source.flags(folder, validity, [id, plain]).flags}
        assert now == {id: False, plain: True}

    def test_a_changed_flag_is_no_new_message(self, owner: Owner, source: MailSource) -> None:
        if not self.can_flag:
            pytest.skip("there are no flags here")
        id, _ = self.fill(owner, 1, 2)
        folder = self.folder(source)
        forward, history, _ = self.first_contact(source, folder)
        owner.flag("INBOX", id, Flags(flagged=True))
        pages, _ = self.news(source, folder, forward)
        assert message_ids(pages) == []
        told = [(change.id, change.flags.flagged) for page in pages for change in page.flags]
        assert told == ([(id, True)] if source.flags_in_changes else [])
        assert message_ids(self.past(source, folder, history)[0]) == names(2, 1)

    def test_categories_are_read_as_written(self, owner: Owner, source: MailSource) -> None:
        if not self.can_keyword:
            pytest.skip("there are no keywords here")
        id = owner.append("INBOX", letter(1), START, Flags(categories=frozenset(("CRM",))))
        folder = self.folder(source)
        _, _, validity = self.first_contact(source, folder)
        (page,) = source.headers(folder, validity, [id])
        assert "CRM" in page.envelopes[0].flags.categories

    # -- ids that change their meaning

    def test_renumbering_starts_both_lanes_anew_and_loses_nothing(self, owner: Owner, source: MailSource) -> None:
        if not self.can_renumber:
            pytest.skip("ids never change their meaning here")
        self.fill(owner, 1, 2, 3)
        folder = self.folder(source)
        forward, _, validity = self.first_contact(source, folder)
        owner.renumber("INBOX")
        self.fill(owner, 4)
        pages, forward = self.news(source, folder, forward)
        assert [page.renumbered for page in pages] == [True]
        assert pages[0].validity != validity
        assert pages[0].history is not None
        self.fill(owner, 5)
        new, _ = self.news(source, folder, forward)
        old, _ = self.past(source, folder, pages[0].history)
        assert message_ids(new) == names(5)
        assert message_ids(old) == names(4, 3, 2, 1)

    def test_ids_of_another_validity_are_refused(self, owner: Owner, source: MailSource) -> None:
        if not self.can_renumber:
            pytest.skip("ids never change their meaning here")
        ids = self.fill(owner, 1, 2)
        folder = self.folder(source)
        _, history, validity = self.first_contact(source, folder)
        owner.renumber("INBOX")
        for call in (
            lambda: list(source.history(folder, history, None)),
            lambda: list(source.headers(folder, validity, ids)),
            lambda: list(source.bodies(folder, validity, ids)),
            lambda: source.flags(folder, validity, ids),
        ):
            with pytest.raises(Renumbered):
                call()

    # -- folders

    def test_moved_and_copied_mail_stands_in_the_other_folder(self, owner: Owner, source: MailSource) -> None:
        if not self.can_delete:
            pytest.skip("nothing can be moved here")
        if not self.can_create:
            pytest.skip("there is one folder only")
        owner.create("Customers")
        first, second = self.fill(owner, 1, 2)
        inbox, customers = self.folder(source), self.folder(source, "Customers")
        moved, copied = owner.move("INBOX", first, "Customers"), owner.copy("INBOX", second, "Customers")
        assert source.ids(inbox, None).ids == {second}
        assert source.ids(customers, None).ids == {moved, copied}

    def test_any_folder_name_is_read(self, owner: Owner) -> None:
        if not self.can_create:
            pytest.skip("there is one folder only")
        for number, name in enumerate(self.odd_names):
            owner.create(name)
            self.fill(owner, number, folder=name)
        source = owner.open()
        found = {folder.name: folder for folder in source.folders()}
        assert set(self.odd_names) <= set(found)
        for number, name in enumerate(self.odd_names):
            _, history, _ = self.first_contact(source, found[name])
            assert message_ids(self.past(source, found[name], history)[0]) == names(number)
        source.close()

    def test_the_inbox_comes_first_and_has_its_role(self, owner: Owner, source: MailSource) -> None:
        if self.can_create:
            owner.create("Aaa")
        assert source.folders()[0].role == "inbox"

    def test_equal_marks_mean_that_nothing_is_new(self, owner: Owner, source: MailSource) -> None:
        self.fill(owner, 1)
        before = self.folder(source).mark
        self.fill(owner, 2)
        after = self.folder(source).mark
        assert before is None or before != after

    def test_a_folder_that_left_stops_nothing_but_itself(self, owner: Owner) -> None:
        if not self.can_create:
            pytest.skip("there is one folder only")
        owner.create("Customers")
        self.fill(owner, 1)
        source = owner.open()
        customers = self.folder(source, "Customers")
        forward, _, _ = self.first_contact(source, customers)
        owner.remove("Customers")
        with pytest.raises((Skippable, Retriable)):
            list(source.changes(customers, forward))
        inbox = self.folder(source)
        _, history, _ = self.first_contact(source, inbox)
        assert message_ids(self.past(source, inbox, history)[0]) == names(1)
        source.close()

    # -- manners

    def test_reading_changes_nothing_on_the_server(self, owner: Owner, source: MailSource) -> None:
        ids = self.fill(owner, 1, 2, 3)
        before = owner.snapshot()
        folder = self.folder(source)
        forward, history, validity = self.first_contact(source, folder)
        self.past(source, folder, history)
        self.news(source, folder, forward)
        list(source.headers(folder, validity, ids))
        list(source.bodies(folder, validity, ids))
        source.flags(folder, validity, ids)
        source.ids(folder, None)
        source.close()
        assert owner.snapshot() == before

    def test_two_agents_read_one_mailbox_independently(self, owner: Owner) -> None:
        self.fill(owner, 1, 2)
        one, two = owner.open(), owner.open()
        folder = self.folder(one)
        _, first, _ = self.first_contact(one, folder)
        _, second, _ = self.first_contact(two, folder)
        assert message_ids(self.past(one, folder, first)[0]) == message_ids(self.past(two, folder, second)[0])
        one.close()
        two.close()

    def test_closing_twice_is_no_error(self, owner: Owner) -> None:
        source = owner.open()
        source.folders()
        source.close()
        source.close()
