"""BODYSTRUCTURE as servers send it, right and wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.imap.sections import inner_section
from connectors.imap.structure import Plan, plan, read_structure
from connectors.imap.syntax import Garbled, Value, parse

TEXT = b'("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "QUOTED-PRINTABLE" 20 2 NIL NIL NIL NIL)'
HTML = b'("text" "html" NIL NIL NIL "7bit" 40 2)'
PDF = b'("APPLICATION" "PDF" ("NAME" "a.pdf") NIL NIL "BASE64" 7800 NIL ("attachment" ("FILENAME" "b.pdf")) NIL NIL)'
INNER = b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 300 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) ' + TEXT + b" 9 NIL NIL)"


def planned(structure: bytes) -> Plan:
    return plan(read_structure(parse([structure], 0)[0]))


def test_a_single_part_is_section_one() -> None:
    found = planned(TEXT)
    (part,) = found.texts
    assert (part.section, part.type, part.encoding, part.size) == ("1", "text/plain", "quoted-printable", 20)
    assert part.parameters == {"charset": "utf-8"}
    assert found.attachments == ()


def test_a_name_makes_a_text_an_attachment_only_where_there_is_something_it_is_attached_to() -> None:
    named = b'("TEXT" "PLAIN" ("NAME" "a.txt") NIL NIL "7BIT" 20 2 NIL ("INLINE" ("FILENAME" "a.txt")) NIL NIL)'
    alone, beside = planned(named), planned(b'(%s%s "MIXED")' % (TEXT, named))
    assert ([part.section for part in alone.texts], alone.attachments) == (["1"], ())
    assert ([part.section for part in beside.texts], [a.name for a in beside.attachments]) == (["1"], ["a.txt"])


def test_sections_are_numbered_by_their_place_in_the_tree() -> None:
    found = planned(b"((%s%s %s)%s %s)" % (TEXT, HTML, b'"ALTERNATIVE" ("BOUNDARY" "x")', PDF, b'"MIXED"'))
    assert [part.section for part in found.texts] == ["1.1"]
    assert [(a.name, a.type, a.size) for a in found.attachments] == [("b.pdf", "application/pdf", 5700)]


def test_a_disposition_sent_as_it_was_written_is_read() -> None:
    written = rb'("APPLICATION" "PDF" NIL NIL NIL "7BIT" 10 NIL "attachment; filename=\"b c.pdf\"" NIL NIL)'
    assert [a.name for a in planned(b'(%s%s "MIXED")' % (TEXT, written)).attachments] == ["b c.pdf"]


def test_languages_are_not_taken_for_a_disposition() -> None:
    found = planned(b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" 10 1 NIL NIL ("de" "en"))')
    assert [part.disposition for part in found.texts] == [""]


def test_a_message_inside_a_message_is_attached_and_not_looked_into() -> None:
    found = planned(b'(%s%s "MIXED")' % (TEXT, INNER))
    assert [part.section for part in found.texts] == ["1"]
    assert [a.type for a in found.attachments] == ["message/rfc822"]


@pytest.mark.parametrize(
    "structure",
    [
        b"NIL",
        b"()",
        b"x",
        b'("TEXT" "PLAIN")',
        b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" NIL 2)',
        b'(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1))',
        b"(%s NIL)" % TEXT,
        b"(%s%s)" % (TEXT * 1_200, b'"MIXED"'),
        b'("multipart" "mixed" ("boundary" "x") NIL NIL "7bit" 400 NIL NIL NIL NIL)',
        b'(%s("multipart" "mixed" ("boundary" "x") NIL NIL "7bit" 400 NIL NIL NIL NIL) "MIXED")' % TEXT,
    ],
)
def test_what_is_no_structure_is_garbled(structure: bytes) -> None:
    with pytest.raises(Garbled):
        planned(structure)


VALUES: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.binary(max_size=12) | st.sampled_from([b"TEXT", b"PLAIN", b"12", b"MIXED", b"attachment"]),
    lambda inner: st.lists(inner, max_size=10),
    max_leaves=40,
)


@given(VALUES)
def test_no_structure_makes_the_reader_fail_otherwise(value: Value) -> None:
    try:
        found = plan(read_structure(value))
    except Garbled:
        return
    assert len(found.texts) <= 8


def test_the_first_leaf_is_taken_out_of_its_container_only_where_its_end_is_certain() -> None:
    root = read_structure(parse([b'((%s%s "ALTERNATIVE" ("BOUNDARY" "b"))%s "MIXED")' % (TEXT, HTML, PDF)], 0)[0])
    container, wanted = root.children[0], root.children[0].children[0]
    before = b"preamble\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
    text = b"exactly twenty bytes"
    assert inner_section(container, wanted, before + text + b"\r\n--b\r\nmore") == text
    assert inner_section(container, wanted, before + text) is None
    assert inner_section(container, wanted, before + text[:-1] + b"\r\n--b\r\n") is None
    assert inner_section(container, wanted, text) is None
