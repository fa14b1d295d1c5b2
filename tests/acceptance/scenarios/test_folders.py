"""Folders that are hidden, renamed, oddly named or refuse to open."""

from datetime import timedelta

import pytest

from tests.acceptance.scenarios.harness import Clock, Desk
from tests.acceptance.scenarios.letters import ANNA, BOB, KIM, letter, letters
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.imap_proxy import ImapProxy


@pytest.mark.parametrize("fault", ["empty_list", "garble_list"])
def test_scenario_21_a_listing_that_names_no_folder_removes_nothing(
    desk: Desk, user: DovecotUser, proxy: ImapProxy, fault: str
) -> None:
    """LIST answers nothing, or nonsense: every place stays, and the next good listing goes on as if nothing was."""
    user.append_many("INBOX", ((raw, None, ()) for raw in letters(10)))
    user.append("Sent", letter(from_=ANNA, to=KIM, subject="Sent"))
    desk.read(user, proxy=proxy)
    desk.sync()
    before = desk.history()
    getattr(proxy, fault)()
    desk.sync()
    desk.sync()
    assert desk.history() == before
    assert desk.count("locations", "gone_at IS NULL") == 11
    assert desk.count("folders", "absent") == 0
    proxy.clear()
    user.append("INBOX", letter(subject="After"))
    desk.sync()
    assert len(desk.history()) == 12
    assert [event for event, _ in desk.feed()] == ["logged"] * 12
    desk.complete()


def test_scenario_21_a_listing_that_forgets_one_folder_removes_nothing_while_it_can_be_opened(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """One folder is missing from LIST though it is there: its mail stays where it is."""
    user.create("Customers")
    user.append("Customers", letter())
    user.append("INBOX", letter())
    desk.read(user, proxy=proxy)
    desk.sync()
    before = desk.history()
    proxy.rewrite_server(lambda raw: None if raw.startswith((b"* LIST", b"* STATUS")) and b"Customers" in raw else raw)
    desk.sync()
    assert desk.history() == before
    proxy.clear()
    desk.sync()
    assert desk.history() == before
    desk.complete()


def test_scenario_22_a_renamed_folder_holds_the_same_interactions(desk: Desk, user: DovecotUser) -> None:
    """A folder gets another name: the same interactions, which now lie under the new name."""
    user.create("Projects")
    user.append_many("Projects", ((raw, None, ()) for raw in letters(30)))
    desk.read(user)
    desk.sync()
    before = {one.id for one in desk.history()}
    user.rename("Projects", "Old projects")
    desk.sync()
    assert {one.id for one in desk.history()} == before
    assert {one.folders for one in desk.history()} == {("Old projects",)}
    assert [event for event, _ in desk.feed()] == ["logged"] * 30
    accounts = desk.complete()
    assert accounts["Old projects"].outcomes == {"logged": 30}
    assert "Projects" not in accounts


def test_scenario_22_a_folder_that_is_deleted_leaves_its_history(desk: Desk, user: DovecotUser) -> None:
    """Mail deleted with its folder stays logged: an interaction is history."""
    user.create("Projects")
    user.append("Projects", letter(subject="Kept"))
    desk.read(user)
    desk.sync()
    user.delete("Projects")
    desk.sync()
    assert (desk.only().subject, desk.only().folders) == ("Kept", ())
    desk.complete()


def test_scenario_23_folder_names_of_any_script_and_sign_work(desk: Desk, user: DovecotUser) -> None:
    """A folder called `Año & "x"/日本` is read like any other."""
    user.create('Año & "x"')
    user.create('Año & "x"/日本')
    user.append('Año & "x"/日本', letter(subject="Down here"))
    user.append('Año & "x"', letter(subject="Up here"))
    desk.read(user)
    desk.sync()
    assert {one.subject: one.folders for one in desk.history()} == {
        "Down here": ('Año & "x"/日本',),
        "Up here": ('Año & "x"',),
    }
    desk.complete()


def test_scenario_24_a_folder_that_kills_the_session_costs_few_sign_ins(
    desk: Desk, dovecot: Dovecot, user: DovecotUser, proxy: ImapProxy
) -> None:
    """For an hour one listed folder drops the session when opened: ten sign-ins at most, and all else is read."""
    for folder in ("Alpha", "Bad", "Zebra"):
        user.create(folder)
        user.append(folder, letter(subject=f"In {folder}"))
    user.append("INBOX", letter(subject="In INBOX"))
    colleague = dovecot.user()
    desk.read(user, proxy=proxy)
    desk.read(colleague, BOB)
    proxy.cut_on_command(rb'^EXAMINE "?Bad')
    clock = Clock()
    with desk.open() as house:
        desk.live(house, clock, timedelta(minutes=30))
        user.append("INBOX", letter(subject="Half an hour later"))
        user.append("Zebra", letter(subject="Half an hour later, too"))
        colleague.append("INBOX", letter(subject="For a colleague", to=BOB))
        desk.live(house, clock, timedelta(minutes=30))
        assert proxy.logins <= 10, proxy.logins
        late = ["For a colleague", "Half an hour later", "Half an hour later, too"]
        assert desk.subjects() == [*late, "In Alpha", "In INBOX", "In Zebra"]
        assert desk.folder("Bad").stopped
        proxy.clear()
        desk.live(house, clock, timedelta(minutes=30))
    assert "In Bad" in desk.subjects()
    assert desk.folder("Bad").stopped is None
    desk.complete()


def test_scenario_24_a_folder_that_refuses_to_open_is_stopped_alone(
    desk: Desk, user: DovecotUser, proxy: ImapProxy
) -> None:
    """NO to EXAMINE, and nothing worse: the folder says why it is not read, the others are, on one connection."""
    for folder in ("Bad", "Zebra"):
        user.create(folder)
        user.append(folder, letter(subject=f"In {folder}"))
    proxy.answer(rb'^EXAMINE "?Bad', b"NO [NOPERM] no rights here")
    desk.read(user, proxy=proxy)
    desk.sync()
    assert desk.subjects() == ["In Zebra"]
    assert "no rights here" in str(desk.folder("Bad").stopped)
    assert proxy.logins == 1
    proxy.clear()
    desk.sync()
    assert desk.subjects() == ["In Bad", "In Zebra"]
    desk.complete()
