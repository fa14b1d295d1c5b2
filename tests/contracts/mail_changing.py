"""Second half of the mailbox contract: what leaves, flags, new ids, folders, and manners."""

from datetime import timedelta
from itertools import chain

import pytest

from connectors.base import MailSource
from connectors.errors import Renumbered, Retriable, Skippable
from connectors.message import NO_FLAGS, Flags, Message, Withheld
from tests.contracts.mail_owner import START, MailSourceDesk, Owner, envelopes, letter, message_ids, names


class MailChangingContract(MailSourceDesk):
    """Inherited by `MailSourceContract`."""

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
        assert message_ids(pages) == (names(1) if self.replays else [])
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
