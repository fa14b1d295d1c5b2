"""What a server's words mean for the caller."""

import ssl

import pytest

from connectors.errors import Crowded, Fatal, NeedsSignIn, Retriable, Unreachable
from connectors.imap.faults import clean, dial_error, response_code, sign_in_error, wait_of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[AUTHENTICATIONFAILED] Authentication failed.", NeedsSignIn),
        ("[AUTHORIZATIONFAILED] no", NeedsSignIn),
        ("[EXPIRED] password expired", NeedsSignIn),
        ("LOGIN failed.", NeedsSignIn),
        ("[AUTHENTICATIONFAILED] temporarily locked", NeedsSignIn),
        ("[UNAVAILABLE] Temporary authentication failure", Retriable),
        ("[LIMIT] no more", Crowded),
        ("[INUSE] x", Retriable),
        ("Too many simultaneous connections", Crowded),
        ("[UNAVAILABLE] Maximum number of connections from user+IP exceeded", Crowded),
        ("User is authenticated but not connected.", Retriable),
        ("[PRIVACYREQUIRED] use TLS", Fatal),
    ],
)
def test_a_refused_sign_in_is_named_by_what_to_do(text: str, kind: type[Exception]) -> None:
    assert type(sign_in_error(text, "host:993")) is kind


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("try again in 30 seconds", 30.0),
        ("[THROTTLED] retry after 5 minutes", 300.0),
        ("Suggested Backoff Time: 1", None),
    ],
)
def test_a_wait_that_the_server_asks_for_is_obeyed(text: str, seconds: float | None) -> None:
    assert wait_of(text) == seconds


def test_a_response_code_is_found_in_any_case() -> None:
    assert response_code("x [unavailable] y") == "UNAVAILABLE"
    assert response_code("no code") == ""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(111, "refused"), Unreachable),
        (TimeoutError(), Unreachable),
        (OSError(101, "Network is unreachable"), Unreachable),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), Fatal),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] protocol version"), Fatal),
    ],
)
def test_what_stops_a_connection_names_the_place(error: Exception, kind: type[Exception]) -> None:
    made = dial_error(error, "mail.example", 993, None)
    assert type(made) is kind
    assert "mail.example:993" in str(made)
    assert made.advice


def test_no_address_of_a_person_stays_in_a_sentence() -> None:
    assert clean("mailbox <anna@lab.example> not\r\nfound") == "mailbox <…> not  found"
