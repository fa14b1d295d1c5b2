"""Which of our own words promise something by a day: only ever a suggestion, and nothing is guessed."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.reminders.own_text import words_of
from agent.reminders.promises import TEXT_LIMIT, promised_by

SENT = date(2026, 3, 2)  # a Monday


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("I'll send it by Friday.", date(2026, 3, 6)),
        ("Thank you for the call. We will get back to you with prices on 12 March.", date(2026, 3, 12)),
        ("By Wednesday we will deliver the samples", date(2026, 3, 4)),
        ("Ich schicke Ihnen das Angebot bis Freitag.", date(2026, 3, 6)),
        ("Bis 10.3. schicken wir Ihnen die Muster.", date(2026, 3, 10)),
        ("Je vous envoie le devis avant le 12 mars.", date(2026, 3, 12)),
        ("Le envío la oferta antes del viernes.", date(2026, 3, 6)),
        ("Le mando l'offerta entro venerdì.", date(2026, 3, 6)),
        ("Ik stuur het voor vrijdag.", date(2026, 3, 6)),
        ("I’ll send the first part by 2026-03-09.\n\nWe'll send the rest by 2026-03-20.", date(2026, 3, 9)),
    ],
)
def test_a_promise_names_its_day(text: str, day: date) -> None:
    assert promised_by(words_of(text), SENT) == day


@pytest.mark.parametrize(
    "text",
    [
        "I will not send it by Friday.",
        "Will you send it by Friday?",
        "Could you send it by Friday? I will be grateful.",
        "We'll be away on Friday.",
        "I'll call you.",
        "I'll send it soon. The fair begins on 12 March.",
        "I'll send it by 03/04.",
        "We met on Friday, and I will think about it.",
        "",
    ],
)
def test_what_promises_nothing_or_no_clear_day_is_none(text: str) -> None:
    assert promised_by(words_of(text), SENT) is None


def test_what_lies_far_ahead_is_no_promise() -> None:
    assert promised_by(words_of("I'll send it by 2026-12-24."), SENT) is None


@given(st.text(max_size=200), st.sampled_from(["I'll send it by ", "Ich schicke es bis ", ""]))
def test_whatever_is_named_lies_ahead_and_is_soon(text: str, start: str) -> None:
    found = promised_by(words_of(start + text), SENT)
    assert found is None or SENT < found <= SENT + timedelta(days=60)


@pytest.mark.parametrize("piece", ["I'll send it ", "ich schicke ", "je vous ", "by friday ", "9 "])
def test_hostile_text_is_read_to_its_limit_only(piece: str) -> None:
    long = piece * 100_000
    assert promised_by(words_of(long), SENT) == promised_by(words_of(long[:TEXT_LIMIT]), SENT)
