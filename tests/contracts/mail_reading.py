"""First half of the mailbox contract: the two lanes, and what envelopes and messages hold."""

import json
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

import pytest

from connectors import mime
from connectors.base import MailSource, Searches
from connectors.errors import Fatal
from connectors.message import NO_FLAGS, Cursor, Message, Page
from tests.contracts.mail_owner import START, MailSourceDesk, Owner, envelopes, last_cursor, letter, message_ids, names
from tests.data.corpus import samples


class MailReadingContract(MailSourceDesk):
    """Inherited by `MailSourceContract`."""

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
        self.fill_many(owner, range(1, 231))
        folder = self.folder(source)
        forward, history, _ = self.first_contact(source, folder)
        self.fill_many(owner, range(231, 341))
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
        self.fill_many(owner, range(1, 261))
        source = owner.open()
        folder = self.folder(source)
        forward, history, _ = self.first_contact(source, folder)
        self.fill_many(owner, range(261, 401))
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
        if self.knows_size:
            assert envelope.size is not None
            assert abs(envelope.size - len(letter(1))) < 40

    def test_headers_read_again_say_the_same(self, owner: Owner, source: MailSource) -> None:
        self.fill_many(owner, range(1, 131))
        folder = self.folder(source)
        _, history, validity = self.first_contact(source, folder)
        old = {envelope.id: envelope for envelope in envelopes(self.past(source, folder, history)[0])}
        pages = list(source.headers(folder, validity, list(old)))
        assert {envelope.id: envelope for envelope in envelopes(pages)} == old
        assert all(page.cursor is None for page in pages)

    def test_what_names_an_address_is_found_where_the_server_searches(self, owner: Owner, source: MailSource) -> None:
        """However the address is written in capitals; nobody may rely on what is left out."""
        self.fill(owner, 1, 2, 3)
        folder = self.folder(source)
        _, history, validity = self.first_contact(source, folder)
        if not isinstance(source, Searches):
            pytest.skip("this source does not search")
        by_name = {one.message_id: one.id for one in envelopes(self.past(source, folder, history)[0])}
        wanted = ["Sender2@Customer.example", "nobody@x.example", 'odd"quote@x.example', "ünïcode@x.example"]
        assert source.naming(folder, validity, wanted) == {by_name["m2@lab.example"]}
        assert source.naming(folder, validity, ["anna@lab.example"]) == set(by_name.values())
        assert source.naming(folder, validity, []) == frozenset()

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
