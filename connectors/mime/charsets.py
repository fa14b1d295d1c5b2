"""Bytes in whatever charset a mailer claims → clean Unicode. Never raises; says what was wrong.

The label is a claim: browsers and mail programs read `iso-8859-1` as windows-1252 and `gb2312` as gb18030 (WHATWG
Encoding Standard, labels table), so do we. Only codecs of the list below are ever looked up, so that no message
chooses `unicode_escape`, `idna` or a compression codec for us.
"""

import codecs
import re
from functools import lru_cache

_LABEL = re.compile(r"[A-Za-z0-9_.:+()-]{1,40}")
_WIDER = {
    "iso8859-1": "cp1252",
    "ascii": "utf-8",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "iso2022_jp": "iso2022_jp_ext",
}
_ALIASES = {
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "x-sjis": "cp932",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "unicode-1-1-utf-7": "utf-7",
    "x-unicode-2-0-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "cp-850": "cp850",
    "x-euc-jp": "euc_jp",
    "x-big5": "big5hkscs",
    "ansi_x3.4-1968": "utf-8",
}
_TEXT_CODECS = frozenset(
    """ascii utf-8 utf-7 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be
    iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-11
    iso8859-13 iso8859-14 iso8859-15 iso8859-16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
    cp437 cp720 cp737 cp775 cp850 cp852 cp855 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866 cp869 cp874
    cp932 cp949 cp950 koi8-r koi8-u koi8-t kz1048 ptcp154 hp-roman8 tis-620 mac-roman mac-cyrillic mac-greek
    mac-latin2 mac-turkish mac-iceland gb2312 gbk gb18030 hz big5 big5hkscs shift_jis shift_jis_2004 shift_jisx0213
    euc_jp euc_jis_2004 euc_jisx0213 euc_kr johab iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3
    iso2022_jp_ext iso2022_kr""".split()  # noqa: SIM905 -- a list of ninety quoted names is unreadable
)

_WIDE = frozenset(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"))
"""Letters have a NUL beside them there. ASCII without one is what it looks like, whatever the label says."""

_BODY_JUNK = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_ASCII_BODY_JUNK = dict.fromkeys((*range(9), *range(11, 32), 127))
_LINE_JUNK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_SPACES = re.compile(r"[ \t\r\n\x0b\x0c\x85\u2028\u2029]+")


@lru_cache(maxsize=256)
def codec_for(label: str) -> str | None:
    """The codec to read a charset label with, or None if it names no charset of mail."""
    label = label.strip("\"' ").partition("*")[0].lower()
    if not _LABEL.fullmatch(label):
        return None
    try:
        name = codecs.lookup(_ALIASES.get(label, label)).name
    except (LookupError, ValueError, ImportError):
        return None
    return _WIDER.get(name, name) if name in _TEXT_CODECS else None


def decode_bytes(data: bytes, label: str | None) -> tuple[str, str | None]:
    """(text, defect): the text of `data` in the charset `label`, as good as possible; text is not yet cleaned."""
    if data.isascii() and (label is None or label.lower() in ("us-ascii", "utf-8", "iso-8859-1")):
        return data.decode("ascii"), None
    codec = codec_for(label) if label else "utf-8"
    if codec is None:
        return _guess(data), "unknown-charset"
    if codec in _WIDE and data.isascii() and b"\0" not in data:
        return data.decode("ascii"), "bad-charset"
    try:
        return data.decode(codec), None
    except ValueError:
        return _mislabelled(data, codec), "bad-charset"


def _without_tail(data: bytes, codec: str) -> str:
    """Text without an incomplete character at its end, where a message was cut. Raises ValueError."""
    return codecs.getincrementaldecoder(codec)().decode(data, final=False)


def _mislabelled(data: bytes, codec: str) -> str:
    """What the label promised did not hold: cut short, UTF-8 in truth, or broken here and there."""
    candidates = (codec,) if data.isascii() else (codec, "utf-8")
    for candidate in candidates:
        try:
            return _without_tail(data, candidate)
        except ValueError:
            continue
    return _guess(data) if codec == "utf-8" and not _looks_like_utf8(data) else data.decode(codec, "replace")


def _looks_like_utf8(data: bytes) -> bool:
    """Whether at least half of the high bytes form UTF-8 sequences (one broken character in a long text)."""
    broken = data.decode("utf-8", "replace").count("\ufffd")
    high = len(data) - len(data.translate(None, bytes(range(128, 256))))
    return broken * 2 <= high


def _guess(data: bytes) -> str:
    """Text without a usable label: UTF-8 if it is valid, else windows-1252."""
    try:
        return data.decode("utf-8")
    except ValueError:
        return _western(data)


def _western(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except ValueError:
        return data.decode("latin-1")


def decode_raw_header(data: bytes, hint: str | None) -> str:
    """Unencoded 8-bit header bytes: UTF-8 (RFC 6532), else the body's own charset, else windows-1252."""
    for codec in ("utf-8", codec_for(hint) if hint else None):
        if codec is not None:
            try:
                return data.decode(codec)
            except ValueError:
                continue
    return _western(data)


def clean_body(text: str) -> str:
    """Body text with LF line ends and without NUL, other controls or lone surrogates."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.translate(_ASCII_BODY_JUNK) if text.isascii() else _BODY_JUNK.sub("", text)
    return text.removeprefix("\ufeff")


def clean_line(text: str) -> str:
    """A header value as one line: no controls, no lone surrogates, white space runs that held one made a space."""
    if text.isprintable():
        return text.strip()
    return _LINE_JUNK.sub("", _SPACES.sub(" ", text)).strip()
