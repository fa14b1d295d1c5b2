"""Broken mail of every kind is read: nothing raises, what was wrong is named, texts are clean."""

import time
import tracemalloc

import pytest

from connectors import mime
from connectors.message import NO_FLAGS, TEXT_LIMIT, Address, Envelope, Message
from tests.data import generate
from tests.data.corpus import sample, samples

JUNK = [chr(code) for code in (*range(9), *range(11, 32), *range(127, 160), 0xD800, 0xDFFF)]


def envelope(raw: bytes) -> Envelope:
    return mime.read_header(raw, id="7", size=len(raw), server_time=None, flags=NO_FLAGS)


def message(raw: bytes) -> Message:
    return mime.read_message(raw, id="7")


def texts_of(found: Envelope | Message) -> list[str]:
    if isinstance(found, Message):
        return [found.text, *(a.name for a in found.attachments), *(a.type for a in found.attachments)]
    people = (*found.from_, *found.sender, *found.reply_to, *found.to, *found.cc, *found.bcc)
    ids = (found.message_id or "", *found.references, *found.in_reply_to)
    return [found.subject, *ids, *(p.name for p in people), *(p.address for p in people), *found.headers.values()]


def test_the_files_are_those_that_the_generator_writes() -> None:
    assert {each.name: each.raw for each in samples()} == generate.corpus()


@pytest.mark.parametrize("name", [each.name for each in samples()])
def test_every_sample_is_read_without_raising_into_clean_text(name: str) -> None:
    raw = sample(name)
    for found in (envelope(raw), message(raw)):
        for text in texts_of(found):
            text.encode("utf-8")
            assert not any(junk in text for junk in JUNK)


@pytest.mark.parametrize("name", [each.name for each in samples()])
def test_every_beginning_of_a_sample_is_read_without_raising(name: str) -> None:
    raw = sample(name)
    for end in range(0, min(len(raw), 3_000), 7):
        envelope(raw[:end])
        mime.read_message(raw[:end], id="7", truncated=True)


HEADER_DEFECTS = {
    "date-minus-zero": "naive-date",
    "date-no-zone": "naive-date",
    "date-asctime": "naive-date",
    "date-wild-zone": "naive-date",
    "date-9999": "unreadable-date",
    "date-nonsense": "unreadable-date",
    "no-date": "no-date",
    "no-from": "no-from",
    "from-empty-group": "no-from",
    "from-no-domain": "no-from",
    "from-no-address": "no-from",
    "from-empty": "no-from",
    "no-message-id": "no-message-id",
    "id-empty": "no-message-id",
    "id-no-local-part": "odd-message-id",
    "id-no-domain": "odd-message-id",
    "twice-everything": "duplicate-from",
    "line-without-colon": "malformed-line",
    "subject-raw-latin1": "8bit-header",
    "subject-unknown-charset": "unknown-charset-in-subject",
    "subject-long": "long-subject",
    "subject-controls": "control-characters",
}


@pytest.mark.parametrize(("name", "defect"), HEADER_DEFECTS.items())
def test_what_is_wrong_with_a_header_is_named(name: str, defect: str) -> None:
    assert defect in envelope(sample(name)).defects


BODY_DEFECTS = {
    "text-unknown-charset": "unknown-charset",
    "text-wrong-charset": "bad-charset",
    "text-broken-utf8": "bad-charset",
    "text-dangerous-codec": "unknown-charset",
    "base64-truncated": "bad-base64",
    "base64-one-letter-left": "bad-base64",
    "base64-junk-inside": "bad-base64",
    "base64-is-plain-text": "wrong-encoding",
    "encoding-unknown": "unknown-encoding",
    "multipart-empty": "empty-multipart",
    "multipart-no-end": "no-end-boundary",
    "multipart-no-boundary": "no-boundary",
    "multipart-wrong-boundary": "no-boundary",
    "pgp-inline": "encrypted",
    "pgp-mime": "encrypted",
    "smime-encrypted": "encrypted",
    "tnef": "tnef",
}


@pytest.mark.parametrize(("name", "defect"), BODY_DEFECTS.items())
def test_what_is_wrong_with_a_body_is_named(name: str, defect: str) -> None:
    assert defect in message(sample(name)).defects


@pytest.mark.parametrize("name", ["auto-reply", "newsletter", "report-read", "alternative-html-first", "bare-lf"])
def test_ordinary_mail_has_no_defects(name: str) -> None:
    assert envelope(sample(name)).defects == ()
    assert message(sample(name)).defects == ()


JANE = "jane@customer.example"
SENDERS = {
    "from-group": (Address(address=JANE), Address(address="john@customer.example", name="John")),
    "from-empty-group": (),
    "from-several": (Address(address=JANE, name="Jane"), Address(address="john@customer.example", name="John")),
    "from-no-domain": (Address(address="", name="jane"),),
    "from-no-address": (Address(address="", name="Jane Doe"),),
    "from-empty": (),
    "from-route": (Address(address=JANE),),
    "from-comment": (Address(address=JANE, name="Jane (the buyer) Doe"),),
    "from-quoted-local": (Address(address='"jane doe"@customer.example'),),
    "from-unquoted-comma": (Address(address=JANE, name="Doe, Jane"),),
    "from-open-quote": (Address(address=JANE, name="Jane Doe"),),
    "from-address-as-name": (Address(address=JANE, name=JANE),),
    "from-encoded-comma": (Address(address=JANE, name="Doe, Jane"),),
    "from-encoded-whole": (Address(address=JANE, name="Jane Doe"),),
    "from-obsolete-spaces": (Address(address=JANE, name="Jane"),),
    "from-utf8-address": (Address(address="jürgen@müller.example", name="Jürgen"),),
    "from-emoji": (Address(address=JANE, name="😎 Jane 🎨"),),
}


@pytest.mark.parametrize(("name", "expected"), SENDERS.items())
def test_senders_are_read_from_every_form(name: str, expected: tuple[Address, ...]) -> None:
    assert envelope(sample(name)).from_ == expected


SUBJECTS = {
    "subject-raw-latin1": "Größe und Maße",
    "subject-raw-utf8": "Größe und Maße",
    "subject-raw-iso2022jp": "見積もり",
    "subject-unknown-charset": "Angebot für Sie",
    "subject-split-character": "Grüße üü",
    "subject-open-word": "=?utf-8?Q?never_ends",
    "subject-bad-base64": "Grüß",
    "subject-question-mark": "Were you there?",
    "subject-utf7": "Grüße",
    "subject-koi8r": "Привет",
    "subject-gb18030": "报价单",
    "subject-gb2312-wider": "朱镕基的报价",
    "subject-controls": "bell escape[31m vertical end",
    "subject-encoded-newline": "first Bcc: injected@x.example",
    "subject-lone-surrogate": "half  pair",
}


@pytest.mark.parametrize(("name", "expected"), SUBJECTS.items())
def test_subjects_are_read_in_every_charset(name: str, expected: str) -> None:
    assert envelope(sample(name)).subject == expected


IDS = {
    "id-no-local-part": "@corpus.example",
    "id-no-domain": "20260303101112",
    "id-no-brackets": "id-no-brackets@corpus.example",
    "id-with-spaces": "idwithspaces@corpus.example",
    "id-folded": "a-very-long-identifier-continued@corpus.example",
    "id-empty": None,
    "id-encoded-word": "id-encoded-word@corpus.example",
}


@pytest.mark.parametrize(("name", "expected"), IDS.items())
def test_message_ids_are_read_from_every_form(name: str, expected: str | None) -> None:
    assert envelope(sample(name)).message_id == expected


TEXTS = {
    "text-unknown-charset": "Grüße",
    "text-wrong-charset": "Grüße aus Köln",
    "text-utf8-as-ascii": "Grüße aus Köln",
    "text-utf7": "Grüße aus Köln",
    "text-iso2022jp": "お見積もりをお願いします。",
    "text-gb18030": "请再发一次报价。",
    "text-koi8r": "Пришлите предложение ещё раз.",
    "text-utf16": "Angebot für Sie",
    "text-nul": "beforeafter",
    "text-controls": "bell escape[2J end",
    "text-bare-line-ends": "one\ntwo\nthree\nfour",
    "encoding-uuencode": "hello world",
    "encoding-with-comment": "Grüße",
    "html-only": "Hello Anna,\nthe offer & more\n\n> old words",
    "alternative-empty-plain": "Could you send the offer again?",
    "nested-twenty": "bottom",
    "pgp-inline": "Secret:\n\nbye",
    "pgp-mime": "",
    "smime-encrypted": "",
    "header-only": "",
    "mbox-from-lines": "Hello\n\nFrom now on we order more.\n>From here too.",
}


@pytest.mark.parametrize(("name", "expected"), TEXTS.items())
def test_texts_are_read_from_every_charset_encoding_and_structure(name: str, expected: str) -> None:
    assert message(sample(name)).text == expected


PLAIN = "Good morning,\n\ncould you send the offer again?\n\nJane"


@pytest.mark.parametrize(
    "name",
    [
        "alternative-html-first",
        "alternative-related",
        "multipart-no-end",
        "multipart-prefix-boundaries",
        "pgp-signed",
        "invitation",
        "multipart-preamble-epilogue",
        "multipart-no-boundary",
        "multipart-wrong-boundary",
        "base64-is-plain-text",
        "uuencode-is-plain-text",
        "text-no-utf16",
        "type-nonsense",
        "type-empty",
        "tnef",
        "message-attached",
        "report-read",
    ],
)
def test_the_plain_text_is_found_in_every_structure(name: str) -> None:
    assert message(sample(name)).text == PLAIN


NAMES = {
    "name-with-path": "offer.pdf",
    "name-climbs": "passwd",
    "name-rfc2231": "Grüße 2026.pdf",
    "name-encoded-word": "Grüße.pdf",
    "name-raw-8bit": "Größe.pdf",
    "name-controls": "offer.pdf",
    "name-reversed": "invoicefdp.exe",
    "name-unquoted": "my offer 2026.pdf",
    "name-open-quote": "offer.pdf",
    "name-dots": "",
    "message-attached": "",
    "tnef": "winmail.dat",
    "multipart-no-end": "offer.pdf",
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items())
def test_attachments_are_named_without_paths_and_tricks(name: str, expected: str) -> None:
    (attachment,) = message(sample(name)).attachments
    assert attachment.name == expected


def test_a_text_that_is_all_of_a_message_is_its_text_though_it_has_a_name() -> None:
    """As mail programs show it: there is nothing else that it could be attached to."""
    found = message(sample("only-part-named"))
    assert (found.text, found.attachments) == (PLAIN, ())


def test_an_endless_attachment_name_keeps_its_ending() -> None:
    (attachment,) = message(sample("name-endless")).attachments
    assert len(attachment.name) <= 250
    assert attachment.name.endswith(".pdf")


def test_the_size_of_an_attachment_is_that_of_its_content() -> None:
    assert [a.size for a in message(sample("multipart-no-end")).attachments] == [9]
    assert [a.size for a in message(sample("name-controls")).attachments] == [5]


@pytest.mark.parametrize(
    ("name", "method"), [("invitation", "REQUEST"), ("invitation-reply", "REPLY"), ("html-only", None)]
)
def test_invitations_and_answers_are_known_by_their_method(name: str, method: str | None) -> None:
    assert message(sample(name)).calendar_method == method


@pytest.mark.parametrize(
    ("name", "report"),
    [("report-bounce", "delivery-status"), ("report-read", "disposition-notification"), ("message-attached", None)],
)
def test_reports_are_known_by_their_type(name: str, report: str | None) -> None:
    assert message(sample(name)).report == report


def test_what_filters_ask_for_is_handed_out_and_nothing_else() -> None:
    assert dict(envelope(sample("report-bounce")).headers) == {
        "return-path": "<>",
        "auto-submitted": "auto-replied",
        "x-failed-recipients": "jane@customer.example",
        "content-type": 'multipart/report; report-type=delivery-status; boundary="=_b1"',
    }
    assert envelope(sample("newsletter")).headers["list-unsubscribe"].startswith("<mailto:u@shop.example>, <https:")


def test_a_private_message_is_private() -> None:
    assert envelope(sample("sensitivity-private")).flags.private
    assert not envelope(sample("auto-reply")).flags.private


def test_destinations_that_stand_twice_are_joined_and_of_the_rest_the_first_counts() -> None:
    found = envelope(sample("twice-everything"))
    assert [a.address for a in found.from_] == [JANE]
    assert [a.address for a in found.to] == ["anna@ourfirm.example", "other@ourfirm.example"]
    assert found.subject == "twice everything"
    assert {"duplicate-from", "duplicate-subject", "duplicate-date"} <= set(found.defects)


def test_a_thread_is_read_from_every_form_of_references() -> None:
    found = envelope(sample("references-many-forms"))
    assert found.references == ("a@x.example", "b@x.example", "cc@x.example")
    assert found.in_reply_to == ("cc@x.example",)


@pytest.mark.parametrize("levels", [60, 10_000])
def test_deep_nesting_is_read_in_bounded_time_and_said(levels: int) -> None:
    started = time.thread_time()
    found = message(generate.nested(levels))
    assert "too-deep" in found.defects
    assert time.thread_time() - started < 10


def test_very_many_parts_are_bounded() -> None:
    found = message(generate.many_parts(5_000))
    assert "too-many-parts" in found.defects
    assert len(found.attachments) <= 200


def test_a_huge_header_is_bounded_and_said() -> None:
    assert envelope(generate.huge_header(100_000)).message_id == "huge-header@corpus.example"
    found = envelope(generate.huge_header(3_000_000))
    assert "long-header" in found.defects
    assert found.message_id is None


def test_very_many_recipients_are_bounded_and_said() -> None:
    found = envelope(generate.many_recipients(5_000))
    assert "many-addresses" in found.defects
    assert len(found.from_) + len(found.to) == 2_000
    assert len(envelope(generate.many_recipients(1_500)).to) == 1_500


def test_a_long_text_is_cut_and_said() -> None:
    found = message(generate.plain("long", body=b"0123456789" * 100_000))
    assert found.truncated
    assert len(found.text) == TEXT_LIMIT
    assert not message(generate.plain("short")).truncated


def test_a_long_html_text_is_cut_and_said() -> None:
    raw = generate.typed("long-html", b"text/html", b"<p>x</p>" * 200_000)
    found = message(raw)
    assert found.truncated
    assert "long-html" in found.defects


def test_a_large_attachment_is_measured_without_a_copy() -> None:
    content = b"QUJD" * 19 + b"\r\n"
    raw = generate.multi("big", b"mixed", b"Content-Type: text/plain\r\n\r\nHello\r\n", b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + content * 200_000)  # fmt: skip  # noqa: E501 -- one message a line
    tracemalloc.start()
    found = message(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.attachments[0].size == 57 * 200_000
    assert peak < 2 * 1024 * 1024
