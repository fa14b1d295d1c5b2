"""Mail of every outcome, for installations that are killed while they read it, and the contacts that they know."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

CONTACTS = """name,email,other_emails,company,company_domain
Berta Bauer,berta@kunde.example,,Kunde GmbH,kunde.example
Carl Cole,carl@client.example,,Client Ltd,client.example
Dora Dunn,office@shared.example,,Shared Inc,
Emil Dunn,office@shared.example,,Shared Inc,
"""


class Owner(Protocol):
    """Of a mailbox with INBOX, Sent and Archive: what `MailUser` can do."""

    @property
    def address(self) -> str: ...

    def append(self, folder: str, raw: bytes) -> int: ...

    def flag(self, folder: str, uid: int, *flags: str) -> None: ...

    def copy(self, uid: int, source: str, target: str) -> int: ...


def fill(owner: Owner) -> None:
    """Logged both ways, a stranger in a thread, doubts, skips, copies, shared ids, a flag."""
    for folder, raw in _letters(owner.address):
        owner.append(folder, raw)
    uid = owner.append("INBOX", _letter(8, "carl@client.example", owner.address, "Flagged", "Look at this."))
    owner.flag("INBOX", uid, "\\Flagged")
    owner.copy(uid, "INBOX", "Archive")


def _letters(own: str) -> Sequence[tuple[str, bytes]]:
    inbox = [
        _letter(1, "Berta <berta@kunde.example>", own, "Angebot", "Wir brauchen ein Angebot."),
        _letter(2, "stranger@nowhere.example", own, "Hello", "Nobody knows me."),
        _letter(3, "office@shared.example", own, "Which Dunn", "It is one of us."),
        _letter(4, "Berta <berta@kunde.example>", own, "Noch etwas", "Und ein Muster."),
        _letter(5, "assistant@elsewhere.example", own, "Re: Angebot", "I answer for Berta.", answers=1),
        _letter(6, "News <news@list.example>", own, "News", "Buy now."),
        _letter(4, "Berta <berta@kunde.example>", own, "Noch etwas", "A quite different text under the same id."),
        _letter(7, "new@kunde.example", own, "From the same firm", "Hello from the colleague."),
    ]
    sent = [
        _letter(20, own, "carl@client.example", "Question", "Could you send us the signed contract?"),
        _letter(21, own, "Berta <berta@kunde.example>", "Termin", "Können Sie am Montag?"),
    ]
    return [*(("INBOX", raw) for raw in inbox), *(("Sent", raw) for raw in sent)]


def _letter(number: int, sender: str, to: str, subject: str, text: str, *, answers: int | None = None) -> bytes:
    date = (datetime.now(UTC) - timedelta(days=9)).replace(hour=9, minute=number % 60, second=0)
    reference = f"References: <m{answers}@lab.example>\r\n" if answers is not None else ""
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <m{number}@lab.example>\r\n"
        f"Date: {date:%a, %d %b %Y %H:%M:%S +0000}\r\n{reference}\r\n{text}\r\n"
    ).encode()
