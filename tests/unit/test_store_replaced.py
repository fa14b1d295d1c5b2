"""Which of our own messages under one id were only saves of the last one."""

from dataclasses import replace

from agent.store.mail.replaced import Saved, superseded

FIRST = Saved(id="first", thread_id="t", from_address="anna@ourfirm.example", last=1, here=False, anywhere=False)
LAST = Saved(id="last", thread_id="t", from_address="anna@ourfirm.example", last=2, here=True, anywhere=True)


def test_a_save_that_is_gone_gives_way_to_the_one_that_came_after_it() -> None:
    assert superseded([FIRST, LAST]) == [FIRST]


def test_mail_that_still_lies_somewhere_is_no_old_save() -> None:
    assert superseded([replace(FIRST, anywhere=True), LAST]) == []


def test_deleting_the_later_of_two_messages_leaves_both_as_history() -> None:
    assert superseded([replace(LAST, last=3, here=False, anywhere=False), replace(LAST, id="kept")]) == []


def test_a_message_from_somebody_else_takes_nobodys_place() -> None:
    assert superseded([FIRST, replace(LAST, from_address="kim@customer.example")]) == []


def test_while_the_last_save_lies_nowhere_either_all_stay() -> None:
    assert superseded([FIRST, replace(LAST, here=False, anywhere=False)]) == []
