"""Mail that programs write, and mail that is broken: bounces, receipts, invitations, encrypted and wrong messages."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from agent.demo.letter import Letter
from agent.demo.people import ANNA, BEN, CHLOE, Person, Salesperson, contact

Odd = tuple[Salesperson, datetime, bytes]
"""Whose inbox, when it came, and the message."""

_REPORT = 'multipart/report; report-type={kind}; boundary="=_report"'


def all_oddities(now: datetime) -> Iterator[Odd]:
    """Each one once; `now` is aware."""
    yield from _reports(now)
    yield from _meetings(now)
    yield from _broken(now)


def _report(letter: Letter, kind: str, parts: tuple[str, ...]) -> bytes:
    head = letter.head()
    head["MIME-Version"] = "1.0"
    body = "".join(f"--=_report\r\n{part}\r\n" for part in parts) + "--=_report--\r\n"
    return _with_body(head, _REPORT.format(kind=kind), body)


def _with_body(head: EmailMessage, content_type: str, body: str) -> bytes:
    top = head.as_bytes(policy=SMTP).rstrip(b"\r\n")
    return top + f"\r\nContent-Type: {content_type}\r\n\r\n".encode() + body.encode()


def _reports(now: datetime) -> Iterator[Odd]:
    """A bounce of a mail to a contact, and a read receipt: neither is an interaction."""
    stefan = contact("Stefan Gruber")
    lost = Letter(
        sender=ANNA,
        to=(stefan,),
        subject="Probegerät Almtal",
        text="das Probegerät geht heute an Sie hinaus.\n",
        sent=now - timedelta(days=11),
    )
    daemon = Person(name="Mail Delivery System", email="mailer-daemon@mx.nordlicht.example")
    bounce = Letter(
        sender=daemon,
        to=(ANNA,),
        subject="Undelivered Mail Returned to Sender",
        text="",
        sent=lost.sent + timedelta(minutes=2),
        answers=lost,
        extra=(("Auto-Submitted", "auto-replied"), ("X-Failed-Recipients", stefan.email)),
    )
    status = (
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.nordlicht.example\r\n\r\n"
        f"Final-Recipient: rfc822; {stefan.email}\r\nAction: failed\r\nStatus: 5.2.2\r\n"
    )
    sentence = "Content-Type: text/plain\r\n\r\nThe mailbox of the recipient is full.\r\n"
    original = f"Content-Type: text/rfc822-headers\r\n\r\n{lost.head().as_string(policy=SMTP)}"
    yield ANNA, bounce.received, _report(bounce, "delivery-status", (sentence, status, original))
    antoine = contact("Antoine Lefèvre")
    receipt = Letter(
        sender=antoine,
        to=(CHLOE,),
        subject="Lu : Devis",
        text="",
        sent=now - timedelta(days=8),
    )
    seen = f"Content-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822; {antoine.email}\r\n"
    words = "Content-Type: text/plain\r\n\r\nVotre message a été lu.\r\n".replace("é", "e")
    yield CHLOE, receipt.received, _report(receipt, "disposition-notification", (words, seen))


def _meetings(now: datetime) -> Iterator[Odd]:
    """An invitation and an acceptance: mail of the calendar, not of the history."""
    for name, reader, method, subject in (
        ("Ingrid Solheim", BEN, "REQUEST", "Invitation: review of the trial"),
        ("Marco Bianchi", CHLOE, "REPLY", "Accettato: visita in cantina"),
    ):
        sender = contact(name)
        letter = Letter(sender=sender, to=(reader,), subject=subject, text="", sent=now - timedelta(days=4))
        head = letter.head()
        head["MIME-Version"] = "1.0"
        yield reader, letter.received, _with_body(head, f"text/calendar; method={method}", _calendar(letter, method))


def _calendar(letter: Letter, method: str) -> str:
    start = (letter.sent + timedelta(days=9)).strftime("%Y%m%dT090000Z")
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//demo//EN",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"UID:{letter.message_id.strip('<>')}",
        f"DTSTAMP:{start}",
        f"DTSTART:{start}",
        f"SUMMARY:{letter.subject}",
        f"ORGANIZER:mailto:{letter.sender.email}",
        f"ATTENDEE:mailto:{letter.to[0].email}",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
    return "\r\n".join(lines)


def _broken(now: datetime) -> Iterator[Odd]:
    """From contacts all the same, so each is logged: no Message-ID, a date to come, an unknown charset, encrypted."""
    samuel, rachel, owen = contact("Samuel Adeyemi"), contact("Rachel O'Neill"), contact("Owen Hughes")
    when = now - timedelta(days=16)
    to = f"To: {BEN.name} <{BEN.email}>\r\n"
    yield (
        BEN,
        when,
        (
            f"From: {samuel.email}\r\n{to}Subject: Validation certificate\r\nDate: {format_datetime(when)}\r\n"
            "Message-ID: <enc-1@coastal-pharma.example>\r\nMIME-Version: 1.0\r\n"
            "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\nMIAGCSqGSIb3DQEHA6CAMIACAQAxggE=\r\n"
        ).encode(),
    )
    yield (
        BEN,
        when + timedelta(days=1),
        (
            f"From: {rachel.name} <{rachel.email}>\r\n{to}Subject: Cellar\r\nDate: Fri, 13 Nov 2099 10:00:00 +0000\r\n"
            "Content-Type: text/plain; charset=x-unknown\r\n\r\nThe clock of our till is wrong again, sorry.\r\n"
        ).encode(),
    )
    yield (
        BEN,
        when + timedelta(days=2),
        (
            f"From: {owen.email}\r\n{to}Subject: =?utf-8?q?caf=C3=A9_stop=?= for drivers\r\n"
            f"Date: {format_datetime(when.replace(tzinfo=None))}\r\nMessage-ID: <broken-2@castlequay.example>\r\n"
            'Content-Type: multipart/mixed; boundary="never-there"\r\n\r\nA multipart without its parts.\r\n'
        ).encode(),
    )
