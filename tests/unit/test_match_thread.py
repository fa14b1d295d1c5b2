"""The ids that tie a message to its conversation."""

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.message import Envelope
from matchers.thread import MOST_REFERENCES, normal_id, referenced_ids, root_id, thread_ids

CALM = settings(deadline=None)
"""The suffix list is read at first use, and machines are busy: time is no fault here."""

IDS = st.lists(st.text(alphabet="ab<> @", max_size=6), max_size=60).map(tuple)


def test_own_id_comes_first_then_references_then_in_reply_to() -> None:
    envelope = Envelope(id="1", message_id="c@x", references=("a@x", "b@x"), in_reply_to=("z@x",))
    assert thread_ids(envelope) == ("c@x", "a@x", "b@x", "z@x")


def test_a_message_without_own_id_still_refers_to_others() -> None:
    assert thread_ids(Envelope(id="1", in_reply_to=("a@x",))) == ("a@x",)


def test_ids_lose_brackets_and_folding_but_keep_their_case() -> None:
    assert normal_id(" <AbC\r\n @X> ") == "AbC@X"


def test_an_id_longer_than_a_line_names_no_message() -> None:
    assert normal_id("a" * 999) == ""


def test_of_many_references_the_root_and_the_latest_count() -> None:
    ids = tuple(f"{n}@x" for n in range(500))
    found = referenced_ids(Envelope(id="1", references=ids, in_reply_to=("499@x", "new@x")))
    assert len(found) == MOST_REFERENCES
    assert found[0] == "0@x"
    assert found[-2:] == ("499@x", "new@x")


def test_the_root_is_the_first_reference_else_the_answered_mail_else_itself() -> None:
    assert root_id(Envelope(id="1", message_id="c@x", references=("<>", "a@x"), in_reply_to=("b@x",))) == "a@x"
    assert root_id(Envelope(id="1", message_id="c@x", in_reply_to=("b@x",))) == "b@x"
    assert root_id(Envelope(id="1", message_id="c@x")) == "c@x"
    assert root_id(Envelope(id="1")) is None


@given(IDS, IDS, st.text(alphabet="ab<> @", max_size=6))
@CALM
def test_ids_are_few_distinct_and_normal(references: tuple[str, ...], replied: tuple[str, ...], own: str) -> None:
    found = thread_ids(Envelope(id="1", message_id=own, references=references, in_reply_to=replied))
    assert len(found) == len(set(found)) <= MOST_REFERENCES + 1
    assert all(i and normal_id(i) == i for i in found)
