"""Who may see whose text, and what is noted: pure."""

import pytest

from agent.people.readers import Reader, Verdict, VisibleTo, reader_of, verdict

ANNA, BEN = "anna@ourfirm.example", "ben@ourfirm.example"
OWN, OTHERS, NO = (
    Verdict(shown=True, audited=False),
    Verdict(shown=True, audited=True),
    Verdict(shown=False, audited=False),
)


@pytest.mark.parametrize(
    ("visible_to", "reader", "owners", "said"),
    [
        ("owner", Reader(account="a", mailbox=ANNA), [ANNA], OWN),
        ("owner", Reader(account="a", mailbox=ANNA), [BEN, "Anna@OurFirm.example"], OWN),
        ("owner", Reader(account="a", mailbox=ANNA), [BEN], NO),
        ("owner", Reader(account="a"), [BEN], NO),
        ("owner", Reader(account="a", admin=True), [BEN], OTHERS),
        ("owner", Reader(account="a", mailbox=BEN, admin=True), [BEN], OWN),
        ("team", Reader(account="a", mailbox=ANNA), [BEN], OTHERS),
        ("team", Reader(account="a"), [BEN], NO),
        ("everyone", Reader(account="a"), [BEN], OTHERS),
        ("owner", Reader(account="a"), [], OWN),
    ],
)
def test_texts_are_shown_to_owners_and_by_policy_and_others_readings_are_noted(
    visible_to: VisibleTo, reader: Reader, owners: list[str], said: Verdict
) -> None:
    assert verdict(reader, owners, visible_to) == said


def test_where_one_mailbox_is_all_there_is_its_owner_reads_and_of_several_the_administrator() -> None:
    assert reader_of("a", [ANNA], asked=None, admin=False) == Reader(account="a", mailbox=ANNA)
    assert reader_of("a", [ANNA, BEN], asked=None, admin=False) == Reader(account="a", admin=True)


def test_nobody_reads_for_a_mailbox_that_is_not_there() -> None:
    assert reader_of("a", [ANNA], asked=BEN, admin=False) is None
    assert reader_of("a", [ANNA, BEN], asked="BEN@ourfirm.example", admin=False) == Reader(account="a", mailbox=BEN)


def test_a_note_says_for_whom_an_account_read() -> None:
    assert Reader(account="crm", mailbox=ANNA).told == f"crm for {ANNA}"
    assert Reader(account="crm", mailbox=ANNA, admin=True).told == "crm as admin"
