"""How much memory very large mail takes beyond what the agent holds anyhow."""

import sys

from benchmarks import program
from benchmarks.lab import Lab
from benchmarks.mailboxes import OWNER, contacts
from benchmarks.program import Firm
from benchmarks.table import Figure, show
from tests.servers.dovecot import DovecotUser

MESSAGES = 100_000
LARGE = 700_000_000


def measure(lab: Lab) -> None:
    """Prints a table. An ordinary mailbox is read first; what reading the large one adds at most is the figure."""
    count, size = lab.count(MESSAGES), lab.count(LARGE)
    small, giant = lab.mailbox("small", 1_000), lab.dovecot.user(())
    giant.append_large("INBOX", _head(), size)
    show(
        "Memory added to an agent that has read 1,000 messages",
        [
            _figure(f"one message of {size / 1e6:,.0f} MB", _growth(lab, small, giant)),
            _figure(f"a mailbox of {count:,} messages", _growth(lab, small, lab.mailbox("small", count))),
        ],
    )


def _growth(lab: Lab, small: DovecotUser, large: DovecotUser) -> float:
    with lab.firm(small, large) as firm:
        firm.learn_contacts()
        return _added(firm)


def _added(firm: Firm) -> float:
    command = [sys.executable, "-m", "benchmarks.growth", str(firm.config), *firm.addresses]
    return int(program.run(command).output.split()[-1]) / 1e3


def _figure(what: str, megabytes: float) -> Figure:
    return Figure(what=what, value=megabytes, unit="MB", bar=50, least=False)


def _head() -> bytes:
    return (
        f"From: {contacts()[0].email}\r\nTo: {OWNER}\r\nSubject: The plans\r\nMessage-ID: <giant@lab.example>\r\n"
        'Content-Type: multipart/mixed; boundary="=_b"\r\n\r\n--=_b\r\nContent-Type: text/plain\r\n\r\n'
        'Please find the plans attached.\r\n--=_b\r\nContent-Type: application/zip; name="plans.zip"\r\n'
        "Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    ).encode()
