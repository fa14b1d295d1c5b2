"""How soon the newest mail stands in the history while a large mailbox is read for the first time."""

from benchmarks.lab import Lab
from benchmarks.mailboxes import OWNER, contacts
from benchmarks.program import running
from benchmarks.table import Figure, middle, show

MESSAGES = 100_000
ROUNDS = 3
_ID = "the-newest@lab.example"


def measure(lab: Lab) -> None:
    """Prints a table."""
    count = lab.count(MESSAGES)
    user = lab.mailbox("small", count)
    raw = f"From: {contacts()[0].email}\r\nTo: {OWNER}\r\nSubject: now\r\nMessage-ID: <{_ID}>\r\n\r\nHello\r\n"
    user.append("INBOX", raw.encode())
    seconds = []
    for _ in range(ROUNDS):
        with lab.firm(user) as firm:
            firm.learn_contacts()
            lab.forget(user)
            with running(firm.command("sync")) as process:
                seconds.append(
                    firm.await_row(f"SELECT 1 FROM interactions WHERE message_id LIKE '%{_ID}%'", process)  # noqa: S608  # our constant
                )
    show(
        f"First sync of {count:,} messages (median of {ROUNDS})",
        [
            Figure(
                what="start of the process to the newest message logged",
                value=middle(seconds),
                unit="s",
                bar=2,
                least=False,
            )
        ],
    )
