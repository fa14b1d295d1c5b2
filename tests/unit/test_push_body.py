"""Bodies of posts: by length, or in chunks as proxies send them, and never more than a bound."""

from email.message import Message
from io import BytesIO
from typing import Any

import pytest

from agent.push.body import Broken, TooLong, Unbounded, read_body


def read(sent: bytes, limit: int = 20, **headers: str) -> bytes:
    told: Message[str, str] = Message()
    for name, value in headers.items():
        told[name.replace("_", "-")] = value
    return read_body(told, BytesIO(sent), limit)


def chunked(sent: bytes) -> bytes:
    return read(sent, Transfer_Encoding="Chunked")


@pytest.mark.parametrize(
    "sent",
    [
        b"5\r\nHello\r\n0\r\n\r\n",
        b"2;name=value\r\nHe\r\n003 \r\nllo\r\n0\r\n\r\n",
        b"5\r\nHello\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n",
    ],
    ids=["one", "extension", "trailers"],
)
def test_chunks_are_put_together(sent: bytes) -> None:
    assert chunked(sent + b"POST /next HTTP/1.1\r\n") == b"Hello"


@pytest.mark.parametrize("sent", [b"15\r\n", b"f\r\n" + b"a" * 15 + b"\r\n6\r\naaaaaa\r\n0\r\n\r\n", b"FFFFFFFF\r\n"])
def test_more_than_the_bound_is_refused_before_it_is_read(sent: bytes) -> None:
    with pytest.raises(TooLong):
        chunked(sent)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"5\r\nHel",
        b"5\r\nHelloX\r\n0\r\n\r\n",
        b"5\r\nHello\r\n",
        b"five\r\nHello\r\n0\r\n\r\n",
        b"-5\r\nHello\r\n0\r\n\r\n",
        b"0x5\r\nHello\r\n0\r\n\r\n",
        b"5" * 2000,
        b"0\r\n" + b"Trailer: x\r\n" * 100,
    ],
)
def test_what_does_not_keep_to_the_form_or_ends_too_early_is_refused(sent: bytes) -> None:
    with pytest.raises(Broken):
        chunked(sent)


def test_a_body_that_says_its_length_is_read_to_there() -> None:
    assert read(b"Hello, and more", Content_Length="5") == b"Hello"


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, Unbounded),
        ({"Content_Length": "many"}, Unbounded),
        ({"Content_Length": "21"}, TooLong),
        ({"Content_Length": "10"}, Broken),
        ({"Content_Length": "5", "Transfer_Encoding": "chunked"}, Broken),
        ({"Transfer_Encoding": "gzip, chunked"}, Broken),
    ],
)
def test_a_length_that_is_missing_too_great_or_not_kept_is_refused(
    headers: dict[str, Any], refused: type[Exception]
) -> None:
    with pytest.raises(refused):
        read(b"Hello", **headers)
