"""Mail that arrives while one watches: first answers and oddities with a point, then one customer after the other."""

import imaplib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import cycle
from random import Random

from agent.demo.letter import Letter, pdf
from agent.demo.people import ANNA, BEN, CHLOE, CONTACTS, Person, contact
from agent.demo.phrases import LANGUAGES, PRODUCTS
from agent.demo.scenes import open_questions
from agent.demo.servers import LOOPBACK, Servers
from agent.demo.team import Delivery, deliver
from agent.demo.traffic import written


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A letter that comes in now, and the sentence that announces it."""

    announcement: str
    letter: Letter


def arrivals(started: datetime) -> Iterator[Arrival]:
    """Endless; the letters are dated when they are asked for. `started`: the `now` the mailboxes were made for."""
    yield from _scenes(started)
    random = Random(7)  # noqa: S311 - the same sample world every time, nothing secret
    for one in cycle(CONTACTS):
        language = LANGUAGES[one.language]
        item, number = random.choice(PRODUCTS), random.randint(3000, 3999)
        words = random.choice(language.letters["ask"]).format(item=item)
        subject = random.choice(language.subjects).format(item=item, number=number)
        text = written(language, one, one.owner, words)
        letter = Letter(sender=one, to=(one.owner,), subject=subject, text=text, sent=_now())
        yield Arrival(announcement=f"{one.name} ({one.company or 'no company'}) asks {one.owner.given}", letter=letter)


def _scenes(started: datetime) -> Iterator[Arrival]:
    asked_helen, asked_maria, _ = open_questions(started)
    helen = contact("Helen Wright")
    answer = Letter(
        sender=helen,
        to=(BEN,),
        subject=f"Re: {asked_helen.subject}",
        text=written(LANGUAGES["en"], helen, BEN, "variant B, please, and sorry for the delay.", asked_helen),
        sent=_now(),
        answers=asked_helen,
    )
    yield Arrival(announcement="Helen Wright answers the open question: Ben's reminder goes", letter=answer)
    news = Person(name="Cold Chain Weekly", email="news@cold-chain-weekly.example")
    letter = Letter(sender=news, to=(ANNA,), subject="This week in cooling", text="Lorem ipsum.\n", sent=_now())
    yield Arrival(
        announcement="a newsletter for Anna",
        letter=replace(letter, extra=(("List-Unsubscribe", "<mailto:off@cold-chain-weekly.example>"),)),
    )
    priya = contact("Priya Nair")
    text = written(LANGUAGES["en"], priya, BEN, "the signed contract is attached, copy to Chloé.")
    letter = Letter(sender=priya, to=(BEN,), cc=(CHLOE,), subject="Signed contract", text=text, sent=_now())
    yield Arrival(
        announcement="Priya Nair writes to Ben and Chloé: one interaction in two mailboxes",
        letter=replace(letter, enclosures=(pdf("Contract signed.pdf", 40),)),
    )
    gerti = Person(name="Oma Gerti", email="gerti.berger@familie-berger.example", language="de")
    letter = Letter(sender=gerti, to=(ANNA,), subject="Sonntag", text="Kommst du um zwölf?\n", sent=_now())
    yield Arrival(announcement="Anna's grandmother, who is nobody's customer", letter=letter)
    maria = contact("Maria Sonnleitner")
    text = written(LANGUAGES["de"], maria, ANNA, "der Dienstag passt.", asked_maria)
    letter = Letter(sender=maria, to=(ANNA,), subject=f"AW: {asked_maria.subject}", text=text, sent=_now())
    yield Arrival(announcement="Maria Sonnleitner answers too", letter=replace(letter, answers=asked_maria))


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def hand_in(servers: Servers, letter: Letter) -> None:
    """Puts every copy of the letter into its mailbox by IMAP APPEND (RFC 3501 section 6.3.11)."""
    for one in deliver(letter, letter.sent):
        _append(servers, one)


def _append(servers: Servers, one: Delivery) -> None:
    with imaplib.IMAP4(LOOPBACK, servers.imap_port, timeout=10) as connection:
        connection.login(one.login, servers.passwords[one.login])
        flags = " ".join(flag for flag in one.flags if flag.startswith("\\"))
        connection.append(one.folder, f"({flags})", imaplib.Time2Internaldate(one.received), one.raw)
