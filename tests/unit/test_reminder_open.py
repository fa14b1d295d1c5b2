"""Whether our own words leave something open."""

import time

import pytest

from agent.reminders.open import asks, is_closing, weigh
from agent.reminders.own_text import own_text, words_of

QUOTE = "On Mon, 2 Mar 2026 at 10:00, Zoë <zoe@buyer.example> wrote:\n> Could you send it?\n> Zoë"


@pytest.mark.parametrize(
    "text",
    [
        "Hi Zoë,\ncould the order go out on Friday?\nBest regards\nAnna",
        "Please let me know which colour you prefer.",
        "How are you, and when may we ship the second pallet?",
        "Bitte geben Sie mir bis Freitag Bescheid.",
        "Ich freue mich auf Ihre Rückmeldung.",
        "Pouvez-vous confirmer la livraison.",
        "Dans l’attente de votre réponse.",
        "Quedo a la espera de su respuesta.",
        "Mi faccia sapere se va bene.",
        "Ik hoor graag van u.",
        "Aguardo o seu retorno.",
        "数量は足りますか？",
        f"What about June?\n\n{QUOTE}",
        "> Could you send it?\nYes. Which address?\n> Zoë",
        f"{QUOTE}\nAttached. Is that the right one?",
        "Thanks\n\nBest regards\nAnna\n\nPS: Did the sample arrive?",
    ],
)
def test_a_question_or_request_of_our_own_is_open(text: str) -> None:
    assert weigh(text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thanks, see you on Friday!",
        f"Attached as promised.\n\n{QUOTE}",
        "Attached.\n\nAm 02.03.2026 um 10:00 schrieb Zoë <zoe@buyer.example>:\n> Könnten Sie es senden?",
        "Attached.\n\nOn Mon, 2 Mar 2026, Zoë of the buyer\n<zoe@buyer.example>\nwrote:\n\n> Really?",
        "Attached.\n\n-----Original Message-----\nFrom: Zoë\nSent: Monday\n\nCould you send it?",
        "Attached.\n\nVon: Zoë <zoe@buyer.example>\nGesendet: Montag\nAn: Anna\n\nKönnten Sie es senden?",
        "Attached.\n\nDe : Zoë\nEnvoyé : lundi\nÀ : Anna\n\nPouvez-vous l'envoyer ?",
        "Attached.\n\nLe 2 mars 2026 à 10:00, Zoë a écrit :\n> Vraiment ?",
        "Attached. https://ourfirm.example/order?id=1&x=2",
        "Attached.\n\n-- \nAnna Smith\nQuestions? Call 123",
        "Attached.\nKind regards\nAnna\nWhy wait? Visit our fair!",
        "Sent.\n\nSent from my iPhone",
        "How are you? The pallet left today.",
        "If you have any questions, please let me know.",
        "Für weitere Fragen stehe ich gern zur Verfügung, geben Sie mir Bescheid.",
        "Merci pour votre réponse.",
        "Vielen Dank für Ihre Rückmeldung.",
        "Ich gebe Ihnen Bescheid.",
    ],
)
def test_statements_courtesies_quotes_and_signatures_are_not_open(text: str) -> None:
    assert not weigh(text)[0]


def test_only_configured_languages_count() -> None:
    assert asks(words_of("Bitte um Rückmeldung."), ["de"])
    assert not asks(words_of("Bitte um Rückmeldung."), ["en"])


def test_what_the_server_calls_new_is_preferred() -> None:
    assert weigh("Really?", new_text="Attached.") == (False, 1)
    assert weigh("Attached.", new_text="Which one?") == (True, 2)


def test_words_are_those_of_the_new_text() -> None:
    assert weigh(f"Yes, on Friday - thanks!\n\n{QUOTE}") == (False, 4)


@pytest.mark.parametrize(("words", "question", "closing"), [(12, False, True), (13, False, False), (1, True, False)])
def test_a_short_answer_without_a_question_closes(words: int, question: bool, closing: bool) -> None:
    assert is_closing(question, words) is closing


@pytest.mark.parametrize(
    "piece",
    ["On ", "On \n", "> ", "?", "a@", "https://", "please ", "From: x\n", "wrote:", "--\n", ". ", "P.S ", "\n" * 3],
)
def test_hostile_repeats_of_100_kb_cost_little(piece: str) -> None:
    """What grows with the square takes minutes. How little it is, is measured (`benchmarks`); the rest is free."""
    text = piece * (100_000 // len(piece))
    before = time.thread_time()
    weigh(text)
    assert time.thread_time() - before < 1


def test_own_text_is_bounded() -> None:
    assert len(own_text("x " * 500_000)) <= 64 * 1024
