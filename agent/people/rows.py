"""What an import reads of one person, before anybody asks whether that person is known: `Row`, or why not: `Refused`.

`contacts_csv` and `vcard` make them, `plan` compares them with what exists. Each value of a file is checked here, so
that both formats refuse the same things with the same words.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from matchers.address import normalise
from matchers.addrspec import is_x500

LONGEST_VALUE = 2000
"""Characters of one value. Longer ones are no name, phone or stage, but a quote that was never closed."""

_RESERVED = ("test", "local", "localhost", "invalid", "internal", "lan", "corp", "home")
"""Last labels that the public net does not know and firms use inside; a part of RFC 6761 and habit."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_DAY_FIRST = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_YEARLESS = re.compile(r"--(\d{2})-?(\d{2})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One person as a file tells it. line: where it begins, from 1. emails: as written, the main one first.

    birthday: `1980-05-17`, or `--05-17` without the year. valid_from, valid_to: the first and last day on which the
    main address is theirs. external_ids: system -> id there. fields: the firm's own.
    What the file leaves out is ''.
    """

    line: int
    emails: tuple[str, ...]
    name: str = ""
    phones: tuple[str, ...] = ()
    company: str = ""
    company_domain: str = ""
    title: str = ""
    owner: str = ""
    stage: str = ""
    birthday: str = ""
    valid_from: str = ""
    valid_to: str = ""
    external_ids: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A place in a file that gives no contact, and what to do about it."""

    line: int
    why: str


def clean(text: str) -> str:
    """A value without control characters and superfluous white space."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def is_unreadable(text: str) -> bool:
    """Whether bytes were no UTF-8; they were read as lone surrogates."""
    return not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text)


@lru_cache(maxsize=4096)
def check_email(text: str) -> str | None:
    """What is wrong with an address that somebody typed, or None."""
    local, _, domain = text.rpartition("@")
    asked = f"{local}@{domain}.example" if domain.lower().rpartition(".")[2] in _RESERVED else text
    try:
        validate_email(asked, check_deliverability=False, globally_deliverable=False, allow_quoted_local=True)
    except EmailNotValidError as error:
        return f"{_shown(text)} is no mail address: {error}"
    return None


def check_birthday(text: str) -> str | None:
    """The day in ISO form (without year: `--05-17`), '' for none, or None if it is not clear which day is meant."""
    if not text:
        return ""
    if yearless := _YEARLESS.fullmatch(text):
        return f"--{yearless[1]}-{yearless[2]}" if _is_day(2000, int(yearless[1]), int(yearless[2])) else None
    if compact := _COMPACT.fullmatch(text):
        text = "-".join(compact.groups())
    elif dotted := _DAY_FIRST.fullmatch(text):
        text = f"{dotted[3]}-{int(dotted[2]):02}-{int(dotted[1]):02}"
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return None


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def problems_of(row: Row) -> list[str]:
    """Everything that is wrong with a row; nothing, and it can be imported.

    Behind the main address, Exchange's name of a mailbox (`/o=Firm/ou=…/cn=…`) counts as one: old mail bears it alone.
    """
    found = [
        problem
        for place, email in enumerate(row.emails)
        if not (place and is_x500(normalise(email).match_key)) and (problem := check_email(email))
    ]
    if not row.emails:
        found.append("no mail address: fill in the column email, mail is matched by it")
    if row.owner and check_email(row.owner):
        found.append(f"owner {_shown(row.owner)} is no mail address: write the salesperson's mailbox")
    if check_birthday(row.birthday) is None:
        found.append(f"birthday {_shown(row.birthday)} is not a clear day: write it like 1980-05-17")
    return found + _wrong_days(row) + _too_long(row)


def _wrong_days(row: Row) -> list[str]:
    told = {"valid_from": row.valid_from, "valid_to": row.valid_to}
    days = {name: check_birthday(text) for name, text in told.items()}
    wrong = [name for name, day in days.items() if day is None or day.startswith("--")]
    if wrong:
        return [f"{name} {_shown(told[name])} is not a clear day: write it like 2024-06-30" for name in wrong]
    first, last = days["valid_from"], days["valid_to"]
    return ["valid_to lies before valid_from: exchange them"] if first and last and last < first else []


def _too_long(row: Row) -> list[str]:
    named = {"name": row.name, "company": row.company, "title": row.title, "stage": row.stage, **row.fields}
    long = [name for name, value in named.items() if len(value) > LONGEST_VALUE]
    return [f"{_shown(name)} is longer than {LONGEST_VALUE} characters" for name in long]


def unique(values: Sequence[str]) -> tuple[str, ...]:
    """The non-empty values, each once, in their order."""
    return tuple(dict.fromkeys(value for value in values if value))


def _shown(text: str) -> str:
    """A value inside a sentence: short, and plainly a quotation."""
    return repr(text if len(text) <= 60 else text[:57] + "…")
