"""Contacts from vCard 2.1, 3.0 and 4.0."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.people.rows import Refused, Row
from agent.people.vcard import read_contacts_vcard

CARD = """BEGIN:VCARD
VERSION:3.0
FN:Anna Ash
N:Ash;Anna;;;
EMAIL;TYPE=INTERNET:old@x.example
item1.EMAIL;TYPE=INTERNET,pref:anna@x.example
TEL;TYPE=WORK:+49 1
ORG:X Ltd\\, London;Buying
TITLE:Buyer
BDAY:1980-05-17
NOTE:likes tea\\nand cake
UID:urn:uuid:1
PHOTO;ENCODING=b:AAAA
 BBBB
END:VCARD
"""


def read(text: str | bytes) -> list[Row | Refused]:
    return list(read_contacts_vcard(text if isinstance(text, bytes) else text.encode()))


def card(*lines: str, version: str = "4.0") -> str:
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


def only(text: str | bytes) -> Row:
    (row,) = read(text)
    assert isinstance(row, Row), row
    return row


def test_a_card_is_read_with_the_preferred_address_first() -> None:
    assert only(CARD) == Row(
        line=1,
        name="Anna Ash",
        emails=("anna@x.example", "old@x.example"),
        phones=("+49 1",),
        company="X Ltd, London",
        title="Buyer",
        birthday="1980-05-17",
        external_ids={"vcard": "urn:uuid:1"},
        fields={"note": "likes tea and cake"},
    )


def test_version_4_ranks_addresses_by_number() -> None:
    row = only(card("FN:A", "EMAIL;PREF=2:b@x.example", "EMAIL:c@x.example", 'EMAIL;PREF="1":a@x.example'))
    assert row.emails == ("a@x.example", "b@x.example", "c@x.example")


def test_folded_lines_are_joined_whatever_ends_them() -> None:
    text = card("FN:Anna", "  A", "\tsh", "EMAIL:anna@x", " .example")
    for end in ("\r\n", "\n", "\r"):
        row = only(text.replace("\r\n", end))
        assert (row.name, row.emails) == ("Anna Ash", ("anna@x.example",))


def test_a_card_without_full_name_is_named_by_its_parts() -> None:
    assert only(card("N:Ash;Anna;B.;Dr.;", "EMAIL:a@x.example", version="3.0")).name == "Anna B. Ash"


def test_a_card_as_outlook_writes_it_is_read() -> None:
    """vCard 2.1: charsets, quoted-printable with lines that go on, types without a name."""
    row = only(
        card(
            "N;CHARSET=Windows-1252;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg",
            "FN;CHARSET=Windows-1252;ENCODING=QUOTED-PRINTABLE:J=F6rg=20=",
            "M=FCller",
            "ORG;CHARSET=UTF-8;QUOTED-PRINTABLE:B=C3=A4cker;Einkauf",
            "TEL;WORK;VOICE:123",
            "EMAIL;INTERNET:old@v.example",
            "EMAIL;PREF;INTERNET:joerg@v.example",
            version="2.1",
        )
    )
    assert (row.name, row.company, row.phones) == ("Jörg Müller", "Bäcker", ("123",))
    assert row.emails == ("joerg@v.example", "old@v.example")


def test_a_card_in_a_charset_that_it_names_is_read_and_one_that_names_none_is_refused() -> None:
    named = card("FN;CHARSET=ISO-8859-1:J#rg", "EMAIL:j@x.example", version="2.1").encode().replace(b"#", b"\xf6")
    assert only(named).name == "Jörg"
    (refused,) = read(named.replace(b";CHARSET=ISO-8859-1", b""))
    assert isinstance(refused, Refused)
    (unknown,) = read(named.replace(b"ISO-8859-1", b"no-such-set"))
    assert isinstance(unknown, Refused)


def test_a_birthday_without_year_or_in_words_is_kept() -> None:
    assert only(card("EMAIL:a@x.example", "BDAY:--0517")).birthday == "--05-17"
    assert only(card("EMAIL:a@x.example", "BDAY;VALUE=text:circa 1800")).fields == {"birthday": "circa 1800"}


def test_a_photo_of_any_size_is_passed_by() -> None:
    photo = "PHOTO:data:image/jpeg;base64," + "A" * 3_000_000
    folded = "PHOTO;ENCODING=b:" + "\r\n ".join("A" * 74 for _ in range(20_000))
    assert only(card(photo, folded, "EMAIL:a@x.example")).emails == ("a@x.example",)


def test_cards_are_told_apart_by_the_line_they_begin_on() -> None:
    found = read(card("FN:A", "EMAIL:a@x.example") + "\r\n" + card("FN:B") + card("FN:C", "EMAIL:c@x.example"))
    assert [(item.line, type(item)) for item in found] == [(1, Row), (7, Refused), (11, Row)]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (card("FN:A"), "no mail address"),
        (card("EMAIL:nonsense"), "'nonsense'"),
        (card("EMAIL:a@x.example", version="1.0"), "3.0 or 4.0"),
        (card("KIND:group", "EMAIL:a@x.example"), "group"),
        ("BEGIN:VCARD\nVERSION:4.0\nEMAIL:a@x.example\n", "not closed"),
        ("hello", "no card"),
        ("", "no card"),
        (card("FN:J").encode().replace(b"FN:J", b"FN:J\xf6\r\nEMAIL:a@x.example"), "UTF-8"),
        (card("FN:J").encode("utf-16"), "UTF-16"),
    ],
)
def test_what_gives_no_contact_says_why(text: str | bytes, part: str) -> None:
    (found,) = read(text)
    assert isinstance(found, Refused)
    assert part in found.why


def test_a_card_that_begins_inside_another_ends_the_first() -> None:
    found = read("BEGIN:VCARD\nVERSION:4.0\nFN:A\n" + card("EMAIL:b@x.example"))
    assert [type(item) for item in found] == [Refused, Row]


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_no_bytes_raise(data: bytes) -> None:
    assert len(read(data)) >= 1


@given(st.lists(st.text(max_size=30), max_size=8))
@settings(deadline=None)
def test_no_lines_inside_a_card_raise(lines: list[str]) -> None:
    text = card(*lines, "EMAIL:a@x.example").encode("utf-8", "surrogatepass")
    assert all(found.line >= 1 for found in read(text))


def test_properties_of_the_firms_own_become_fields() -> None:
    """What is too long for a fact, or no text, is left out."""
    own = ("X-Customer-No:4711", "X-BLOB:" + "A" * 300, "CATEGORIES:vip,buyer")
    row = only(card("FN:Kim", "EMAIL:kim@acme.example", *own))
    assert row.fields == {"customer_no": "4711", "categories": "vip,buyer"}
