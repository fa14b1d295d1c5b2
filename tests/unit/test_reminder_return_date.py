"""Which day somebody names for being back, or for coming back to us: in the language of their mail, never guessed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.reminders.own_text import words_of
from agent.reminders.return_date import LONGEST, TEXT_LIMIT, promised_date, return_date

MONDAY = date(2026, 3, 2)
TWELFTH = date(2026, 3, 12)


@pytest.mark.parametrize(
    "text",
    [
        "Out of office until 12 March",
        "I am away until March 12th, 2026 with limited access to mail.",
        "I will be back in the office on Thursday, 12 March.",
        "I'm on leave from 2 March and returning on 2026-03-12.",
        "Abwesend bis 12.03.2026",
        "Ich bin bis einschließlich 12. März nicht im Büro.",
        "Ab dem 12.3. bin ich wieder für Sie da.",
        "Je suis absent jusqu'au 12 mars inclus.",
        "Je serai de retour le jeudi 12/03/2026.",
        "Estaré fuera de la oficina hasta el 12 de marzo.",
        "Vuelvo el 12/3.",
        "Sono fuori ufficio fino al 12 marzo compreso.",
        "Rientro il 12/03/2026.",
        "Ik ben afwezig tot en met 12 maart.",
        "Vanaf 12-03-2026 ben ik er weer.",
        "Estarei fora até 12 de março.",
        "Jestem nieobecny do dnia 12 marca.",
        "Jag är tillbaka 12 mars.",
    ],
)
def test_an_out_of_office_names_the_day(text: str) -> None:
    assert return_date(text, MONDAY) == TWELFTH


def test_of_until_and_back_on_the_later_counts() -> None:
    assert return_date("Away until 10 March, back on 12 March.", MONDAY) == TWELFTH


def test_a_weekday_is_the_next_one() -> None:
    assert return_date("I am back on Monday.", MONDAY) == date(2026, 3, 9)
    assert return_date("Ich bin ab Mittwoch wieder da.", MONDAY) == date(2026, 3, 4)


def test_a_day_without_a_year_that_has_passed_is_in_the_next_year() -> None:
    assert return_date("Out of office until 7 January", date(2026, 12, 20)) == date(2027, 1, 7)


@pytest.mark.parametrize(
    "text",
    [
        "I am out of the office.",
        "I am away until 4/3/2026.",  # the third of April, or the fourth of March
        "We received your order of 12 March.",
        "Away until 31 February.",
        "Away until 12 March 2031.",
        "Away until 12 March 2025.",
        "Away until 27 February.",  # an absence that nobody switched off
        "",
    ],
)
def test_what_names_no_day_or_two_days_names_none(text: str) -> None:
    assert return_date(text, MONDAY) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Thanks, I'll come back to you next week.", date(2026, 3, 13)),
        ("We will get back to you by Friday.", date(2026, 3, 6)),
        ("I will let you know tomorrow.", date(2026, 3, 3)),
        ("Vielen Dank, ich melde mich nächste Woche bei Ihnen.", date(2026, 3, 13)),
        ("Am Freitag melden wir uns.", date(2026, 3, 6)),
        ("Je reviens vers vous la semaine prochaine.", date(2026, 3, 13)),
        ("Le respondo la próxima semana.", date(2026, 3, 13)),
        ("Le faccio sapere entro venerdì.", date(2026, 3, 6)),
        ("Ik kom er volgende week op terug, ik laat het u weten.", date(2026, 3, 13)),
        ("I'll be in touch by 12 March.", TWELFTH),
    ],
)
def test_a_promise_to_come_back_names_the_day(text: str, day: date) -> None:
    assert promised_date(words_of(text), MONDAY) == day


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, here is the signed contract.",
        "I'll get back to you soon.",
        "The fair is next week.",
        "Please get back to me by Friday.",
        "Thanks for your offer of 27 February, I'll get back to you.",
    ],
)
def test_an_answer_without_a_promise_or_a_day_promises_nothing(text: str) -> None:
    assert promised_date(words_of(text), MONDAY) is None


@pytest.mark.parametrize("word", ["until ", "1", "12. ", "get back to you ", "bis 1.", "/", " ", "12 de "])
def test_hostile_text_is_read_to_its_limit_only(word: str) -> None:
    """A date beyond the limit is not found, however the text before it is made."""
    padding = word * (TEXT_LIMIT // len(word) + 1)
    assert return_date(padding + " and away until 12 March", MONDAY) is None
    assert promised_date(words_of(padding + " I'll be in touch by 12 March"), MONDAY) is None


@given(text=st.text(max_size=300), sent=st.dates(date(1990, 1, 1), date(2100, 1, 1)))
def test_whatever_is_named_lies_ahead_and_within_a_year(text: str, sent: date) -> None:
    for found in (return_date(f"until {text}", sent), promised_date(words_of(f"be in touch {text}"), sent)):
        assert found is None or sent < found <= sent + LONGEST
