"""NTLM over HTTP, the server's side: a challenge, and whether the answer proves the password ([MS-NLMP], [MS-NTHT]).

Only NTLMv2 is taken. With Extended Protection the answer must also name the certificate of this very TLS connection
(tls-server-end-point, RFC 5929): who comes through something that ends TLS with another certificate is refused.
"""

import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass

_SIGNATURE = b"NTLMSSP\0"
_FLAGS = (
    0xE2898215  # 56 and 128 bit, key exchange, version, target info, extended security, server, sign, NTLM, Unicode
)
_BINDINGS, _END, _NETBIOS_DOMAIN, _NETBIOS_COMPUTER, _DNS_DOMAIN, _TIME = 10, 0, 2, 1, 4, 7
_EPOCH_DIFFERENCE = 116444736000000000  # 100 ns from 1601 to 1970
DOMAIN = "LAB"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an AUTHENTICATE message says. proof: the NT response."""

    username: str
    domain: str
    proof: bytes

    @property
    def login(self) -> str:
        """The name to look the account up by."""
        return self.username

    def proves(self, password: str, challenge: bytes) -> bool:
        """Does it prove this password against this challenge?"""
        secret = md4(password.encode("utf-16-le"))
        names = (self.username.upper() + self.domain).encode("utf-16-le")
        key = hmac.digest(secret, names, "md5")
        expected = hmac.digest(key, challenge + self.proof[16:], "md5")
        return len(self.proof) > 24 and hmac.compare_digest(expected, self.proof[:16])

    def bindings(self) -> bytes | None:
        """The hash of the channel that the client believes to speak through; None if it says nothing."""
        pairs = self.proof[44:]
        while len(pairs) >= 4:
            kind, length = struct.unpack_from("<HH", pairs)
            if kind == _END:
                return None
            if kind == _BINDINGS:
                found = pairs[4 : 4 + length]
                return found if any(found) else None
            pairs = pairs[4 + length :]
        return None


def is_negotiate(token: bytes) -> bool:
    """Is this the first message of a sign-in?"""
    return token[:12] == _SIGNATURE + struct.pack("<I", 1)


def challenge_message(now: float) -> tuple[bytes, bytes]:
    """The CHALLENGE message and the eight octets to prove the password with. now: seconds since 1970."""
    challenge = secrets.token_bytes(8)
    target = DOMAIN.encode("utf-16-le")
    info = _pair(_NETBIOS_DOMAIN, target) + _pair(_NETBIOS_COMPUTER, "EX1".encode("utf-16-le"))
    info += _pair(_DNS_DOMAIN, "lab.example".encode("utf-16-le"))
    info += _pair(_TIME, struct.pack("<Q", int(now * 10_000_000) + _EPOCH_DIFFERENCE)) + _pair(_END, b"")
    message = _SIGNATURE + struct.pack("<IHHI", 2, len(target), len(target), 56) + struct.pack("<I", _FLAGS)
    message += challenge + bytes(8) + struct.pack("<HHI", len(info), len(info), 56 + len(target))
    return message + b"\x0a\0\x63\x45\0\0\0\x0f" + target + info, challenge


def read_answer(token: bytes) -> Answer | None:
    """An AUTHENTICATE message; None if it is none."""
    if token[:12] != _SIGNATURE + struct.pack("<I", 3) or len(token) < 64:
        return None
    proof, domain, username = (_part(token, offset) for offset in (20, 28, 36))
    return Answer(
        username=username.decode("utf-16-le", "replace"), domain=domain.decode("utf-16-le", "replace"), proof=proof
    )


def channel_hash(certificate_der: bytes) -> bytes:
    """The channel binding of a TLS connection to a server with this certificate ([MS-NLMP] 2.2.2.1, RFC 5929)."""
    bound = b"tls-server-end-point:" + hashlib.sha256(certificate_der).digest()
    return hashlib.md5(bytes(16) + struct.pack("<I", len(bound)) + bound, usedforsecurity=False).digest()


def _pair(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _part(token: bytes, offset: int) -> bytes:
    length, _, begin = struct.unpack_from("<HHI", token, offset)
    return token[begin : begin + length]


def md4(octets: bytes) -> bytes:
    """MD4 (RFC 1320), which OpenSSL no longer offers; NTLM is built on it."""
    padded = octets + b"\x80" + bytes((55 - len(octets)) % 64) + struct.pack("<Q", len(octets) * 8)
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    for begin in range(0, len(padded), 64):
        words = struct.unpack_from("<16I", padded, begin)
        state = [(old + new) & 0xFFFFFFFF for old, new in zip(state, _rounds(state, words), strict=True)]
    return struct.pack("<4I", *state)


_ORDER = (
    range(16),
    (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
    (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15),
)
_SHIFTS = ((3, 7, 11, 19), (3, 5, 9, 13), (3, 9, 11, 15))
_ADDED = (0, 0x5A827999, 0x6ED9EBA1)


def _rounds(state: list[int], words: tuple[int, ...]) -> list[int]:
    a, b, c, d = state
    for turn in range(3):
        for step, index in enumerate(_ORDER[turn]):
            mixed = ((b & c) | (~b & d), (b & c) | (b & d) | (c & d), b ^ c ^ d)[turn]
            total = (a + mixed + words[index] + _ADDED[turn]) & 0xFFFFFFFF
            shift = _SHIFTS[turn][step % 4]
            a, b, c, d = d, ((total << shift) | (total >> (32 - shift))) & 0xFFFFFFFF, b, c
    return [a, b, c, d]
