"""Charsets as mailers name them, and as they really are."""

import pytest

from connectors.mime.charsets import clean_body, clean_line, codec_for, decode_bytes


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("ISO-8859-1", "cp1252"),
        ('"utf-8"', "utf-8"),
        ("UTF8", "utf-8"),
        ("utf-8*en", "utf-8"),
        ("gb2312", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("shift_jis", "cp932"),
        ("iso-8859-8-i", "iso8859-8"),
        ("koi8-r", "koi8-r"),
    ],
)
def test_a_label_means_the_codec_that_mail_programs_use(label: str, codec: str) -> None:
    assert codec_for(label) == codec


@pytest.mark.parametrize(
    "label",
    [
        "unicode_escape",
        "raw_unicode_escape",
        "idna",
        "punycode",
        "base64",
        "zip",
        "rot13",
        "undefined",
        "mbcs",
        "../../etc/passwd",
        "a\x00b",
        "",
        "x" * 500,
        "utf-8; drop",
        "unknown-8bit",
        "\udcff",
        "encodings.utf_8",
    ],
)
def test_a_label_that_names_no_charset_of_mail_is_never_used(label: str) -> None:
    assert codec_for(label) is None
    assert decode_bytes("Grüße".encode(), label or "x") == ("Grüße", "unknown-charset")


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        ("Grüße aus Köln".encode(), "us-ascii", "Grüße aus Köln"),
        ("Grüße aus Köln".encode("latin-1"), "utf-8", "Grüße aus Köln"),
        ("Grüße aus Köl€".encode()[:-1], "utf-8", "Grüße aus Köl"),
        ("Grüße, größer, schöner".encode() + b"\xff!", "utf-8", "Grüße, größer, schöner\ufffd!"),
        ("日本語".encode("iso2022_jp") + b"\x1b$B!", "iso-2022-jp", "日本語"),
        (b"\x80uro", "iso-8859-1", "€uro"),
        (b"\x81\x8d", "windows-1252", "\ufffd\ufffd"),
    ],
)
def test_text_is_read_although_its_label_is_wrong_or_its_end_is_missing(data: bytes, label: str, text: str) -> None:
    assert decode_bytes(data, label)[0] == text


def test_cleaning_keeps_every_script_and_no_control() -> None:
    assert clean_body("\ufeffa\x00b\x1b[1m\r\nc\rd\te\ud800שלום 👩‍💼\x85") == "ab[1m\nc\nd\teשלום 👩‍💼"
    assert clean_line(" a\r\n\tb\x00c\u2028d\ud800 שלום ") == "a bc d שלום"
