"""An application signs in by certificate, secret or assertion as they lie there then, and asks no more than it must."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from config.model import GraphAccess
from config.secrets import Secret
from connectors.errors import Fatal, NeedsSignIn, Retriable
from connectors.graph import checks
from connectors.graph.access import authority_of, scopes_of
from connectors.graph.source import GraphSource
from tests.contracts.graph_owner import access_to
from tests.servers.certs import Authority
from tests.servers.graph import Application, Federated, Tenant

ANNA = "anna@lab.example"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def reach(graph_tenant: Tenant, ca_file: Path, tmp_path: Path) -> Callable[..., GraphAccess]:
    """Access to Anna's mailbox for an application; `credential` replaces its secret."""
    graph_tenant.mailbox(ANNA)

    def reach(application: Application, **credential: Secret) -> GraphAccess:
        if not application.secrets:
            application.secrets.append("unused")
        access = access_to(graph_tenant, ANNA, ca_file, tmp_path, application)
        return access.model_copy(update={"client_secret": None, **credential} if credential else {})

    return reach


def private(path: Path, text: str) -> Secret:
    path.touch(mode=0o600)
    path.write_text(text)
    return Secret(file=path)


def pem_of(key: rsa.RSAPrivateKey, passphrase: str | None) -> str:
    how: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        how = serialization.BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how).decode()


@pytest.mark.parametrize("passphrase", [None, "between us"])
def test_a_certificate_with_and_without_a_passphrase_signs_in(
    graph_tenant: Tenant,
    reach: Callable[..., GraphAccess],
    authority: Authority,
    key: rsa.RSAPrivateKey,
    tmp_path: Path,
    passphrase: str | None,
) -> None:
    certificate = authority.certify(key.public_key(), tmp_path / "app.pem")
    application = graph_tenant.application(certificates=[certificate])
    pem = private(tmp_path / "both.pem", pem_of(key, passphrase) + certificate.read_text())
    words = {"passphrase": private(tmp_path / "passphrase", passphrase)} if passphrase else {}
    access = reach(application, certificate=pem, **words)
    assert checks.reachable(access) == 0
    assert graph_tenant.token_requests["certificate"] == 1
    end = checks.expires(access)
    assert end is not None
    assert end > datetime.now(UTC)


def test_a_wrong_passphrase_is_told_in_words(
    graph_tenant: Tenant,
    reach: Callable[..., GraphAccess],
    authority: Authority,
    key: rsa.RSAPrivateKey,
    tmp_path: Path,
) -> None:
    certificate = authority.certify(key.public_key(), tmp_path / "app.pem")
    pem = private(tmp_path / "both.pem", pem_of(key, "right") + certificate.read_text())
    application = graph_tenant.application(certificates=[certificate])
    for words in ({"passphrase": private(tmp_path / "passphrase", "wrong")}, {}):
        with pytest.raises(Fatal) as refused:
            checks.reachable(reach(application, certificate=pem, **words))
        assert "passphrase" in refused.value.advice


def test_an_assertion_is_read_anew_for_every_token(
    graph_tenant: Tenant, reach: Callable[..., GraphAccess], key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    issuer = Federated(issuer="https://cluster.example", subject="crm", key=public)
    application = graph_tenant.application(federated=[issuer])
    file = tmp_path / "token"

    def rotate(number: int) -> Secret:
        claims = {"iss": issuer.issuer, "sub": issuer.subject, "aud": issuer.audience, "exp": int(time.time()) + 60}
        return private(file, jwt.encode({**claims, "jti": str(number)}, pem_of(key, None), algorithm="RS256"))

    source = GraphSource(reach(application, assertion=rotate(1)))
    source.folders()
    rotate(2)
    graph_tenant.expire_tokens()
    source.folders()
    assert graph_tenant.token_requests["federated"] == 2


def test_a_secret_that_was_changed_is_picked_up(graph_tenant: Tenant, reach: Callable[..., GraphAccess]) -> None:
    application = graph_tenant.application()
    access = reach(application)
    source = GraphSource(access)
    source.folders()
    application.secrets[:] = ["another"]
    assert access.client_secret is not None
    assert access.client_secret.file is not None
    access.client_secret.file.write_text("another")
    graph_tenant.expire_tokens()
    assert source.folders()


def test_all_mailboxes_of_an_application_share_one_token(
    graph_tenant: Tenant, reach: Callable[..., GraphAccess]
) -> None:
    graph_tenant.mailbox("bob@lab.example")
    access = reach(graph_tenant.application())
    GraphSource(access).folders()
    GraphSource(access.model_copy(update={"user": "bob@lab.example"})).folders()
    assert graph_tenant.token_requests["secret"] == 1


def test_a_bundle_of_the_environment_does_not_take_the_place_of_ours(
    reach: Callable[..., GraphAccess], graph_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.devnull + "/none.pem")
    assert checks.reachable(reach(graph_tenant.application())) == 0


def test_a_server_we_do_not_trust_gets_no_token(reach: Callable[..., GraphAccess], graph_tenant: Tenant) -> None:
    access = reach(graph_tenant.application()).model_copy(update={"ca_file": None})
    with pytest.raises((Fatal, Retriable)):
        checks.reachable(access)
    assert not graph_tenant.token_requests


def test_an_unknown_application_is_told(reach: Callable[..., GraphAccess], graph_tenant: Tenant) -> None:
    access = reach(graph_tenant.application()).model_copy(update={"client_id": "somebody-else"})
    with pytest.raises(NeedsSignIn):
        checks.reachable(access)


@pytest.mark.parametrize(
    ("number", "told"),
    [(7000222, "secret of the application has ended"), (700027, "not known to Entra"), (1, "refused the application")],
)
def test_the_number_of_a_refusal_says_what_is_wrong(
    reach: Callable[..., GraphAccess], graph_tenant: Tenant, number: int, told: str
) -> None:
    """`invalid_client` is said of secrets that have ended, are wrong, or were never uploaded."""
    graph_tenant.fail_sign_in(401, "invalid_client", number)
    access = reach(graph_tenant.application())
    for _ in range(2):  # who asks again at once is told the same
        with pytest.raises(NeedsSignIn, match=told):
            checks.granted(access)


@pytest.mark.parametrize(
    ("endpoint", "authority", "scope"),
    [
        ("https://graph.microsoft.com", "https://login.microsoftonline.com/t", "https://graph.microsoft.com/.default"),
        ("https://graph.microsoft.us", "https://login.microsoftonline.us/t", "https://graph.microsoft.us/.default"),
        (
            "https://microsoftgraph.chinacloudapi.cn",
            "https://login.chinacloudapi.cn/t",
            "https://microsoftgraph.chinacloudapi.cn/.default",
        ),
    ],
)
def test_national_clouds_have_their_own_authority(endpoint: str, authority: str, scope: str) -> None:
    access = GraphAccess(user=ANNA, tenant_id="t", client_id="c", endpoint=endpoint)
    assert authority_of(access) == authority
    assert scopes_of(access)[0] == scope


# -- what doctor and the lists ask


def test_the_permissions_that_were_granted_are_named(reach: Callable[..., GraphAccess], graph_tenant: Tenant) -> None:
    application = graph_tenant.application(roles={"Mail.Read", "Calendars.ReadWrite"})
    assert checks.granted(reach(application)) == {"Mail.Read", "Calendars.ReadWrite"}


def test_a_mailbox_that_must_be_refused_is_tried(reach: Callable[..., GraphAccess], graph_tenant: Tenant) -> None:
    graph_tenant.mailbox("board@lab.example")
    confined = graph_tenant.application(roles=set(), scoped_roles={"Mail.Read": {ANNA}})
    assert checks.is_refused(reach(confined), "board@lab.example")
    assert not checks.is_refused(reach(graph_tenant.application()), "board@lab.example")


def test_members_of_groups_inside_a_group_are_members_too(
    reach: Callable[..., GraphAccess], graph_tenant: Tenant
) -> None:
    bob, nobody = graph_tenant.user("bob@lab.example"), graph_tenant.user("", upn="robot@lab.example")
    inner = graph_tenant.group("Inner", bob, nobody)
    group = graph_tenant.group("Sales", *(graph_tenant.user(f"s{n}@lab.example") for n in range(150)), inner)
    found = checks.members(reach(graph_tenant.application()), group.id)
    assert len(found.ids) == 151
    assert "bob@lab.example" in found.ids
    assert found.without_mail == ("robot@lab.example",)


def test_members_whose_addresses_may_not_be_seen_are_told_apart(
    reach: Callable[..., GraphAccess], graph_tenant: Tenant
) -> None:
    group = graph_tenant.group("Sales", graph_tenant.user("bob@lab.example"))
    blind = graph_tenant.application(roles={"GroupMember.Read.All"})
    found = checks.members(reach(blind), group.id)
    assert (found.ids, len(found.without_mail)) == ({}, 1)


def test_a_group_that_is_not_there_or_not_ours_to_read_is_told(
    reach: Callable[..., GraphAccess], graph_tenant: Tenant
) -> None:
    with pytest.raises(Fatal, match="group cannot be read"):
        checks.members(reach(graph_tenant.application()), "0b7e0000-0000-0000-0000-000000000000")
    with pytest.raises(Fatal, match=r"GroupMember\.Read\.All"):
        checks.members(reach(graph_tenant.application(roles=set())), "0b7e0000-0000-0000-0000-000000000000")


def test_a_sign_in_service_that_is_out_of_order_is_tried_again_later(
    graph_tenant: Tenant, reach: Callable[..., GraphAccess]
) -> None:
    access = reach(graph_tenant.application())
    graph_tenant.fail_sign_in(503, "temporarily_unavailable", 90033)
    with pytest.raises(Retriable, match="out of order"):
        checks.reachable(access)
