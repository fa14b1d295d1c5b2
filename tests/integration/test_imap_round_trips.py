"""How often the server is waited for: the price of distance, and of polling thousands of mailboxes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.imap import ImapSource
from tests.integration.imap_lab import Lab, envelopes, first_contact, inbox, mail, news, past
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.imap_proxy import ImapProxy


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path) as lab:
        yield lab


@pytest.fixture
def user(dovecot: Dovecot) -> DovecotUser:
    return dovecot.user(())


@pytest.fixture
def source(lab: Lab, user: DovecotUser, dovecot: Dovecot, proxy: ImapProxy) -> ImapSource:
    return lab.source(user, dovecot, port=proxy.port)


def fill(user: DovecotUser, count: int, *, start: int = 1) -> None:
    user.append_many("INBOX", [(mail(n), None, ()) for n in range(start, start + count)])


@pytest.mark.parametrize("hidden", [[], ["QRESYNC", "CONDSTORE"]])
def test_an_unchanged_folder_costs_two_on_a_kept_session(
    source: ImapSource, user: DovecotUser, proxy: ImapProxy, hidden: list[str]
) -> None:
    proxy.hide_capability(*hidden)
    fill(user, 50)
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    assert news(source, folder, forward)[0] == []
    for _ in range(3):
        before = source.round_trips
        assert news(source, folder, forward)[0] == []
        assert source.round_trips - before <= 2
    assert proxy.logged_in == 1


def test_an_unchanged_folder_costs_one_when_it_is_opened_for_it(
    lab: Lab, source: ImapSource, user: DovecotUser, dovecot: Dovecot
) -> None:
    fill(user, 5)
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    fresh = lab.source(user, dovecot)
    assert news(fresh, folder, forward)[0] == []
    assert fresh.round_trips == 1


def test_listing_and_one_unchanged_folder_cost_two_after_sign_in(
    lab: Lab, source: ImapSource, user: DovecotUser, dovecot: Dovecot
) -> None:
    fill(user, 5)
    forward, _ = first_contact(source, inbox(source))
    fresh = lab.source(user, dovecot)
    assert news(fresh, inbox(fresh), forward)[0] == []
    assert fresh.round_trips == 2


def test_one_new_message_costs_three(source: ImapSource, user: DovecotUser) -> None:
    fill(user, 5)
    folder = inbox(source)
    forward, _ = first_contact(source, folder)
    fill(user, 1, start=6)
    before = source.round_trips
    pages, _ = news(source, folder, forward)
    assert envelopes(pages) == ["m6@lab.example"]
    assert source.round_trips - before == 3


def test_history_costs_about_one_a_page_and_the_first_page_is_small(source: ImapSource, user: DovecotUser) -> None:
    fill(user, 2_600)
    folder = inbox(source)
    _, history = first_contact(source, folder)
    before = source.round_trips
    pages = source.history(folder, history, None)
    first = next(pages)
    assert len(first.envelopes) == 100
    assert source.round_trips - before == 3
    rest = list(pages)
    assert sum(len(page.envelopes) for page in rest) == 2_500
    assert source.round_trips - before <= len(rest) + 4


def test_a_whole_first_pass_signs_in_once(source: ImapSource, user: DovecotUser, proxy: ImapProxy) -> None:
    fill(user, 30)
    folder = inbox(source)
    forward, history = first_contact(source, folder)
    found, _ = past(source, folder, history)
    list(source.bodies(folder, str(user.uidvalidity("INBOX")), [e.id for e in found]))
    news(source, folder, forward)
    source.ids(folder, None)
    assert (proxy.logins, source.sign_ins) == (1, 1)
    assert proxy.commands["EXAMINE"] == 1
