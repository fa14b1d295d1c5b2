"""Histories in which the sync machine once found a fault, in their shortest form. Each ends in its full comparison."""

from collections.abc import Iterator

import pytest

from tests.machines.people_and_mail import FLAGS
from tests.machines.test_sync_machine import SyncMachine
from tests.machines.world import ANNA, BOB, DIRECTORY, KIM, LEA, OFFICE, Letter


@pytest.fixture
def machine() -> Iterator[SyncMachine]:
    machine = SyncMachine()
    yield machine
    machine.teardown()


def _deliver(
    machine: SyncMachine, id: str, from_: str, *, folder: str = "INBOX", cc: str = "", flags: str = "none"
) -> None:
    letter = Letter(id=f"{id}@mail.example", from_=from_, to=ANNA, cc=cc, date="Mon, 02 Mar 2026 08:00:00 +0000")
    machine.world.deliver(ANNA, folder, letter, FLAGS[flags])


def _meet(machine: SyncMachine, *names: str) -> None:
    for name in names:
        machine.meet(next(number for number, person in enumerate(DIRECTORY) if person.name == name))


def _sync(machine: SyncMachine) -> None:
    machine.sync(ANNA, eager=True, page=2)


def test_a_folder_that_comes_back_under_its_old_name_is_read_again(machine: SyncMachine) -> None:
    _meet(machine, "Kim")
    machine.create_folder(ANNA, "Clients")
    _deliver(machine, "m0", KIM, folder="Clients")
    _sync(machine)
    machine.rename_folder(ANNA, "Clients", "Projects")
    _sync(machine)
    machine.rename_folder(ANNA, "Projects", "Clients")
    _sync(machine)


def test_a_copy_made_private_ends_no_doubt_about_the_other_copy(machine: SyncMachine) -> None:
    _meet(machine, "Office One", "Office Two")
    _deliver(machine, "m0", OFFICE)
    _deliver(machine, "m0", OFFICE, folder="Sent")
    _sync(machine)
    machine.flag(0, "private")
    _sync(machine)


def test_a_note_to_oneself_with_the_category_waits_for_nobody(machine: SyncMachine) -> None:
    _deliver(machine, "m0", ANNA, flags="asked")


def test_logged_mail_learns_of_a_contact_who_comes_later(machine: SyncMachine) -> None:
    _meet(machine, "Kim")
    _deliver(machine, "m0", KIM, cc=LEA)
    _sync(machine)
    _meet(machine, "Lea")


def test_logged_mail_learns_of_a_company_whose_domain_comes_later(machine: SyncMachine) -> None:
    _meet(machine, "Lea")
    _deliver(machine, "m0", KIM, cc=LEA)
    _sync(machine)
    _meet(machine, "Max")


def test_a_contact_at_a_company_takes_the_place_of_its_domain(machine: SyncMachine) -> None:
    _meet(machine, "Max")
    _deliver(machine, "m0", KIM, cc=LEA)
    _sync(machine)
    _meet(machine, "Kim")


def test_an_address_that_gets_a_second_holder_is_doubtful_whenever_that_is_known(machine: SyncMachine) -> None:
    _meet(machine, "Kim")
    _deliver(machine, "m0", KIM)
    _sync(machine)
    _meet(machine, "Kim Two")


@pytest.mark.parametrize("at", range(1, 13))
def test_an_interaction_that_is_taken_out_while_its_copy_is_read_stays_out(machine: SyncMachine, at: int) -> None:
    _meet(machine, "Kim")
    _deliver(machine, "m0", KIM)
    _sync(machine)
    _deliver(machine, "m0", KIM, folder="Sent")
    machine.remove_meanwhile(ANNA, at=at, which=0)


def test_nothing_is_owed_of_places_that_a_renumbered_folder_made_void(machine: SyncMachine) -> None:
    _deliver(machine, "m0", KIM)
    _deliver(machine, "m1", KIM)
    _sync(machine)
    machine.refuse(0)
    _meet(machine, "Kim")
    _sync(machine)
    assert machine.process.waiting()
    machine.renumber(ANNA, 0)
    machine.expunge(0)
    machine.expunge(0)
    _sync(machine)
    assert machine.process.waiting() == 0


@pytest.mark.parametrize("at", range(1, 13))
def test_a_doubt_that_is_decided_while_a_copy_is_read_is_not_asked_again(machine: SyncMachine, at: int) -> None:
    _meet(machine, "Office One", "Office Two")
    _deliver(machine, "m0", OFFICE)
    _sync(machine)
    letter = machine.world.letters[0]
    machine.world.deliver(BOB, "INBOX", letter)
    machine.decide_meanwhile(BOB, at=at, which=0, accept=False)


@pytest.mark.parametrize("at", range(1, 4))
def test_an_interaction_that_is_given_away_while_its_copy_is_read_is_not_given_back(
    machine: SyncMachine, at: int
) -> None:
    _meet(machine, "Kim", "Lea")
    _deliver(machine, "m0", KIM)
    _sync(machine)
    _deliver(machine, "m0", KIM, folder="Sent")
    machine.give_meanwhile(ANNA, at=at, which=0, to=0)


def test_two_strangers_of_one_company_in_one_conversation_are_known_by_its_domain(machine: SyncMachine) -> None:
    """Whichever of them is read first; neither is known only by the other."""
    for number, (address, refs) in enumerate(((ANNA, ()), (BOB, ("m0@mail.example",)))):
        date = f"Mon, 02 Mar 2026 0{8 + number}:00:00 +0000"
        letter = Letter(id=f"m{number}@mail.example", from_=KIM, to=address, date=date, refs=refs)
        machine.world.deliver(address, "INBOX", letter)
    _meet(machine, "Max")


def test_mail_that_nobody_keeps_is_told_to_be_a_draft_once_it_is_marked_so(machine: SyncMachine) -> None:
    _deliver(machine, "m0", OFFICE)
    _sync(machine)
    machine.flag(0, "draft")


def test_mail_of_two_mailboxes_is_kept_in_full_though_one_keeps_less_and_came_first(machine: SyncMachine) -> None:
    machine.write(
        address=ANNA, bulk=False, cc="", date=None, folder=0, from_=KIM, has_id=False, refs=[], text="one", to=KIM
    )
    machine.deliver_again(which=0, address=BOB, folder=0, banner=False)
    _meet(machine, "Kim")
