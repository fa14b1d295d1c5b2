"""A salesperson reads one sentence for every outcome."""

import pytest

from matchers.explain import sentence
from matchers.match import Reason
from matchers.reasons import CONTACT_WROTE


def test_mail_of_strangers_is_explained_in_plain_words() -> None:
    assert sentence("skipped", "no-contact", None) == "Not kept: nobody in this mail is a contact."


def test_every_reason_has_a_sentence_of_its_own() -> None:
    said = {sentence("skipped", reason.value, None) for reason in Reason}
    assert len(said) == len(Reason)
    assert all(text.startswith("Not kept: ") and text.endswith(".") for text in said)


@pytest.mark.parametrize("rule", ["address", "name", "thread", "domain", "category", "manual"])
def test_kept_mail_says_why_with_its_facts(rule: str) -> None:
    said = sentence("logged", None, rule, ("From anna@x.example is an address of Anna Ash",))
    assert said.startswith("Kept because ")
    assert said.endswith(" From anna@x.example is an address of Anna Ash.")


@pytest.mark.parametrize("rule", ["shared-address", "name", "forward", "thread", "category"])
def test_a_review_says_what_to_do(rule: str) -> None:
    assert sentence("review", None, rule).endswith("Say who is meant.")


@pytest.mark.parametrize("outcome", ["quarantined", "pending", "unknown"])
def test_what_is_not_decided_is_said_so(outcome: str) -> None:
    assert sentence(outcome, None, None) != sentence("logged", None, None)
    assert sentence(outcome, None, None).endswith(".")


def test_the_facts_of_a_skip_are_left_out_of_its_sentence() -> None:
    assert sentence("skipped", "bulk", None, ("List-Id is set",)) == sentence("skipped", "bulk", None)


def test_a_contacts_mail_through_a_list_is_not_lost_silently() -> None:
    assert "A contact wrote it" in sentence("skipped", "bulk", None, ("List-Id is set", CONTACT_WROTE))


def test_words_of_another_version_still_make_a_sentence() -> None:
    assert sentence("skipped", "moon-phase", None) == "Not kept."
    assert sentence("logged", None, "moon-phase") == "Kept."
