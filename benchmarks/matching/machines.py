"""Slices of mail that machines write, in the words and headers of the programs that do, and personal mail beside it.

Texts and headers are written after what the programs' own manuals and published samples show.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from benchmarks.matching.letters import ANNA, Letter, Writer, mailbox, said, written
from benchmarks.matching.world import Person, World
from matchers.match import Reason

_AWAY = (
    "Automatic reply: Offer",
    "Automatische Antwort: Angebot",
    "Réponse automatique : Offre",
    "Respuesta automática: Oferta",
    "Risposta automatica: Offerta",
    "Automatisch antwoord: Offerte",
    "Autosvar: Tilbud",
    "Automaattinen vastaus: Tarjous",
    "Odpowiedź automatyczna: Oferta",
    "Автоматический ответ: Предложение",
    "自動返信: 見積",
    "自动答复: 报价",
    "Out of Office AutoReply: Offer",
    "Abwesenheitsnotiz: Angebot",
    "Out of office",
    "Ich bin im Urlaub",
    "Absence",
)

_AWAY_HEADERS: tuple[Mapping[str, str], ...] = (
    {"auto-submitted": "auto-replied", "return-path": "<>"},
    {"auto-submitted": "auto-generated", "x-auto-response-suppress": "All"},
    {"auto-submitted": "auto-replied (vacation)", "precedence": "bulk"},
    {"x-autoreply": "yes", "precedence": "bulk"},
    {"x-autorespond": "", "precedence": "auto_reply"},
    {"precedence": "auto_reply"},
    {"return-path": "<>"},
)
"""How Exchange, Sieve (RFC 5230), vacation programs, autoresponders of panels, and old gateways mark an answer."""

_PLAIN_AWAY = _AWAY[:14]
"""Subjects that only programs write: enough without any header."""


def auto_replies(world: World, random: Random) -> Letter:
    """Out-of-office answers of contacts."""
    one = random.choice(world.contacts)
    envelope = written(from_=mailbox(one), subject=random.choice(_AWAY), headers=random.choice(_AWAY_HEADERS))
    return replace(said(envelope, one, linkable=False), machine=Reason.AUTO_REPLY)


def bare_auto_replies(world: World, random: Random) -> Letter:
    """The same where a gateway dropped all headers but the subject."""
    one = random.choice(world.contacts)
    envelope = written(from_=mailbox(one), subject=random.choice(_PLAIN_AWAY))
    return replace(said(envelope, one, linkable=False), machine=Reason.AUTO_REPLY)


Dialect = Callable[[Person], tuple[Mapping[str, str], str]]
_REPORT = 'multipart/report; report-type=delivery-status; boundary="b"'


def _postfix(one: Person) -> tuple[Mapping[str, str], str]:
    fields = {"from": "MAILER-DAEMON@mx.ourfirm.example (Mail Delivery System)", "return-path": "<>"}
    fields |= {
        "subject": "Undelivered Mail Returned to Sender",
        "content-type": _REPORT,
        "auto-submitted": "auto-replied",
    }
    text = f"This is the mail system at host mx.\n\n<{one.email}>: host mx.x said: 550 5.1.1 User unknown\n\n"
    return fields, text + "--- Below this line is a copy of the message.\nTo: someone@else.example\n"


def _exim(one: Person) -> tuple[Mapping[str, str], str]:
    fields = {"from": "Mail Delivery System <Mailer-Daemon@mx.ourfirm.example>", "x-failed-recipients": one.email}
    fields |= {"subject": "Mail delivery failed: returning message to sender", "auto-submitted": "auto-replied"}
    return fields, f"This message was created automatically.\n\n  {one.email}\n    Unrouteable address\n"


def _qmail(one: Person) -> tuple[Mapping[str, str], str]:
    fields = {"from": "MAILER-DAEMON@mx.example", "subject": "failure notice", "return-path": "<>"}
    text = f"Hi. This is the qmail-send program at mx.\n\n<{one.email}>:\nSorry, no mailbox here by that name.\n\n"
    return fields, text + "--- Below this line is a copy of the message.\n\nReturn-Path: <x@y.example>\n"


def _exchange(one: Person) -> tuple[Mapping[str, str], str]:
    fields = {"from": "Microsoft Outlook <postmaster@ourfirm.example>", "subject": "Unzustellbar: Angebot"}
    fields |= {"content-type": _REPORT, "auto-submitted": "auto-replied", "return-path": "<>"}
    text = f"Fehler bei der Nachrichtenzustellung an folgende Empfänger:\n\n{one.name} ({one.email})\nUnbekannt.\n\n"
    return fields, text + "Diagnoseinformationen für Administratoren:\nGenerierender Server: x\n"


def _gmail(one: Person) -> tuple[Mapping[str, str], str]:
    fields = {"from": "Mail Delivery Subsystem <mailer-daemon@googlemail.com>", "content-type": _REPORT}
    fields |= {"subject": "Delivery Status Notification (Failure)", "auto-submitted": "auto-replied"}
    return fields, f"** Address not found **\n\nYour message wasn't delivered to {one.email} because the address\n"


def _domino(one: Person) -> tuple[Mapping[str, str], str]:
    fields = {"from": "Postmaster@cust.example", "subject": "DELIVERY FAILURE: User not listed", "return-path": "<>"}
    fields |= {"content-type": 'multipart/report; report-type="delivery-status"; boundary=b'}
    return (
        fields,
        f"Your message\n\n  Subject: Offer\n\nwas not delivered to:\n\n  {one.email}\n\nbecause: not listed\n",
    )


def _sendmail(one: Person) -> tuple[Mapping[str, str], str]:
    fields = {"from": "Mail Delivery Subsystem <MAILER-DAEMON@mx.example>", "subject": "Returned mail: User unknown"}
    text = f"   ----- The following addresses had permanent fatal errors -----\n<{one.email}>\n\n"
    return fields, text + "   ----- Original message follows -----\n"


def _french(one: Person) -> tuple[Mapping[str, str], str]:
    fields = {"from": "postmaster@orange.example", "subject": "Non remis : Offre", "return-path": "<>"}
    return fields, f"Échec de la remise pour ces destinataires :\n\n{one.email}\n\nInformations de diagnostic :\n"


DIALECTS: dict[str, Dialect] = {
    "postfix": _postfix,
    "exim": _exim,
    "qmail": _qmail,
    "exchange": _exchange,
    "gmail": _gmail,
    "domino": _domino,
    "sendmail": _sendmail,
    "in french": _french,
}


def bounces(world: World, random: Random) -> Letter:
    """Returned mail to a contact, in the words of eight programs."""
    one = random.choice(world.contacts)
    fields, text = DIALECTS[random.choice(list(DIALECTS))](one)
    headers = {name: value for name, value in fields.items() if name not in ("from", "subject")}
    envelope = written(from_=fields["from"], subject=fields["subject"], headers=headers)
    return replace(said(envelope, one, linkable=False), machine=Reason.BOUNCE, text=text)


def bulk(world: World, random: Random) -> Letter:
    """Newsletters of customers, from contacts too."""
    one = random.choice(world.contacts)
    headers = random.choice(
        [
            {"list-id": "<news.example>"},
            {"list-unsubscribe": "<https://x.example/u>", "list-unsubscribe-post": "List-Unsubscribe=One-Click"},
            {"precedence": "bulk"},
            {"precedence": "list", "list-id": "Team <team.example>"},
        ]
    )
    return replace(said(written(from_=mailbox(one), headers=headers), one, linkable=False), machine=Reason.BULK)


def crowds(world: World, random: Random) -> Letter:
    """A stranger writes to a hundred people, one of them a contact."""
    one = random.choice(world.contacts)
    many = ", ".join(f"x{n}@crowd.example" for n in range(101))
    letter = said(written(from_="x@else.example", to=f"{many}, {one.email}"), one, linkable=False)
    return replace(letter, machine=Reason.BULK)


def invitations(world: World, random: Random) -> Letter:
    """Invitations to meetings and the answers to them."""
    one = random.choice(world.contacts)
    headers = {"content-type": f"text/calendar; method={random.choice(['REQUEST', 'REPLY', 'CANCEL'])}"}
    return replace(said(written(from_=mailbox(one), headers=headers), one, linkable=False), machine=Reason.CALENDAR)


_PERSONAL = (
    "Re: Automatic reply: Offer",
    "AW: Abwesenheitsnotiz: Angebot",
    "Undeliverable parcels",
    "My out of office days next week",
    "Abwesend am Freitag",
    "Newsletter: what do you think?",
    "Delivery failure of machine 7",
    "Rückgabe nicht zustellbarer Ware",
    "Automatic reply machines, offer",
    "Fwd: Undelivered Mail Returned to Sender",
)


def personal(world: World, random: Random) -> Letter:
    """Mail of contacts that speaks of such things, or bears headers of ordinary programs that look like signs."""
    one = random.choice(world.contacts)
    headers = random.choice(
        [
            {},
            {"x-auto-response-suppress": "All"},
            {"auto-submitted": "no"},
            {"precedence": "normal"},
            {"return-path": f"<bounce+{one.id}@{one.email.partition('@')[2]}>"},
            {"content-type": "multipart/mixed; boundary=report-type"},
        ]
    )
    subject = random.choice(_PERSONAL)
    if random.random() < 0.3:
        return said(written(from_=ANNA, to=mailbox(one), subject=subject, headers=headers), one)
    return said(written(from_=mailbox(one), subject=subject, headers=headers), one)


MACHINES: dict[str, tuple[Writer, float]] = {
    "auto-replies": (auto_replies, 0.01),
    "auto-replies without headers": (bare_auto_replies, 0.002),
    "bounces": (bounces, 0.005),
    "bulk": (bulk, 0.15),
    "crowds": (crowds, 0.001),
    "invitations": (invitations, 0.02),
    "personal mail that looks like it": (personal, 0.01),
}
