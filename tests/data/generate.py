# ruff: noqa: E501 -- one message a line reads best, whatever its length
"""Writes the corpus of broken mail: `python -m tests.data.generate`. All of it is of our own making.

What is too large to keep (deep nesting, huge headers) is made here too, by the functions at the end.
"""

import base64
import quopri

from tests.data.corpus import FOLDER

FROM = b"From: Jane Doe <jane@customer.example>\r\n"
TO = b"To: Anna Smith <anna@ourfirm.example>\r\n"
DATE = b"Date: Tue, 03 Mar 2026 10:11:12 +0100\r\n"
PLAIN = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
TEXT = b"Good morning,\r\n\r\ncould you send the offer again?\r\n\r\nJane\r\n"


def head(name: str, *lines: bytes, leave_out: tuple[str, ...] = ()) -> bytes:
    """An ordinary header with Message-ID <name@corpus.example>; `lines` follow; without the named fields."""
    fields = {
        "from": FROM,
        "to": TO,
        "date": DATE,
        "subject": b"Subject: " + name.replace("-", " ").encode() + b"\r\n",
        "message-id": f"Message-ID: <{name}@corpus.example>\r\n".encode(),
    }
    kept = [line for field, line in fields.items() if field not in leave_out]
    return b"".join(kept) + b"".join(line + b"\r\n" for line in lines)


def plain(name: str, *lines: bytes, leave_out: tuple[str, ...] = (), body: bytes = TEXT) -> bytes:
    return head(name, *lines, leave_out=leave_out) + PLAIN + b"\r\n" + body


def typed(name: str, content_type: bytes, body: bytes, *lines: bytes, encoding: bytes = b"8bit") -> bytes:
    mime = (b"MIME-Version: 1.0", b"Content-Type: " + content_type, b"Content-Transfer-Encoding: " + encoding)
    return head(name, *lines, *mime) + b"\r\n" + body


def part(content_type: bytes, body: bytes, *lines: bytes) -> bytes:
    return b"".join(line + b"\r\n" for line in (b"Content-Type: " + content_type, *lines)) + b"\r\n" + body


def multi(
    name: str, kind: bytes, *parts: bytes, boundary: bytes = b"=_b1", end: bool = True, lines: tuple[bytes, ...] = ()
) -> bytes:
    body = b"".join(b"--" + boundary + b"\r\n" + each + b"\r\n" for each in parts)
    body += b"--" + boundary + b"--\r\n" if end else b""
    return typed(name, b"multipart/" + kind + b'; boundary="' + boundary + b'"', body, *lines)


def header_faults() -> dict[str, bytes]:
    """Dates, ids, addresses, missing and doubled fields."""
    dates = {
        "date-minus-zero": b"Tue, 03 Mar 2026 10:11:12 -0000",
        "date-no-zone": b"Tue, 03 Mar 2026 10:11:12",
        "date-2099": b"Tue, 03 Mar 2099 10:11:12 +0100",
        "date-1970": b"Thu, 01 Jan 1970 00:00:00 +0000",
        "date-9999": b"Fri, 31 Dec 9999 23:59:59 -1200",
        "date-nonsense": b"yesterday evening",
        "date-two-digit-year": b"3 Mar 26 10:11 EST",
        "date-iso": b"2026-03-03T10:11:12Z",
        "date-asctime": b"Tue Mar  3 10:11:12 2026",
        "date-leap-second": b"Wed, 31 Dec 2008 23:59:60 +0000 (UTC)",
        "date-wild-zone": b"Tue, 03 Mar 2026 10:11:12 +9999",
    }
    found = {name: plain(name, b"Date: " + value, leave_out=("date",)) for name, value in dates.items()}
    ids = {
        "id-no-local-part": b"<@corpus.example>",
        "id-no-domain": b"<20260303101112>",
        "id-no-brackets": b"id-no-brackets@corpus.example",
        "id-with-spaces": b"< id with spaces@corpus.example >",
        "id-folded": b"<a-very-long-identifier-\r\n continued@corpus.example>",
        "id-empty": b"<>",
        "id-encoded-word": b"=?utf-8?q?=3Cid-encoded-word=40corpus=2Eexample=3E?=",
    }
    found |= {name: plain(name, b"Message-ID: " + value, leave_out=("message-id",)) for name, value in ids.items()}
    senders = {
        "from-group": b"Sales: jane@customer.example, John <john@customer.example>;",
        "from-empty-group": b"undisclosed-sender:;",
        "from-several": b"Jane <jane@customer.example>, John <john@customer.example>",
        "from-no-domain": b"jane",
        "from-no-address": b"Jane Doe",
        "from-empty": b"",
        "from-route": b"<@relay.example,@other.example:jane@customer.example>",
        "from-comment": b"jane@customer.example (Jane (the buyer) Doe)",
        "from-quoted-local": b'"jane doe"@customer.example',
        "from-unquoted-comma": b"Doe, Jane <jane@customer.example>",
        "from-open-quote": b'"Jane Doe <jane@customer.example>',
        "from-address-as-name": b"jane@customer.example <jane@customer.example>",
        "from-encoded-comma": b"=?utf-8?Q?Doe,_Jane?= <jane@customer.example>",
        "from-encoded-whole": b"=?utf-8?q?Jane_Doe_=3Cjane=40customer=2Eexample=3E?=",
        "from-obsolete-spaces": b"Jane <jane @ customer . example>",
        "from-utf8-address": "Jürgen <jürgen@müller.example>".encode(),
        "from-rtl": "\u202eמשה כהן <moshe@customer.example>".encode(),
        "from-emoji": b"=?utf-8?B?8J+Yjg==?= Jane =?utf-8?B?8J8=?= =?utf-8?B?jqg=?= <jane@customer.example>",
    }
    found |= {name: plain(name, b"From: " + value, leave_out=("from",)) for name, value in senders.items()}
    return found | {
        "no-header-fields": b"\r\n" + TEXT,
        "no-from": plain("no-from", leave_out=("from",)),
        "no-date": plain("no-date", leave_out=("date",)),
        "no-message-id": plain("no-message-id", leave_out=("message-id",)),
        "nothing-but-a-subject": b"Subject: nothing but a subject\r\n\r\n",
        "twice-everything": plain("twice-everything", b"From: second@customer.example", b"Subject: second", b"To: other@ourfirm.example", b"Date: Wed, 04 Mar 2026 10:11:12 +0100"),
        "line-without-colon": plain("line-without-colon", b"this line is no field", b"Cc: carl@customer.example"),
        "references-many-forms": plain("references-many-forms", b"References: <a@x.example><b@x.example>\r\n\t<c c@x.example> junk <>", b"In-Reply-To: Your message of Monday <c c@x.example>"),
        "to-undisclosed": plain("to-undisclosed", b"To: undisclosed-recipients:;", leave_out=("to",)),
        "to-semicolons": plain("to-semicolons", b"To: anna@ourfirm.example; bob@ourfirm.example;", leave_out=("to",)),
        "sensitivity-private": plain("sensitivity-private", b"Sensitivity: Private"),
        "body-only-header-ends-early": b"\r\n" + plain("body-only-header-ends-early"),
    }  # fmt: skip


def header_charsets() -> dict[str, bytes]:
    subjects = {
        "subject-raw-latin1": "Größe und Maße".encode("latin-1"),
        "subject-raw-utf8": "Größe und Maße".encode(),
        "subject-raw-iso2022jp": "見積もり".encode("iso2022_jp"),
        "subject-unknown-charset": b"=?x-strange-8?Q?Angebot_f=FCr_Sie?=",
        "subject-split-character": b"=?utf-8?B?R3LDvMOf?=\r\n =?utf-8?B?ZSDDvA==?= =?utf-8?Q?=C3?= =?utf-8?Q?=BC?=",
        "subject-open-word": b"=?utf-8?Q?never_ends",
        "subject-bad-base64": b"=?utf-8?B?R3LDvMOfZ?=",
        "subject-question-mark": b"=?utf-8?Q?Were you there??=",
        "subject-utf7": b"=?utf-7?Q?Gr+APwA3w-e?=",
        "subject-koi8r": b"=?koi8-r?B?8NLJ18XU?=",
        "subject-gb18030": b"=?gb18030?B?" + base64.b64encode("报价单".encode("gb18030")) + b"?=",
        "subject-gb2312-wider": b"=?gb2312?B?" + base64.b64encode("朱镕基的报价".encode("gb18030")) + b"?=",
        "subject-controls": b"bell\x07 escape\x1b[31m vertical\x0b end",
        "subject-encoded-newline": b"=?utf-8?Q?first=0D=0ABcc:_injected=40x.example?=",
        "subject-lone-surrogate": b"=?utf-7?Q?half_+2AA-_pair?=",
        "subject-long": b"long " * 900,
    }
    return {name: plain(name, b"Subject: " + value, leave_out=("subject",)) for name, value in subjects.items()}


def body_charsets() -> dict[str, bytes]:
    utf7 = "Grüße aus Köln".encode("utf-7")
    return {
        "text-unknown-charset": typed("text-unknown-charset", b"text/plain; charset=x-never-heard", "Grüße".encode()),
        "text-wrong-charset": typed("text-wrong-charset", b"text/plain; charset=us-ascii", "Grüße aus Köln".encode("latin-1")),
        "text-utf8-as-ascii": typed("text-utf8-as-ascii", b"text/plain; charset=us-ascii", "Grüße aus Köln".encode()),
        "text-broken-utf8": typed("text-broken-utf8", b"text/plain; charset=utf-8", "Grüße — größer — schöner ".encode() * 3 + b"\xff end"),
        "text-utf7": typed("text-utf7", b"text/plain; charset=utf-7", utf7, encoding=b"7bit"),
        "text-iso2022jp": typed("text-iso2022jp", b"text/plain; charset=iso-2022-jp", "お見積もりをお願いします。".encode("iso2022_jp"), encoding=b"7bit"),
        "text-gb18030": typed("text-gb18030", b"text/plain; charset=gb18030", base64.encodebytes("请再发一次报价。".encode("gb18030")), encoding=b"base64"),
        "text-koi8r": typed("text-koi8r", b"text/plain; charset=koi8-r", "Пришлите предложение ещё раз.".encode("koi8-r")),
        "text-utf16": typed("text-utf16", b"text/plain; charset=utf-16", base64.encodebytes("Angebot für Sie".encode("utf-16")), encoding=b"base64"),
        "text-no-utf16": typed("text-no-utf16", b"text/plain; charset=utf-16", TEXT),
        "text-dangerous-codec": typed("text-dangerous-codec", b"text/plain; charset=unicode_escape", b"\\x41\\ud800 stays as written"),
        "text-nul": typed("text-nul", b"text/plain; charset=utf-8", b"before\x00after\x00\r\n"),
        "text-controls": typed("text-controls", b"text/plain; charset=utf-8", b"bell\x07 escape\x1b[2J end\r\n"),
        "text-bare-line-ends": typed("text-bare-line-ends", b"text/plain; charset=utf-8", b"one\rtwo\nthree\r\nfour"),
        "text-emoji-rtl": typed("text-emoji-rtl", b"text/plain; charset=utf-8", "שלום 👩‍💼 \u202eevil\u202c مرحبا\r\n".encode()),
    }  # fmt: skip


def transfer_faults() -> dict[str, bytes]:
    encoded = base64.encodebytes(b"The offer is attached. " * 20)
    utf8 = b"text/plain; charset=utf-8"
    return {
        "base64-truncated": typed("base64-truncated", utf8, encoded[:-7], encoding=b"base64"),
        "base64-one-letter-left": typed("base64-one-letter-left", utf8, b"VGhlIG9mZmVyQ", encoding=b"base64"),
        "base64-junk-inside": typed("base64-junk-inside", utf8, encoded[:60] + b"*!?\r\n" + encoded[60:], encoding=b"base64"),
        "base64-is-plain-text": typed("base64-is-plain-text", utf8, TEXT, encoding=b"base64"),
        "qp-broken": typed("qp-broken", utf8, b"Gr=C3=BC=C3=9Fe =ZZ =\r\nend=", encoding=b"quoted-printable"),
        "encoding-unknown": typed("encoding-unknown", utf8, TEXT, encoding=b"x-rot13"),
        "encoding-uuencode": typed("encoding-uuencode", utf8, b"begin 644 x.txt\r\n+:&5L;&\\@=V]R;&0 \r\n`\r\nend\r\n", encoding=b"x-uuencode"),
        "uuencode-is-plain-text": typed("uuencode-is-plain-text", utf8, TEXT, encoding=b"x-uuencode"),
        "encoding-with-comment": typed("encoding-with-comment", utf8, quopri.encodestring("Grüße".encode()), encoding=b"quoted-printable; x=y"),
    }  # fmt: skip


def structure_faults() -> dict[str, bytes]:
    text, html = (
        part(b"text/plain; charset=utf-8", TEXT),
        part(b"text/html; charset=utf-8", b"<p>Could you send the <b>offer</b> again?</p>"),
    )
    pdf = part(
        b"application/pdf",
        b"JVBERi0xLjQK",
        b"Content-Transfer-Encoding: base64",
        b'Content-Disposition: attachment; filename="offer.pdf"',
    )
    return {
        "multipart-empty": typed("multipart-empty", b'multipart/mixed; boundary="=_b1"', b""),
        "multipart-no-parts": multi("multipart-no-parts", b"mixed"),
        "multipart-no-end": multi("multipart-no-end", b"mixed", text, pdf, end=False),
        "multipart-no-boundary": typed("multipart-no-boundary", b"multipart/mixed", b"--x\r\n" + text + b"\r\n--x\r\n" + pdf + b"\r\n--x--\r\n"),
        "multipart-wrong-boundary": typed("multipart-wrong-boundary", b"multipart/mixed; boundary=other", b"--x\r\n" + text + b"\r\n--x--\r\n"),
        "multipart-prefix-boundaries": multi("multipart-prefix-boundaries", b"mixed", part(b"multipart/alternative; boundary=b12", b"--b12\r\n" + text + b"\r\n--b12\r\n" + html + b"\r\n--b12--\r\n"), pdf, boundary=b"b1"),
        "multipart-same-boundary": multi("multipart-same-boundary", b"mixed", part(b'multipart/alternative; boundary="=_b1"', b"--=_b1\r\n" + text), pdf),
        "multipart-preamble-epilogue": typed("multipart-preamble-epilogue", b"multipart/mixed; boundary=b", b"This is a multi-part message.\r\n--b\r\n" + text + b"\r\n--b--\r\nEpilogue\r\n"),
        "alternative-html-first": multi("alternative-html-first", b"alternative", html, text),
        "alternative-empty-plain": multi("alternative-empty-plain", b"alternative", part(b"text/plain", b" \r\n\r\n"), html),
        "alternative-related": multi("alternative-related", b"alternative", text, part(b"multipart/related; boundary=r", b"--r\r\n" + html + b"\r\n--r\r\n" + part(b"image/png; name=logo.png", b"iVBORw0KGgo=", b"Content-Transfer-Encoding: base64", b"Content-ID: <logo>") + b"\r\n--r--\r\n")),
        "html-only": typed("html-only", b"text/html; charset=utf-8", b"<html><head><style>p{}</style><title>x</title></head><body><p>Hello&nbsp;Anna,<br>the <b>off</b>er &amp; more</p><blockquote>old words</blockquote><script>evil()</script></body></html>"),
        "html-broken": typed("html-broken", b"text/html", b"<p>one<div>two</p><b>three <a href='x>y'>four</a><!-- never ends <p>five"),
        "type-nonsense": typed("type-nonsense", b"text", TEXT),
        "type-empty": typed("type-empty", b"", TEXT),
        "message-attached": multi("message-attached", b"mixed", text, part(b"message/rfc822", plain("inner"))),
        "digest": multi("digest", b"digest", b"\r\n" + plain("one"), b"\r\n" + plain("two")),
        "nested-twenty": nested(20),
        "partial-header-in-part": multi("partial-header-in-part", b"mixed", b"Content-Type: text/plain\r\nthis is no field\r\n\r\nstill text", pdf),
    }  # fmt: skip


def attachment_faults() -> dict[str, bytes]:
    names = {
        "name-with-path": b'attachment; filename="C:\\\\Users\\\\jane\\\\offer.pdf"',
        "name-climbs": b'attachment; filename="../../etc/passwd"',
        "name-rfc2231": b"attachment; filename*0*=utf-8''Gr%C3%BC; filename*1*=%C3%9Fe%20; filename*2=\"2026.pdf\"",
        "name-encoded-word": b'attachment; filename="=?utf-8?B?R3LDvMOfZS5wZGY=?="',
        "name-raw-8bit": 'attachment; filename="Größe.pdf"'.encode("latin-1"),
        "name-controls": b'attachment; filename="of\x07fer\x1b.pdf"',
        "name-reversed": 'attachment; filename="invoice\u202efdp.exe"'.encode(),
        "name-endless": b'attachment; filename="' + b"n" * 900 + b'.pdf"',
        "name-unquoted": b"attachment; filename=my offer 2026.pdf",
        "name-open-quote": b'attachment; filename="offer.pdf',
        "name-bad-charset": b"attachment; filename*=x-none''%FF%FE.pdf",
        "name-dots": b'attachment; filename=".."',
    }
    text = part(b"text/plain", TEXT)
    return {
        name: multi(name, b"mixed", text, part(b"application/pdf", b"JVBERi0=", b"Content-Transfer-Encoding: base64", b"Content-Disposition: " + value))
        for name, value in names.items()
    }  # fmt: skip


def kinds() -> dict[str, bytes]:
    """Mail that is no letter: invitations, reports, encrypted and signed mail, TNEF."""
    text = part(b"text/plain; charset=utf-8", TEXT)
    invite = b"BEGIN:VCALENDAR\r\nMETHOD:%s\r\nBEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    status = part(
        b"message/delivery-status",
        b"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; jane@customer.example\r\nAction: failed\r\nStatus: 5.1.1\r\n",
    )
    read = part(b"message/disposition-notification", b"Disposition: manual-action/MDN-sent-manually; displayed\r\n")
    pgp = b"-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA3\r\n=abcd\r\n-----END PGP MESSAGE-----\r\n"
    return {
        "invitation": multi("invitation", b"alternative", text, part(b"text/calendar; charset=utf-8; method=REQUEST", invite % b"REQUEST")),
        "invitation-reply": typed("invitation-reply", b"text/calendar; method=reply; charset=utf-8", invite % b"REPLY", b"Content-Class: urn:content-classes:calendarmessage"),
        "report-bounce": multi("report-bounce", b"report; report-type=delivery-status", text, status, part(b"message/rfc822", plain("returned")), lines=(b"Return-Path: <>", b"Auto-Submitted: auto-replied", b"X-Failed-Recipients: jane@customer.example")),
        "report-read": multi("report-read", b"report; report-type=disposition-notification", text, read),
        "auto-reply": plain("auto-reply", b"Auto-Submitted: auto-replied", b"X-Autoreply: yes", b"Precedence: bulk"),
        "newsletter": plain("newsletter", b"List-Id: News <news.shop.example>", b"List-Unsubscribe: <mailto:u@shop.example>,\r\n <https://shop.example/u>"),
        "pgp-inline": plain("pgp-inline", body=b"Secret:\r\n" + pgp + b"bye\r\n"),
        "pgp-mime": multi("pgp-mime", b"encrypted; protocol=\"application/pgp-encrypted\"", part(b"application/pgp-encrypted", b"Version: 1\r\n"), part(b"application/octet-stream", pgp)),
        "pgp-signed": multi("pgp-signed", b"signed; protocol=\"application/pgp-signature\"", text, part(b"application/pgp-signature; name=signature.asc", b"-----BEGIN PGP SIGNATURE-----\r\n")),
        "smime-encrypted": typed("smime-encrypted", b"application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", b"MIAGCSqGSIb3DQEHA6CAMIACAQAx\r\n", encoding=b"base64"),
        "tnef": multi("tnef", b"mixed", text, part(b"application/ms-tnef; name=winmail.dat", b"eJ8+Ig==", b"Content-Transfer-Encoding: base64")),
        "mbox-from-lines": b"From jane@customer.example Tue Mar  3 10:11:12 2026\r\n" + plain("mbox-from-lines", body=b"Hello\r\n\r\nFrom now on we order more.\r\n>From here too.\r\n"),
        "only-part-named": typed("only-part-named", b"text/plain; charset=utf-8; name=letter.txt", TEXT, b"Content-Disposition: inline; filename=letter.txt"),
        "header-only": head("header-only"),
        "header-without-end": head("header-without-end").rstrip(b"\r\n"),
        "bare-lf": plain("bare-lf").replace(b"\r\n", b"\n"),
    }  # fmt: skip


def nested(levels: int) -> bytes:
    """A message of that many multiparts inside one another, with a line of text at the bottom."""
    opening = b"".join(
        b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (level, level + 1) for level in range(levels)
    )
    text = b"--b%d\r\nContent-Type: text/plain\r\n\r\nbottom\r\n--b%d--\r\n" % (levels, levels)
    return typed(f"nested-{levels}", b"multipart/mixed; boundary=b0", opening + text)


def huge_header(size: int) -> bytes:
    """A message whose header holds about `size` octets of a field nobody asks for, before the others."""
    lines = b"X-Spam-Report: " + (b"x" * 70 + b"\r\n ") * (size // 73) + b"end\r\n"
    return lines + plain("huge-header")


def many_recipients(count: int) -> bytes:
    addresses = b",\r\n ".join(b"Recipient %d <r%d@customer.example>" % (number, number) for number in range(count))
    return plain("many-recipients", b"To: " + addresses, leave_out=("to",))


def many_parts(count: int) -> bytes:
    return multi("many-parts", b"mixed", *[part(b"text/plain; name=a.txt", b"x")] * count)


def corpus() -> dict[str, bytes]:
    """Name → message, for everything that is kept as a file."""
    rooms = (header_faults, header_charsets, body_charsets, transfer_faults, structure_faults, attachment_faults, kinds)
    return {name: raw for room in rooms for name, raw in room().items()}


def main() -> None:
    for name, raw in corpus().items():
        (FOLDER / f"{name}.eml").write_bytes(raw)


if __name__ == "__main__":
    main()
