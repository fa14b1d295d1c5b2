"""The synthetic mailboxes are what the benchmarks say they are."""

import email
import email.utils
import statistics
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.mailboxes import CONTACTS, OWNER, Mail, business, concerns_contact, contacts, small, write_contacts

Maker = Callable[[int], Iterator[Mail]]


@pytest.mark.parametrize(
    ("make", "median", "mean"), [(business, 6_000, 50_000), (small, 4_200, 6_200)], ids=["business", "small"]
)
def test_sizes_are_those_of_the_kind(make: Maker, median: int, mean: int) -> None:
    sizes = [len(mail.raw) for mail in make(4_000)]
    assert abs(statistics.median(sizes) - median) < median * 0.1
    assert abs(statistics.mean(sizes) - mean) < mean * 0.15


def test_every_fifth_message_is_from_or_to_a_contact_and_no_other() -> None:
    known = {one.email for one in contacts()}
    for number, mail in enumerate(small(1_000)):
        message = email.message_from_bytes(mail.raw)
        people = {address for _, address in email.utils.getaddresses([message["From"], message["To"]])}
        assert OWNER in people
        assert bool(people & known) == concerns_contact(number)
    assert sum(map(concerns_contact, range(20_000))) == 4_000


def test_the_same_seed_gives_the_same_mail_and_later_batches_other_ids() -> None:
    first, again, later = list(small(200)), list(small(200)), list(small(200, first=200))
    assert first == again
    ids = {email.message_from_bytes(mail.raw)["Message-ID"] for mail in (*first, *later)}
    assert len(ids) == 400


def test_messages_come_in_order_and_are_well_formed() -> None:
    mails = list(business(300))
    assert all(one.received <= other.received for one, other in pairwise(mails))
    for mail in mails:
        message = email.message_from_bytes(mail.raw)
        assert not [defect for part in message.walk() for defect in part.defects]
        assert b"\n" not in mail.raw.replace(b"\r\n", b"")
    assert 0.1 < sum(mail.raw.count(b"Content-Disposition: attachment") for mail in mails) / 300 < 0.35


def test_all_contacts_have_addresses_of_their_own(tmp_path: Path) -> None:
    write_contacts(tmp_path / "contacts.csv")
    lines = (tmp_path / "contacts.csv").read_text(encoding="utf-8").splitlines()
    assert len({line.split(",")[1] for line in lines[1:]}) == CONTACTS
