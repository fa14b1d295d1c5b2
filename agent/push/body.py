"""The body of a post, told by its length or in chunks as proxies send it (RFC 9112 sections 6 and 7.1): bounded."""

import re
from email.message import Message
from io import BufferedIOBase

_LINE = 1024
"""Bytes of a line that begins a chunk, or of a trailer."""
_MOST_TRAILERS = 50
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n\Z")
_END = (b"\r\n", b"\n")


class Unbounded(ValueError):
    """Nobody says where the body ends."""


class TooLong(ValueError):
    """It is longer than we take."""


class Broken(ValueError):
    """It does not keep to the form, or ends too early."""


def read_body(headers: "Message[str, str]", stream: BufferedIOBase, limit: int) -> bytes:
    """All of it, at most `limit` bytes. Raises Unbounded, TooLong, Broken, and OSError."""
    coding, length = headers.get("Transfer-Encoding"), headers.get("Content-Length", "")
    if coding is not None:
        if coding.strip().lower() != "chunked" or length:
            raise Broken  # two ends, or one that we do not know: what follows could be taken for another post
        return _chunks(stream, limit)
    if not length.isdecimal():
        raise Unbounded
    if len(length) > len(str(limit)) or int(length) > limit:
        raise TooLong
    return _exactly(stream, int(length))


def _chunks(stream: BufferedIOBase, limit: int) -> bytes:
    body = bytearray()
    while size := _size(stream):
        if len(body) + size > limit:
            raise TooLong
        body += _exactly(stream, size)
        if stream.readline(2) not in _END:
            raise Broken
    for _ in range(_MOST_TRAILERS):
        if stream.readline(_LINE) in _END:
            return bytes(body)
    raise Broken


def _size(stream: BufferedIOBase) -> int:
    found = _SIZE.match(stream.readline(_LINE))
    if found is None:
        raise Broken
    return int(found[1], 16)


def _exactly(stream: BufferedIOBase, size: int) -> bytes:
    read = stream.read(size)
    if len(read) < size:
        raise Broken
    return read
