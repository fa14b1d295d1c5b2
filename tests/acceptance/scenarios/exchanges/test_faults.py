"""Bad weather between us and both Exchanges: what was not read is read in the next pass, and nothing of it twice."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from agent.engine.runner import Ending
from agent.push.streams import Streams
from config.model import Settings
from connectors.errors import NeedsSignIn
from connectors.exchange import wire
from connectors.exchange.streaming import listen
from tests.acceptance.scenarios import test_limits
from tests.acceptance.scenarios.exchange_user import ExchangeUser
from tests.acceptance.scenarios.exchanges.words import Owner, asked, busy, meanwhile
from tests.acceptance.scenarios.graph_user import GraphUser
from tests.acceptance.scenarios.harness import Clock, Desk
from tests.acceptance.scenarios.letters import ANNA, BOB, letter, letters
from tests.integration.test_push_streams import wait_for
from tests.servers.graph.faults import Faults

PAGE, TEXT = r"GET .*/messages/delta\?\$skiptoken", r"GET /users/[^/]+/mailFolders/[^/]+/messages/(?!delta)"
BATCH = r"POST /\$batch"

IN_THE_CLOUD: dict[str, tuple[Callable[[Faults], object], bool]] = {
    "429 with Retry-After": (lambda faults: faults.throttle(PAGE, retry_after=0, times=2), True),
    "429 without Retry-After": (lambda faults: faults.throttle(PAGE), True),
    "429 for a part of a batch": (lambda faults: faults.throttle(TEXT, retry_after=0, times=3), True),
    "429 again and again": (lambda faults: faults.throttle(PAGE, retry_after=600), False),
    "503 for long": (lambda faults: faults.fail(503, PAGE, retry_after=600), False),
    "504 for a part": (lambda faults: faults.fail(504, TEXT, retry_after=600), False),
    "reset in a body": (lambda faults: faults.reset(PAGE, octets=900), True),
    "reset in each body": (lambda faults: faults.reset(PAGE, octets=900, times=2), False),
    "lost answer of a batch": (lambda faults: faults.lose_answer(BATCH, times=2, after=1), False),
    "half of a page": (lambda faults: faults.answer_with(200, b'{"value":[{"id":"A', PAGE, times=2), False),
    "token ends": (lambda faults: faults.expire_token(PAGE), True),
    "token ends in a batch": (lambda faults: faults.expire_token(TEXT, after=2), True),
}
"""What happens, and whether the pass gets over it by itself."""


@pytest.mark.parametrize("fault", IN_THE_CLOUD)
def test_scenario_09_whatever_breaks_in_a_pass_the_history_is_complete_and_nothing_is_doubled(
    desk: Desk, make_online: Callable[[], GraphUser], small_pages: None, fault: str
) -> None:
    """Exchange Online. (Exchange Server: test_exchange.)"""
    user = make_online()
    happens, survives = IN_THE_CLOUD[fault]
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(25)))
    desk.read(user)
    happens(user.tenant.faults)
    with desk.open() as house:
        (passed,) = desk.attempt(house)
    assert (passed.ended.ending is Ending.DONE) == survives, passed.ended.error
    user.tenant.faults.clear()
    if not survives:
        desk.sync()
    assert len(desk.history()) == 25
    assert [event for event, _ in desk.feed()] == ["logged"] * 25
    desk.complete()


@pytest.mark.parametrize("manner", ["replay", "shuffle", "empty_pages"])
def test_scenario_36_pages_that_repeat_reorder_or_tell_nothing_are_read_once_each(
    desk: Desk, make_online: Callable[[], GraphUser], small_pages: None, manner: str
) -> None:
    """In the first round, and in a round of changes in which mail comes, goes, moves and is marked."""
    user = make_online()
    setattr(user.tenant.faults, manner, True)
    user.create("Customers")
    numbers = [user.append("INBOX", letter(subject=f"Letter {number}")) for number in range(25)]
    desk.policy(categories={"private": "Private"})
    desk.read(user)
    desk.sync()
    assert len(desk.history()) == 25
    for number in numbers[:12]:
        user.flag("INBOX", number, "Blue")
    user.move(numbers[0], "INBOX", "Customers")
    user.expunge("INBOX", numbers[1])
    user.flag("INBOX", numbers[2], "Private")
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(12)))
    desk.sync()
    told = {str(one.subject): one.folders for one in desk.history()}
    assert (len(told), len(desk.history())) == (36, 36)
    assert (told["Letter 0"], told["Letter 1"], "Letter 2" in told) == (("Customers",), (), False)
    assert [event for event, _ in desk.feed()].count("logged") == 37
    desk.complete()


def test_scenario_33_a_password_that_changes_in_a_pass_is_tried_twice_and_loses_nothing(
    desk: Desk, make_on_premises: Callable[[], ExchangeUser], small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exchange Server: once at once, once more after an hour, and not before somebody writes the new one: directories
    lock accounts. (Exchange Online: test_graph.)
    """
    monkeypatch.setattr(wire, "REFUSED_FOR", 0.0)  # hours pass by the clock of the desk
    user = make_on_premises()
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(25)))
    desk.read(user)
    clock, account = Clock(), user.server.doorman.accounts[user.address]
    user.server.faults.before(lambda: setattr(account, "password", "another one"), "GetItem", skip=1)
    with desk.open() as house:
        (passed,) = desk.attempt(house, eager=False, clock=clock)
        assert isinstance(passed.ended.error, NeedsSignIn)
        assert 0 < len(desk.history()) < 25
        wrong = account.wrong
        for hours, more in ((0.9, 0), (0.2, 1), (48, 1)):
            clock.now += timedelta(hours=hours)
            desk.live(house, clock, timedelta(minutes=1))
            assert (desk.state(clock=clock).state, account.wrong - wrong) == ("needs-sign-in", more)
    assert user.access.password is not None
    assert user.access.password.file is not None
    user.access.password.file.write_text("another one")
    desk.sync()
    assert [event for event, _ in desk.feed()] == ["logged"] * 25
    assert desk.state().state == "ok"
    desk.complete()


def test_scenario_34_a_server_that_asks_for_rest_is_left_alone_so_long_and_others_go_on(
    desk: Desk, make_user: Callable[[], Owner]
) -> None:
    """Half an hour: not asked again before, and then all is read."""
    tired, other = make_user(), make_user()
    tired.append("INBOX", letter(subject="Patience"))
    other.append("INBOX", letter(subject="At once", to=BOB))
    desk.read(tired, ANNA)
    busy(tired, 1800)
    clock = Clock()
    with desk.open() as house:
        desk.live(house, clock, timedelta(minutes=1))
        before = asked(tired)
        desk.live(house, clock, timedelta(minutes=28))
        assert (desk.state(ANNA, clock=clock).state, asked(tired)) == ("waiting", before)
    desk.read(other, BOB)
    with desk.open() as house:
        desk.live(house, clock, timedelta(minutes=1))
        assert desk.subjects() == ["At once"]
        desk.live(house, clock, timedelta(minutes=5))
    assert desk.subjects() == ["At once", "Patience"]
    desk.complete(ANNA)
    desk.complete(BOB)


@pytest.mark.parametrize("skip", [0, 1], ids=["at-once", "later"])
def test_scenario_40_a_worker_that_slept_past_its_lease_cannot_commit(desk: Desk, user: Owner, skip: int) -> None:
    """Asleep while messages are asked for; a second one takes over and finishes; the first one's commit fails."""
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(30)))
    desk.read(user)
    test_limits.sleep_past_the_lease(desk, lambda take_over: meanwhile(user, "message", take_over, skip=skip))


def test_scenario_36_mail_that_comes_while_a_stream_is_broken_is_logged_once(
    desk: Desk, make_on_premises: Callable[[], ExchangeUser]
) -> None:
    """Exchange Server tells of news on a connection that hangs: it breaks, and what came meanwhile is seen."""
    user = make_on_premises()
    user.server.world.pace.minute, user.server.world.pace.heartbeat = 1.0, 0.05
    mailbox = desk.read(user)
    woken: list[str] = []
    streams = Streams(lambda access: listen(access, minutes=2), woken.extend, again_seconds=0.05)
    streams.over(Settings(mailboxes=(mailbox,)))
    with desk.daemon() as poll:
        streams.start()
        try:
            for number in range(3):
                wait_for(lambda: bool(woken))
                woken.clear()
                poll()
                user.server.drop_streams()
                user.append("INBOX", letter(subject=f"Letter {number}"))
            wait_for(lambda: bool(woken))
            poll()
        finally:
            streams.stop(0)
    assert desk.subjects() == ["Letter 0", "Letter 1", "Letter 2"]
    assert [event for event, _ in desk.feed()] == ["logged"] * 3
    desk.complete()
