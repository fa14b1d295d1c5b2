"""When somebody says that they are back, or come back to us: the date that an answer names. Pure, no guessing.

Called when a mail is recorded. Own and small, because it decides where reminders stand: a date counts only beside a
word that says what it is for, and one that could be two dates is none. Looks at a few thousand characters once, with
patterns of bounded length, so hostile text costs no more than its length.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from agent.reminders.own_text import OwnWords

TEXT_LIMIT = 4_000
"""Characters that are looked at: whoever is away says so at once."""
LONGEST = timedelta(days=366)
"""A date further ahead is a slip of the pen, or of another matter."""
_HALF_A_YEAR = timedelta(days=183)
"""A day without a year that is further ahead has passed: an absence not switched off, an offer of last month."""
_SOON = timedelta(days=60)
"""Promises are for soon."""
_BEFORE, _AFTER = 60, 70
"""Characters around a promise in which its time is looked for."""
_REACH = 45
"""Characters after "until" in which the date begins."""

_MONTHS: Mapping[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner januari janvier enero gennaio janeiro januari stycznia",
            "february feb februar februari février fevrier febrero febbraio fevereiro lutego",
            "march mar märz maart mars marzo março marca",
            "april apr avril abril aprile kwietnia",
            "may mai mei mayo maggio maio maj maja",
            "june jun juni juin junio giugno junho czerwca",
            "july jul juli juillet julio luglio julho lipca",
            "august aug augustus août aout agosto augusti sierpnia",
            "september sep sept septembre septiembre settembre setembro września",
            "october oct okt oktober octobre octubre ottobre outubro października",
            "november nov novembre noviembre novembro listopada",
            "december dec dez dezember décembre decembre diciembre dicembre dezembro grudnia",
        ),
        start=1,
    )
    for name in names.split()
}
WEEKDAYS: Mapping[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "monday montag lundi lunes lunedì lunedi maandag segunda-feira poniedziałek måndag",
            "tuesday dienstag mardi martes martedì martedi dinsdag terça-feira wtorek tisdag",
            "wednesday mittwoch mercredi miércoles mercoledì mercoledi woensdag quarta-feira środę onsdag",
            "thursday donnerstag jeudi jueves giovedì giovedi donderdag quinta-feira czwartek torsdag",
            "friday freitag vendredi viernes venerdì venerdi vrijdag sexta-feira piątek fredag",
        )
    )
    for name in names.split()
}
_AWAY = re.compile(
    r"\b(?:(?P<en>until|till|through|back|returning|return)|bis|zurück|wieder|ab|jusqu['’]au|jusqu['’]à|retour|rentre"
    r"|à partir du|hasta|vuelvo|vuelta|regreso|a partir del|fino al?|torno|ritorno|rientro|rientrerò|tot|terug|weer"
    r"|vanaf|até|volto|volta|retorno|wracam|wrócę|do dnia|till och med|åter|tillbaka)\b"
)
"""What stands before the date on which somebody is back. en: English alone, where 3/4 may mean two days."""
_PROMISE = re.compile(
    r"(?P<en>(?:get|come|revert|be) back to you|be in touch|let you know|you(?:'ll| will) hear\b"
    r"|(?:reply|respond|answer) (?:to you )?(?:by|on|next))"
    r"|meld(?:e|en) (?:ich |wir )?(?:mich|uns)|komm(?:e|en) (?:ich |wir )?(?:darauf|auf sie|auf dich)"
    r"|(?:geb|teil)en? (?:ich |wir )?(?:ihnen|dir|euch)|bekommen sie|erhalten sie"
    r"|revien(?:s|drai|drons) vers|reven(?:ons|ir) vers|recontacte|(?:vous|te) (?:réponds|répondrai|répondrons)"
    r"|(?:le|te|les) (?:respondo|respondemos|responderé|responderemos|aviso|avisaré|contactaré)"
    r"|me pondré en contacto|me pongo en contacto|(?:le|ti|vi) (?:faccio|farò|faremo|facciamo) sapere"
    r"|(?:la|ti|vi) ricontatt|(?:le|ti|vi) risponder|kom(?:en)? (?:ik |wij |we )?(?:er ?op|bij (?:u|je))"
    r"|laat (?:ik |het )?(?:u|je|jullie)|laten (?:wij |we )?(?:u|je)|hoort u|retorno o contato|(?:lhe|te) responderei"
    r"|odezwę się|återkommer"
)
"""Somebody promises to come back to us."""
_STARTS = frozenset(
    {
        *("back", "touc", "know", "hear", "repl", "resp", "answ", "meld", "komm", "gebe", "geb", "teil", "beko"),
        *("erha", "revi", "reve", "reco", "répo", "avis", "cont", "pond", "pong", "facc", "farò", "fare", "rico"),
        *("risp", "kom", "kome", "laat", "late", "hoor", "reto", "odez", "åter"),
    }
)
"""How a word of every promise begins (`START` letters): most mail has none of them, and is read no further."""
_NEXT_WEEK = re.compile(
    r"next week|nächste[nr]? woche|kommende[nr]? woche|semaine prochaine|próxima semana|semana que viene"
    r"|settimana prossima|prossima settimana|volgende week|semana que vem|przyszłym tygodniu|nästa vecka"
)
_TOMORROW = re.compile(r"\btomorrow\b|\bdemain\b|(?<!por la )(?<!de la )\bmañana\b|\bdomani\b|\bamanhã\b|\bjutro\b")
_NAMES = "|".join(sorted(map(re.escape, _MONTHS), key=len, reverse=True))
_ISO = re.compile(r"\b(20\d\d)-(\d{1,2})-(\d{1,2})\b")
_NAMED = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th|er|º|°|\.)? (?:of |de )?({_NAMES})\b\.?,?(?: (?:de )?(20\d\d)\b)?")
_NAMED_FIRST = re.compile(rf"\b({_NAMES})\.? (\d{{1,2}})(?:st|nd|rd|th)?\b,?(?: (20\d\d)\b)?")
_DOTTED = re.compile(r"\b(\d{1,2})\. ?(\d{1,2})\.( ?20\d\d\b|\d\d\b)?")
_SLASHED = re.compile(r"(?<![\d/-])(\d{1,2})[/-](\d{1,2})(?:[/-](20\d\d|\d\d))?\b(?![/-])")
_WEEKDAY = re.compile(rf"\b({'|'.join(sorted(map(re.escape, WEEKDAYS), key=len, reverse=True))})\b")


def return_date(text: str, sent: date) -> date | None:
    """The last day that an automatic reply names for somebody's absence or return, None if it names none."""
    plain = _plain(text)
    found = [day for cue in _AWAY.finditer(plain) for day in _away_until(plain, cue, sent)]
    return max(found, default=None)


def promised_date(own: OwnWords, sent: date) -> date | None:
    """The day by which an answer promises more, None if it promises none. own: without quotes.

    Somebody who says "next week" has that week; so the day is its Friday.
    """
    if _STARTS.isdisjoint(own.starts):
        return None
    plain = " ".join(own.plain[:TEXT_LIMIT].split())
    found = [day for cue in _PROMISE.finditer(plain) for day in _promised(plain, cue, sent)]
    return max(found, default=None)


def _plain(text: str) -> str:
    return " ".join(text[:TEXT_LIMIT].casefold().replace("’", "'").split())


def _away_until(plain: str, cue: re.Match[str], sent: date) -> Iterator[date]:
    """The first date that begins soon after the word."""
    dates = dates_in(plain[cue.end() : cue.end() + _REACH + 25], sent, is_english=cue["en"] is not None)
    near = sorted((place, day) for place, day in dates if place <= _REACH)
    if near:
        yield near[0][1]


def _promised(plain: str, cue: re.Match[str], sent: date) -> Iterator[date]:
    around = plain[max(0, cue.start() - _BEFORE) : cue.end() + _AFTER]
    dates = dates_in(around, sent, is_english=cue["en"] is not None)
    yield from (day for _, day in dates if day <= sent + _SOON)
    if _NEXT_WEEK.search(around):
        yield sent + timedelta(days=11 - sent.weekday())
    if _TOMORROW.search(around):
        yield sent + timedelta(days=1)


def dates_in(text: str, sent: date, *, is_english: bool) -> Iterator[tuple[int, date]]:
    """Every date of a text that lies ahead, and where it begins. A weekday alone is the next one of that name."""
    written = list(_written(text, sent, is_english=is_english))
    for place, day in written:
        if day is not None and sent < day <= sent + LONGEST:
            yield place, day
    for found in _WEEKDAY.finditer(text) if not written else ():
        yield found.start(), sent + timedelta(days=(WEEKDAYS[found[1]] - sent.weekday() - 1) % 7 + 1)


def _written(text: str, sent: date, *, is_english: bool) -> Iterator[tuple[int, date | None]]:
    for found in _ISO.finditer(text):
        yield found.start(), _day(int(found[1]), int(found[2]), int(found[3]))
    for found in _NAMED.finditer(text):
        yield found.start(), _ahead(found[3], _MONTHS[found[2]], int(found[1]), sent)
    for found in _NAMED_FIRST.finditer(text):
        yield found.start(), _ahead(found[3], _MONTHS[found[1]], int(found[2]), sent)
    for found in _DOTTED.finditer(text):
        yield found.start(), _ahead(found[3], int(found[2]), int(found[1]), sent)
    for found in _SLASHED.finditer(text):
        first, second = int(found[1]), int(found[2])
        if not is_english or first > 12 or first == second:
            yield found.start(), _ahead(found[3], second, first, sent)
        elif second > 12:
            yield found.start(), _ahead(found[3], first, second, sent)


def _ahead(year: str | None, month: int, day: int, sent: date) -> date | None:
    """Without a year, the next such day of the coming months."""
    if year is not None:
        return _day(int(year) % 2000 + 2000, month, day)
    this, following = _day(sent.year, month, day), _day(sent.year + 1, month, day)
    found = this if this is not None and this >= sent else following
    return found if found is not None and found <= sent + _HALF_A_YEAR else None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
