"""Multiparts whose boundaries are not what their headers say: the text is found, and nothing attached is lost."""

from connectors.message import Message
from connectors.mime import read_message


def message(raw: bytes) -> Message:
    return read_message(raw, id="1")


def multipart(boundary: str, body: str) -> bytes:
    return f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n{body}'.encode()


INNER = """--b\r
Content-Type: multipart/alternative; boundary=b\r
\r
--b\r
Content-Type: text/plain\r
\r
Hello\r
--b--\r
--b\r
Content-Type: image/png; name=plan.png\r
\r
x\r
--b--\r
"""


def test_what_is_attached_behind_an_inner_multipart_with_the_same_boundary_is_kept() -> None:
    found = message(multipart("b", INNER))
    assert found.text == "Hello"
    assert [a.name for a in found.attachments] == ["plan.png"]


def test_the_forms_of_an_alternative_with_the_same_boundary_are_one_text() -> None:
    """They stood beside each other in the outer multipart, and the text was kept twice."""
    html = "--b\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>\r\n--b--\r\n--b\r\nContent-Type: image"
    found = message(multipart("b", INNER.replace("--b--\r\n--b\r\nContent-Type: image", html, 1)))
    assert found.text == "Hello"
    assert [a.name for a in found.attachments] == ["plan.png"]


def test_a_boundary_is_guessed_against_the_header_only_where_a_field_follows() -> None:
    letter = "Good morning,\r\n\r\nthis is a text.\r\n\r\n--Jane\r\nCustomer Inc.\r\n"
    assert message(multipart("none", letter)).text.startswith("Good morning")
    parts = "--=_7\r\nContent-Type: text/plain\r\n\r\nHello\r\n--=_7--\r\n"
    found = message(multipart("none", parts))
    assert (found.text, "no-boundary" in found.defects) == ("Hello", True)
