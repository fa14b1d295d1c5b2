"""Order decides nothing: whatever is read first, mail or contacts, reply or question, the result is the same."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.store.mail import corrections
from tests.acceptance.scenarios.harness import HEADERS, TEXTS, Desk, User, both, threads
from tests.acceptance.scenarios.letters import ANNA, BOB, KIM, LEA, STARTED, STRANGER, letter
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.imap_proxy import ImapProxy

SHARED = "office@third.example"

Part = tuple[str, str, tuple[str, ...]]
"""(own id, sender, ids it refers to)"""

CONVERSATIONS: Sequence[Part] = (
    ("kim-asks", KIM, ()),
    ("stranger-answers", STRANGER, ("kim-asks",)),
    ("another-answers-the-stranger", "another@nowhere.example", ("stranger-answers",)),
    ("a-third-by-the-middle", "third@nowhere.example", ("another-answers-the-stranger",)),
    ("alone", "alone@nowhere.example", ()),
    ("company-asks", "desk@customer.example", ()),
    ("company-is-answered", STRANGER, ("company-asks",)),
    ("lea-under-a-lost-root", LEA, ("never-seen",)),
    ("stranger-under-the-lost-root", STRANGER, ("never-seen",)),
    ("kim-joins-both", KIM, ("kim-asks", "lea-under-a-lost-root")),
    ("after-the-join", "late@nowhere.example", ("kim-joins-both",)),
    ("shared-asks", SHARED, ()),
    ("stranger-answers-shared", STRANGER, ("shared-asks",)),
    ("lea-answers-alone", LEA, ("alone",)),
    ("back-to-alone", "alone@nowhere.example", ("lea-answers-alone",)),
    ("lea-apart", LEA, ()),
    ("kim-by-name-answers-lea", "Kunde Kim <k2@customer.example>", ("lea-apart",)),
    ("kims-name-at-free-mail", "Kim Kunde <kim9@gmail.com>", ("lea-apart",)),
    ("kims-name-alone", "Kim Kunde <kim9@gmail.com>", ()),
    ("colleague-answers", "desk@customer.example", ("kim-asks",)),
    ("colleague-answers-lea", "desk@customer.example", ("lea-answers-alone",)),
)


def _mail(part: Part) -> bytes:
    own, sender, refs = part
    at = STARTED + timedelta(hours=[one[0] for one in CONVERSATIONS].index(own))
    ids = [f"{one}@mail.example" for one in refs]
    return letter(from_=sender, subject=own, text=own, message_id=f"{own}@mail.example", date=at, references=ids)


def _people(desk: Desk) -> None:
    desk.know("Kim Kunde", KIM, company="Customer AG")
    desk.know("Lea Leser", LEA, company="Other AG")
    desk.know("Max Erste", "max@third.example", SHARED)
    desk.know("Mia Zweite", "mia@third.example", SHARED)


View = dict[str, tuple[object, ...]]


def _view(desk: Desk) -> View:
    """By letter what may not depend on any order: the decision, whom it concerns, who shares its thread."""
    logged = {str(one.subject): one for one in desk.history()}
    together = {own: group for group in threads(desk.history()) for own in group}
    view: View = {}
    for own, _, _ in CONVERSATIONS:
        message_id, one = f"{own}@mail.example", logged.get(own)
        for ruling in desk.explain(message_id):
            candidates = {str(candidate["email"]) for candidate in ruling.candidates}
            view[own] = (ruling.outcome, ruling.reason, ruling.rule, candidates)
        if one is not None:
            view[own] += (one.contacts, one.companies, one.occurred_at, one.id, together[message_id])
    return view


def in_order(make_desk: Callable[[], Desk], user: User, order: Sequence[Part]) -> View:
    """One desk that gets the letters one by one, with a pass after each."""
    desk = make_desk()
    _people(desk)
    desk.read(user)
    with desk.daemon() as poll:
        for part in order:
            user.append("INBOX", _mail(part))
            poll()
        poll()
    desk.complete()
    return _view(desk)


def at_once(make_desk: Callable[[], Desk], user: User, order: Sequence[Part]) -> View:
    """One desk that finds all letters lying there, and reads its history newest first."""
    for part in order:
        user.append("INBOX", _mail(part))
    desk = make_desk()
    _people(desk)
    desk.read(user)
    desk.sync()
    desk.complete()
    return _view(desk)


@both
def test_scenario_42_a_reply_read_before_its_question_has_the_same_result(
    make_desk: Callable[[], Desk], dovecot: Dovecot
) -> None:
    """A stranger replies in a thread whose first mail is read later, by the history lane: as in the other order."""
    question, reply = CONVERSATIONS[0], CONVERSATIONS[1]
    forwards = in_order(make_desk, dovecot.user(), [question, reply])
    backwards = in_order(make_desk, dovecot.user(), [reply, question])
    history = at_once(make_desk, dovecot.user(), [question, reply])
    assert differences(forwards, backwards) == {}
    assert differences(forwards, history) == {}
    assert forwards["stranger-answers"][4] == ((KIM, "thread"),)


@pytest.mark.parametrize("seed", range(4))
def test_scenario_42_any_order_of_many_conversations_has_the_same_result(
    make_desk: Callable[[], Desk], dovecot: Dovecot, seed: int
) -> None:
    """Seventeen letters of strangers, companies, shared addresses and joined threads, in any order: one result."""
    shuffled = list(CONVERSATIONS)
    random.Random(seed).shuffle(shuffled)  # noqa: S311  # no secret
    expected = in_order(make_desk, dovecot.user(), CONVERSATIONS)
    assert differences(in_order(make_desk, dovecot.user(), shuffled), expected) == {}
    assert differences(at_once(make_desk, dovecot.user(), shuffled), expected) == {}
    assert _outcomes(expected)["alone"] == "logged"


def test_scenario_42_the_expected_result_is_the_right_one(make_desk: Callable[[], Desk], dovecot: Dovecot) -> None:
    """What the order must not change is also what the rules say."""
    view = at_once(make_desk, dovecot.user(), CONVERSATIONS)
    assert _outcomes(view) == {
        own: "review" if own in DOUBTFUL else "skipped" if own == "stranger-answers-shared" else "logged"
        for own, _, _ in CONVERSATIONS
    }
    assert view["company-asks"][4:6] == ((), (("Customer AG", "domain"),))
    assert view["company-is-answered"][4:6] == ((), (("Customer AG", "thread"),))
    assert view["alone"][4] == view["back-to-alone"][4] == ((LEA, "thread"),)
    joined = {
        f"{own}@mail.example" for own in ("kim-asks", "kim-joins-both", "lea-under-a-lost-root", "colleague-answers")
    }
    assert view["kim-asks"][-1] == joined
    assert view["kim-by-name-answers-lea"][4] == ((KIM, "name"),)
    assert view["kims-name-at-free-mail"][2:] == ("thread", {KIM, LEA})
    assert view["kims-name-alone"][2:] == ("name", {KIM})


DOUBTFUL = {
    *("stranger-answers", "another-answers-the-stranger", "a-third-by-the-middle"),
    *("stranger-under-the-lost-root", "after-the-join", "shared-asks"),
    *("kims-name-at-free-mail", "kims-name-alone"),
}
"""Strangers in a conversation of two customers, an address that two people share, a name where anybody may write."""


def differences(one: View, other: View) -> dict[str, tuple[object, object]]:
    """By letter, what is told of it on one desk and on the other."""
    return {own: (one.get(own), other.get(own)) for own in one.keys() | other.keys() if one.get(own) != other.get(own)}


def _outcomes(view: View) -> dict[str, str]:
    return {own: str(told[0]) for own, told in view.items()}


def _office(user: DovecotUser) -> None:
    """A mailbox with everything that an import may or may not change."""
    user.append("INBOX", letter(subject="From Kim", message_id="plain@mail.example"))
    user.append("INBOX", letter(subject="In Kim's thread", from_=STRANGER, references=["plain@mail.example"]))
    user.append("INBOX", letter(subject="Of her company", from_="info@customer.example"))
    initials = letter(
        subject="Perhaps hers", from_="K. Kunde <kk@customer.example>", message_id="initials@mail.example"
    )
    user.append("INBOX", initials)
    user.append("INBOX", letter(subject="Private", message_id="private@mail.example"), ("Private",))
    user.append("INBOX", letter(subject="Never", cc="lawyer@never.example", message_id="never@mail.example"))
    user.append("INBOX", letter(subject="Removed", from_=LEA, cc=KIM, message_id="removed@mail.example"))
    user.append("INBOX", letter(subject="By hand", message_id="by-hand@mail.example"), ("NotCRM",))
    user.append("INBOX", letter(subject="Nobody's", from_=STRANGER, message_id="nobody@mail.example"))
    user.append("Sent", letter(subject="To Kim", from_=ANNA, to=KIM))


def _remove(desk: Desk, message_id: str) -> None:
    (ruling,) = desk.explain(message_id)
    with desk.open() as house, house.database.write() as connection:
        assert corrections.remove(house.database, connection, house.hasher, str(ruling.interaction_id), house.clock())


def test_scenario_43_contacts_imported_after_the_mail_get_what_is_theirs(
    make_desk: Callable[[], Desk], user: DovecotUser
) -> None:
    """Mail first, contacts later: the next pass logs what is theirs; removed, never-log and private mail stays out."""
    late, early = make_desk(), make_desk()
    _office(user)
    for desk in (late, early):
        desk.policy(never_log=("*@never.example",))
        desk.know("Lea Leser", LEA)
        desk.read(user)
    early.know("Kim Kunde", KIM, company="Customer AG")
    for desk in (late, early):
        desk.sync()
        _remove(desk, "removed@mail.example")
    assert late.subjects() == []
    with late.daemon() as poll:
        late.know("Kim Kunde", KIM, company="Customer AG")
        poll()
    expected = ["From Kim", "In Kim's thread", "Of her company", "Perhaps hers", "To Kim"]
    assert late.subjects() == expected
    assert early.subjects() == expected
    assert [replace(one, thread_id="") for one in late.history()] == [
        replace(one, thread_id="") for one in early.history()
    ]
    assert threads(late.history()) == threads(early.history())
    for desk in (late, early):
        (ruling,) = desk.explain("initials@mail.example")
        assert [one["name"] for one in ruling.candidates] == ["Kim Kunde"]
        assert desk.outcome("private@mail.example") == "skipped: private"
        assert desk.outcome("never@mail.example") == "skipped: never-log"
        assert desk.outcome("removed@mail.example") == "skipped: removed"
        assert desk.outcome("by-hand@mail.example") == "skipped: removed"
        assert desk.outcome("nobody@mail.example") == "skipped: no-contact"
        desk.complete()


def test_scenario_43_mail_that_moved_before_the_import_is_found_where_it_lies(desk: Desk, user: DovecotUser) -> None:
    """A stranger's letter is archived, then the stranger becomes a contact: logged from where it lies now."""
    user.create("Archive")
    uid = user.append("INBOX", letter(subject="Moved", from_=LEA))
    desk.read(user)
    desk.sync()
    user.move(uid, "INBOX", "Archive")
    desk.sync()
    desk.know("Lea Leser", LEA)
    desk.sync()
    assert (desk.only().subject, desk.only().folders) == ("Moved", ("Archive",))
    desk.complete()


@pytest.mark.parametrize("how", ["renumbered", "moved"])
def test_scenario_43_logged_mail_that_lies_elsewhere_before_it_is_decided_anew_is_decided_there(
    desk: Desk, user: DovecotUser, how: str
) -> None:
    """Her company's letter becomes hers by the import, and no longer the company's by its domain; the feed says so."""
    user.create("Archive")
    desk.know("Kim Kunde", KIM, company="Customer AG")
    desk.know("Lea Leser", LEA)
    uid = user.append("INBOX", letter(from_="bea@customer.example", cc=LEA))
    desk.read(user)
    desk.sync()
    assert (desk.only().contacts, desk.only().companies) == (((LEA, "address"),), (("Customer AG", "domain"),))
    desk.know("Bea Kunde", "bea@customer.example", company="Customer AG")
    if how == "moved":
        user.move(uid, "INBOX", "Archive")
    else:
        user.set_uidvalidity("INBOX", 4711)
    desk.sync()
    assert (desk.only().contacts, desk.only().companies) == (
        (("bea@customer.example", "address"), (LEA, "address")),
        (),
    )
    assert desk.count("changes", "kind = 'interaction' and event = 'updated'") == 1
    desk.complete()


def test_scenario_43_contacts_imported_in_the_middle_of_a_pass_miss_nothing(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """The import commits while a page is between its decision and its commit: the page is decided again."""
    user.append("INBOX", letter(subject="Hers", from_=LEA))
    user.append("INBOX", letter(subject="Kim's"))
    desk.read(user, proxy=proxy)
    proxy.on_command(TEXTS, lambda: desk.know("Lea Leser", LEA))
    desk.sync()
    assert desk.subjects() == ["Hers", "Kim's"]
    desk.complete()


@both
@pytest.mark.parametrize("seed", range(3))
def test_scenario_42_conversations_that_lie_in_two_mailboxes_have_the_same_result(
    make_desk: Callable[[], Desk], dovecot: Dovecot, seed: int
) -> None:
    """Each letter lies in one of two mailboxes that two workers read at the same time: as if all lay in one."""
    expected = at_once(make_desk, dovecot.user(), CONVERSATIONS)
    for draw in range(3):
        drawn = random.Random(seed * 3 + draw)  # noqa: S311  # no secret
        mailboxes = {ANNA: dovecot.user(), BOB: dovecot.user()}
        for part in CONVERSATIONS:
            mailboxes[drawn.choice((ANNA, BOB))].append("INBOX", _mail(part))
        desk = make_desk()
        _people(desk)
        for address, user in mailboxes.items():
            desk.read(user, address)
        desk.sync()
        assert desk.count("rereads") == 0
        assert differences(_view(desk), expected) == {}


def test_what_the_server_finds_of_a_new_contact_is_read_again_first(
    desk: Desk, user: DovecotUser, proxy: ImapProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And then the rest: what the server does not find, under another spelling, is found all the same."""
    monkeypatch.setattr("agent.sync.repair.BATCH", 4)
    sent = ["a@nowhere.example", "New@gmail.com", *(f"b{n}@nowhere.example" for n in range(5)), "new@gmail.com"]
    uids = [user.append("INBOX", letter(from_=one, subject=one)) for one in sent]
    user.append("INBOX", letter(from_="n.e.w@gmail.com", subject="dotted"))
    desk.read(user, proxy=proxy)
    desk.sync()
    desk.know("Nora New", "new@gmail.com")
    proxy.lines.clear()
    desk.sync()

    sought, first, *_ = (line for line in proxy.lines if b"new@gmail.com" in line or re.match(HEADERS, line))
    assert sought.startswith(b"UID SEARCH")
    assert first.startswith(b"UID FETCH %d,%d " % (uids[1], uids[7]))
    assert sorted(desk.subjects()) == ["New@gmail.com", "dotted", "new@gmail.com"]
