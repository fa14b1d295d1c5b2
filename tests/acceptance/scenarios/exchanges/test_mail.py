"""Mail of both Exchanges while other people act, servers forget, and connections break."""

from collections.abc import Callable

import pytest

from tests.acceptance.scenarios import test_directory
from tests.acceptance.scenarios.exchanges.words import Owner, fair_weather, forget, keep_back, meanwhile
from tests.acceptance.scenarios.harness import Desk
from tests.acceptance.scenarios.letters import KIM, letter, letters


@pytest.mark.parametrize("skip", [0, 1], ids=["at-once", "later"])
def test_scenario_05_messages_deleted_before_they_are_fetched_are_no_error(desk: Desk, user: Owner, skip: int) -> None:
    """Of ten that were listed four go before their headers, or before their texts, are asked for."""
    numbers = [user.append("INBOX", letter(subject=f"Letter {number}")) for number in range(10)]
    desk.read(user)
    meanwhile(user, "message", lambda: user.expunge("INBOX", *numbers[6:]), skip=skip)
    desk.sync(meanwhile=True)
    desk.sync()
    assert set(desk.subjects()) >= {f"Letter {number}" for number in range(6)}
    assert 6 <= len(desk.history()) == len(set(desk.subjects())) <= 6 + skip, "one may have been handed out before"
    desk.complete()


def test_scenario_07_a_refused_message_is_retried_though_later_ones_succeed(desk: Desk, user: Owner) -> None:
    """It keeps nothing waiting, visibly, and is logged once it can be had."""
    desk.read(user)
    desk.sync()
    keep_back(user, user.append("INBOX", letter(subject="Refused")))
    user.append("INBOX", letter(subject="Later"))
    desk.sync()
    assert desk.subjects() == ["Later"]
    desk.complete(pending=1)
    fair_weather(user)
    desk.sync()
    assert desk.subjects() == ["Later", "Refused"]
    assert desk.count("gaps") == 0
    desk.complete()


def test_scenario_08_a_message_that_stays_refused_is_set_aside_and_can_be_retried(desk: Desk, user: Owner) -> None:
    """Five tries, then it waits for somebody to ask again; all others are logged long since."""
    keep_back(user, user.append("INBOX", letter(subject="Refused")))
    user.append("INBOX", letter(subject="Other"))
    desk.read(user)
    for _ in range(5):
        desk.sync()
    assert desk.subjects() == ["Other"]
    assert desk.state().counts == {"logged": 1, "quarantined": 1}
    fair_weather(user)
    desk.sync()
    assert desk.subjects() == ["Other"], "nobody asks again by himself"
    desk.retry_quarantine()
    desk.sync()
    assert desk.subjects() == ["Other", "Refused"]
    desk.complete()


@pytest.mark.parametrize("lane", ["history", "news"])
@pytest.mark.parametrize("skip", [0, 1], ids=["first", "later"])
def test_scenario_35_places_forgotten_in_the_middle_of_a_folder_cost_no_message_and_no_double(
    desk: Desk, user: Owner, small_pages: None, lane: str, skip: int
) -> None:
    """Between two pages the server forgets all that it said before: the folder begins anew, through the same rows."""
    desk.read(user)
    if lane == "news":
        user.append("INBOX", letter(subject="Before"))
        desk.sync()
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(25)))
    meanwhile(user, "page", lambda: forget(user), skip=skip)
    with desk.open() as house:
        desk.attempt(house, meanwhile=True)  # before anything was read, the pass may end and begin anew
    desk.sync()
    expected = 25 + (lane == "news")
    assert len(desk.history()) == expected
    assert [event for event, _ in desk.feed()] == ["logged"] * expected
    user.append("INBOX", letter(subject="After"))
    assert desk.sync()["logged"] == 1
    desk.complete()


def test_scenario_42_a_reply_read_before_its_question_has_the_same_result(
    make_desk: Callable[[], Desk], make_user: Callable[[], Owner]
) -> None:
    """A stranger replies in a thread whose first mail is read later, by the history lane: as in the other order."""
    question, reply = test_directory.CONVERSATIONS[:2]
    forwards = test_directory.in_order(make_desk, make_user(), [question, reply])
    backwards = test_directory.in_order(make_desk, make_user(), [reply, question])
    history = test_directory.at_once(make_desk, make_user(), [question, reply])
    assert test_directory.differences(forwards, backwards) == {}
    assert test_directory.differences(forwards, history) == {}
    assert forwards["stranger-answers"][4] == ((KIM, "thread"),)
