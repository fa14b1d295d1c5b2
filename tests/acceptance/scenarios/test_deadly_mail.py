"""Messages that end the session whenever their header is asked for: they wait with a reason, and keep no other out."""

from datetime import timedelta

import pytest

from tests.acceptance.scenarios.harness import Clock, Desk
from tests.acceptance.scenarios.letters import letter
from tests.servers.dovecot import DovecotUser
from tests.servers.imap_proxy import ImapProxy

HOUR = timedelta(hours=1)


def _deadly(proxy: ImapProxy, *uids: int) -> None:
    proxy.cut_before_answers(rb"^\* \d+ FETCH .*UID (%s) .*HEADER" % b"|".join(b"%d" % uid for uid in uids))


@pytest.mark.parametrize("bad", [(7,), (1, 120), (60, 61, 119)], ids=["one", "first and last", "three"])
@pytest.mark.parametrize("arrived", [False, True], ids=["in history", "new"])
def test_all_others_are_logged_with_few_sign_ins(
    desk: Desk, user: DovecotUser, proxy: ImapProxy, bad: tuple[int, ...], *, arrived: bool
) -> None:
    """Within an hour of the daemon: ten sign-ins at most, only the bad ones pending, the mailbox well."""
    desk.read(user, proxy=proxy)
    clock = Clock()
    with desk.open() as house:
        if arrived:
            desk.live(house, clock, timedelta(seconds=5))
        for number in range(1, 121):
            assert user.append("INBOX", letter(subject=f"Letter {number}")) == number
        _deadly(proxy, *bad)
        desk.live(house, clock, HOUR)
        assert len(desk.history()) == 120 - len(bad)
        assert proxy.logins <= 10, proxy.logins
        assert desk.folder("INBOX").stopped is None
        desk.complete(pending=len(bad))
        proxy.reset_counters()
        user.append("INBOX", letter(subject="Later"))
        desk.live(house, clock, HOUR)
        assert proxy.logins <= 10, proxy.logins
        assert "Later" in desk.subjects()


def test_a_deadly_message_ends_in_quarantine_with_its_reason_and_comes_back_when_it_can_be_had(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    uids = [user.append("INBOX", letter(subject=f"Letter {number}")) for number in range(5)]
    _deadly(proxy, uids[2])
    desk.read(user, proxy=proxy)
    clock = Clock()
    with desk.open() as house:
        desk.live(house, clock, 6 * HOUR)
        assert desk.complete()["INBOX"].outcomes == {"logged": 4, "quarantined": 1}
        assert desk.count("gaps", "reason = 'asking for its header ends the session'") == 1
        assert desk.state().state == "ok"
    proxy.clear()
    desk.retry_quarantine()
    desk.sync()
    assert desk.complete()["INBOX"].outcomes == {"logged": 5}


def test_a_deadly_message_is_found_by_passes_of_their_own(desk: Desk, user: DovecotUser, proxy: ImapProxy) -> None:
    """As somebody runs `sync` now and then: the first pass fails, the second one gets through."""
    uids = [user.append("INBOX", letter(subject=f"Letter {number}")) for number in range(5)]
    _deadly(proxy, uids[2])
    desk.read(user, proxy=proxy)
    desk.fail()
    desk.sync()
    assert desk.complete(pending=1)["INBOX"].outcomes == {"logged": 4, "pending": 1}
