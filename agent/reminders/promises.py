"""Where our own words promise to do something by a day ("I'll send it by Friday"). Pure; only ever a suggestion.

Called when a mail is recorded. A promise is a word of doing in the first person and, in the same sentence, a date that
stands beside a word of time. The dates are those of `agent.reminders.return_date`, with its limits.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from agent.reminders.own_text import OwnWords
from agent.reminders.return_date import WEEKDAYS, dates_in

TEXT_LIMIT = 4_000
"""Characters that are looked at."""
_REACH = 110
"""Characters of a sentence that are looked at from the promise on."""
_BEFORE = 45
"""Characters before it: "By Friday you'll have it from us", "Bis Freitag schicke ich …"."""
_SOON = timedelta(days=60)
_PERSONS = frozenset(
    [
        "i'll",
        "we'll",
        "will",
        "shall",
        "ich",
        "wir",
        "je",
        "nous",
        "le",
        "te",
        "les",
        "os",
        "ti",
        "vi",
        "glielo",
        "ik",
        "wij",
        "we",
        "i",
    ]
)
"""Words of which one stands in every promise; most mail ends here, or for want of a day."""
_DAYS = re.compile(rf"\d|{'|'.join(sorted({name[:4] for name in WEEKDAYS}))}")
_DO = (
    r"(?:send|get|give|forward|call|ring|deliver|prepare|share|provide|finish|complete|review|check|reply|answer|write|"
    r"email|mail|update|follow up|come back|revert|let you|have it|make|submit|return|sign|order|confirm)"
)
_PROMISE = re.compile(
    rf"(?P<en>\b(?:i|we)(?:'ll| will| shall) (?:then |also |gladly |happily |definitely )?{_DO}\b)"
    r"|\b(?:schick|send|liefer|bereit|klär|prüf|erstell|bestätig|ruf|meld|geb|mach|besorg)\w{0,3} (?:ich|wir)\b"
    r"|\b(?:ich|wir) (?:schick|send|liefer|klär|prüf|erstell|bestätig|ruf|meld|besorg|werd)\w{0,3}\b"
    r"|\b(?:je|nous) (?:vous |te |t'|l'|le |la |les )?(?:l')?"
    r"(?:envo|enver|transm|prépar|confirm|rappel|fourni|livr)\w{1,8}"
    r"|\b(?:le|te|les|os) (?:lo |la )?(?:env|mand|confirm|llam|entreg|prepar)\w{1,8}"
    r"|\b(?:le|ti|vi|glielo) (?:lo |la )?(?:invi|mand|conferm|chiam|prepar|spedi)\w{1,8}"
    r"|\b(?:ik|wij|we) (?:stuur|sturen|bel|bellen|lever|leveren|bevestig|bevestigen|bezorg|zal|zullen)\b"
)
_TIME = re.compile(
    r"\b(?:by|until|before|on|no later than|this|next|bis|am|spätestens|d'ici|avant|pour|le|antes|para|el|entro|per"
    r"|uiterlijk|voor|op)\b"
)
_NOT = re.compile(r"\b(?:not|never|n't|unable|nicht|kein\w*|pas|no|non|niet|geen)\b")
_SENTENCE = re.compile(r"(?<=[!?])\s|(?<=[^\W\d_][^\W\d_])\.\s|\n{2,}")


def promised_by(own: OwnWords, sent: date) -> date | None:
    """The first day by which a mail's own words promise something, None if they promise nothing."""
    plain = own.plain[:TEXT_LIMIT]
    if _PERSONS.isdisjoint(own.distinct) or not _DAYS.search(plain) or not _PROMISE.search(plain):
        return None
    found = [day for sentence in _SENTENCE.split(plain) for day in _days(" ".join(sentence.split()), sent)]
    return min(found, default=None)


def _days(sentence: str, sent: date) -> Iterator[date]:
    for promise in _PROMISE.finditer(sentence):
        around = sentence[max(0, promise.start() - _BEFORE) : promise.end() + _REACH]
        if not sentence.endswith("?") and not _NOT.search(around):
            yield from _beside_time(around, sent, is_english=promise["en"] is not None)


def _beside_time(text: str, sent: date, *, is_english: bool) -> Iterator[date]:
    for place, day in dates_in(text, sent, is_english=is_english):
        if day <= sent + _SOON and _TIME.search(text[max(0, place - 25) : place]):
            yield day
