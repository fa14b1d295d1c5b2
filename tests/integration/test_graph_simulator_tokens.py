"""Tokens of the Graph simulator, asked for with Microsoft's own library, over TLS, at a private authority."""

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import msal
import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import load_pem_x509_certificate

from tests.integration.graph_lab import Asker, mail
from tests.servers.certs import Authority
from tests.servers.graph import Application, Federated, GraphServer, Tenant
from tests.servers.graph.mailbox import Mailbox


@pytest.fixture(autouse=True)
def only_our_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQUESTS_CA_BUNDLE in the environment would win over verify= of msal."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    """The key of an application."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def rsa_pem(rsa_key: rsa.RSAPrivateKey) -> str:
    """That key, as applications have it."""
    return private_pem(rsa_key)


@pytest.fixture
def certificate(authority: Authority, rsa_key: rsa.RSAPrivateKey, tmp_path: Path) -> Path:
    """A certificate for that key."""
    return authority.certify(rsa_key.public_key(), tmp_path / "app.pem")


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """A private key in PEM, without passphrase."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def sign_in(tenant: Tenant, ca_file: Path, application: Application, credential: object) -> dict[str, Any]:
    """What msal says after it asked for a token."""
    client = msal.ConfidentialClientApplication(
        application.client_id,
        client_credential=credential,
        authority=tenant.authority,
        instance_discovery=False,
        verify=str(ca_file),
    )
    return dict(client.acquire_token_for_client([f"{tenant.resource}/.default"]))


def claims(token: str) -> dict[str, Any]:
    """What an access token says of itself."""
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def works(tenant: Tenant, ca_file: Path, token: str) -> int:
    """The status of a request with this token."""
    with requests.Session() as session:
        session.verify = str(ca_file)
        headers = {"Authorization": f"Bearer {token}"}
        return session.get(
            f"{tenant.endpoint}/users/anna@firm.example/messages", headers=headers, timeout=30
        ).status_code


@pytest.mark.usefixtures("graph_anna")
def test_a_client_secret_gets_a_token_that_names_the_roles(graph_tenant: Tenant, ca_file: Path) -> None:
    """Client credentials with a secret; the roles claim holds what was granted in Entra."""
    application = graph_tenant.application(roles={"Mail.Read", "User.Read.All"})
    answer = sign_in(graph_tenant, ca_file, application, application.secret)
    said = claims(answer["access_token"])
    assert said["roles"] == ["Mail.Read", "User.Read.All"]
    assert (said["tid"], said["appid"], said["aud"]) == (graph_tenant.id, application.client_id, graph_tenant.resource)
    assert works(graph_tenant, ca_file, answer["access_token"]) == 200
    assert graph_tenant.token_requests == {"secret": 1}


@pytest.mark.usefixtures("graph_anna")
def test_a_certificate_gets_a_token(graph_tenant: Tenant, ca_file: Path, certificate: Path, rsa_pem: str) -> None:
    """An assertion signed with the key of a registered certificate, named by its thumbprint."""
    application = graph_tenant.application(certificates=[certificate])
    for credential in (
        {"private_key": rsa_pem, "public_certificate": certificate.read_text()},
        {"private_key": rsa_pem, "thumbprint": thumbprint(certificate)},
    ):
        answer = sign_in(graph_tenant, ca_file, application, credential)
        assert works(graph_tenant, ca_file, answer["access_token"]) == 200, answer
    assert graph_tenant.token_requests["certificate"] == 2


def thumbprint(certificate: Path) -> str:
    """SHA-1 of a certificate, which older configurations name."""
    return load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA1()).hex()  # noqa: S303  # x5t is SHA-1 by RFC 7515


@pytest.mark.usefixtures("graph_anna")
def test_a_federated_assertion_gets_a_token(graph_tenant: Tenant, ca_file: Path) -> None:
    """A token of another issuer, registered by issuer and subject."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    known = Federated(issuer="https://cluster.example", subject="system:crm", key=public)
    application = graph_tenant.application(federated=[known])

    def assertion(**changed: object) -> dict[str, Callable[[], str]]:
        said = {"iss": known.issuer, "sub": known.subject, "aud": known.audience, "exp": int(time.time()) + 600}
        return {"client_assertion": lambda: jwt.encode(said | changed, key, algorithm="ES256")}

    answer = sign_in(graph_tenant, ca_file, application, assertion())
    assert works(graph_tenant, ca_file, answer["access_token"]) == 200
    wrong = {
        70021: assertion(sub="somebody"),
        700212: assertion(aud="api://other"),
        700024: assertion(exp=int(time.time()) - 600),
    }
    for code, credential in wrong.items():
        assert sign_in(graph_tenant, ca_file, application, credential)["error_codes"] == [code]


def test_what_is_wrong_with_a_credential_is_said_with_its_number(
    graph_tenant: Tenant, ca_file: Path, certificate: Path, rsa_pem: str
) -> None:
    """AADSTS codes: wrong secret, expired secret, unknown application, unregistered certificate."""
    application = graph_tenant.application(expired_secrets=["old"])
    stranger = Application(client_id="6f1a", secrets=["x"])
    unregistered = {"private_key": rsa_pem, "public_certificate": certificate.read_text()}
    cases = [
        (application, "wrong", 7000215),
        (application, "old", 7000222),
        (stranger, "x", 700016),
        (application, unregistered, 700027),
    ]
    for who, credential, code in cases:
        answer = sign_in(graph_tenant, ca_file, who, credential)
        assert answer["error_codes"] == [code]
        assert f"AADSTS{code}:" in answer["error_description"]
        assert "access_token" not in answer


@pytest.mark.usefixtures("graph_anna")
def test_another_key_than_the_certificates_is_refused(graph_tenant: Tenant, ca_file: Path, certificate: Path) -> None:
    """The signature is verified against the registered certificate."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    credential = {"private_key": private_pem(other), "thumbprint": thumbprint(certificate)}
    answer = sign_in(graph_tenant, ca_file, graph_tenant.application(certificates=[certificate]), credential)
    assert answer["error_codes"] == [50013]


def test_an_expired_certificate_is_refused(
    graph_tenant: Tenant, ca_file: Path, authority: Authority, rsa_key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    """AADSTS1000502, also where the key is the right one."""
    expired = authority.certify(rsa_key.public_key(), tmp_path / "old.pem", lasts=-timedelta(days=1))
    credential = {"private_key": private_pem(rsa_key), "thumbprint": thumbprint(expired)}
    answer = sign_in(graph_tenant, ca_file, graph_tenant.application(certificates=[expired]), credential)
    assert answer["error_codes"] == [1000502]


def test_signing_in_may_fail_for_a_while(graph_tenant: Tenant, ca_file: Path) -> None:
    """An outage of the token endpoint, as often as the test says."""
    application = graph_tenant.application()
    graph_tenant.fail_sign_in(503, "temporarily_unavailable", 90033)
    with pytest.raises(msal.exceptions.MsalServiceError):
        sign_in(graph_tenant, ca_file, application, application.secret)
    assert "access_token" in sign_in(graph_tenant, ca_file, application, application.secret)


def test_a_token_ends_when_its_time_is_up_or_when_it_is_ended(graph_client: Asker, graph_tenant: Tenant) -> None:
    """401 with a challenge; a new token works."""
    path = "/users/anna@firm.example/messages"
    graph_client.get(path)
    graph_tenant.expire_tokens()
    answer = graph_client.ask("GET", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    graph_client.sign_in()
    graph_client.get(path)
    graph_tenant.lifetime = 0.0
    graph_client.sign_in()
    assert graph_client.refused(401, "GET", path) == "InvalidAuthenticationToken"


def test_a_token_is_good_for_its_own_tenant_only(graph_server: GraphServer, graph_client: Asker) -> None:
    """Nobody sees another firm's mail."""
    graph_server.tenant().mailbox("dieter@other.example").deliver(mail())
    assert graph_client.refused(404, "GET", "/users/dieter@other.example/messages") == "ErrorInvalidUser"


def test_permissions_are_asked_one_by_one(graph_tenant: Tenant, graph_client: Asker, graph_anna: Mailbox) -> None:
    """Each of the permissions opens its own requests and no others."""
    group = graph_tenant.group("Sales", graph_anna)
    asked = {
        "Mail.Read": "/users/anna@firm.example/messages",
        "Calendars.ReadWrite": "/users/anna@firm.example/events",
        "Contacts.Read": "/users/anna@firm.example/contacts",
        "MailboxSettings.Read": "/users/anna@firm.example/mailboxSettings",
        "GroupMember.Read.All": f"/groups/{group.id}/members",
        "User.Read.All": "/users/anna@firm.example",
    }
    for role in asked:
        graph_client.application = graph_tenant.application(roles={role})
        graph_client.sign_in()
        open_ones = {name for name, path in asked.items() if graph_client.ask("GET", path).status_code == 200}
        assert open_ones == {role}
        path = asked["Mail.Read" if role != "Mail.Read" else "Calendars.ReadWrite"]
        assert graph_client.refused(403, "GET", path) == "ErrorAccessDenied"


def test_an_application_reaches_only_the_mailboxes_it_is_confined_to(graph_tenant: Tenant, graph_client: Asker) -> None:
    """An access policy confines what Entra grants; RBAC for Applications adds mailboxes that no token tells of."""
    graph_tenant.mailbox("board@firm.example")
    graph_tenant.mailbox("carl@firm.example")

    def reached(**settings: object) -> set[str]:
        graph_client.application = graph_tenant.application(**settings)
        graph_client.sign_in()
        names = ("anna", "board", "carl")
        return {n for n in names if graph_client.ask("GET", f"/users/{n}@firm.example/messages").status_code == 200}

    rbac = {"Mail.Read": {"carl@firm.example"}}
    assert reached() == {"anna", "board", "carl"}
    assert reached(only={"anna@firm.example"}) == {"anna"}
    assert reached(roles=set(), scoped_roles=rbac) == {"carl"}
    assert claims(graph_tenant.token(graph_client.application))["roles"] == []
    assert reached(roles={"Mail.Read"}, scoped_roles=rbac) == {"anna", "board", "carl"}
