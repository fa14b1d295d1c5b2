"""One letter and the bytes it becomes on the wire, as a mail program of today would write them."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from agent.demo.people import Person


@dataclass(frozen=True, kw_only=True, slots=True)
class Enclosure:
    """An attachment; `content` is a placeholder of a believable size."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One message before it is bytes.

    sent: aware, becomes Date and (a few seconds later) the server's time. answers: the letter it replies to.
    extra: further header lines. html: whether a second, HTML, part is written. flags: as IMAP spells them.
    """

    sender: Person
    to: tuple[Person, ...]
    subject: str
    text: str
    sent: datetime
    cc: tuple[Person, ...] = ()
    answers: "Letter | None" = None
    enclosures: tuple[Enclosure, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    html: bool = False
    flags: tuple[str, ...] = ()

    @property
    def message_id(self) -> str:
        """The Message-ID with angle brackets: the same letter always has the same one."""
        parts = (self.sender.email, self.subject, self.sent.isoformat(), self.text)
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return f"<{digest[:24]}@{self.sender.domain}>"

    @property
    def references(self) -> tuple[str, ...]:
        """The ids of the letters it goes back to, oldest first (RFC 5322 section 3.6.4)."""
        return (*self.answers.references, self.answers.message_id) if self.answers else ()

    @property
    def received(self) -> datetime:
        """When the server took it in."""
        return self.sent + timedelta(seconds=7)

    def raw(self) -> bytes:
        """The message with CRLF line ends."""
        message = self.head()
        message.set_content(self.text, cte="8bit" if self.text.isascii() else "quoted-printable")
        if self.html:
            message.add_alternative(_as_html(self.text), subtype="html")
        for one in self.enclosures:
            main, _, sub = one.type.partition("/")
            message.add_attachment(one.content, maintype=main, subtype=sub, filename=one.name)
        return message.as_bytes()

    def head(self) -> EmailMessage:
        """The header alone; reports and invitations put their own body below it."""
        message = EmailMessage(policy=SMTP)
        message["Received"] = (
            f"from mail.{self.sender.domain} (203.0.113.25) by mx.nordlicht.example with ESMTPS; "
            f"{format_datetime(self.received)}"
        )
        message["From"] = _address(self.sender)
        message["To"] = [_address(one) for one in self.to]
        if self.cc:
            message["Cc"] = [_address(one) for one in self.cc]
        message["Subject"] = self.subject
        message["Date"] = self.sent
        message["Message-ID"] = self.message_id
        if self.answers:
            message["In-Reply-To"] = self.answers.message_id
            message["References"] = " ".join(self.references)
        for name, value in self.extra:
            message[name] = value
        return message


def _address(person: Person) -> Address:
    return Address(display_name=person.name, addr_spec=person.email)


def _as_html(text: str) -> str:
    paragraphs = "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in text.split("\n\n"))
    return f"<html><body style='font-family:Calibri,sans-serif'>{paragraphs}</body></html>"


def pdf(name: str, kilobytes: int) -> Enclosure:
    """A file that says it is a PDF."""
    return Enclosure(name=name, type="application/pdf", content=b"%PDF-1.4\n" + b"\0" * (kilobytes * 1024))


def text_table(name: str, lines: int) -> Enclosure:
    """Measured values, as customers send them."""
    rows = "".join(f"{hour % 24:02}:00;{3 + hour % 5 / 10:.1f}\n" for hour in range(lines))
    return Enclosure(name=name, type="text/csv", content=f"time;celsius\n{rows}".encode())
