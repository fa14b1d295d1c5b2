"""Folders whose message numbers change meaning: nothing is lost, nothing is logged twice, nothing is read in vain."""

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest

from agent.cli.mailboxes import late
from tests.acceptance.scenarios.harness import HEADERS, TEXTS, Desk, both, texts_asked
from tests.acceptance.scenarios.letters import letter, letters
from tests.servers.dovecot import DovecotUser
from tests.servers.imap_proxy import ImapProxy


def _fill(user: DovecotUser, count: int, *, foreign: int = 0) -> None:
    own = letters(count, subject="Offer")
    others = letters(foreign, from_="news@nowhere.example", subject="News")
    user.append_many("INBOX", ((raw, None, ()) for raw in (*own, *others)))


def _renumbered(desk: Desk, user: DovecotUser, proxy: ImapProxy, change: Callable[[], None]) -> None:
    """Reads 500 letters, renumbers the folder, reads again: the same history, no body fetched a second time."""
    _fill(user, 500, foreign=20)
    desk.read(user, proxy=proxy)
    desk.sync()
    before, told = desk.history(), desk.feed()
    assert len(before) == 500
    change()
    proxy.reset_counters()
    counted = desk.sync()
    assert desk.history() == before
    assert desk.feed() == told
    assert counted["logged"] == 500, "every message is found again under its new number"
    assert not texts_asked(proxy)
    account = desk.complete()["INBOX"]
    assert account.outcomes == {"logged": 500, "skipped": 20}
    validity = desk.folder("INBOX").validity
    assert validity == str(user.uidvalidity("INBOX"))
    assert desk.count("locations", f"gone_at IS NULL AND validity = '{validity}'") == 520
    assert desk.sync()["logged"] == 0


@both
def test_scenario_01_uidvalidity_rises_and_nothing_is_logged_twice(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """A folder of 500 logged messages gets a higher UIDVALIDITY: the places move, the history stays as it was."""
    _renumbered(desk, user, proxy, lambda: user.set_uidvalidity("INBOX", user.uidvalidity("INBOX") + 7))


def test_scenario_01_folder_is_restored_in_another_order(desk: Desk, user: DovecotUser) -> None:
    """A folder deleted and filled again from a backup, in another order, is the same mail under other numbers."""
    user.create("Customers")
    mail = letters(60, subject="Offer")
    user.append_many("Customers", ((raw, None, ()) for raw in mail))
    desk.read(user)
    desk.sync()
    before = desk.history()
    user.delete("Customers")
    user.create("Customers")
    user.append_many("Customers", ((raw, None, ()) for raw in reversed(mail)))
    desk.sync()
    assert desk.history() == before
    assert desk.complete()["Customers"].outcomes == {"logged": 60}


@both
def test_scenario_02_uidvalidity_falls_and_nothing_is_logged_twice(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """A server restored from a backup names a lower UIDVALIDITY: the same as if it had risen."""
    _renumbered(desk, user, proxy, lambda: user.set_uidvalidity("INBOX", 7))


@both
@pytest.mark.parametrize("moment", [None, rb"^EXAMINE"], ids=["between two passes", "while the folder is opened"])
def test_scenario_03_mail_that_arrives_while_uidvalidity_changes_is_logged(
    desk: Desk, user: DovecotUser, proxy: ImapProxy, moment: bytes | None
) -> None:
    """Three letters arrive together with a new UIDVALIDITY: exactly these three are new."""
    _fill(user, 40)
    desk.read(user, proxy=proxy)
    desk.sync()
    known = {one.id for one in desk.history()}

    def change() -> None:
        user.append("INBOX", letter(subject="First"))
        user.set_uidvalidity("INBOX", user.uidvalidity("INBOX") + 1)
        user.append("INBOX", letter(subject="Second"))
        user.append("INBOX", letter(subject="Third"))

    if moment:
        user.append("INBOX", letter(from_="news@nowhere.example"))  # a reason to open the folder
        proxy.on_command(moment, change)
        desk.sync(meanwhile=True)
    else:
        change()
    desk.sync()
    new = [one for one in desk.history() if one.id not in known]
    assert sorted(str(one.subject) for one in new) == ["First", "Second", "Third"]
    assert known <= {one.id for one in desk.history()}
    desk.complete()


@pytest.mark.parametrize("moment", [HEADERS, TEXTS], ids=["headers", "texts"])
def test_scenario_03_a_uidvalidity_that_changes_in_the_middle_of_the_history_loses_nothing(
    desk: Desk, user: DovecotUser, proxy: ImapProxy, moment: bytes
) -> None:
    """The folder is renumbered, and one letter arrives, while its history is read for the first time."""
    _fill(user, 150)

    def change() -> None:
        user.set_uidvalidity("INBOX", user.uidvalidity("INBOX") + 1)
        user.append("INBOX", letter(subject="Meanwhile"))
        user.kick()  # a server that renumbers ends its sessions

    desk.read(user, proxy=proxy)
    proxy.on_command(moment, change)
    with desk.open() as house:
        desk.attempt(house, meanwhile=True)
    desk.sync()
    desk.sync()
    assert len(desk.history()) == 151
    assert [event for event, _ in desk.feed()] == ["logged"] * 151
    desk.complete()


def test_scenario_04_folder_with_new_uidvalidity_at_every_look_is_stopped_alone(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """One folder is renumbered each time it is opened: it alone stops, with its reason; the others go on."""
    user.create("Flaky")
    user.append("Flaky", letter(subject="In the flaky folder"))
    user.append("INBOX", letter(subject="One"))
    numbers = itertools.count(1000)
    proxy.fake("UIDVALIDITY", lambda: next(numbers), folder="Flaky")
    desk.read(user, proxy=proxy)
    for _ in range(6):
        desk.sync()
        if desk.folder("Flaky").stopped:
            break
    stopped = desk.folder("Flaky")
    assert stopped.stopped == "the server gives this folder new message numbers at every look"
    assert stopped.retry_at is not None
    assert late(desk.state(), timedelta(minutes=30)) == f"folder Flaky is not read: {stopped.stopped}"
    user.append("INBOX", letter(subject="Two"))
    user.append("Sent", letter(subject="Three", from_="anna@ourfirm.example", to="kim@customer.example"))
    desk.sync()
    assert set(desk.subjects()) - {"In the flaky folder"} == {"One", "Two", "Three"}
    assert len(desk.subjects()) == len(set(desk.subjects()))
    assert desk.folder("INBOX").stopped is None
    assert desk.folder("Sent").stopped is None


def test_scenario_04_stopped_folder_is_read_again_when_its_server_is_repaired(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """Once the numbers hold still again, a stopped folder is read to its end, each message once."""
    user.create("Flaky")
    user.append_many("Flaky", ((raw, None, ()) for raw in letters(20)))
    numbers = itertools.count(1000)
    proxy.fake("UIDVALIDITY", lambda: next(numbers), folder="Flaky")
    desk.read(user, proxy=proxy)
    while not (desk.count("folders") and desk.folder("Flaky").stopped):
        desk.sync()
    proxy.clear()
    desk.sync()
    desk.sync()
    assert len(desk.history()) == 20
    assert desk.folder("Flaky").stopped is None
    desk.complete()


def test_scenario_29_falling_modification_sequence_loses_nothing(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """HIGHESTMODSEQ goes backwards: arrivals, departures and categories are found by a full comparison."""
    for number in range(5):
        user.append("INBOX", letter(subject=f"Letter {number}"))
    first, second, *_ = user.uids("INBOX")
    desk.read(user, proxy=proxy)
    desk.sync()
    proxy.fake("HIGHESTMODSEQ", 1)
    user.append("INBOX", letter(subject="New"))
    user.expunge("INBOX", first)
    user.flag("INBOX", second, "Private")
    desk.sync()
    assert desk.subjects() == ["Letter 0", "Letter 2", "Letter 3", "Letter 4", "New"]
    assert desk.complete()["INBOX"].on_server == 5
    user.append("INBOX", letter(subject="Newer"))
    desk.sync()
    assert "Newer" in desk.subjects()
    desk.complete()
