"""Both lanes of a folder on a real Dovecot, through a proxy that makes it behave like worse servers."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest

from connectors.errors import Renumbered, Retriable, Skippable
from connectors.imap import ImapSource
from connectors.message import Folder
from tests.integration.imap_lab import Lab, envelopes, fill, first_contact, inbox, mail, names, news, past
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.imap_proxy import ImapProxy


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path) as lab:
        yield lab


@pytest.fixture
def user(dovecot: Dovecot) -> DovecotUser:
    return dovecot.user(["Sent", "Archive"])


@pytest.fixture
def source(lab: Lab, user: DovecotUser, dovecot: Dovecot, proxy: ImapProxy) -> ImapSource:
    return lab.source(user, dovecot, port=proxy.port)


def test_first_contact_hands_out_no_mail_and_splits_the_folder_between_the_lanes(
    source: ImapSource, user: DovecotUser
) -> None:
    fill(user, 3)
    folder = inbox(source)
    forward, history = first_contact(source, folder)
    fill(user, 2, start=4)
    pages, _ = news(source, folder, forward)
    old, _ = past(source, folder, history)
    assert envelopes(pages) == names(4, 5)
    assert [e.message_id for e in old] == names(3, 2, 1)


def test_an_empty_folder_has_no_news_and_no_history(source: ImapSource) -> None:
    folder = inbox(source)
    forward, history = first_contact(source, folder)
    assert news(source, folder, forward) == ([], forward)
    assert past(source, folder, history) == ([], history)


def test_first_mail_of_an_empty_folder_is_news(source: ImapSource, user: DovecotUser) -> None:
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    fill(user, 1)
    pages, _ = news(source, folder, forward)
    assert envelopes(pages) == names(1)


def test_a_jump_of_uids_is_one_new_message(source: ImapSource, user: DovecotUser, proxy: ImapProxy) -> None:
    fill(user, 2)
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    user.set_next_uid("INBOX", 5000)
    fill(user, 1, start=3)
    proxy.reset_counters()
    pages, forward = news(source, folder, forward)
    assert [e.id for page in pages for e in page.envelopes] == ["5000"]
    assert proxy.commands["UID FETCH"] <= 2
    assert news(source, folder, forward)[0] == []


@pytest.mark.parametrize("hidden", [(), ("QRESYNC",), ("QRESYNC", "CONDSTORE"), ("ESEARCH",), ("LIST-STATUS",)])
def test_news_are_the_same_whatever_the_server_offers(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy, hidden: tuple[str, ...]
) -> None:
    proxy.hide_capability(*hidden)
    fill(user, 4)
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    fill(user, 2, start=5)
    user.expunge("INBOX", 2)
    pages, forward = news(source, folder, forward)
    assert envelopes(pages) == names(5, 6)
    gone = [uid for page in pages for uid in page.gone]
    assert gone == ["2"] or any(page.verify for page in pages)
    assert source.flags_in_changes == ("CONDSTORE" not in hidden)
    again, forward = news(source, folder, forward)  # a server may name its highest modification sequence one poll late
    assert [(page.envelopes, page.flags, page.gone) for page in again] in ([], [((), (), ())])
    assert news(source, folder, forward)[0] == []


def test_without_uidnext_and_modseq_nothing_is_missed(source: ImapSource, user: DovecotUser, proxy: ImapProxy) -> None:
    proxy.hide_capability("QRESYNC", "CONDSTORE", "ESEARCH", "LIST-STATUS", "SPECIAL-USE", "LIST-EXTENDED", "ENABLE")
    proxy.hide("UIDNEXT", "HIGHESTMODSEQ")
    fill(user, 3)
    folder = inbox(source)
    forward, history = first_contact(source, folder)
    fill(user, 1, start=4)
    pages, forward = news(source, folder, forward)
    assert envelopes(pages) == names(4)
    assert {e.message_id for e in past(source, folder, history)[0]} == set(names(1, 2, 3))
    assert news(source, folder, forward)[0] == []


def test_arrival_and_expunge_that_keep_the_count_equal_are_both_seen(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    proxy.hide_capability("QRESYNC", "CONDSTORE")
    fill(user, 3)
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    user.expunge("INBOX", 1)
    fill(user, 1, start=4)
    pages, _ = news(source, folder, forward)
    assert envelopes(pages) == names(4)
    assert pages[-1].verify


@pytest.mark.parametrize("kept", [True, False])
def test_flags_of_earlier_mail_are_reported(
    lab: Lab, source: ImapSource, user: DovecotUser, dovecot: Dovecot, kept: bool
) -> None:
    fill(user, 3)
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    user.flag("INBOX", 2, r"\Flagged", "CRM")
    reader = source if kept else lab.source(user, dovecot)
    pages, forward = news(reader, folder, forward)
    (change,) = [change for page in pages for change in page.flags]
    assert (change.id, change.flags.flagged, change.flags.categories) == ("2", True, frozenset({"CRM"}))
    assert news(reader, folder, forward)[0] == []


def test_highestmodseq_that_falls_means_compare_everything(
    lab: Lab, user: DovecotUser, dovecot: Dovecot, proxy: ImapProxy
) -> None:
    fill(user, 3)
    proxy.fake("HIGHESTMODSEQ", 900)
    source = lab.source(user, dovecot, port=proxy.port)
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    source.close()
    proxy.clear()
    user.flag("INBOX", 3, r"\Flagged")
    fill(user, 1, start=4)
    pages, forward = news(source, folder, forward)
    assert envelopes(pages) == names(4)
    assert any(page.verify for page in pages)
    assert {c.id for page in pages for c in page.flags if c.flags.flagged} == {"3"}
    assert news(source, folder, forward)[0] == []


@pytest.mark.parametrize("step", [7, -7])
def test_another_uidvalidity_starts_both_lanes_anew(source: ImapSource, user: DovecotUser, step: int) -> None:
    fill(user, 2)
    folder = inbox(source)
    forward, history = first_contact(source, folder)
    validity = user.uidvalidity("INBOX")
    user.set_uidvalidity("INBOX", validity + step)
    fill(user, 1, start=3)
    source.close()
    (page,), _ = news(source, folder, forward)
    assert (page.validity, page.renumbered, page.envelopes) == (str(validity + step), True, ())
    assert page.cursor is not None
    assert page.history is not None
    assert {e.message_id for e in past(source, folder, page.history)[0]} == set(names(1, 2, 3))
    with pytest.raises(Renumbered):
        next(source.history(folder, history, None))
    with pytest.raises(Renumbered):
        source.flags(folder, str(validity), ["1"])
    with pytest.raises(Renumbered):
        list(source.bodies(folder, str(validity), ["1"]))


def test_ids_given_out_a_second_time_after_a_restore_are_not_missed(
    lab: Lab, user: DovecotUser, dovecot: Dovecot, proxy: ImapProxy
) -> None:
    proxy.fake("UIDNEXT", 50)
    fill(user, 3)
    source = lab.source(user, dovecot, port=proxy.port)
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    source.close()
    proxy.clear()
    pages, forward = news(source, folder, forward)
    assert [page.verify for page in pages] == [True]
    fill(user, 1, start=4)
    assert envelopes(news(source, folder, forward)[0]) == names(4)


def test_mail_expunged_between_listing_and_fetch_is_no_error(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    fill(user, 10)
    proxy.on_command(rb"^UID FETCH .*HEADER", lambda: user.expunge("INBOX", 2, 3, 5, 9))
    pages, forward = news(source, folder, forward)
    assert envelopes(pages) == names(1, 4, 6, 7, 8, 10)
    assert [w for page in pages for w in page.withheld] == []
    assert envelopes(news(source, folder, forward)[0]) == []


@pytest.mark.parametrize("reply", [b"NO [UNAVAILABLE] try later", b"OK done"])
def test_a_message_that_is_refused_holds_up_no_other(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy, reply: bytes
) -> None:
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    fill(user, 20)
    proxy.withhold([7, 8], reply=reply)
    pages, forward = news(source, folder, forward)
    assert envelopes(pages) == names(*(n for n in range(1, 21) if n not in (7, 8)))
    assert [w.id for page in pages for w in page.withheld if not w.gone] == ["7", "8"]
    proxy.clear()
    again = list(source.headers(folder, pages[0].validity, ["7", "8", "99"]))
    assert envelopes(again) == names(7, 8)
    assert [uid for page in again for uid in page.gone] == ["99"]


def test_a_server_that_refuses_everything_is_tried_later(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    fill(user, 5)
    proxy.answer(rb"^UID FETCH .*HEADER", b"NO [UNAVAILABLE] storage is down")
    with pytest.raises(Retriable, match="storage is down"):
        news(source, folder, forward)


def test_a_session_cut_inside_a_page_yields_nothing_twice_and_nothing_never(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    fill(user, 100)
    proxy.cut_after_answers(rb"FETCH .*HEADER", count=30)
    with pytest.raises(Retriable):
        news(source, folder, forward)
    pages, _ = news(source, folder, forward)
    assert envelopes(pages) == names(*range(1, 101))


def test_lanes_and_folders_alternate_page_by_page_on_one_connection(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    fill(user, 250)
    fill(user, 250, start=1000, folder="Sent")
    first, second = source.folders()[:2]
    (forward, history), (_, sent_history) = first_contact(source, first), first_contact(source, second)
    fill(user, 3, start=251)
    seen: list[str | None] = []
    lanes = (source.history(first, history, None), source.history(second, sent_history, None))
    for page in chain.from_iterable(zip(*lanes, strict=False)):
        seen += [e.message_id for e in page.envelopes]
        pages, forward = news(source, first, forward)
        seen += envelopes(pages)
    assert sorted(filter(None, seen)) == sorted(names(*range(1, 254), *range(1000, 1250)))
    assert proxy.logged_in == 1


def test_history_goes_on_from_any_page_it_reached(lab: Lab, user: DovecotUser, dovecot: Dovecot) -> None:
    fill(user, 1300)
    source = lab.source(user, dovecot)
    folder = inbox(source)
    _, history = first_contact(source, folder)
    seen: list[str] = []
    for _ in range(20):
        page = next(iter(source.history(folder, history, None)), None)
        if page is None:
            break
        seen += [e.id for e in page.envelopes]
        history = page.cursor or history
    assert seen == [str(uid) for uid in range(1300, 0, -1)]


def test_history_stops_at_the_floor_goes_lower_when_told_and_never_reads_twice(
    source: ImapSource, user: DovecotUser
) -> None:
    start = datetime(2026, 1, 1, 12, tzinfo=UTC)
    user.append_many("INBOX", [(mail(n), start + timedelta(days=n), ()) for n in range(1, 41)])
    user.append("INBOX", mail(41), when=start + timedelta(days=5))  # moved in: a high id, an old date
    folder = inbox(source)
    _, history = first_contact(source, folder)
    newest, history = past(source, folder, history, date(2026, 1, 31))
    assert [e.message_id for e in newest] == names(*range(40, 29, -1))
    assert past(source, folder, history, date(2026, 2, 5)) == ([], history)
    older, history = past(source, folder, history, date(2026, 1, 5))
    assert {e.message_id for e in older} == set(names(41, *range(4, 30)))
    rest, history = past(source, folder, history, None)
    assert {e.message_id for e in rest} == set(names(1, 2, 3))
    assert past(source, folder, history, None) == ([], history)


def test_history_of_a_sparse_folder_takes_few_commands(source: ImapSource, user: DovecotUser, proxy: ImapProxy) -> None:
    for number, uid in enumerate((1, 70_000, 5_000_000, 2_000_000_000), 1):
        user.set_next_uid("INBOX", uid)
        fill(user, 1, start=number)
    folder = inbox(source)
    _, history = first_contact(source, folder)
    proxy.reset_counters()
    assert [e.message_id for e in past(source, folder, history)[0]] == names(4, 3, 2, 1)
    assert sum(proxy.commands.values()) < 40


def test_ids_are_all_ids_down_to_the_floor(source: ImapSource, user: DovecotUser) -> None:
    start = datetime(2026, 1, 1, 12, tzinfo=UTC)
    user.append_many("INBOX", [(mail(n), start + timedelta(days=n), ()) for n in range(1, 11)])
    user.expunge("INBOX", 4)
    folder = inbox(source)
    assert source.ids(folder, None).ids == {"1", "2", "3", "5", "6", "7", "8", "9", "10"}
    assert source.ids(folder, date(2026, 1, 9)).ids == {"8", "9", "10"}
    assert source.ids(folder, None).validity == str(user.uidvalidity("INBOX"))


def test_flags_are_told_of_those_there_and_gone_of_those_not(source: ImapSource, user: DovecotUser) -> None:
    fill(user, 3)
    user.flag("INBOX", 1, r"\Draft")
    user.expunge("INBOX", 2)
    folder = inbox(source)
    page = source.flags(folder, str(user.uidvalidity("INBOX")), ["1", "2", "3"])
    assert {c.id: c.flags.draft for c in page.flags} == {"1": True, "3": False}
    assert page.gone == ("2",)


def test_a_folder_that_cannot_be_opened_is_skippable_and_others_are_read(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    fill(user, 1)
    first, sent = source.folders()[:2]
    proxy.answer(rb'^EXAMINE "?Sent', b"NO [SERVERBUG] Internal error occurred")
    with pytest.raises(Skippable, match="Internal error"):
        list(source.changes(sent, None))
    with pytest.raises(Skippable):
        list(source.changes(Folder(key="no such folder", name="no such folder"), None))
    assert first_contact(source, first)


def test_a_server_without_uidvalidity_is_skippable(source: ImapSource, proxy: ImapProxy) -> None:
    folder = inbox(source)
    proxy.hide("UIDVALIDITY")
    with pytest.raises(Skippable, match="UIDVALIDITY"):
        list(source.changes(folder, None))


def test_a_dead_kept_session_is_renewed_once_and_silently(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy
) -> None:
    forward, _ = first_contact(source, folder := inbox(source))
    fill(user, 1)
    proxy.bye_open()
    pages, forward = news(source, folder, forward)
    assert envelopes(pages) == names(1)
    user.kick()
    proxy.wait_until_open(0)  # some time after the server said so
    assert source.ids(folder, None).ids == {"1"}
    assert proxy.logged_in == 3


def test_a_server_that_hangs_up_on_every_command_is_asked_twice_at_most(source: ImapSource, proxy: ImapProxy) -> None:
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    proxy.cut_on_command(rb"^(NOOP|EXAMINE)")
    with pytest.raises(Retriable):
        list(source.changes(folder, forward))
    assert proxy.logged_in == 2


def test_nothing_changes_on_the_server(source: ImapSource, user: DovecotUser) -> None:
    fill(user, 30)
    fill(user, 3, start=100, folder="Sent")
    before = user.snapshot()
    for folder in source.folders():
        forward, history = first_contact(source, folder)
        ids = [e.id for e in past(source, folder, history)[0]]
        validity = str(user.uidvalidity(folder.key))
        assert len(list(source.bodies(folder, validity, ids))) == len(ids)
        source.flags(folder, validity, ids)
        news(source, folder, forward)
    assert user.snapshot() == before


def test_only_reading_commands_are_ever_sent(source: ImapSource, user: DovecotUser, proxy: ImapProxy) -> None:
    fill(user, 3)
    test_nothing_changes_on_the_server(source, user)
    allowed = {"LOGIN", "AUTHENTICATE", "CAPABILITY", "ENABLE", "NAMESPACE", "LIST", "EXAMINE", "NOOP", "FETCH"}
    assert set(proxy.commands) <= allowed | {"UID SEARCH", "UID FETCH"}
    assert [line for line in proxy.lines if b"BODY[" in line] == []


def test_records_split_anywhere_change_nothing(source: ImapSource, user: DovecotUser, proxy: ImapProxy) -> None:
    proxy.split_every(7)
    fill(user, 12)
    folder = inbox(source)
    found, _ = past(source, folder, first_contact(source, folder)[1])
    assert [e.message_id for e in found] == names(*range(12, 0, -1))
