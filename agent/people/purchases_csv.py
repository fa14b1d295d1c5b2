"""Reads purchases from CSV: a header row, comma, semicolon or tab, UTF-8 with or without BOM.

Called by `purchases import`. Whatever the bytes are, it yields rows and refusals with line numbers and never raises.
"""

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from agent.people.contacts_csv import delimiter_of, fold, records
from agent.people.rows import LONGEST_VALUE, Refused, check_email, clean, is_unreadable

COLUMNS = ("email", "date", "amount", "currency", "product", "order_id", "company")
_ALIASES = {
    "e_mail": "email",
    "mail": "email",
    "email_address": "email",
    "order": "order_id",
    "order_number": "order_id",
}
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_AMOUNT = re.compile(r"-?\d[\d.,' ]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sale:
    """One row. amount: as written. company: tells whom an address means that several contacts share."""

    line: int
    email: str
    day: date
    amount: str = ""
    currency: str = ""
    product: str = ""
    order_id: str = ""
    company: str = ""


def read_purchases_csv(data: bytes) -> Iterator[Sale | Refused]:
    """One value for each row that holds anything."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield Refused(line=1, why="the file is UTF-16: save it as CSV UTF-8")
        return
    text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    rows = records(text, delimiter_of(text, {*COLUMNS, *_ALIASES}))
    line, cells = next(rows, (1, []))
    if isinstance(cells, str):
        yield Refused(line=line, why=cells)
        return
    names = [_ALIASES.get(fold(cell), fold(cell)) for cell in cells]
    missing = [name for name in ("email", "date") if name not in names]
    if missing:
        yield Refused(
            line=line, why=f"no column {missing[0]}: the first row must name the columns {', '.join(COLUMNS)}"
        )
        return
    for line, cells in rows:
        yield Refused(line=line, why=cells) if isinstance(cells, str) else _row(line, cells, names)


def _row(line: int, cells: Sequence[str], names: Sequence[str]) -> Sale | Refused:
    if any(is_unreadable(cell) for cell in cells):
        return Refused(line=line, why="it is not UTF-8: save the file as CSV UTF-8")
    told = {name: clean(cell) for name, cell in zip(names, cells, strict=False) if name in COLUMNS}
    day = _day(told.get("date", ""))
    problems = list(_problems(told, day))
    if problems or day is None:
        return Refused(line=line, why="; ".join(problems))
    rest = {name: told.get(name, "") for name in ("amount", "currency", "product", "order_id", "company")}
    return Sale(line=line, email=told["email"], day=day, **rest)


def _problems(told: Mapping[str, str], day: date | None) -> Iterator[str]:
    email, amount = told.get("email", ""), told.get("amount", "")
    if not email:
        yield "no mail address: fill in the column email, buyers are found by it"
    elif problem := check_email(email):
        yield problem
    if day is None:
        yield f"date {told.get('date', '')[:40]!r} is not a clear day: write it like 2026-03-01"
    if amount and not _AMOUNT.fullmatch(amount):
        yield f"amount {amount[:40]!r} is no number"
    yield from (f"{name} is longer than {LONGEST_VALUE} characters" for name in told if len(told[name]) > LONGEST_VALUE)


def _day(text: str) -> date | None:
    """2026-03-01 (a time of day may follow), 20260301 or 1.3.2026; what could be two days is none."""
    if compact := _COMPACT.fullmatch(text):
        text = "-".join(compact.groups())
    elif dotted := _DAY_FIRST.fullmatch(text):
        text = f"{dotted[3]}-{int(dotted[2]):02}-{int(dotted[1]):02}"
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
