"""All mail of the sample team, and the place each message lies in: the same for the same `now`, every time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from agent.demo.letter import Letter
from agent.demo.oddities import all_oddities
from agent.demo.people import ANNA, CHLOE, TEAM, Person, contact
from agent.demo.scenes import all_scenes
from agent.demo.traffic import conversations, internal_mail, newsletters, private_mail

INBOX, SENT, DRAFTS, JUNK, TRASH = "INBOX", "Sent", "Drafts", "Junk", "Trash"
KEPT_APART = {ANNA.login: ("hofmann-kaelte.example", "Kunden/Hofmann"), CHLOE.login: ("serres-midi.example", "Réglé")}
"""Folders that two of the team file a customer's older mail in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A message in its place: whose mailbox, which folder, when the server took it in, its flags."""

    login: str
    folder: str
    received: datetime
    raw: bytes
    flags: tuple[str, ...] = ()


def all_mail(now: datetime) -> list[Delivery]:
    """Everything that lies in the three mailboxes at `now` (aware), in the order of arrival."""
    random = Random(20)  # noqa: S311  # the same sample team every time, nothing secret
    letters = [
        *conversations(random, now),
        *newsletters(random, now),
        *private_mail(random, now),
        *internal_mail(random, now),
        *all_scenes(now),
    ]
    found = [one for letter in letters for one in deliver(letter, now)]
    found += [
        Delivery(login=owner.login, folder=INBOX, received=received, raw=raw)
        for owner, received, raw in all_oddities(now)
    ]
    found += _not_to_be_read(now)
    return sorted(found, key=lambda one: (one.received, one.login, one.folder))


def deliver(letter: Letter, now: datetime) -> Iterator[Delivery]:
    """The copies a letter leaves: one in the sender's Sent, one in the inbox of each of ours who gets it."""
    raw = letter.raw()
    for one in TEAM:
        if one.email == letter.sender.email:
            yield Delivery(login=one.login, folder=SENT, received=letter.received, raw=raw, flags=("\\Seen",))
        elif one in (*letter.to, *letter.cc):
            folder = _filed(one.login, letter, now)
            yield Delivery(login=one.login, folder=folder, received=letter.received, raw=raw, flags=letter.flags)


def _filed(login: str, letter: Letter, now: datetime) -> str:
    domain, folder = KEPT_APART.get(login, ("", ""))
    is_old = letter.sent < now - timedelta(days=30)
    return folder if letter.sender.domain == domain and is_old else INBOX


def _not_to_be_read(now: datetime) -> list[Delivery]:
    """A draft, a deleted mail and junk: from or to contacts, in folders that the agent leaves alone."""
    eva, spammer = contact("Eva Riedl"), Person(name="Prize Office", email="win@lucky-draw.example")
    draft = Letter(sender=ANNA, to=(eva,), subject="Entwurf", text="noch nicht fertig", sent=now - timedelta(days=1))
    deleted = Letter(sender=eva, to=(ANNA,), subject="Irrläufer", text="bitte löschen", sent=now - timedelta(days=2))
    junk = Letter(sender=spammer, to=(ANNA,), subject="You won", text="a car", sent=now - timedelta(days=2))
    return [
        Delivery(login=ANNA.login, folder=folder, received=letter.received, raw=letter.raw(), flags=flags)
        for folder, letter, flags in (
            (DRAFTS, draft, ("\\Draft", "\\Seen")),
            (TRASH, deleted, ("\\Seen",)),
            (JUNK, junk, ()),
        )
    ]
