"""Mail as people's programs write it, with everything a scenario may want to be odd."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

STARTED = datetime.now(UTC).replace(microsecond=0) - timedelta(days=10)
"""When the first letter of a run was written; each further one follows a minute later."""

ANNA, BOB = "anna@ourfirm.example", "bob@ourfirm.example"
KIM, LEA = "kim@customer.example", "lea@other.example"
STRANGER = "someone@nowhere.example"

_numbers = itertools.count(1)


def letter(
    *,
    from_: str = KIM,
    to: str = ANNA,
    cc: str = "",
    subject: str = "",
    text: str = "",
    message_id: str | None = None,
    date: datetime | str | None = None,
    references: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """One message in octets.

    message_id: bare, a fresh one if None, absent if ''. date: as written if a string, absent if ''; else a minute
    after the letter before. references: bare ids, the last one is also In-Reply-To.
    """
    number = next(_numbers)
    written: dict[str, str] = {"From": from_, "To": to, "Cc": cc, "Subject": subject or f"Letter {number}"}
    written["Date"] = _date(date if date is not None else STARTED + timedelta(minutes=number))
    written["Message-ID"] = _id(f"letter{number}@mail.example" if message_id is None else message_id)
    written["References"] = " ".join(map(_id, references))
    written["In-Reply-To"] = _id(references[-1]) if references else ""
    written |= {"MIME-Version": "1.0", "Content-Type": "text/plain; charset=utf-8", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in written.items() if value)
    return f"{head}\r\n{text or f'This is the text of letter {number}.'}\r\n".encode()


def letters(count: int, **same: str) -> list[bytes]:
    """So many letters that differ in text and id."""
    return [letter(**same) for _ in range(count)]  # type: ignore[arg-type]  # strings only


def _date(date: datetime | str) -> str:
    return date if isinstance(date, str) else format_datetime(date)


def _id(bare: str) -> str:
    return f"<{bare}>" if bare else ""
