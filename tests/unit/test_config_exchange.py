"""Both Exchange connectors in the configuration: what follows for a mailbox, and a sentence for each mistake."""

from pathlib import Path

import pytest

from config.model import ExchangeAccess, ExchangeCalendar, GraphAccess, GraphCalendar, IcsCalendar, Mailbox, Settings
from config.secrets import Secret
from config.show import as_toml, as_values
from tests.unit.config_room import ANNA, Room

GRAPH = """
[[connectors]]
name = "online"
type = "graph"
tenant_id = "t"
client_id = "c"
certificate = { file = "secret" }
"""
EWS = """
[[connectors]]
name = "server"
type = "exchange"
endpoint = "https://mail.ourfirm.example/EWS/Exchange.asmx"
username = 'OURFIRM\\svc-crm'
password = { file = "secret" }
"""


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def graph(mailbox: Mailbox) -> GraphAccess:
    assert isinstance(mailbox.access, GraphAccess)
    return mailbox.access


def ews(mailbox: Mailbox) -> ExchangeAccess:
    assert isinstance(mailbox.access, ExchangeAccess)
    return mailbox.access


def test_a_graph_mailbox_is_asked_for_by_its_address_at_microsofts_own_service(room: Room) -> None:
    access = graph(room.mailbox(GRAPH + ANNA))
    assert access == GraphAccess(
        user="anna@ourfirm.example", tenant_id="t", client_id="c", certificate=Secret(file=room.folder / "secret")
    )
    assert access.endpoint == "https://graph.microsoft.com"
    assert access.authority is None


@pytest.mark.parametrize("written", ["https://graph.microsoft.us", "https://graph.microsoft.us/v1.0/"])
def test_a_national_cloud_is_named_by_its_host_with_or_without_the_version(room: Room, written: str) -> None:
    named = f'endpoint = "{written}"\nauthority = "https://login.microsoftonline.us/t"\n'
    access = graph(room.mailbox(GRAPH + named + ANNA))
    assert access.endpoint == "https://graph.microsoft.us"
    assert access.authority == "https://login.microsoftonline.us/t"


@pytest.mark.parametrize("proof", ["client_secret", "assertion"])
def test_an_application_may_prove_itself_by_secret_or_federated_token(room: Room, proof: str) -> None:
    access = graph(room.mailbox(GRAPH.replace("certificate", proof) + ANNA))
    assert getattr(access, proof) == Secret(file=room.folder / "secret")
    assert access.certificate is None


def test_an_exchange_server_is_signed_in_to_by_one_account_that_impersonates(room: Room) -> None:
    access = ews(room.mailbox(EWS + ANNA))
    assert (access.user, access.username) == ("anna@ourfirm.example", "OURFIRM\\svc-crm")
    assert (access.auth, access.access, access.connections) == ("ntlm", "impersonation", 8)
    assert not access.autodiscover


def test_a_mailbox_may_sign_in_to_an_exchange_server_by_itself(room: Room) -> None:
    own = EWS.replace("OURFIRM\\svc-crm", "{address}") + 'access = "delegate"\nconnections = 4\n'
    access = ews(room.mailbox(own + ANNA))
    assert (access.username, access.access, access.connections) == ("anna@ourfirm.example", "delegate", 4)


def test_an_exchange_server_that_takes_tokens_needs_no_password(room: Room) -> None:
    without = "\n".join(line for line in EWS.splitlines() if not line.startswith(("username", "password")))
    by_token = (
        '\nauth = "oauth"\noauth = { provider = "custom", client_id = "c", client_secret = { file = "secret" }, '
        'token_url = "https://adfs.ourfirm.example/token", scope = "ews", flow = "client-credentials" }\n'
    )
    access = ews(room.mailbox(without + by_token + ANNA))
    assert access.oauth is not None
    assert access.password is None


@pytest.mark.parametrize(("text", "kind"), [(GRAPH, GraphCalendar), (EWS, ExchangeCalendar)])
def test_reminders_stand_in_the_mailboxes_own_calendar_unless_another_is_named(
    room: Room, text: str, kind: type[GraphCalendar | ExchangeCalendar]
) -> None:
    mailbox = room.mailbox(text + ANNA)
    assert mailbox.calendar == kind.model_validate({"access": mailbox.access})
    named = room.mailbox(text + ANNA + 'calendar = { name = "Follow-ups", create = true }').calendar
    assert named == kind.model_validate({"access": mailbox.access, "name": "Follow-ups", "create": True})
    assert (
        room.mailbox(text + ANNA + 'calendar = { type = "own", name = "Follow-ups", create = true }').calendar == named
    )
    assert isinstance(room.mailbox(text + ANNA + 'calendar = { type = "ics", path = "a" }').calendar, IcsCalendar)
    assert room.mailbox(text + ANNA + 'calendar = { type = "none" }').calendar is None


def test_defaults_give_every_mailbox_a_calendar_of_one_name(room: Room) -> None:
    text = GRAPH + 'defaults = { calendar = { type = "own", name = "Follow-ups", create = true } }\n' + ANNA
    calendar = room.mailbox(text).calendar
    assert isinstance(calendar, GraphCalendar)
    assert (calendar.name, calendar.create, calendar.access.user) == ("Follow-ups", True, "anna@ourfirm.example")


@pytest.mark.parametrize("text", [GRAPH, EWS])
def test_a_mailbox_that_must_stay_closed_is_tried_with_the_connectors_own_sign_in(room: Room, text: str) -> None:
    settings = room.settings(text + 'must_refuse = "board@ourfirm.example"\n' + ANNA)
    (closed,) = settings.must_refuse
    (anna,) = settings.mailboxes
    assert closed.connector == anna.connector
    assert closed.access == anna.access.model_copy(update={"user": "board@ourfirm.example"})


def shown(settings: Settings) -> str:
    return as_toml(settings) + str(as_values(settings))


@pytest.mark.parametrize("text", [GRAPH, EWS])
def test_what_is_shown_holds_references_and_the_way_to_the_mailbox_once(room: Room, text: str) -> None:
    told = shown(room.settings(text + 'mailboxes_from = { csv = "list.csv" }\n' + ANNA))
    assert "open sesame" not in told
    assert as_toml(room.settings(text + ANNA)).count("secret") == 1
    assert "[[lists]]" in told
    assert "make" not in told


# what is added to a sound connector, on line 8, or to its mailbox, from line 11 on
GRAPH_MISTAKES = {
    "two proofs": (
        'client_secret = { file = "secret" }',
        "",
        ["crm-agent.toml:8: connectors.client_secret: stands beside certificate, remove one of the two"],
    ),
    "a slip": (
        'tenant = "t"',
        "",
        ["crm-agent.toml:8: connectors.tenant: unknown key tenant, write tenant_id"],
    ),
    "plain text off loopback": (
        'endpoint = "http://graph.ourfirm.example"',
        "",
        [
            "crm-agent.toml:8: connectors.endpoint: http:// would send everything to graph.ourfirm.example readable by "
            "all, write https://"
        ],
    ),
    "a passphrase in plain text": (
        'passphrase = "open"',
        "",
        [
            "crm-agent.toml:8: connectors.passphrase: a secret in plain text, "
            'write { env = "NAME" }, { file = "…" } or { keyring = "service/user" }'
        ],
    ),
    "a mailbox to read that must stay closed": (
        'must_refuse = "ANNA@ourfirm.example"',
        "",
        [
            "crm-agent.toml:8: connectors.must_refuse: is a mailbox that is to be read, "
            "take it out of one of the two places"
        ],
    ),
    "a mailbox to read that is never read": (
        'mailboxes_from = { csv = "a.csv", exclude = ["anna@ourfirm.example"] }',
        "",
        [
            "crm-agent.toml:8: connectors.mailboxes_from.exclude: is a mailbox that is to be read, "
            "take it out of one of the two places"
        ],
    ),
    "a calendar to be made without a name": (
        "",
        "calendar = { create = true }",
        [
            "crm-agent.toml:11: connectors.mailboxes.calendar: create makes a calendar by its name, and none is given, "
            "write name = …"
        ],
    ),
    "a password, which applications have none of": (
        "",
        'password = { file = "secret" }',
        ["crm-agent.toml:11: connectors.mailboxes.password: unknown key password, remove it"],
    ),
}


@pytest.mark.parametrize(("connector", "mailbox", "told"), GRAPH_MISTAKES.values(), ids=GRAPH_MISTAKES.keys())
def test_each_mistake_about_exchange_online_has_its_sentence(
    room: Room, connector: str, mailbox: str, told: list[str]
) -> None:
    assert room.told(GRAPH + (connector or "# sound") + ANNA + mailbox) == told


def test_an_application_without_proof_is_told_of_all_that_is_missing_at_once(room: Room) -> None:
    assert room.told(
        '\n[[connectors]]\nname = "online"\ntype = "graph"\npassphrase = { file = "secret" }\n' + ANNA
    ) == [
        "crm-agent.toml:2: connectors: client_id is missing, write client_id = …",
        "crm-agent.toml:2: connectors: has none of certificate, client_secret and assertion, "
        'write certificate = { file = "…" }',
        "crm-agent.toml:2: connectors: tenant_id is missing, write tenant_id = …",
        "crm-agent.toml:5: connectors.passphrase: unlocks a certificate, and there is none, remove it",
    ]


def test_the_applications_secret_is_tried_once_however_many_mailboxes(room: Room) -> None:
    text = GRAPH.replace('file = "secret"', 'env = "CRM_TEST_UNSET"')
    (sentence,) = room.told(text + ANNA + ANNA.replace("anna", "ben"))
    assert sentence.startswith("crm-agent.toml:7: connectors.certificate: environment variable CRM_TEST_UNSET")


ONLINE = [
    "outlook.office365.com",
    "OUTLOOK.office365.com.",
    "outlook.office.com",
    "eur.outlook.com",
    "outlook.office365.us",
    "partner.outlook.cn",
]


@pytest.mark.parametrize("host", ONLINE)
def test_ews_at_exchange_online_is_refused_with_what_to_write_and_why(room: Room, host: str) -> None:
    told = room.told(EWS.replace("mail.ourfirm.example", host) + ANNA)
    assert told == [
        f"crm-agent.toml:5: connectors.endpoint: {host.lower().rstrip('.')} is Exchange Online, which refuses EWS by "
        'default since 2026-10-01 and for good on 2027-04-01, write type = "graph"'
    ]


def test_a_server_whose_name_only_looks_like_microsofts_is_taken(room: Room) -> None:
    assert room.mailbox(EWS.replace("mail.ourfirm.example", "notoffice365.com") + ANNA)


def change(old: str, new: str) -> str:
    assert old in EWS
    return EWS.replace(old, new)


EWS_MISTAKES = {
    "no way to the server": (
        change('endpoint = "https://mail.ourfirm.example/EWS/Exchange.asmx"', "# none"),
        [
            "crm-agent.toml:2: connectors: has neither endpoint nor autodiscover, "
            'write endpoint = "https://…/EWS/Exchange.asmx" or autodiscover = true'
        ],
    ),
    "two ways to the server": (
        EWS + "autodiscover = true\n",
        ["crm-agent.toml:8: connectors.autodiscover: stands beside endpoint, remove one of the two"],
    ),
    "a server without its service": (
        change("/EWS/Exchange.asmx", "/"),
        [
            "crm-agent.toml:5: connectors.endpoint: names a server but no service on it, "
            'write "https://mail.ourfirm.example/EWS/Exchange.asmx"'
        ],
    ),
    "no password": (
        change("password", "# password"),
        ["crm-agent.toml:9: connectors.mailboxes: password is missing, write password = …"],
    ),
    "a token where a password is used": (
        EWS + 'oauth = { provider = "custom", client_id = "c", token_url = "https://a.example/", scope = "s", '
        'flow = "client-credentials", client_secret = { file = "secret" } }\n',
        ['crm-agent.toml:8: connectors.oauth: is not used with auth = "ntlm", write auth = "oauth", or remove it'],
    ),
    "a password where a token is used": (
        EWS + 'auth = "oauth"\n',
        [
            'crm-agent.toml:7: connectors.password: is not used with auth = "oauth", remove it',
            "crm-agent.toml:10: connectors.mailboxes: oauth is missing, write oauth = …",
        ],
    ),
    "sessions": (
        EWS + "connections = 0\n",
        ["crm-agent.toml:8: connectors.connections: 0 is out of range, write a number from 1 to 100"],
    ),
}


@pytest.mark.parametrize(("text", "told"), EWS_MISTAKES.values(), ids=EWS_MISTAKES.keys())
def test_each_mistake_about_an_exchange_server_has_its_sentence(room: Room, text: str, told: list[str]) -> None:
    assert room.told(text + ANNA) == told
