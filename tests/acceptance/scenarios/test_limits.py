"""Few connections, and more than one worker: who must wait waits, who lost the lease writes nothing."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from imaplib import IMAP4
from multiprocessing import get_context

import pytest

from agent.engine.once import Passed
from agent.engine.runner import Ending
from agent.store import leases
from agent.store.owner import this_process
from agent.store.schedule import mailboxes
from tests.acceptance.scenarios.harness import HEADERS, TEXTS, Clock, Desk, both
from tests.acceptance.scenarios.letters import ANNA, BOB, letter, letters
from tests.acceptance.scenarios.processes import take_lease_and_die
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.imap_proxy import ImapProxy


def test_scenario_34_who_finds_all_connections_taken_waits_and_comes_again(
    desk: Desk, make_dovecot: Callable[..., Dovecot]
) -> None:
    """The server allows a user two connections and his phone holds both: the pass waits for its turn, unbroken."""
    server = make_dovecot(max_connections=2)
    user = server.user()
    user.append("INBOX", letter(subject="Patience"))
    desk.read(user)
    with ExitStack() as phone:
        for _ in range(2):
            imap = phone.enter_context(IMAP4("127.0.0.1", server.imap_port))
            imap.login(user.username, user.password)
        (ended,) = desk.fail()
        assert "Maximum number of connections" in str(ended.ended.error)
        assert (desk.state().state, desk.state().advice is not None) == ("waiting", True)
    desk.sync()
    assert desk.subjects() == ["Patience"]
    assert desk.state().state == "ok"
    desk.complete()


def test_scenario_34_three_mailboxes_share_two_connections(desk: Desk, dovecot: Dovecot, proxy: ImapProxy) -> None:
    """A server takes two sessions at a time and three mailboxes lie on it: all are read, without a storm."""
    addresses = [f"sales{number}@ourfirm.example" for number in range(3)]
    for address in addresses:
        user = dovecot.user()
        user.append("INBOX", letter(subject=address, to=address))
        desk.read(user, address, proxy=proxy)
    proxy.limit(2, b"* BYE [UNAVAILABLE] Too many connections, try again later.\r\n")
    clock = Clock()
    with desk.open() as house:
        desk.live(house, clock, timedelta(minutes=10))
    assert desk.subjects() == addresses
    assert proxy.refused == 1, "from then on idle connections are let go"
    assert proxy.connections <= 3 * 10, "one sign-in a mailbox and poll"
    for address in addresses:
        desk.complete(address)


@both
@pytest.mark.parametrize("moment", [HEADERS, TEXTS], ids=["header", "text"])
def test_scenario_40_a_worker_that_slept_past_its_lease_cannot_commit(
    desk: Desk, user: DovecotUser, proxy: ImapProxy, moment: bytes
) -> None:
    """One worker sleeps in the middle of a page, a second one takes over and finishes; the first one's commit fails."""
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(30)))
    desk.read(user, proxy=proxy)
    sleep_past_the_lease(desk, lambda take_over: proxy.on_command(moment, take_over))


def sleep_past_the_lease(desk: Desk, at: Callable[[Callable[[], None]], object]) -> None:
    """Thirty letters are read by a worker that falls asleep, and by another one meanwhile.

    at: has the server call the function it is given, in the middle of a page.
    """
    second: list[Passed] = []
    states: list[object] = []

    def take_over() -> None:
        with desk.open() as other:
            early, late = Clock(), Clock()
            early.now += timedelta(seconds=leases.SECONDS - 5)
            late.now += timedelta(seconds=leases.SECONDS)
            with other.database.read() as connection:
                (number,) = mailboxes.ids(connection).values()
            owner = this_process()
            assert leases.take(other.database, number, owner, 60, early(), force_due=True) is None, "still held"
            second.extend(desk.attempt(other, clock=late, meanwhile=True))
            states.append((len(desk.history()), desk.feed()))

    at(take_over)
    with desk.open() as house:
        (first,) = desk.attempt(house, meanwhile=True)
    assert second[0].ended.ending is Ending.DONE
    assert first.ended.ending is Ending.LOST
    assert states == [(30, desk.feed())], "nothing was written after the takeover"
    assert len(desk.history()) == 30
    assert [event for event, _ in desk.feed()] == ["logged"] * 30
    assert desk.sync()["logged"] == 0
    desk.complete()


def test_scenario_40_the_mailbox_of_a_dead_process_is_taken_at_once(desk: Desk, user: DovecotUser) -> None:
    """A worker is killed with the lease in its hands: another one on this host need not wait for it to run out."""
    user.append("INBOX", letter(subject="Left behind"))
    desk.read(user)
    desk.sync()
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as doomed:
        doomed.submit(take_lease_and_die, desk.settings).exception(timeout=60)
    assert desk.state().state == "syncing"
    user.append("INBOX", letter(subject="After its death"))
    clock = Clock()
    with desk.open() as house:
        desk.live(house, clock, timedelta(seconds=90))
    assert desk.subjects() == ["After its death", "Left behind"]
    desk.complete()


@both
def test_scenario_40_two_workers_at_the_same_copies_log_them_once(
    desk: Desk, dovecot: Dovecot, user: DovecotUser
) -> None:
    """Two mailboxes hold the same 60 letters and are read at the same moment: 60 interactions, both mailboxes named."""
    colleague = dovecot.user()
    mail = letters(60, to=f"{ANNA}, {BOB}")
    for one in (user, colleague):
        one.append_many("INBOX", ((raw, None, ()) for raw in mail))
    desk.read(user, ANNA)
    desk.read(colleague, BOB)
    desk.sync()
    assert len(desk.history()) == 60
    assert {one.mailboxes for one in desk.history()} == {(ANNA, BOB)}
    assert [event for event, _ in desk.feed()] == ["logged"] * 60
    desk.complete(ANNA)
    desk.complete(BOB)
