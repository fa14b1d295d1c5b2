"""The daily traffic: conversations with contacts, colleagues among each other, newsletters, and private mail."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Final

from agent.demo.clock import a_while_later, some_time
from agent.demo.letter import Enclosure, Letter, pdf, text_table
from agent.demo.people import ANNA, BEN, CHLOE, CONTACTS, SUPPORT, TEAM, Contact, Person, Salesperson
from agent.demo.phrases import LANGUAGES, PRODUCTS, Language

_COURSES: Final = (
    ("ask", "quote", "order", "confirm"),
    ("ask", "quote", "more", "answer", "order", "confirm", "thanks"),
    ("problem", "solved", "thanks"),
    ("offer", "thanks"),
    ("ask", "quote", "more", "answer"),
)
_OURS: Final = frozenset({"quote", "answer", "confirm", "solved", "offer"})

_NEWSLETTERS: Final = (
    ("Cold Chain Weekly", "news@cold-chain-weekly.example", "This week: {n} audits that failed on a missing log"),
    ("Messtechnik aktuell", "redaktion@messtechnik-aktuell.example", "Ausgabe {n}: Kalibrierung im Wandel"),
    ("Salon du Froid", "info@salon-du-froid.example", "Programme du salon, édition {n}"),
    ("Feria Vino y Tecnología", "boletin@feria-vino.example", "Boletín {n}: novedades para bodegas"),
    ("Bürobedarf Krause", "angebote@krause-buero.example", "{n} Prozent auf alles bis Freitag"),
    ("Rail&Fly Club", "club@railfly.example", "Your {n} points are waiting"),
)
_PRIVATE: Final = (
    (
        ANNA,
        "Oma Gerti",
        "gerti.berger@familie-berger.example",
        "Sonntag",
        "kommst du am Sonntag zum Essen?.",
    ),
    (
        ANNA,
        "Zahnarztpraxis Huber",
        "post@dr-huber.example",
        "Ihr Termin",
        "wir erinnern an Ihren Termin am Montag.",
    ),
    (
        ANNA,
        "Hausverwaltung Stadl",
        "post@stadl.example",
        "Heizungsablesung",
        "die Ableser kommen am Dienstag.",
    ),
    (BEN, "Dave", "dave@thecarters.example", "Five-a-side", "we are one short on Thursday, are you in?"),
    (BEN, "St. Anne's School", "office@st-annes.example", "Parents' evening", "your slot is at 6.40 pm in room 12."),
    (
        CHLOE,
        "Maman",
        "maman@famille-martin.example",
        "Photos",
        "j'ai retrouvé les photos de Bretagne.",
    ),
    (CHLOE, "Club de Tennis", "accueil@tc-parc.example", "Tournoi", "le tournoi interne commence samedi à 9 h."),
    (CHLOE, "Marta", "marta@amigas-de-siempre.example", "Cena", "¿quedamos el viernes en el sitio de siempre?"),
)
_INTERNAL: Final = (
    ("Urlaubsplanung", "bitte tragt eure Tage bis Monatsende ein."),
    ("Price list", "the new price list is on the share, please use it from Monday."),
    ("Réunion d'équipe", "la réunion de mardi est reportée à 11 h."),
    ("Kaffeemaschine", "die neue Maschine steht in der Küche im zweiten Stock."),
    ("Figures of the week", "we are two orders ahead of plan, well done everybody."),
)


def conversations(random: Random, now: datetime) -> Iterator[Letter]:
    """Two to four exchanges with each contact, spread over the last hundred days, all of them settled."""
    for one in CONTACTS:
        if one.email.startswith("info@"):
            continue
        for _ in range(random.randint(2, 4)):
            yield from _conversation(random, now, one)


def _conversation(random: Random, now: datetime, contact: Contact) -> Iterator[Letter]:
    language = LANGUAGES[contact.language]
    item, number = random.choice(PRODUCTS), random.randint(2100, 2999)
    subject = random.choice(language.subjects).format(item=item, number=number)
    moment = some_time(random, now, 100, 4)
    before: Letter | None = None
    for key in random.choice(_COURSES):
        if moment >= now:
            return
        ours = key in _OURS
        sender: Person = contact.owner if ours else contact
        words = random.choice(language.letters[key]).format(item=item)
        letter = Letter(
            sender=sender,
            to=(contact if ours else contact.owner,),
            cc=(SUPPORT,) if key == "solved" else (),
            subject=subject if before is None else language.reply + subject,
            text=written(language, sender, contact if ours else contact.owner, words, before),
            sent=moment,
            answers=before,
            enclosures=_enclosed(random, key, number),
            html=random.random() < 0.6,
            flags=("\\Seen",),
        )
        yield letter
        before, moment = letter, a_while_later(random, moment)


def _enclosed(random: Random, key: str, number: int) -> tuple[Enclosure, ...]:
    if key in ("quote", "offer"):
        return (pdf(f"Quote-{number}.pdf", random.randint(20, 90)),)
    if key == "problem":
        return (text_table("Messwerte März–April.csv", 60),)
    return ()


def written(language: Language, sender: Person, reader: Person, words: str, before: Letter | None = None) -> str:
    """The letter as it is typed: greeting, words, signature, and what came before as a quote."""
    title = f"{sender.title}\nNordlicht Instruments GmbH" if isinstance(sender, Salesperson) else sender.domain
    text = f"{language.hello.format(name=reader.name)}\n\n{words}\n\n{language.regards}\n{sender.name}\n-- \n{title}\n"
    if before is None:
        return text
    head = language.wrote.format(date=before.sent.strftime("%d.%m.%Y %H:%M"), name=before.sender.name)
    quoted = "".join(f"> {line}\n" for line in before.text.splitlines()[:30])
    return f"{text}\n{head}\n{quoted}"


def newsletters(random: Random, now: datetime) -> Iterator[Letter]:
    """Lists that everybody is on, with the headers that lists set (RFC 2369, RFC 2919)."""
    for number in range(14):
        for name, email, subject in random.sample(_NEWSLETTERS, 3):
            reader = random.choice(TEAM)
            host = email.partition("@")[2]
            yield Letter(
                sender=Person(name=name, email=email),
                to=(reader,),
                subject=subject.format(n=number + 10),
                text=f"{subject.format(n=number + 10)}\n\nRead on: https://{host}/{number}\n"
                + "Lorem ipsum dolor.\n" * 40,
                sent=some_time(random, now, 95, 0),
                extra=(
                    ("List-Id", f"<news.{host}>"),
                    ("List-Unsubscribe", f"<https://{host}/unsubscribe?u={number}>"),
                    ("Precedence", "bulk"),
                ),
                html=True,
            )


def private_mail(random: Random, now: datetime) -> Iterator[Letter]:
    """What is nobody's business: family, doctors, schools. Most of it is answered."""
    for round_number in range(4):
        for reader, name, email, subject, words in _PRIVATE:
            stranger = Person(name=name, email=email, language=reader.language)
            text = written(LANGUAGES[reader.language], stranger, reader, words)
            moment = some_time(random, now, 95, 0)
            first = Letter(
                sender=stranger, to=(reader,), subject=f"{subject} ({round_number + 1})", text=text, sent=moment
            )
            yield first
            answered = a_while_later(random, moment)
            if random.random() < 0.5 and answered < now:
                yield replace(
                    first, sender=reader, to=(stranger,), subject=f"Re: {first.subject}", sent=answered, answers=first
                )


def internal_mail(random: Random, now: datetime) -> Iterator[Letter]:
    """Colleagues among themselves."""
    for round_number in range(6):
        for subject, words in _INTERNAL:
            sender, *others = random.sample((*TEAM, SUPPORT), 4)
            yield Letter(
                sender=sender,
                to=tuple(others),
                subject=f"{subject} {round_number + 1}",
                text=f"{words}\n\n{sender.given}\n",
                sent=some_time(random, now, 90, 0),
            )
