"""Who signs in to an Exchange Server, how, and what is told when it goes wrong.

Against the server of the lab, over TLS, with its real sign-in.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.model import OAuth
from config.secrets import Secret
from connectors.errors import Fatal, NeedsSignIn
from tests.integration.exchange_lab import Open, box, inbox, opened
from tests.servers.ews import EwsServer, Mailbox
from tests.servers.tokens import TokenServer

__all__ = ["box", "opened"]


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_a_service_account_acts_for_a_mailbox_and_every_request_says_which(
    ews: EwsServer, box: Mailbox, opened: Open, auth: str
) -> None:
    ews.account("svc-crm", "s3cret", impersonates={box.address})
    box.account.password = "s3cret"
    source = opened(auth=auth, username="svc-crm", access="impersonation")
    assert inbox(source).role == "inbox"
    assert {(one.account, one.acting_as, one.anchor) for one in ews.asked} == {("svc-crm", box.address, box.address)}
    source.close()


def test_a_session_signs_in_once_by_ntlm_also_behind_extended_protection(ews: EwsServer, opened: Open) -> None:
    ews.doorman.extended_protection = True
    source = opened(auth="ntlm")
    for _ in range(3):
        source.folders()
    assert ews.doorman.attempts == 2  # the two legs of one sign-in
    source.close()


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_a_wrong_password_is_tried_once(ews: EwsServer, box: Mailbox, opened: Open, auth: str) -> None:
    """Directories lock accounts."""
    source = opened(auth=auth)
    box.account.password = "another"
    with pytest.raises(NeedsSignIn, match="refused the credentials") as refused:
        source.folders()
    assert ews.doorman.refused == 1
    assert ("Extended Protection" in refused.value.advice) == (auth == "ntlm")
    source.close()


def test_a_refusal_on_a_connection_that_ends_is_no_busy_server(ews: EwsServer, opened: Open) -> None:
    ews.faults.http(401, headers={"Connection": "close", "WWW-Authenticate": 'Basic realm="x"'})
    with pytest.raises(NeedsSignIn):
        opened().folders()


def test_a_way_to_sign_in_that_is_not_offered_is_named_with_those_that_are(ews: EwsServer, opened: Open) -> None:
    ews.doorman.schemes = ("NTLM",)
    with pytest.raises(NeedsSignIn, match="does not take basic") as refused:
        opened().folders()
    assert "ntlm" in refused.value.advice


def test_a_password_that_changes_while_we_run_needs_a_sign_in(box: Mailbox, opened: Open) -> None:
    source = opened()
    source.folders()
    box.account.password = "new"
    with pytest.raises(NeedsSignIn):
        source.folders()
    renewed = opened()  # the new secret is read, and the old sessions are not used
    assert renewed.folders()
    renewed.close()
    source.close()


def test_a_mailbox_that_the_account_may_not_act_for_is_fatal_with_what_to_grant(ews: EwsServer, opened: Open) -> None:
    with pytest.raises(Fatal, match="may not act for") as refused:
        opened(access="impersonation", user="nobody@corp.example").folders()
    assert "ApplicationImpersonation" in refused.value.advice


@pytest.fixture
def by_token(ews: EwsServer, box: Mailbox, tokens: TokenServer, opened: Open, tmp_path: Path) -> Iterator[Open]:
    """Opens the mailbox as an application whose tokens come from a provider of the firm's own."""

    def introspect(token: str) -> str | None:
        username = tokens.answer("/introspect", {"token": token})[1].get("username")
        return None if username is None else str(username)

    tokens.client_username = "crm-app"
    ews.account("crm-app", "unused", impersonates={box.address})
    ews.doorman.introspect = introspect
    secret = tmp_path / "client secret"
    secret.touch(mode=0o600)
    secret.write_text(tokens.client_secret)
    oauth = OAuth(
        provider="custom", client_id=tokens.client_id, client_secret=Secret(file=secret), token_url=tokens.token_url,
        scope="ews", flow="client-credentials",
    )  # fmt: skip
    yield lambda **changes: opened(auth="oauth", access="impersonation", oauth=oauth, **changes)
    ews.doorman.introspect = None


def test_an_application_signs_in_by_token_and_a_token_that_ends_is_renewed_once(
    tokens: TokenServer, by_token: Open
) -> None:
    source = by_token()
    source.folders()
    tokens.expire()
    assert source.folders()
    assert tokens.requests["client_credentials"] == 2
    source.close()


def test_an_application_that_is_no_longer_known_needs_a_sign_in(tokens: TokenServer, by_token: Open) -> None:
    source = by_token()
    source.folders()
    tokens.expire()
    tokens.client_username = None
    with pytest.raises(NeedsSignIn):
        source.folders()
    source.close()
