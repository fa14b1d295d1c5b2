"""The sender's own new words of a mail: without the quoted mail below or between them, and without the signature.

Called when a mail is recorded. Only where the server does not tell (`Message.new_text`); line by line, each line once,
so hostile text costs no more than its length (patterns over a whole mail hang on 24 KB of "On ").
"""

import re
from collections.abc import Iterator, Sequence

TEXT_LIMIT = 64 * 1024
"""Characters that are looked at: whoever asks something asks it before that."""
LINES = 2_000
LINE_LIMIT = 1_000
_HEADLINES = 3  # lines over which "On … wrote:" may be broken

_INTRODUCTION = (
    ("on ", "wrote:"),
    ("am ", "schrieb:"),
    ("am ", "geschrieben:"),
    ("le ", "a écrit :"),
    ("le ", "a écrit:"),
    ("el ", "escribió:"),
    ("il ", "ha scritto:"),
    ("op ", "schreef:"),
    ("em ", "escreveu:"),
    ("a ", "escreveu:"),
    ("den ", "skrev:"),
    ("dnia ", "napisał"),
    ("w dniu ", "pisze:"),
)
"""How programs introduce a quote: the first and the last words of the line (Apple, Gmail, Thunderbird, Outlook)."""
_OPENINGS = tuple(start for start, _ in _INTRODUCTION)
_ENDINGS = (" wrote:", " schrieb:", " a écrit :", " escribió:", " ha scritto:", " skrev:")
_SEPARATOR = re.compile(
    r"[-_ ]{2,}\s?(?:original message|ursprüngliche nachricht|original-nachricht|message d'origine|message original"
    r"|mensaje original|messaggio originale|oorspronkelijk bericht|mensagem original|forwarded message"
    r"|weitergeleitete nachricht|message transféré|mensaje reenviado|messaggio inoltrato)",
    re.IGNORECASE,
)
_HEADER = re.compile(r"\*?(?:from|von|de|da|van|od|fra|från)\s?:\*?\s", re.IGNORECASE)
_SENT = re.compile(
    r"\*?(?:sent|date|gesendet|datum|envoyé|date|enviado|fecha|inviato|data|verzonden|enviada|to|an|à|para|a|aan)"
    r"(?: (?:am|le|el|il|op|em))?\s?:\*?\s",
    re.IGNORECASE,
)
_DEVICE = re.compile(
    r"(?:sent from (?:my|outlook|yahoo)|get outlook for|von meinem .{1,40} gesendet|gesendet von|envoyé de mon"
    r"|enviado desde mi|inviato da|verzonden (?:vanaf|met) mijn|enviado do meu)\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W_]")
_SIGN_OFF = frozenset(
    map(
        str.casefold,
        {
            *("best", "best regards", "kind regards", "warm regards", "regards", "many regards", "cheers", "sincerely"),
            *("yours sincerely", "yours faithfully", "with kind regards", "all the best", "mfg", "vg", "lg", "grüße"),
            *("mit freundlichen grüßen", "mit freundlichen grüssen", "freundliche grüße", "freundliche grüsse"),
            *("viele grüße", "beste grüße", "liebe grüße", "herzliche grüße", "cordialement", "bien cordialement"),
            *("bien à vous", "salutations", "saludos", "un saludo", "saludos cordiales", "atentamente", "saluti"),
            *("cordiali saluti", "distinti saluti", "met vriendelijke groet", "met vriendelijke groeten", "groeten"),
            *("atenciosamente", "cumprimentos", "abraços", "med vänlig hälsning", "pozdrawiam", "z poważaniem"),
        },
    )
)
_LONGEST_SIGN_OFF = max(map(len, _SIGN_OFF))
_PLAIN = re.compile(
    r"(?![-_*>|— ])(?!(?:on|am|le|el|il|op|em|a|den|dnia|w|from|von|de|da|van|od|fra|från)\b)", re.IGNORECASE
)
"""Where a line begins like this and ends without a colon, it neither quotes nor introduces a quote."""
_AFTERTHOUGHT = re.compile(r"p\.?\s?s\.?\s?[:.,\s]", re.IGNORECASE)


def own_text(text: str) -> str:
    """The sender's own words, at most `TEXT_LIMIT` characters."""
    lines = [line.strip()[:LINE_LIMIT] for line in text[:TEXT_LIMIT].splitlines()[:LINES]]
    return "\n".join(_without_signature(_without_quotes(lines))).strip()


def word_count(own: str) -> int:
    """Words of a text, for telling a closing "Thanks!" from more."""
    return count_words(own.split())


def count_words(parts: Sequence[str]) -> int:
    """How many of these parts of a text, cut at spaces, are words: they hold a letter or a digit."""
    signs = {part for part in set(parts) if not part.isalnum() and not _LETTER.search(part)}
    return sum(1 for part in parts if part not in signs) if signs else len(parts)


def _without_quotes(lines: list[str]) -> Iterator[str]:
    """Answers between quoted lines stay; what stands below an introduced whole quote goes."""
    for number, line in enumerate(lines):
        if _PLAIN.match(line) and not line.endswith(":"):
            yield line
            continue
        if line.startswith((">", "|")):
            continue
        if _SEPARATOR.match(line) or _opens_header_block(lines, number):
            return
        if _introduces(lines, number):
            if not _is_answered_between(lines[number + 1 :]):
                return
            continue
        yield line


def _introduces(lines: list[str], number: int) -> bool:
    """Whether "On 2 March … wrote:" begins here, perhaps broken over a few lines."""
    line = lines[number].casefold().lstrip("- ")
    if len(line) < 200 and line.endswith(_ENDINGS):
        return True
    if not line.startswith(_OPENINGS):
        return False
    openings = [end for start, end in _INTRODUCTION if line.startswith(start)]
    whole = " ".join(part for part in lines[number : number + _HEADLINES] if part).casefold()
    return any(end in whole[:400] for end in openings)


def _is_answered_between(below: list[str]) -> bool:
    """Whether a quote marked line by line follows: then own words may stand between its lines."""
    return any(line.startswith((">", "|")) for line in below[: _HEADLINES + 2])


def _opens_header_block(lines: list[str], number: int) -> bool:
    """Outlook quotes without marks: a From line, and within three lines one that says when or to whom."""
    return bool(_HEADER.match(lines[number])) and any(_SENT.match(line) for line in lines[number + 1 : number + 4])


def _without_signature(lines: Iterator[str]) -> Iterator[str]:
    """Ends at "--", at a device's advertisement or at the complimentary close, but keeps an afterthought (PS)."""
    closed = False
    for line in lines:
        if line in ("--", "—", "__") or _DEVICE.match(line):
            closed = True
        elif closed and _AFTERTHOUGHT.match(line):
            closed = False
        if not closed:
            yield line
        closed = closed or _is_sign_off(line)


def _is_sign_off(line: str) -> bool:
    words = line.rstrip(",.! ")
    return len(words) <= _LONGEST_SIGN_OFF and words.casefold() in _SIGN_OFF
