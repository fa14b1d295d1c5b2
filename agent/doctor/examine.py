"""Runs a list of looks at one subject; each is answered, and one that cannot be made says what stands before it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from agent.doctor.finding import Finding, Said, Verdict, failed, skipped
from agent.store.errors import StoreError, Unfit
from config.secrets import SecretError
from connectors.errors import ConnectorError, Fatal

Patient = TypeVar("Patient")

LATER = "try again later; if it stays so, ask whoever runs the server"
_CONFIGURATION = "correct the configuration"


@dataclass(frozen=True, kw_only=True)
class Look(Generic[Patient]):
    """One check. after: the checks that must have gone well, or nothing can be seen here."""

    check: str
    at: Callable[[Patient], Said]
    after: tuple[str, ...] = ()


def examine(subject: str, patient: Patient, looks: Sequence[Look[Patient]]) -> Iterator[Finding]:
    """Every check's finding, in order, as each is made."""
    stopped: set[str] = set()
    for look in looks:
        missing = [check for check in look.after if check in stopped]
        said = skipped(f"waits for: {', '.join(missing)}") if missing else _made(look, patient)
        if said.ok in (Verdict.FAILED, Verdict.SKIPPED):
            stopped.add(look.check)
        yield Finding(subject=subject, check=look.check, ok=said.ok, detail=said.detail, advice=said.advice)


def _made(look: Look[Patient], patient: Patient) -> Said:
    try:
        return look.at(patient)
    except (ConnectorError, StoreError, SecretError) as error:
        return of_error(error)


def of_error(error: ConnectorError | StoreError | SecretError) -> Said:
    """The failure that an error means, with what to do."""
    match error:
        case ConnectorError():
            return failed(str(error), error.advice or (_CONFIGURATION if isinstance(error, Fatal) else LATER))
        case Unfit() | SecretError():
            return failed(*_parted(str(error)))
        case _:
            return failed(str(error), "start the database, and check `store.url`")


def _parted(sentence: str) -> tuple[str, str]:
    """What is wrong, and what to do: these errors say both, with a semicolon or a colon between. Pure."""
    mark = "; " if "; " in sentence else ": "
    what, _, instead = sentence.rpartition(mark)
    return what or sentence, instead
