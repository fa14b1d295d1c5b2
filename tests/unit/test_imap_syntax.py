"""The grammar of IMAP answers, read leniently: what is right, what is merely usual, and what is hostile."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.folders.names import key_of, raw_of, readable, usable
from connectors.imap.syntax import (
    Garbled,
    fetch_items,
    id_set,
    id_sets,
    internal_date,
    number,
    parse,
    quoted,
    read_set,
)

IDS = st.lists(st.integers(1, 2**32 - 1), max_size=60)


def test_a_fetch_answer_is_read_whatever_the_order_of_its_items() -> None:
    items = fetch_items(
        [
            b'* 12 FETCH (BODY[HEADER.FIELDS ("TO" FROM)] {5}',
            b"a)b\r\n",
            b' FLAGS (\\Seen $Label) UID 7 INTERNALDATE "17-Jul-1996 02:44:25 -0700")',
        ]
    )
    assert items is not None
    assert items[b'BODY[HEADER.FIELDS ("TO" FROM)]'] == b"a)b\r\n"
    assert items[b"FLAGS"] == [b"\\Seen", b"$Label"]
    assert items[b"UID"] == b"7"


def test_a_partial_section_and_a_literal_of_binary_are_read() -> None:
    items = fetch_items([b"* 1 FETCH (UID 2 BODY[1.2]<0> ~{3+}", b"x\x00y", b")"])
    assert items == {b"UID": b"2", b"BODY[1.2]<0>": b"x\x00y"}


@pytest.mark.parametrize(
    "line",
    [
        b"* 3 EXISTS",
        b"* OK [UIDNEXT 4] x",
        b"* 1 FETCH",
        b"* 1 FETCH (UID",
        b"* 1 FETCH (UID 1))",
        b"* x FETCH (UID 1)",
        b"",
        b"*",
        b"* 1 FETCH (" + b"(" * 100_000,
    ],
)
def test_other_and_garbled_answers_are_no_fetch(line: bytes) -> None:
    assert fetch_items([line]) is None


def test_a_quoted_string_may_hold_anything_escaped() -> None:
    assert parse([rb'* "a \"b\" (\\) {5}" NIL "NIL"'], 2) == [rb'a "b" (\) {5}', None, b"NIL"]


@pytest.mark.parametrize("text", [b"((", b"(a))", b"(" * 1_000 + b")" * 1_000, b"a " * 100_000])
def test_what_is_unbalanced_or_too_much_is_garbled(text: bytes) -> None:
    with pytest.raises(Garbled):
        parse([text], 0)


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=7))
def test_no_octets_make_the_parser_fail_otherwise(parts: list[bytes]) -> None:
    fetch_items([b"* 1 FETCH (", *parts])
    try:
        parse(parts, 0)
    except Garbled:
        return


def test_a_date_keeps_the_servers_offset() -> None:
    found = internal_date(b" 7-Jul-1996 02:44:25 -0730")
    assert found == datetime(1996, 7, 7, 10, 14, 25, tzinfo=UTC)
    assert found.utcoffset() == -timedelta(hours=7, minutes=30)


@pytest.mark.parametrize("value", [b"7-Jul-1996  2:44:25", b" 7-Jul-1996 2:44:25 GMT", b"07-JUL-1996 02:44:25 +00:00"])
def test_a_date_may_lack_zone_and_zeros(value: bytes) -> None:
    assert internal_date(value) == datetime(1996, 7, 7, 2, 44, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [None, [], b"", b"7-Jul-1996 02:44:25 soon", b"32-Jul-1996 02:44:25 +0000", b"1-Xyz-1996 02:44:25 +0000", b"soon"],
)
def test_what_is_no_date_is_none(value: bytes | None) -> None:
    assert internal_date(value) is None


@pytest.mark.parametrize("year", [b"9999", b"0001"])
def test_a_year_that_cannot_be_moved_to_another_zone_is_no_date(year: bytes) -> None:
    """It would end the whole pass over the mailbox, at every try."""
    assert internal_date(b"31-Dec-%s 23:59:59 -1200" % year) is None


def test_an_offset_of_a_day_or_more_is_no_date() -> None:
    assert internal_date(b"01-Jul-1996 02:44:25 +9900") is None


@pytest.mark.parametrize(("value", "expected"), [(b"12", 12), (b"-1", None), (b"9" * 30, None), (None, None)])
def test_numbers_are_digits_of_a_sane_length(value: bytes | None, expected: int | None) -> None:
    assert number(value) == expected


@given(IDS)
def test_a_set_names_exactly_its_ids(ids: list[int]) -> None:
    if ids:
        assert read_set(id_set(ids), 1_000) == sorted(set(ids))


@given(IDS, st.integers(1, 20), st.integers(30, 200))
def test_portions_hold_every_id_once_and_stay_short(ids: list[int], most: int, octets: int) -> None:
    ids = sorted(set(ids))
    portions = list(id_sets(ids, most=most, octets=octets))
    assert [uid for portion in portions for uid in portion] == ids
    assert all(len(portion) <= most and len(id_set(portion)) <= octets + 11 for portion in portions)


@pytest.mark.parametrize("value", [b"", b"1:", b"*", b"1:*", b"a", b"1,,2", b"1:4000000000"])
def test_sets_that_are_garbled_or_too_large_are_none(value: bytes) -> None:
    assert read_set(value, 1_000) is None


def test_a_name_is_quoted_so_that_it_cannot_end_early() -> None:
    assert quoted(b'a"b\\c') == b'"a\\"b\\\\c"'


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"INBOX", "INBOX"),
        (b"Entw&APw-rfe", "Entwürfe"),
        (b'A&APE-o &- "x"/&ZeVnLA-', 'Año & "x"/日本'),
        (b"R&D", "R&D"),
        (b"&2D0-", "&2D0-"),
        (b"&Jjo", "&Jjo"),
        (b"&AA-", "&AA-"),
        ("Übung".encode(), "Übung"),
        ("Übung".encode("latin-1"), "Übung"),
        (b"a\x01b", "a\ufffdb"),
    ],
)
def test_names_are_decoded_as_far_as_they_can_be(raw: bytes, name: str) -> None:
    assert readable(raw) == name
    assert raw_of(key_of(raw)) == raw


@given(st.binary(max_size=60))
def test_a_key_leads_back_to_its_octets_and_suits_a_database(raw: bytes) -> None:
    key = key_of(raw)
    assert raw_of(key) == raw
    assert key.encode("utf-8").decode("utf-8") == key
    assert readable(raw).isprintable()


@pytest.mark.parametrize("raw", [b"", b"a\r\nx LOGOUT", b"a\x00", b"x" * 5_000])
def test_names_that_cannot_be_sent_are_of_no_use(raw: bytes) -> None:
    assert not usable(raw)
