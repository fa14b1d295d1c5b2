"""Whether a mail leaves something open: its own new words hold a question or a request.

Pure; called when a mail is recorded, on `agent.reminders.own_text`. Courtesies are no questions ("How are you?", "If
you have any questions, let me know"), nor is a question mark in an address.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache

from agent.reminders.own_text import START, OwnWords, count_words, own_text, words_of

CLOSING_WORDS = 12
"""An answer of at most so many words without a question closes a conversation ("Thanks, see you then!")."""

REQUESTS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "let me know", "let us know", "please send", "please confirm", "please advise", "please provide",
        "please share", "please review", "please sign", "please reply", "please call", "please get back",
        "please check", "please give", "please tell", "please forward", "please return", "please respond",
        "could you", "can you", "would you", "get back to me", "get back to us", "forward to hearing",
        "forward to your reply", "forward to your answer", "forward to your feedback", "forward to your response",
        "waiting for your", "awaiting your", "i would appreciate", "i'd appreciate", "we would appreciate",
        "kindly confirm", "kindly send", "kindly let", "kindly advise", "kindly reply", "i need your", "we need your",
    ),
    "de": (
        "könnten sie", "können sie", "könntest du", "kannst du", "könntet ihr", "könnt ihr", "bitte senden",
        "bitte schicken", "bitte bestätigen", "bitte teilen", "bitte geben", "bitte prüfen", "bitte melden",
        "bitte sende", "bitte schick", "bitte gib", "bitte um", "bitten sie", "bitten wir", "bitte ich",
        "geben sie mir bescheid", "geben sie uns bescheid", "gib mir bescheid", "gebt mir bescheid", "kurz bescheid",
        "auf ihre rückmeldung", "auf deine rückmeldung", "um ihre rückmeldung", "über ihre rückmeldung",
        "über eine rückmeldung", "um rückmeldung", "auf ihre antwort", "auf deine antwort", "würden sie mir",
        "würden sie uns", "würdest du", "teilen sie mir", "teilen sie uns", "lassen sie mich wissen",
        "lassen sie uns wissen", "lass mich wissen",
    ),
    "fr": (
        "pouvez-vous", "pourriez-vous", "peux-tu", "pourrais-tu", "merci de me", "merci de nous", "merci de bien",
        "veuillez me", "veuillez nous", "veuillez confirmer", "j'attends votre", "j'attends ton", "en attente de v",
        "dans l'attente", "tenez-moi", "tiens-moi", "dites-moi", "dis-moi", "faites-moi", "fais-moi",
    ),
    "es": (
        "podría", "podrías", "puede usted", "puedes", "por favor envíe", "por favor confirme", "por favor envía",
        "por favor confirma", "a la espera de", "dígame", "dime", "avíseme", "avísame", "háganos saber", "hágame saber",
    ),
    "it": (
        "potrebbe", "potresti", "può inviar", "puoi inviar", "mi faccia sapere", "fammi sapere", "fateci sapere",
        "in attesa di", "la prego di", "ti prego di", "vi prego di", "attendo un", "attendo suo", "attendo tuo",
    ),
    "nl": (
        "kunt u", "kun je", "zou u", "zou je", "laat me weten", "laat ons weten", "laat het me weten", "graag uw",
        "graag je", "ik hoor graag", "wij horen graag", "hoor graag van", "gelieve",
    ),
    "pt": (
        "poderia", "pode enviar", "pode confirmar", "por favor envie", "por favor confirme", "aguardo", "aguardamos",
        "me avise", "me diga", "diga-me", "avise-me",
    ),
    "pl": ("czy może", "czy mógłby", "czy mogłaby", "proszę o", "prosimy o", "proszę dać", "czekam na"),
    "sv": ("kan du", "kan ni", "skulle du", "hör av dig", "återkom gärna", "låt mig veta"),
}  # fmt: skip
"""Phrases that ask for something without a question mark, by language, in lower case."""

LANGUAGES = frozenset(REQUESTS)

_GREETING = re.compile(
    r"how are you|how(?:'s| is) it going|how have you been|wie geht(?:s|'s| es)|comment (?:ça va|allez-vous|vas-tu)"
    r"|cómo (?:está|estás)|come (?:sta|stai)|hoe gaat het|como (?:está|vai)"
)
_OFFER = re.compile(
    r"any (?:further |other |more )?(?:questions|queries|concerns)|haben sie (?:noch |weitere )?fragen"
    r"|(?:bei|falls|für|sollten) (?:sie )?(?:rück|weitere |noch )?fragen|(?:d'autres|des) questions"
    r"|cualquier (?:duda|pregunta)|qualsiasi domanda|nog vragen|qualquer dúvida|feel free to"
    r"|(?:do not|don't) hesitate|zögern sie nicht|n'hésitez pas|no dude en|non esit"
)
_GREETING_WORDS = 4
"""A question with fewer words beside the greeting is the greeting."""
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"(?<=[?？؟!.])\s+|\n{2,}|;\s")
_QUESTION = ("?", "？", "؟")


def asks(own: OwnWords, languages: Collection[str] = LANGUAGES) -> bool:
    """Whether these own words ask for something."""
    plain, spaced = own.plain, " ".join(own.words)
    if "://" in plain or "www." in plain:
        plain, spaced = _LINK.sub(" ", plain), _LINK.sub(" ", spaced)
    phrases = _phrases(spaced, own, languages)
    if not phrases and not any(mark in spaced for mark in _QUESTION):
        return False  # most mail ends here; only the rest is looked at sentence by sentence
    sentences = (" ".join(part.split()) for part in _SENTENCE_END.split(plain) if part)
    return any(_is_request(sentence, phrases) for sentence in sentences)


def _phrases(spaced: str, own: OwnWords, languages: Collection[str]) -> list[str]:
    """The requests that stand in a text, each beginning with a word: few are looked for in any one text."""
    inside = _WORD.findall(" ".join([word for word in own.distinct if not word.isalpha()]))
    by_start, by_first = _index(frozenset(languages))
    starts = by_start.keys() & own.starts | by_start.keys() & {word[:START] for word in inside}
    firsts = by_first.keys() & own.distinct | by_first.keys() & set(inside)
    likely = [phrase for start in starts for phrase in by_start[start]]
    likely += [phrase for first in firsts for phrase in by_first[first]]
    return [phrase for phrase in likely if phrase in spaced]


@cache
def _index(languages: frozenset[str]) -> tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]]:
    """Phrases of one word, which may go on (`podría` in `podrían`), by how it begins; the others by their first one.

    None of one word is shorter than `START`.
    """
    by_start: dict[str, list[str]] = {}
    by_first: dict[str, list[str]] = {}
    for phrase in (phrase for language in sorted(languages) for phrase in REQUESTS.get(language, ())):
        first, *more = _WORD.findall(phrase)
        index, key = (by_first, first) if more else (by_start, first[:START])
        index.setdefault(key, []).append(phrase)
    return by_start, by_first


def is_closing(asks_something: bool, words: int) -> bool:
    """Whether an answer ends the conversation: short, and nothing asked."""
    return not asks_something and words <= CLOSING_WORDS


def weigh(text: str, new_text: str | None = None, languages: Collection[str] = LANGUAGES) -> tuple[bool, int]:
    """(asks for something, words) of a mail's own new text. new_text: where the server tells what is new."""
    return weigh_own(words_of(own_text(text if new_text is None else new_text)), languages)


def weigh_own(own: OwnWords, languages: Collection[str] = LANGUAGES) -> tuple[bool, int]:
    """The same of words that are the sender's own already."""
    return asks(own, languages), count_words(own)


def _is_request(sentence: str, phrases: list[str]) -> bool:
    if _OFFER.search(sentence):
        return False
    rest = _GREETING.sub("", sentence)
    if any(phrase in rest for phrase in phrases):
        return True
    is_greeting = rest != sentence and len(rest.split()) < _GREETING_WORDS
    return not is_greeting and any(mark in sentence for mark in _QUESTION)
