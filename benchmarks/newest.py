"""How soon the newest mail stands in the history while a large mailbox is read for the first time."""

from benchmarks.lab import Lab
from benchmarks.mailboxes import OWNER, contacts
from benchmarks.program import running
from benchmarks.table import Figure, middle, show
from tests.servers.dovecot import DovecotUser

MESSAGES = 100_000
ROUNDS = 3
_ID = "the-newest@lab.example"
_TAKEN = "SELECT 1 FROM mailboxes WHERE lease_owner IS NOT NULL"
_LOGGED = f"SELECT 1 FROM interactions WHERE message_id LIKE '%{_ID}%'"  # noqa: S608  # our constant


def measure(lab: Lab) -> None:
    """Prints a table."""
    count = lab.count(MESSAGES)
    user = lab.mailbox("small", count)
    raw = f"From: {contacts()[0].email}\r\nTo: {OWNER}\r\nSubject: now\r\nMessage-ID: <{_ID}>\r\n\r\nHello\r\n"
    user.append("INBOX", raw.encode())
    loading, reading = map(middle, zip(*(_round(lab, user) for _ in range(ROUNDS)), strict=True))
    show(
        f"First sync of {count:,} messages (median of {ROUNDS})",
        [
            Figure(what="start of the process to the start of the sync", value=loading, unit="s"),
            Figure(what="start of the sync to the newest message logged", value=reading, unit="s", bar=2, least=False),
            Figure(what="both", value=loading + reading, unit="s"),
        ],
    )


def _round(lab: Lab, user: DovecotUser) -> tuple[float, float]:
    """Seconds until the mailbox is taken hold of, which comes before its server is asked, and from there on."""
    with lab.firm(user) as firm:
        firm.learn_contacts()
        lab.forget(user)
        with running(firm.command("sync")) as process:
            return firm.await_row(_TAKEN, process), firm.await_row(_LOGGED, process)
