"""The moments worth showing: open questions, a flag, a shared address, an absence, and mail that breaks rules.

Each function tells one of them and says what the agent should make of it.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from agent.demo.clock import working_days_before
from agent.demo.letter import Letter, pdf
from agent.demo.people import ANNA, BEN, CHLOE, Contact, Person, Salesperson, contact
from agent.demo.phrases import LANGUAGES
from agent.demo.traffic import written


def all_scenes(now: datetime) -> Iterator[Letter]:
    """Every letter of every scene; `now` is aware."""
    yield from open_questions(now)
    yield from answered_by_a_colleague(now)
    yield from question_and_absence(now)
    yield from flagged(now)
    yield from shared_address(now)
    yield from kept_private(now)
    yield from in_two_mailboxes(now)
    yield from unknown_people(now)
    yield from bulk_from_a_customer(now)


def _ours(sender: Salesperson, reader: Contact, subject: str, words: str, sent: datetime) -> Letter:
    return Letter(
        sender=sender,
        to=(reader,),
        subject=subject,
        text=written(LANGUAGES[reader.language], sender, reader, words),
        sent=sent,
        html=True,
    )


def _theirs(sender: Person, reader: Salesperson, subject: str, words: str, sent: datetime) -> Letter:
    text = written(LANGUAGES[sender.language], sender, reader, words)
    return Letter(sender=sender, to=(reader,), subject=subject, text=text, sent=sent)


def open_questions(now: datetime) -> Iterator[Letter]:
    """We asked a working week ago and nobody answered: three `waiting_for_them` reminders."""
    helen = _ours(
        BEN,
        contact("Helen Wright"),
        "Layout of the new cheese store",
        "the drawing with both variants is attached. Which of the two should we build?",
        working_days_before(now, 7),
    )
    yield replace(helen, enclosures=(pdf("Cheese store, variants A+B.pdf", 70),))
    yield _ours(
        ANNA,
        contact("Maria Sonnleitner"),
        "Gärkeller: Termin für den Einbau",
        "die Fühler sind fertig kalibriert. Passt Ihnen der Dienstag in zwei Wochen für den Einbau?",
        working_days_before(now, 6, hour=9),
    )
    yield _ours(
        CHLOE,
        contact("Nadia Benali"),
        "Rapport d'étalonnage",
        "le rapport est prêt. À quelle adresse dois-je l'envoyer ?",
        working_days_before(now, 8, hour=11),
    )


def answered_by_a_colleague(now: datetime) -> Iterator[Letter]:
    """We asked one of them, somebody else of the firm answered: no reminder."""
    asked = _ours(
        ANNA,
        contact("Katrin Hofmann"),
        "Kühlhaus 3: wie viele Türkontakte?",
        "für das Angebot fehlt mir noch eine Zahl: Wie viele Türen hat Kühlhaus 3?",
        working_days_before(now, 8),
    )
    yield asked
    answer = _theirs(
        contact("Tobias Lang"), ANNA, f"AW: {asked.subject}", "es sind vier Türen.", asked.sent + timedelta(hours=26)
    )
    yield replace(answer, answers=asked)


def question_and_absence(now: datetime) -> Iterator[Letter]:
    """An open question and an out-of-office: no answer, but the reminder waits longer."""
    carmen = contact("Carmen Ruiz")
    asked = _ours(
        CHLOE,
        carmen,
        "Sondas para la sala de barricas",
        "¿cuántas sondas necesita para la sala de barricas?",
        working_days_before(now, 5),
    )
    yield asked
    back = (now + timedelta(days=6)).strftime("%d/%m/%Y")
    absence = Letter(
        sender=carmen,
        to=(CHLOE,),
        subject=f"Respuesta automática: {asked.subject}",
        text=f"Estoy de vacaciones. Vuelvo el {back}.\n\nCarmen Ruiz\n",
        sent=asked.sent + timedelta(minutes=1),
        answers=asked,
        extra=(("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All")),
    )
    yield absence


def flagged(now: datetime) -> Iterator[Letter]:
    """The salesperson put a flag on a mail and left it there: two `flagged` reminders."""
    james = _theirs(
        contact("James Aldous"),
        BEN,
        "Framework agreement for next year",
        "could you send me a proposal for a framework agreement when you have a quiet hour? No rush.",
        working_days_before(now, 5),
    )
    yield replace(james, flags=("\\Seen", "\\Flagged"))
    lucia = _theirs(
        contact("Lucía Fernández"),
        CHLOE,
        "Visita a la planta",
        "si pasa por Sevilla en primavera, nos gustaría enseñarle la planta nueva.",
        working_days_before(now, 6),
    )
    yield replace(lucia, flags=("\\Seen", "\\Flagged"))


def shared_address(now: datetime) -> Iterator[Letter]:
    """Two contacts read the same mailbox: nobody guesses who wrote, a review item asks."""
    office = Person(name="Moreau & Fils", email="info@moreau-fils.example", language="fr")
    yield _theirs(office, CHLOE, "Facture 2231", "la facture 2231 est arrivée deux fois.", now - timedelta(days=9))
    yield _theirs(
        office, CHLOE, "Nouvelle adresse de livraison", "notre quai a changé d'entrée.", now - timedelta(days=3)
    )
    sophie = _theirs(contact("Sophie Girard"), CHLOE, "Inventaire", "voici notre inventaire.", now - timedelta(days=5))
    yield replace(sophie, cc=(office,))


def kept_private(now: datetime) -> Iterator[Letter]:
    """A contact writes about something else and the salesperson marks it private; a lawyer is never logged."""
    run = _theirs(
        contact("Katrin Hofmann"), ANNA, "Wachau-Marathon", "läufst du heuer wieder mit?", now - timedelta(days=12)
    )
    yield replace(run, flags=("\\Seen", "Private"))
    lawyer = Person(name="Dr. Weiss", email="weiss@kanzlei-weiss.example", language="de")
    yield _theirs(lawyer, ANNA, "Ihre Angelegenheit", "der Entwurf liegt bei.", now - timedelta(days=15))


def in_two_mailboxes(now: datetime) -> Iterator[Letter]:
    """One message to two of us is one interaction that names both mailboxes; we write to two contacts at once."""
    priya = contact("Priya Nair")
    joint = _theirs(
        priya, BEN, "Cross-border route", "adding Chloé: from May we run Leeds to Lyon.", now - timedelta(days=10)
    )
    yield replace(joint, cc=(CHLOE, ANNA))
    both = _ours(
        BEN,
        priya,
        "Re: Cross-border route",
        "the loggers for it are reserved.",
        joint.sent + timedelta(hours=3),
    )
    yield replace(both, to=(priya, contact("Owen Hughes")), cc=(CHLOE,), answers=joint)


def unknown_people(now: datetime) -> Iterator[Letter]:
    """Two addresses no contact has: one belongs to a known company, one answers in a known thread."""
    stores = Person(name="Franz Huber", email="franz.huber@hofmann-kaelte.example", language="de")
    yield _theirs(stores, ANNA, "Lieferung von heute", "es fehlt ein Karton.", now - timedelta(days=6))
    tom = contact("Tom Baxter")
    asked = _ours(BEN, tom, "Greenhouse 4", "the trial loggers are in the post.", now - timedelta(days=20))
    yield asked
    at_home = Person(name="T. Baxter", email="tb@baxter-home.example")
    answer = _theirs(at_home, BEN, "Re: Greenhouse 4", "got them, writing from home.", asked.sent + timedelta(days=1))
    yield replace(answer, answers=asked)
    mobile = Person(name="Katrin Hofmann", email="hofmann.katrin@mobil-post.example", language="de")
    yield _theirs(mobile, ANNA, "Vom Handy", "ich bin bis Freitag auf der Messe.", now - timedelta(days=7))


def bulk_from_a_customer(now: datetime) -> Iterator[Letter]:
    """Customers send newsletters too: skipped as bulk, and explained."""
    sender = Person(name="Priya Nair", email="priya@castlequay.example")
    yield Letter(
        sender=sender,
        to=(BEN,),
        subject="Castle Quay quarterly news",
        text="Our new depot opens in June.\n" * 20,
        sent=now - timedelta(days=13),
        extra=(
            ("List-Unsubscribe", "<mailto:leave@castlequay.example>"),
            ("List-Id", "<quarterly.castlequay.example>"),
        ),
    )
