"""Who may enter the EWS server of the lab: passwords, challenges, tokens; impersonation, delegates, locked accounts."""

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from exchangelib import DELEGATE, OAUTH2, Account, Configuration, FailFast, OAuth2AuthorizationCodeCredentials
from exchangelib.errors import ErrorImpersonateUserDenied, UnauthorizedError
from requests_ntlm import HttpNtlmAuth

from tests.integration.ews_client import Soap, envelope, exchangelib_account, get_folder, message, trust
from tests.servers.certs import Authority
from tests.servers.ews import EwsServer
from tests.servers.tokens import TokenServer


def post(server: EwsServer, **manners: object) -> requests.Response:
    """A request of its own connection."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(server.ca_file)
        session.headers["Content-Type"] = "text/xml; charset=utf-8"
        return session.post(server.url, data=envelope(get_folder()), timeout=20, **manners)  # type: ignore[arg-type]  # passed on


def bearing(server: EwsServer, token: str) -> int:
    """The status that a bearer token leads to."""
    return post(server, headers={"Authorization": f"Bearer {token}"}).status_code


def test_who_says_nothing_is_told_what_to_say(ews: EwsServer) -> None:
    answer = post(ews)
    assert answer.status_code == 401
    assert {offer.split()[0] for offer in answer.headers["WWW-Authenticate"].split(", ")} >= {"NTLM", "Basic", "Bearer"}


@pytest.mark.parametrize("scheme", ["basic", "NTLM"])
def test_a_wrong_password_is_refused(ews: EwsServer, scheme: str) -> None:
    box = ews.mailbox()
    auth = HttpNtlmAuth(box.address, "wrong") if scheme == "NTLM" else (box.address, "wrong")
    assert post(ews, auth=auth).status_code == 401
    assert post(ews, auth=HttpNtlmAuth(box.address, box.password)).status_code == 200


def test_exchangelib_is_told_of_a_wrong_password(ews: EwsServer) -> None:
    box = ews.mailbox()
    box.account.password = "another"
    account = exchangelib_account(ews, box)
    box.account.password = "changed meanwhile"
    with pytest.raises(UnauthorizedError):
        account.inbox.refresh()


@pytest.mark.parametrize("spelling", ["{name}", "LAB\\{name}"])
def test_a_challenge_is_answered_once_for_a_connection(ews: EwsServer, spelling: str) -> None:
    """The password itself never travels; later requests on the same connection need no more proof."""
    box = ews.mailbox()
    login = spelling.format(name=box.address)
    with requests.Session() as session:
        session.trust_env, session.verify, session.auth = False, str(ews.ca_file), HttpNtlmAuth(login, box.password)
        session.headers["Content-Type"] = "text/xml"
        for _ in range(2):
            assert session.post(ews.url, data=envelope(get_folder()), timeout=20).status_code == 200
            session.auth = None
    assert ews.operations["GetFolder"] == 2
    assert ews.doorman.attempts == 2


def test_a_changed_password_and_a_locked_account_end_what_was_signed_in(ews: EwsServer) -> None:
    box = ews.mailbox()
    client = Soap.of(ews, box)
    client.session.auth = HttpNtlmAuth(box.address, box.password)
    assert client.ask(get_folder()).codes == ["NoError"]
    box.account.password = "new"
    assert client.post(get_folder()).status_code == 401
    client = Soap.of(ews, box)
    assert client.post(get_folder()).status_code == 200
    box.account.locked = True
    assert client.post(get_folder()).status_code == 401


@pytest.mark.parametrize("scheme", ["basic", "NTLM"])
def test_too_many_wrong_passwords_lock_an_account(ews: EwsServer, scheme: str) -> None:
    """As in a domain: then the right password is refused too. One that was right in between starts the count anew."""
    box = ews.mailbox()
    ews.doorman.lockout = 2

    def status(password: str) -> int:
        auth = HttpNtlmAuth(box.address, password) if scheme == "NTLM" else (box.address, password)
        return post(ews, auth=auth).status_code

    assert [status(password) for password in ("wrong", box.password, "wrong", "wrong", box.password)] == [
        401,
        200,
        401,
        401,
        401,
    ]
    assert box.account.locked


def test_only_the_schemes_that_are_offered_are_taken(ews: EwsServer) -> None:
    box = ews.mailbox()
    ews.doorman.schemes = ("NTLM",)
    answer = post(ews, auth=(box.address, box.password))
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "NTLM")


def test_extended_protection_refuses_who_comes_through_another_certificate(
    ews: EwsServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NTLM names the certificate of its channel: behind something that ends TLS it is not the server's own."""
    box = ews.mailbox()
    ews.doorman.extended_protection = True
    assert post(ews, auth=HttpNtlmAuth(box.address, box.password)).status_code == 200
    assert post(ews, auth=HttpNtlmAuth(box.address, box.password, send_cbt=False)).status_code == 401
    behind = authority.issue("behind").certificate.read_bytes()
    monkeypatch.setattr(ews.doorman, "certificate", x509.load_pem_x509_certificate(behind).public_bytes(Encoding.DER))
    assert post(ews, auth=HttpNtlmAuth(box.address, box.password)).status_code == 401


def test_a_bearer_token_lives_as_long_as_it_says(ews: EwsServer) -> None:
    box = ews.mailbox()
    good, old = ews.issue_token(box.address), ews.issue_token(box.address, lifetime=-1)
    assert bearing(ews, good) == 200
    assert bearing(ews, old) == 401
    assert bearing(ews, "nonsense") == 401
    ews.expire_tokens()
    assert bearing(ews, good) == 401


def test_tokens_of_an_oauth_provider_are_taken_where_the_server_trusts_it(ews: EwsServer, tokens: TokenServer) -> None:
    box = ews.mailbox()

    def introspect(token: str) -> str | None:
        name = tokens.answer("/introspect", {"token": token})[1].get("username")
        return name if isinstance(name, str) else None

    ews.doorman.introspect = introspect
    token = tokens.issue(box.address)
    assert bearing(ews, token) == 200
    tokens.expire(box.address)
    assert bearing(ews, token) == 401


def test_exchangelib_signs_in_with_a_token(ews: EwsServer) -> None:
    box = ews.mailbox()
    box.deliver(message())
    trust(ews.ca_file)
    token = {"access_token": ews.issue_token(box.address), "token_type": "Bearer"}
    settings = Configuration(
        service_endpoint=ews.url,
        credentials=OAuth2AuthorizationCodeCredentials(access_token=token),
        auth_type=OAUTH2,
        retry_policy=FailFast(),
    )
    account = Account(box.address, config=settings, autodiscover=False, access_type=DELEGATE)
    assert account.inbox.total_count == 1


def test_impersonation_opens_the_mailboxes_of_its_scope_and_no_others(ews: EwsServer) -> None:
    inside, outside = ews.mailbox(), ews.mailbox()
    inside.deliver(message())
    ews.account("service", "secret", impersonates={inside.address})
    answer = Soap(ews, "service", "secret", acting_as=inside.address).ask(get_folder())
    assert answer.text("//t:TotalCount") == "1"
    refused = Soap(ews, "service", "secret", acting_as=outside.address).ask(get_folder())
    assert (refused.status, refused.codes) == (500, ["ErrorImpersonateUserDenied"])
    first = ews.asked[0]
    assert (first.account, first.acting_as, first.anchor) == ("service", inside.address, inside.address)


def test_nobody_is_there_to_be_impersonated(ews: EwsServer) -> None:
    ews.account("service", "secret", impersonates={"*"})
    client = Soap(ews, "service", "secret", acting_as="nobody@corp.example")
    assert client.ask(get_folder()).codes == ["ErrorNonExistentMailbox"]


def test_who_impersonates_does_not_open_third_mailboxes(ews: EwsServer) -> None:
    first, second = ews.mailbox(), ews.mailbox()
    ews.account("service", "secret", impersonates={"*"})
    client = Soap(ews, "service", "secret", acting_as=first.address)
    assert client.ask(get_folder(mailbox=second.address)).codes == ["ErrorAccessDenied"]


def test_exchangelib_impersonates_with_an_anchor(ews: EwsServer) -> None:
    box, other = ews.mailbox(), ews.mailbox()
    ews.account("service", "secret", impersonates={box.address})
    account = exchangelib_account(ews, box, login=("service", "secret"))
    assert account.inbox.total_count == 0
    assert {asked.anchor for asked in ews.asked if asked.acting_as} == {box.address}
    with pytest.raises(ErrorImpersonateUserDenied):
        _ = exchangelib_account(ews, other, login=("service", "secret")).inbox.total_count


def test_a_delegate_opens_what_is_shared_with_them(ews: EwsServer) -> None:
    mine, shared, closed = ews.mailbox(), ews.mailbox(), ews.mailbox()
    mine.account.opens.add(shared.address)
    client = Soap.of(ews, mine)
    assert client.ask(get_folder(mailbox=shared.address)).codes == ["NoError"]
    assert client.ask(get_folder(mailbox=closed.address)).codes == ["ErrorAccessDenied"]
    assert client.ask(get_folder(mailbox="nobody@corp.example")).codes == ["ErrorNonExistentMailbox"]


def test_a_delegate_who_may_only_read_writes_nothing(ews: EwsServer) -> None:
    mine, shared = ews.mailbox(), ews.mailbox()
    item = shared.deliver(message())
    mine.account.reviews.add(shared.address)
    client = Soap.of(ews, mine)
    assert client.ask(get_folder(mailbox=shared.address)).codes == ["NoError"]
    delete = f'<m:DeleteItem DeleteType="HardDelete"><m:ItemIds><t:ItemId Id="{item}"/></m:ItemIds></m:DeleteItem>'
    assert client.ask(delete).codes == ["ErrorAccessDenied"]
    assert shared.item(item).kind == "Message"


def test_an_account_without_a_mailbox_has_no_folders_of_its_own(ews: EwsServer) -> None:
    ews.account("service", "secret")
    assert Soap(ews, "service", "secret").ask(get_folder()).codes == ["ErrorMissingEmailAddress"]
