"""A group of Entra as the list, and `crm-agent doctor` against Exchange Online: what is open, what is closed, why."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from agent.cli.main import main
from agent.doctor.finding import Finding, Verdict
from agent.doctor.rounds import round_of
from config.load import load
from tests.integration.graph_lab import mail
from tests.servers.graph import Application, Tenant

DIRECTORY = {"GroupMember.Read.All", "User.ReadBasic.All"}
MAILBOX = ("Mail.Read", "Calendars.ReadWrite", "MailboxSettings.Read")


class Firm:
    """A folder whose configuration names an application of a tenant and a group of people."""

    def __init__(self, folder: Path, tenant: Tenant, ca_file: Path) -> None:
        self.folder = folder
        self.config = folder / "crm-agent.toml"
        self.tenant = tenant
        self._ca_file = ca_file
        self.people = tenant.group("CRM sales")
        self.application = Application()

    def serves(self, *addresses: str, roles: set[str] | None = None, **settings: list[Path]) -> None:
        """An application whose scope (RBAC for Applications) holds these mailboxes. roles: of the whole tenant."""
        scoped = {role: {address.lower() for address in addresses} for role in MAILBOX}
        granted = DIRECTORY if roles is None else roles
        self.application = self.tenant.application(roles=set(granted), scoped_roles=scoped, **settings)

    def configure(self, more: str = "", *, proof: str = 'client_secret = { file = "app.secret" }') -> None:
        if self.application.secrets:
            self.secret("app.secret", self.application.secret)
        self.config.write_text(
            '[organisation]\ndomains = ["firm.example"]\n[[connectors]]\nname = "online"\ntype = "graph"\n'
            f'tenant_id = "{self.tenant.id}"\nclient_id = "{self.application.client_id}"\n{proof}\n'
            f'endpoint = "{self.tenant.endpoint}"\nauthority = "{self.tenant.authority}"\nca_file = "{self._ca_file}"\n'
            f'mailboxes_from = {{ entra_group = "{self.people.id}", most_change = 3 }}\n{more}'
        )

    def secret(self, name: str, value: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(value)

    def run(self, *command: str) -> int:
        return main(["--config", str(self.config), *command])

    def examined(self, *, write: bool = False) -> Mapping[tuple[str, str], Finding]:
        """Every finding by subject and check."""
        found = list(round_of(load(self.config, secrets="store"), write=write))
        assert all(each.advice for each in found if each.ok in (Verdict.FAILED, Verdict.WARNING))
        return {(each.subject, each.check): each for each in found}


@pytest.fixture
def firm(tmp_path: Path, graph_tenant: Tenant, ca_file: Path) -> Firm:
    return Firm(tmp_path, graph_tenant, ca_file)


def failed(found: Mapping[tuple[str, str], Finding]) -> list[tuple[str, str]]:
    return [where for where, each in found.items() if each.ok is Verdict.FAILED]


@pytest.fixture
def mailboxes(capsys: pytest.CaptureFixture[str], firm: Firm) -> Callable[[], Mapping[str, str]]:
    """Mailbox → state, as `mailboxes` says."""

    def states() -> Mapping[str, str]:
        capsys.readouterr()
        firm.run("mailboxes", "--json")
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return {row["address"]: row["state"] for row in rows}

    return states


def test_a_tenant_with_a_narrow_scope_passes_and_is_not_changed(firm: Firm) -> None:
    anna, board = firm.tenant.mailbox("anna@firm.example"), firm.tenant.mailbox("board@firm.example")
    anna.deliver(mail())
    firm.people.members = [anna.user]
    firm.serves(anna.address)
    firm.configure(f'must_refuse = "{board.address}"\n')
    before = firm.tenant.snapshot()
    found = firm.examined()
    assert failed(found) == []
    assert [check for subject, check in found if subject == "online"] == [
        *("list", "secrets", "certificate", "ca_file", "tls", "clock", "sign-in", "permissions", "must_refuse"),
    ]
    assert found["online", "must_refuse"].detail == "board@firm.example cannot be read"
    assert found["online", "permissions"].ok is Verdict.OK
    assert found[anna.address, "mailbox"].detail == "opens; messages in the inbox: 1"
    assert found[f"{anna.address} calendar", "find"].ok is Verdict.OK
    assert firm.tenant.snapshot() == before


def test_a_member_whose_user_name_is_another_one_than_the_address_is_found_by_it(
    firm: Firm, mailboxes: Callable[[], Mapping[str, str]]
) -> None:
    """`/users/{id | userPrincipalName}`: an address is neither."""
    firm.tenant.names_only = True
    anna = firm.tenant.mailbox("anna@firm.example", upn="a.smith@firm.onmicrosoft.example")
    firm.people.members = [anna.user]
    firm.serves(anna.address)
    firm.configure()
    assert failed(firm.examined(write=True)) == []
    assert firm.run("sync") == 0
    assert mailboxes() == {"anna@firm.example": "ok"}


def test_a_mailbox_is_asked_for_by_the_user_name_that_the_configuration_gives(firm: Firm) -> None:
    firm.tenant.names_only = True
    anna = firm.tenant.mailbox("anna@firm.example", upn="anna@firm.onmicrosoft.example")
    firm.people.members = [firm.tenant.mailbox("ben@firm.example").user]
    firm.serves(anna.address, "ben@firm.example")
    one = '[[connectors.mailboxes]]\naddress = "anna@firm.example"\n'
    firm.configure(one)
    missing = firm.examined()[anna.address, "mailbox"]
    assert "no such mailbox" in missing.detail
    assert "`username`" in missing.advice
    firm.configure(one + 'username = "{local}@firm.onmicrosoft.example"\n')
    assert failed(firm.examined()) == []


@pytest.mark.parametrize(
    ("roles", "told", "right"),
    [
        (set(), "may not see who is in a group", "GroupMember.Read.All"),
        ({"GroupMember.Read.All"}, "nobody in the group has an address", "User.ReadBasic.All"),
    ],
)
def test_a_group_that_may_not_be_seen_names_the_right_that_is_missing(
    firm: Firm, roles: set[str], told: str, right: str
) -> None:
    """Not one of a mailbox: a group lies in Entra. People without addresses are no empty list."""
    firm.people.members = [firm.tenant.mailbox("anna@firm.example").user]
    firm.serves("anna@firm.example", roles=roles)
    firm.configure()
    found = firm.examined()["online", "list"]
    assert told in found.detail
    assert right in found.advice
    assert "mailbox into its scope" not in found.advice


def test_a_member_outside_the_scope_is_named(firm: Firm) -> None:
    anna, ben = firm.tenant.mailbox("anna@firm.example"), firm.tenant.mailbox("ben@firm.example")
    firm.people.members = [anna.user, firm.tenant.group("inner", ben)]
    firm.serves(anna.address)
    firm.configure()
    found = firm.examined()
    assert (ben.address, "mailbox") in failed(found)
    assert (anna.address, "mailbox") not in failed(found)
    assert found[ben.address, "mailbox"].detail.startswith("on the list, but out of reach")


def test_consent_for_the_whole_tenant_is_warned_of_and_opens_what_must_stay_closed(firm: Firm) -> None:
    anna, board = firm.tenant.mailbox("anna@firm.example"), firm.tenant.mailbox("board@firm.example")
    firm.people.members = [anna.user]
    firm.serves(anna.address, roles=DIRECTORY | {"Mail.Read"})
    firm.configure(f'must_refuse = "{board.address}"\n')
    found = firm.examined()
    assert found["online", "permissions"].ok is Verdict.WARNING
    assert found["online", "permissions"].detail == "Mail.Read holds for every mailbox of the tenant"
    assert failed(found) == [("online", "must_refuse")]


def test_a_group_that_the_application_may_not_see_is_told_by_the_permission_it_lacks(firm: Firm) -> None:
    firm.people.members = [firm.tenant.mailbox("anna@firm.example").user]
    firm.serves("anna@firm.example", roles=set())
    firm.configure()
    found = firm.examined()
    assert failed(found) == [("online", "list"), ("online", "permissions")]
    assert "GroupMember.Read.All" in found["online", "permissions"].advice


def certified(folder: Path, key: "rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey", days: int) -> Path:
    """A certificate of an application, as an administrator uploads it; the file `app.pem` beside it has the key too."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crm-sync-agent")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = made.not_valid_before(now).not_valid_after(now + timedelta(days=days, hours=1)).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = signed.public_bytes(serialization.Encoding.PEM)
    (folder / "app.crt").write_bytes(public)
    (folder / "app.pem").touch(mode=0o600)
    (folder / "app.pem").write_bytes(public + private)
    return folder / "app.crt"


@pytest.mark.parametrize(("days", "verdict"), [(90, Verdict.OK), (20, Verdict.WARNING)])
def test_the_end_of_the_applications_certificate_is_warned_of(firm: Firm, days: int, verdict: Verdict) -> None:
    firm.people.members = [firm.tenant.mailbox("anna@firm.example").user]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    firm.serves("anna@firm.example", certificates=[certified(firm.folder, key, days)])
    firm.configure(proof='certificate = { file = "app.pem" }')
    found = firm.examined()
    assert failed(found) == []
    assert found["online", "certificate"].ok is verdict
    assert f"({days} days)" in found["online", "certificate"].detail


def test_a_certificate_that_entra_would_not_take_is_told(firm: Firm) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    firm.serves("anna@firm.example", certificates=[certified(firm.folder, key, 90)])
    firm.configure(proof='certificate = { file = "app.pem" }')
    found = firm.examined()
    assert failed(found) == [("online", "list"), ("online", "sign-in")]
    assert found["online", "sign-in"].detail == "the certificate's key is not one of RSA"


def test_a_secret_that_is_refused_is_said_once_and_mailboxes_wait(firm: Firm) -> None:
    anna, ben = firm.tenant.mailbox("anna@firm.example"), firm.tenant.mailbox("ben@firm.example")
    firm.people.members = [ben.user]
    firm.serves(anna.address, ben.address)
    firm.configure(f'[[connectors.mailboxes]]\naddress = "{anna.address}"\n')
    firm.secret("app.secret", "another one")
    found = firm.examined()
    assert failed(found) == [("online", "list"), ("online", "sign-in")]
    assert found[anna.address, "mailbox"].detail == "waits for: sign-in of online"


def test_the_named_calendar_is_made_by_writing_only(firm: Firm) -> None:
    anna = firm.tenant.mailbox("anna@firm.example")
    firm.people.members = [anna.user]
    firm.serves(anna.address)
    firm.configure('defaults = { calendar = { type = "own", name = "Follow-ups", create = true } }\n')
    before = firm.tenant.snapshot()
    assert firm.examined()[f"{anna.address} calendar", "find"].ok is Verdict.WARNING
    assert firm.tenant.snapshot() == before
    assert (
        firm.examined(write=True)[f"{anna.address} calendar", "write"].detail == "an item was made, found and removed"
    )
    assert firm.examined()[f"{anna.address} calendar", "find"].detail == "Follow-ups"


def test_who_joins_the_group_is_read_and_who_leaves_it_is_not(
    firm: Firm, mailboxes: Callable[[], Mapping[str, str]]
) -> None:
    anna, ben, eva = (firm.tenant.mailbox(f"{name}@firm.example") for name in ("anna", "ben", "eva"))
    firm.people.members = [anna.user, ben.user]
    firm.serves(anna.address, ben.address, eva.address)
    firm.configure()
    assert firm.run("sync") == 0
    firm.people.members = [ben.user, eva.user]
    assert firm.run("sync") == 0
    assert mailboxes() == {ben.address: "ok", eva.address: "ok"}
    firm.people.members = []
    assert firm.run("sync") == 1
    assert mailboxes() == {ben.address: "ok", eva.address: "ok"}, "an emptied group stops nobody"


def test_who_leaves_the_group_leaves_no_reminders_in_the_calendar(firm: Firm) -> None:
    anna, ben = (firm.tenant.mailbox(f"{name}@firm.example") for name in ("anna", "ben"))
    firm.people.members = [anna.user, ben.user]
    firm.serves(anna.address, ben.address)
    firm.configure('defaults = { calendar = { type = "own", name = "Follow-ups", create = true } }\n')
    for command in (
        ("sync",),
        ("contacts", "add", "zoe@buyer.example", "--name", "Zoe Buyer"),
        (
            "reminders",
            "add",
            "zoe@buyer.example",
            "--due",
            "2099-05-04 09:00",
            "--title",
            "Call",
            "--mailbox",
            anna.address,
        ),
        ("sync",),
    ):
        assert firm.run(*command) == 0
    assert [event.fields["subject"] for event in anna.calendars.events()] == ["Call"]
    firm.people.members = [ben.user]
    assert firm.run("sync") == 0
    assert anna.calendars.events() == []
