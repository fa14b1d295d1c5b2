"""What somebody takes out of the history stays out, and nothing else goes with it: messages may share an id."""

import pytest
import sqlalchemy as sa

from agent.engine.progress import utc_now
from agent.store.mail import corrections
from tests.acceptance.scenarios.harness import Desk, texts_asked
from tests.acceptance.scenarios.letters import ANNA, BOB, KIM, STARTED, letter
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.imap_proxy import ImapProxy

SHARED = "shared@mail.example"
ONE, OTHER = "the first of two texts", "a second text of another length"


def _letter(text: str, *, message_id: str = SHARED, minute: int = 0) -> bytes:
    date = STARTED.replace(minute=minute)
    return letter(subject="Offer", text=text, to=ANNA, cc=BOB, message_id=message_id, date=date)


def _remove(desk: Desk, text: str) -> None:
    (gone,) = [one.id for one in desk.history() if text in str(one.text)]
    with desk.open() as house, house.database.write() as connection:
        assert corrections.remove(house.database, connection, house.hasher, gone, utc_now())


def _texts(desk: Desk) -> list[str]:
    return [str(one.text).strip() for one in desk.history()]


def _forget_places(desk: Desk) -> None:
    """The state that a mailbox has which was taken out of the configuration and came back, or lost its folders."""
    with desk.open() as house, house.database.write() as connection:
        for table in ("locations", "cursors", "folders"):
            connection.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608  # names of our own tables


again = pytest.mark.parametrize("again", ["next pass", "renumbered", "from nothing"])


def _once_more(desk: Desk, user: DovecotUser, again: str) -> None:
    if again == "renumbered":
        user.set_uidvalidity("INBOX", user.uidvalidity("INBOX") + 1)
    elif again == "from nothing":
        _forget_places(desk)
    desk.sync(meanwhile=True)


@again
@pytest.mark.parametrize("message_id", [SHARED, ""], ids=["one id", "no id"])
@pytest.mark.parametrize("texts", [(ONE, OTHER), (OTHER, ONE)], ids=["removed first", "removed last"])
def test_of_two_texts_under_one_id_only_the_removed_one_stays_out(
    desk: Desk, user: DovecotUser, again: str, message_id: str, texts: tuple[str, str]
) -> None:
    for text in texts:
        user.append("INBOX", _letter(text, message_id=message_id))
    desk.read(user)
    desk.sync()
    assert sorted(_texts(desk)) == sorted(texts)
    _remove(desk, ONE)
    _once_more(desk, user, again)
    assert _texts(desk) == [OTHER]
    inbox = desk.complete()["INBOX"]
    assert (inbox.outcomes["logged"], inbox.skipped["removed"]) == (1, 1)
    assert not desk.history()[0].flagged_as & {"shared-message-id", "same-header"}, "nobody shares its key any more"


@again
def test_of_two_dates_under_one_id_only_the_removed_one_stays_out(desk: Desk, user: DovecotUser, again: str) -> None:
    user.append("INBOX", _letter(ONE))
    user.append("INBOX", _letter(OTHER, minute=5))
    desk.read(user)
    desk.sync()
    _remove(desk, ONE)
    _once_more(desk, user, again)
    assert _texts(desk) == [OTHER]


def test_another_text_that_comes_after_the_removal_is_another_message(desk: Desk, user: DovecotUser) -> None:
    user.append("INBOX", _letter(ONE))
    desk.read(user)
    desk.sync()
    _remove(desk, ONE)
    user.append("INBOX", _letter(OTHER))
    user.append("INBOX", _letter(ONE))
    desk.sync(meanwhile=True)
    assert _texts(desk) == [OTHER]


@pytest.mark.parametrize("texts", [(ONE, OTHER), (OTHER, ONE)], ids=["removed first", "removed last"])
@pytest.mark.parametrize("pause", [False, True], ids=["in one pass", "in two passes"])
def test_another_mailbox_that_holds_both_logs_the_other_one_alone(
    desk: Desk, user: DovecotUser, dovecot: Dovecot, texts: tuple[str, str], *, pause: bool
) -> None:
    """Whichever of them it reads first, and though it may not know yet that there are two."""
    user.append("INBOX", _letter(ONE))
    desk.read(user)
    desk.sync()
    _remove(desk, ONE)
    bob = dovecot.user()
    desk.read(bob, BOB)
    for text in texts:
        bob.append("INBOX", _letter(text))
        if pause:
            desk.sync(meanwhile=True)
    desk.sync(meanwhile=True)
    assert _texts(desk) == [OTHER]
    inbox = desk.complete(BOB)["INBOX"]
    assert (inbox.outcomes["logged"], inbox.skipped["removed"]) == (1, 1)


def test_a_removed_message_with_a_banner_stays_out_of_another_mailbox(
    desk: Desk, user: DovecotUser, dovecot: Dovecot
) -> None:
    user.append("INBOX", _letter(ONE))
    desk.read(user)
    desk.sync()
    _remove(desk, ONE)
    bob = dovecot.user()
    bob.append("INBOX", _letter(f"CAUTION: from outside\r\n{ONE}"))
    desk.read(bob, BOB)
    desk.sync()
    assert _texts(desk) == []


def test_the_text_of_a_removed_message_is_not_fetched_again(desk: Desk, user: DovecotUser, proxy: ImapProxy) -> None:
    """After its folder was numbered anew it is known by its header and its size."""
    user.append("INBOX", _letter(ONE))
    desk.read(user, proxy=proxy)
    desk.sync()
    _remove(desk, ONE)
    proxy.reset_counters()
    user.set_uidvalidity("INBOX", user.uidvalidity("INBOX") + 1)
    desk.sync(meanwhile=True)
    assert _texts(desk) == []
    assert texts_asked(proxy) == []


def test_a_tombstone_tells_nothing_about_people(desk: Desk, user: DovecotUser) -> None:
    """Keyed hashes, an instant, and which mailbox: no address, subject, text, size or Message-ID."""
    user.append("INBOX", _letter(ONE))
    desk.read(user)
    desk.sync()
    _remove(desk, ONE)
    with desk.open() as house, house.database.read() as connection:
        held = [
            value
            for table in ("removals", "removed_sightings")
            for row in connection.execute(sa.text(f"SELECT * FROM {table}"))  # noqa: S608  # names of our own tables
            for value in row
        ]
    assert held
    told = b" ".join(value if isinstance(value, bytes) else str(value).encode() for value in held)
    for word in (KIM, "kim", "Offer", SHARED, ONE, ANNA):
        assert word.encode() not in told
