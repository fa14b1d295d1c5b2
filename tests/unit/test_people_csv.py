"""Contacts from CSV: any delimiter people use, every problem with its line, no bytes that raise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.people.contacts_csv import read_contacts_csv
from agent.people.rows import Refused, Row

HEADER = "name,email,other_emails,phone,company,company_domain,title,owner,stage,birthday,external_id"


def read(text: str | bytes) -> list[Row | Refused]:
    return list(read_contacts_csv(text if isinstance(text, bytes) else text.encode()))


def only(text: str | bytes) -> Row:
    (row,) = read(text)
    assert isinstance(row, Row), row
    return row


def refused(text: str | bytes) -> list[tuple[int, str]]:
    return [(found.line, found.why) for found in read(text) if isinstance(found, Refused)]


def test_every_column_of_the_contract_is_read() -> None:
    row = only(
        f"{HEADER}\nAnna Ash,anna@x.example,a.ash@x.example;anna@home.example,+49 1,X Ltd,x.example,Buyer,"
        "me@ourfirm.example,lead,1980-05-17,42\n"
    )
    assert row == Row(
        line=2,
        name="Anna Ash",
        emails=("anna@x.example", "a.ash@x.example", "anna@home.example"),
        phones=("+49 1",),
        company="X Ltd",
        company_domain="x.example",
        title="Buyer",
        owner="me@ourfirm.example",
        stage="lead",
        birthday="1980-05-17",
        external_ids={"external": "42"},
    )


def test_a_byte_order_mark_and_semicolons_are_read_alike() -> None:
    assert only(b"\xef\xbb\xbfname;email\r\nJ\xc3\xb6rg;j@x.example\r\n") == only("name,email\nJörg,j@x.example")


def test_a_semicolon_file_quotes_other_addresses() -> None:
    assert only('name;email;other_emails\nA;a@x.example;"b@x.example;c@x.example"').emails[1:] == (
        "b@x.example",
        "c@x.example",
    )


def test_unknown_columns_become_fields_under_their_own_name() -> None:
    assert only("Name,Email,Favourite Colour,Empty\nA,a@x.example,blue,").fields == {"Favourite Colour": "blue"}


def test_ids_of_several_systems_are_kept_apart() -> None:
    assert only("email,external_id,external_id:hubspot\na@x.example,1,2").external_ids == {
        "external": "1",
        "hubspot": "2",
    }


def test_names_of_other_programs_are_understood() -> None:
    row = only("Full Name,E-mail Address,Job Title,Organisation\nA,a@x.example,Boss,X")
    assert (row.name, row.emails, row.title, row.company) == ("A", ("a@x.example",), "Boss", "X")


@pytest.mark.parametrize(
    "name", ["/o=Firm/ou=First/cn=Recipients/cn=ange", "X500:/O=Firm/OU=First/CN=Recipients/CN=ange"]
)
def test_exchanges_name_of_a_mailbox_stands_behind_an_address(name: str) -> None:
    """Mail of an archive may bear nothing else. Alone it is none: nobody could write there."""
    assert only(f"email,other_emails\na@x.example,{name}").emails == ("a@x.example", name)
    (refused,) = read(f"email\n{name}\n")
    assert isinstance(refused, Refused)


def test_excels_own_first_line_is_passed_by() -> None:
    assert only("sep=;\r\nname;email\r\nA;a@x.example").line == 3


def test_lines_are_counted_as_editors_do() -> None:
    found = read('name,email,note\n"A\nB",a@x.example,"one\ntwo"\n\nC,broken,x\n')
    assert [(item.line, type(item)) for item in found] == [(2, Row), (6, Refused)]


def test_every_problem_of_a_row_is_named_at_once() -> None:
    ((line, why),) = refused(f"{HEADER}\nA,anna,b@@x,,,,,boss,,31.02.1980,\n")
    assert line == 2
    assert all(part in why for part in ("'anna'", "'b@@x'", "owner 'boss'", "birthday '31.02.1980'"))


def test_one_bad_row_leaves_the_others() -> None:
    found = read("name,email\nA,a@x.example\nB,\nC,c@x.example\n")
    assert [type(item) for item in found] == [Row, Refused, Row]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("", 1, "empty"),
        ("\n\n", 1, "empty"),
        ("name,phone\nA,1", 1, "no column email"),
        ("email,EMAIL\na@x.example,b@x.example", 1, "stands twice"),
        ("name,email\nA,a@x.example,extra", 2, "in quotes"),
        (b"name,email\nJ\xf6rg,j@x.example", 2, "UTF-8"),
        ("name,email".encode("utf-16"), 1, "UTF-16"),
        ('name,email\n"A,a@x.example\n' + "x" * 200_000, 2, "quote"),
        ('name,email,notes\nA,a@x.example,"friend\nB,b@x.example,\n', 2, "a quote in it is not closed"),
        ('name,"email\nA,a@x.example', 1, "a quote in it is not closed"),
        ("name,email\n" + "A" * 3000 + ",a@x.example", 2, "longer"),
        ("email\n" + "a" * 5000, 2, "no mail address"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(text: str | bytes, line: int, part: str) -> None:
    found = refused(text)
    assert found[0][0] == line
    assert part in found[0][1]


def test_a_quote_that_stays_open_lets_nobody_in_who_may_be_somebody_else() -> None:
    """Its last cell would hold the rows that follow, and nobody would miss them."""
    first, second = read('name,email,notes\nA,a@x.example,ok\nB,b@x.example,"friend\nC,c@x.example,\n')
    assert isinstance(first, Row)
    assert isinstance(second, Refused)
    assert (second.line, second.why) == (3, "a quote in it is not closed: nothing was read from there on")
    assert only('name,email,notes\nB,b@x.example,"two\nlines"').fields == {"notes": "two lines"}


@pytest.mark.parametrize("written", ["1980-05-17", "19800517", "17.5.1980", "17.05.1980", "1980-05-17T00:00:00Z"])
def test_birthdays_are_read_as_people_write_them(written: str) -> None:
    assert only(f"email,birthday\na@x.example,{written}").birthday == "1980-05-17"


def test_a_birthday_that_may_be_two_days_is_asked_back() -> None:
    assert "not a clear day" in refused("email,birthday\na@x.example,05/06/1980")[0][1]


@pytest.mark.parametrize(
    "address", ["anna@x.test", "anna@firm.local", "anna@sub.firm.internal", '"a b"@x.example', "jörg@münchen.example"]
)
def test_addresses_that_firms_use_inside_are_taken(address: str) -> None:
    quoted = address.replace('"', '""')
    assert only(f'email\n"{quoted}"').emails == (address,)


def test_control_characters_are_no_part_of_a_value() -> None:
    assert only("name,email\nA\0nna\x07 Ash,a@x.example").name == "A nna Ash"


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_no_bytes_raise(data: bytes) -> None:
    assert all(found.line >= 1 for found in read(data))


@given(st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=4), max_size=5))
@settings(deadline=None)
def test_no_row_is_passed_over_in_silence(rows: list[list[str]]) -> None:
    """One answer for each record that holds anything, however odd its cells are."""
    import csv
    import io

    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["name", "email", "x", "y"])
    writer.writerows(rows)
    expected = sum(any(cell.strip() for cell in row) for row in rows)
    assert len(read(out.getvalue().encode("utf-8", "surrogatepass"))) == expected


def test_the_days_of_an_address_are_read_and_wrong_ones_refused() -> None:
    row = only("email,valid_from,valid_to\na@x.example,01.02.2024,2026-06-30\n")
    assert (row.valid_from, row.valid_to) == ("2024-02-01", "2026-06-30")
    assert refused("email,valid_from,valid_to\na@x.example,2026-06-30,2024-02-01\nb@x.example,soon,\n") == [
        (2, "valid_to lies before valid_from: exchange them"),
        (3, "valid_from 'soon' is not a clear day: write it like 2024-06-30"),
    ]
