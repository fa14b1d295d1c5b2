"""`crm-agent doctor` and lists of mailboxes against an Exchange Server: what is open, what is closed, what is amiss."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.doctor.finding import Finding, Verdict
from agent.doctor.rounds import round_of
from config.load import load
from tests.servers.ews import EwsServer, Mailbox


class Firm:
    """A folder whose configuration names an Exchange server, its service account and a list of people."""

    def __init__(self, folder: Path, ews: EwsServer) -> None:
        self.folder = folder
        self.config = folder / "crm-agent.toml"
        self._ews = ews
        self.password("open sesame")
        self.configure()

    def password(self, value: str) -> None:
        path = self.folder / "ews.secret"
        path.write_text(value)
        path.chmod(0o600)

    def configure(self, more: str = "", *, auth: str = "basic") -> None:
        self.config.write_text(
            '[organisation]\ndomains = ["corp.example"]\n[[connectors]]\nname = "server"\ntype = "exchange"\n'
            f'endpoint = "{self._ews.url}"\nca_file = "{self._ews.ca_file}"\nauth = "{auth}"\nusername = "svc-crm"\n'
            f'password = {{ file = "ews.secret" }}\nmailboxes_from = {{ csv = "list.csv" }}\n{more}'
        )

    def listing(self, *people: Mailbox) -> None:
        (self.folder / "list.csv").write_text("address\n" + "".join(f"{one.address}\n" for one in people))

    def serves(self, *people: Mailbox) -> None:
        """The service account may act for these and for nobody else."""
        self._ews.account("svc-crm", "open sesame", impersonates={one.address for one in people})

    def run(self, *command: str) -> int:
        return main(["--config", str(self.config), *command])

    def examined(self, address: str | None = None, *, write: bool = False) -> Mapping[tuple[str, str], Finding]:
        """Every finding by subject and check."""
        found = list(round_of(load(self.config, secrets="store"), address, write=write))
        assert all(each.advice for each in found if each.ok in (Verdict.FAILED, Verdict.WARNING))
        return {(each.subject, each.check): each for each in found}


@pytest.fixture
def firm(tmp_path: Path, ews: EwsServer) -> Firm:
    return Firm(tmp_path, ews)


def failed(found: Mapping[tuple[str, str], Finding]) -> list[tuple[str, str]]:
    return [where for where, each in found.items() if each.ok is Verdict.FAILED]


def test_everything_that_is_well_is_said_to_be(firm: Firm, ews: EwsServer) -> None:
    anna, board = ews.mailbox(), ews.mailbox()
    firm.serves(anna)
    firm.listing(anna)
    firm.configure(f'must_refuse = "{board.address}"\n')
    before = anna.snapshot()
    found = firm.examined()
    assert failed(found) == []
    assert [check for subject, check in found if subject == "server"] == [
        *("list", "secrets", "ca_file", "tls", "clock", "offers", "sign-in", "must_refuse"),
    ]
    assert "Exchange Server" in found["server", "sign-in"].detail
    assert found["server", "list"].detail == "1 on it"
    assert found["server", "must_refuse"].detail == f"{board.address} cannot be read"
    assert [check for subject, check in found if subject == anna.address] == ["mailbox", "folders"]
    assert found[f"{anna.address} calendar", "find"].ok is Verdict.OK
    assert anna.snapshot() == before, "nothing was changed"


def test_a_mailbox_on_the_list_but_outside_the_scope_is_named(firm: Firm, ews: EwsServer) -> None:
    anna, ben = ews.mailbox(), ews.mailbox()
    firm.serves(anna)
    firm.listing(anna, ben)
    found = firm.examined()
    assert [where for where in failed(found) if where[1] == "mailbox"] == [(ben.address, "mailbox")]
    assert found[ben.address, "mailbox"].detail.startswith("on the list, but out of reach: the account may not act")


def test_a_mailbox_that_must_stay_closed_and_is_open_fails(firm: Firm, ews: EwsServer) -> None:
    anna, board = ews.mailbox(), ews.mailbox()
    firm.serves(anna, board)
    firm.listing(anna)
    firm.configure(f'must_refuse = "{board.address}"\n')
    found = firm.examined()
    assert failed(found) == [("server", "must_refuse")]
    assert found["server", "must_refuse"].detail == f"{board.address} can be read, and must not"


def test_a_refused_password_is_tried_once_and_not_for_every_mailbox(firm: Firm, ews: EwsServer) -> None:
    people = [ews.mailbox() for _ in range(5)]
    firm.serves(*people)
    firm.listing(*people)
    firm.password("wrong")
    found = firm.examined()
    assert failed(found) == [("server", "sign-in")]
    assert {found[one.address, "mailbox"].detail for one in people} == {"waits for: sign-in of server"}


def test_a_way_to_sign_in_that_the_server_does_not_offer_is_named(firm: Firm, ews: EwsServer) -> None:
    anna = ews.mailbox()
    firm.serves(anna)
    firm.listing(anna)
    firm.configure(auth="ntlm")
    ews.doorman.schemes = ("basic",)
    found = firm.examined()
    assert failed(found) == [("server", "offers")]
    assert 'write auth = "basic"' in found["server", "offers"].advice


def test_a_certificate_of_an_unknown_authority_is_said_to_be_that(firm: Firm, ews: EwsServer) -> None:
    """To wait for better times would be no advice."""
    anna = ews.mailbox()
    firm.serves(anna)
    firm.listing(anna)
    firm.config.write_text(firm.config.read_text().replace(f'ca_file = "{ews.ca_file}"\n', ""))
    found = firm.examined()
    for check in ("tls", "clock", "offers"):
        assert "certificate" in found["server", check].detail
        assert "ca_file" in found["server", check].advice


def test_a_calendar_to_be_made_is_made_by_writing_only(firm: Firm, ews: EwsServer) -> None:
    anna = ews.mailbox()
    firm.serves(anna)
    firm.listing(anna)
    firm.configure('defaults = { calendar = { type = "own", name = "Follow-ups", create = true } }\n')
    before = anna.snapshot()
    looked = firm.examined()[f"{anna.address} calendar", "find"]
    assert looked.ok is Verdict.WARNING
    assert 'no calendar "Follow-ups"' in looked.detail
    assert anna.snapshot() == before
    assert (
        firm.examined(write=True)[f"{anna.address} calendar", "write"].detail == "an item was made, found and removed"
    )
    assert firm.examined()[f"{anna.address} calendar", "find"].detail == "Follow-ups"


def test_one_mailbox_of_a_list_can_be_looked_at_alone(
    firm: Firm, ews: EwsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    anna, ben = ews.mailbox(), ews.mailbox()
    firm.serves(anna, ben)
    firm.listing(anna, ben)
    assert {subject for subject, _ in firm.examined(anna.address)} == {
        *("database", "server", anna.address, f"{anna.address} calendar"),
    }
    assert firm.run("doctor", "--mailbox", "nobody@corp.example") == 2
    assert "no mailbox nobody@corp.example" in capsys.readouterr().err


def test_a_list_that_cannot_be_read_is_named_and_what_was_taken_before_is_looked_at(firm: Firm, ews: EwsServer) -> None:
    anna = ews.mailbox()
    firm.serves(anna)
    firm.listing(anna)
    assert firm.run("sync") == 0
    (firm.folder / "list.csv").unlink()
    found = firm.examined()
    assert failed(found) == [("server", "list")]
    assert found[anna.address, "mailbox"].ok is Verdict.OK
