"""Synthetic mail for benchmarks and large tests: the same for the same seed, made as fast as it can be served.

`business` and `small` differ in sizes only. Every fifth message is from or to one of the `contacts`; the rest is
newsletters, notifications, colleagues and strangers. Threads never mix contacts with others, so exactly those whose
number `concerns_contact` are matches. Nothing is kept in memory but a pool of text and a few open threads.
"""

import base64
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

OWNER: Final = "anna@ourfirm.example"
OWN_DOMAIN: Final = "ourfirm.example"
CONTACTS: Final = 10_000
END: Final = datetime(2026, 10, 30, 17, 0, tzinfo=UTC)
"""When the newest message came, unless the caller says otherwise."""
SPAN: Final = timedelta(days=730)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_GIVEN: Final = _words(
    "Katrin Tobias Maria Josef Stefan Eva Ulrike Peter Helen James Priya Owen Tom Grace Ingrid Lars Denise Luc Sophie "
    "Antoine Nadia Carmen Javier Lucía Miguel Giulia Marco Małgorzata Piotr Jürgen Zoë Søren Anaïs Łukasz Håkon"
)
_FAMILY: Final = _words(
    "Hofmann Lang Gruber Riedl Sommer Nagel Wright Aldous Nair Hughes Baxter Lindqvist Solheim Moen Tremblay Moreau "
    "Girard Lefèvre Benali Ruiz Ortega Fernández Santos Rossi Bianchi Kowalska Zieliński Müller Özdemir Ångström Weiß"
)
_WORDS: Final = _words(
    "please find attached the offer for the delivery next week Guten Tag anbei senden wir Ihnen das Angebot für die "
    "Lieferung merci de votre réponse nous vous confirmons la commande gracias por su pedido adjunto el presupuesto "
    "meeting invoice order number project schedule price quality question answer tomorrow Donnerstag vendredi"
)
_SUBJECTS: Final = (
    "Offer for project {n}",
    "Ihre Anfrage Nr. {n}",
    "Rückfrage zu Lieferung {n}",
    "Réponse à votre demande n° {n}",
    "Invoice {n}",
    "Pedido {n}: confirmación",
    "Meeting on the {n}th",
    "Status {n}",
)
_FILES: Final = (
    ("Offer-{n}.pdf", "application/pdf"),
    ("Angebot für {n}.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("prices {n}.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("IMG_{n}.jpg", "image/jpeg"),
)


class Mail(NamedTuple):
    """One message as a server holds it: bytes with CRLF, when it was received (aware), system flags."""

    raw: bytes
    received: datetime
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """One of the contacts, or a stranger."""

    name: str
    email: str
    company: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sizes:
    """Lognormal sizes in bytes, as (median, sigma), of the text and of an attachment, and how many have one."""

    text: tuple[float, float]
    attachment: tuple[float, float]
    attached: float


_BUSINESS: Final = _Sizes(text=(2_400, 1.0), attachment=(84_000, 1.35), attached=0.22)
_SMALL: Final = _Sizes(text=(1_900, 1.05), attachment=(9_000, 0.5), attached=0.03)


def business(count: int, *, seed: int = 1, until: datetime = END, first: int = 0) -> Iterator[Mail]:
    """Mail of an office, oldest first: median 6 KB, mean 50 KB, 22 % with attachments.

    first: number of the first message; 0 to 999 and then 1000 more with first=1000 share no Message-ID.
    """
    yield from _mails(count, _BUSINESS, seed, until, first)


def small(count: int, *, seed: int = 2, until: datetime = END, first: int = 0) -> Iterator[Mail]:
    """Short mail, oldest first: median 4 KB, mean 6 KB, hardly any attachment."""
    yield from _mails(count, _SMALL, seed, until, first)


def concerns_contact(number: int) -> bool:
    """Whether message `number` of a mailbox is from or to a contact: every fifth is, without a visible pattern."""
    return (number * 7919 + number // 5) % 5 == 0


@cache
def contacts(count: int = CONTACTS) -> tuple[Person, ...]:
    """The first `count` contacts: four of each company, addresses in lower-case ASCII."""
    return tuple(_person(number, f"company-{number // 4}.example") for number in range(count))


def write_contacts(path: Path, count: int = CONTACTS) -> None:
    """The contacts as the file that `crm-agent contacts import` reads."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "email", "company", "company_domain"])
        for one in contacts(count):
            writer.writerow([one.name, one.email, one.company, one.email.partition("@")[2]])


def _person(number: int, domain: str) -> Person:
    given, family = _GIVEN[number % len(_GIVEN)], _FAMILY[number // 7 % len(_FAMILY)]
    return Person(name=f"{given} {family}", email=f"p{number}@{domain}", company=domain.partition(".")[0].title())


# ---- one mailbox ----


@dataclass(slots=True)
class _Thread:
    subject: str
    other: Person
    ids: list[str]


def _mails(count: int, sizes: _Sizes, seed: int, until: datetime, first: int) -> Iterator[Mail]:
    random = Random(f"{seed}/{first}")
    pool = _pool(seed)
    known: list[_Thread] = []
    unknown: list[_Thread] = []
    step = SPAN / max(count, 1)
    for number in range(first, first + count):
        moment = until - step * (first + count - 1 - number)
        threads = known if concerns_contact(number) else unknown
        thread = _next_thread(random, threads, number, threads is known)
        outgoing = random.random() < (0.35 if threads is known else 0.1)
        raw = _head(random, thread, moment, outgoing=outgoing, number=number, seed=seed)
        if threads is unknown and len(thread.ids) == 1 and random.random() < 0.4:
            raw.append(b"List-Unsubscribe: <https://news.example/u>\r\nList-Id: <news.example>\r\nPrecedence: bulk\r\n")
        raw.extend(_body(random, pool, sizes, number))
        flags = ("\\Seen",) if random.random() < 0.8 else ("\\Seen", "\\Answered") if outgoing else ()
        yield Mail(b"".join(raw), moment.replace(microsecond=0), flags)


def _next_thread(random: Random, threads: list[_Thread], number: int, is_known: bool) -> _Thread:
    if threads and random.random() < 0.5:
        return random.choice(threads)
    if is_known:
        other = contacts()[random.randrange(CONTACTS)]
    elif random.random() < 0.15:
        other = _person(random.randrange(40), OWN_DOMAIN)
    else:
        other = _person(number, f"stranger-{random.randrange(5000)}.example")
    thread = _Thread(random.choice(_SUBJECTS).format(n=number), other, [])
    threads.append(thread)
    if len(threads) > 40:
        threads.pop(0)
    return thread


def _head(random: Random, thread: _Thread, moment: datetime, *, outgoing: bool, number: int, seed: int) -> list[bytes]:
    mine, theirs = ("Anna Smith", OWNER), (thread.other.name, thread.other.email)
    sender, reader = (mine, theirs) if outgoing else (theirs, mine)
    domain = sender[1].partition("@")[2]
    own_id = f"<{number}.{seed}.{random.getrandbits(48):012x}@{domain}>"
    date = format_datetime(moment)
    subject = ("Re: " if thread.ids else "") + thread.subject
    lines = [
        f"Return-Path: <{sender[1]}>",
        *(_received(random, domain, hop, date) for hop in range(3)),
        f"Authentication-Results: mx.{OWN_DOMAIN}; dkim=pass header.d={domain}; spf=pass smtp.mailfrom={domain}",
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s1;\r\n\th=From:To:Subject:Date;"
        f"\r\n\tbh={random.getrandbits(256):064x}=;\r\n\tb={random.getrandbits(1024):0256x}",
        f"From: {_word(sender[0])} <{sender[1]}>",
        f"To: {_word(reader[0])} <{reader[1]}>",
        f"Subject: {_word(subject)}",
        f"Date: {date}",
        f"Message-ID: {own_id}",
    ]
    if thread.ids:
        lines += [f"In-Reply-To: {thread.ids[-1]}", "References: " + "\r\n ".join(thread.ids[-10:])]
    lines += ["X-Mailer: Synthetic 1.0", "X-Spam-Status: No, score=-1.9", "MIME-Version: 1.0", ""]
    thread.ids.append(own_id)
    return ["\r\n".join(lines).encode()]


def _received(random: Random, domain: str, hop: int, date: str) -> str:
    return (
        f"Received: from relay{hop}.{domain} (relay{hop}.{domain} [198.51.100.{random.randrange(256)}])\r\n"
        f"\tby mx{hop}.{OWN_DOMAIN} with ESMTPS id {random.getrandbits(40):010x}\r\n"
        f"\t(version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384);\r\n\t{date}"
    )


def _word(text: str) -> str:
    """As it is if ASCII, else an encoded word (RFC 2047), base64."""
    return text if text.isascii() else f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="


# ---- bodies: slices of a pool whose lines all have one length ----


@dataclass(frozen=True, slots=True)
class _Pool:
    plain: bytes
    html: bytes
    blob: bytes


_PLAIN_LINE, _HTML_LINE, _BLOB_LINE = 74, 110, 78


@cache
def _pool(seed: int) -> _Pool:
    random = Random(seed)
    plain = b"".join(_padded(" ".join(random.choices(_WORDS, k=12)), _PLAIN_LINE, b"") for _ in range(4_000))
    html = b"".join(
        b'<p class="x">' + _padded(" ".join(random.choices(_WORDS, k=12)), _HTML_LINE - 13, b"</p>")
        for _ in range(4_000)
    )
    encoded = base64.b64encode(random.randbytes(57 * 60_000))
    blob = b"\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76)) + b"\r\n"
    return _Pool(plain, html, blob)


def _padded(text: str, length: int, end: bytes) -> bytes:
    """A line of exactly `length` bytes, UTF-8, with CRLF, cut between characters."""
    room = length - len(end) - 2
    cut = text.encode()[:room].decode(errors="ignore").encode()
    return cut.ljust(room, b".") + end + b"\r\n"


def _slice(random: Random, source: bytes, line: int, size: float) -> bytes:
    total = len(source) // line
    lines = min(max(int(size) // line, 1), total)
    start = random.randrange(total - lines + 1) * line
    return source[start : start + lines * line]


def _body(random: Random, pool: _Pool, sizes: _Sizes, number: int) -> list[bytes]:
    text = _lognormal(random, sizes.text)
    inner = _alternative(random, pool, text) if random.random() < 0.6 else _plain(random, pool, text)
    if random.random() >= sizes.attached:
        return inner
    name, kind = random.choice(_FILES)
    blob = _slice(random, pool.blob, _BLOB_LINE, _lognormal(random, sizes.attachment))
    filename = _word(name.format(n=number))
    return [
        b'Content-Type: multipart/mixed; boundary="=_mixed"\r\n\r\n--=_mixed\r\n',
        *inner,
        f'\r\n--=_mixed\r\nContent-Type: {kind};\r\n name="{filename}"\r\nContent-Disposition: attachment;\r\n'
        f' filename="{filename}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'.encode(),
        blob,
        b"--=_mixed--\r\n",
    ]


def _plain(random: Random, pool: _Pool, size: float) -> list[bytes]:
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    return [head, _slice(random, pool.plain, _PLAIN_LINE, size)]


def _alternative(random: Random, pool: _Pool, size: float) -> list[bytes]:
    return [
        b'Content-Type: multipart/alternative; boundary="=_alt"\r\n\r\n--=_alt\r\n',
        *_plain(random, pool, size / 2),
        b"\r\n--=_alt\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<html>\r\n",
        _slice(random, pool.html, _HTML_LINE, size * 0.9),
        b"</html>\r\n--=_alt--\r\n",
    ]


def _lognormal(random: Random, shape: tuple[float, float]) -> float:
    median, sigma = shape
    return median * random.lognormvariate(0, sigma)
