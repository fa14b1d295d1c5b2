"""The corpus of broken mail through the whole program: each one logged with its faults noted, none lost, none fatal."""

from collections.abc import Callable

import pytest

from tests.acceptance.scenarios.harness import Desk
from tests.acceptance.scenarios.letters import KIM
from tests.data.corpus import samples
from tests.servers.dovecot import Dovecot


def _from_kim(raw: bytes) -> bytes:
    """The same broken mail, but certainly from a contact: its own From, if any, comes second."""
    newline = b"\r\n" if b"\r\n" in raw else b"\n"
    return b"Reply-To: Kim <" + KIM.encode() + b">" + newline + raw


@pytest.mark.parametrize("make_desk", ["sqlite", "postgresql"], indirect=True)
def test_every_broken_mail_has_an_account(make_desk: Callable[[], Desk], dovecot: Dovecot) -> None:
    """As it came and as if from a contact: nothing raises, every message has a row, the pass ends well."""
    desk, user = make_desk(), dovecot.user()
    desk.know("Kim Kunde", KIM, company="Customer AG")
    desk.read(user)
    user.append_many("INBOX", [(sample.raw, None, ()) for sample in samples()])
    user.append_many("Sent", [(_from_kim(sample.raw), None, ()) for sample in samples()])
    counts = desk.sync()
    accounts = desk.complete()
    assert accounts["Sent"].outcomes["logged"] > len(samples()) / 2
    assert sum(count for name, count in counts.items() if name == "logged") == len(
        [one for account in accounts.values() for one in range(account.outcomes["logged"])]
    )
    assert any(one.flagged_as for one in desk.history()), "faults are noted"
    assert not any("\x00" in (one.text or "") + (one.subject or "") for one in desk.history())
    assert desk.sync()["logged"] == 0
