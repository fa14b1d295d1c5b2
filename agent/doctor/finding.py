"""The words of a check: what was seen, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """skipped: nobody could look, for the reason told."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What one look found. detail: one sentence or less, without secrets. advice: what to do; never empty if failed."""

    ok: Verdict
    detail: str
    advice: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One check of one subject: a mailbox's address, its calendar, or the database."""

    subject: str
    check: str
    ok: Verdict
    detail: str
    advice: str = ""

    def told(self) -> dict[str, object]:
        """What JSON says of this check."""
        return {
            "subject": self.subject,
            "check": self.check,
            "ok": self.ok,
            "detail": self.detail,
            "advice": self.advice,
        }


def fine(detail: str) -> Said:
    return Said(ok=Verdict.OK, detail=detail)


def warning(detail: str, advice: str) -> Said:
    return Said(ok=Verdict.WARNING, detail=detail, advice=advice)


def failed(detail: str, advice: str) -> Said:
    return Said(ok=Verdict.FAILED, detail=detail, advice=advice)


def skipped(reason: str) -> Said:
    return Said(ok=Verdict.SKIPPED, detail=reason)
