"""The Dovecot of the lab does what the scenarios rely on."""

import imaplib
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import requests

from tests.servers.dovecot import Dovecot, DovecotUser, Storage

MAIL = b"From: bo@customer.example\r\nSubject: Hello\r\n\r\nText\r\n"


def over_tls(user: DovecotUser) -> imaplib.IMAP4_SSL:
    context = ssl.create_default_context(cafile=str(user.server.ca_file))
    return imaplib.IMAP4_SSL("127.0.0.1", user.server.imaps_port, ssl_context=context)


def test_tls_and_starttls_verify_against_the_authority(dovecot: Dovecot) -> None:
    user = dovecot.user()
    with over_tls(user) as imap:
        imap.login(user.address, user.password)
    with imaplib.IMAP4("localhost", dovecot.imap_port) as imap:
        imap.starttls(ssl.create_default_context(cafile=str(dovecot.ca_file)))
        imap.login(user.username, user.password)


def test_a_client_without_the_authority_refuses_the_server(dovecot: Dovecot) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        imaplib.IMAP4_SSL("127.0.0.1", dovecot.imaps_port, ssl_context=ssl.create_default_context())


def test_the_master_opens_a_mailbox_by_separator_and_by_authzid(dovecot: Dovecot) -> None:
    user = dovecot.user()
    uid = user.append("INBOX", MAIL)
    with over_tls(user) as imap:
        imap.login(f"{user.address}*{dovecot.master_username}", dovecot.master_password)
        assert imap.select("INBOX", readonly=True)[1] == [b"1"]
    plain = f"{user.address}\0{dovecot.master_username}\0{dovecot.master_password}".encode()
    with over_tls(user) as imap:
        imap.authenticate("PLAIN", lambda _: plain)
        assert imap.select("INBOX", readonly=True)[1] == [b"1"]
    assert user.uids("INBOX") == [uid]


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_token_opens_the_mailbox_until_it_expires(dovecot: Dovecot, mechanism: str) -> None:
    user = dovecot.user()
    token = dovecot.tokens.issue(user.username)
    start = f"user={user.username}\1" if mechanism == "XOAUTH2" else f"n,a={user.username},\1"
    with over_tls(user) as imap:
        imap.authenticate(mechanism, lambda _: f"{start}auth=Bearer {token}\1\1".encode())
        assert imap.select("INBOX", readonly=True)[0] == "OK"
    dovecot.tokens.expire(user.username)
    with over_tls(user) as imap, pytest.raises(imaplib.IMAP4.error):
        imap.authenticate(mechanism, lambda _: f"{start}auth=Bearer {token}\1\1".encode())


def test_the_device_flow_waits_for_the_person_and_refreshing_can_be_forbidden(dovecot: Dovecot) -> None:
    tokens = dovecot.tokens

    def post(url: str, **form: str) -> dict[str, str]:
        return dict(requests.post(url, data=form, verify=str(dovecot.ca_file), timeout=10).json())

    code = post(tokens.device_url, client_id=tokens.client_id, scope="mail")
    poll = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": code["device_code"]}
    assert post(tokens.token_url, **poll) == {"error": "authorization_pending"}
    tokens.approve(code["user_code"], "anna")
    first = post(tokens.token_url, **poll)
    second = post(tokens.token_url, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert second["access_token"] != first["access_token"]
    gone = post(tokens.token_url, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert gone["error"] == "invalid_grant", "a refresh token is used once"


@pytest.mark.parametrize("storage", ["maildir", "mdbox"])
def test_uidvalidity_can_rise_and_fall_while_mail_and_uids_stay(dovecot: Dovecot, storage: Storage) -> None:
    user = dovecot.user(storage=storage, folders=('Año & "x"/日本',))
    uid = user.append('Año & "x"/日本', MAIL, (r"\Seen",), datetime(2020, 1, 2, tzinfo=UTC))
    for value in (2_000_000_000, 7):
        user.set_uidvalidity('Año & "x"/日本', value)
        assert user.uidvalidity('Año & "x"/日本') == value
        assert user.uids('Año & "x"/日本') == [uid]
    user.set_next_uid('Año & "x"/日本', 5000)
    assert user.append('Año & "x"/日本', MAIL) == 5000


def test_a_snapshot_sees_every_change_a_program_could_make(dovecot: Dovecot) -> None:
    user = dovecot.user()
    user.deliver(MAIL)
    uid = user.uids("INBOX")[0]
    before = user.snapshot()
    assert user.snapshot() == before, "looking changes nothing"
    user.flag("INBOX", uid, r"\Seen")
    assert user.snapshot() != before
    user.unflag("INBOX", uid, r"\Seen")
    moved = user.move(uid, "INBOX", "Sent")
    assert user.snapshot()["Sent"].keys() == {moved}


def test_bulk_keeps_order_dates_and_flags(dovecot: Dovecot) -> None:
    user = dovecot.user()
    day = datetime(2021, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert dovecot.bulk(user, "INBOX", ((MAIL, day, (r"\Flagged",)) for _ in range(1200))) == 1200
    with user.session("INBOX", readonly=True) as imap:
        _, answer = imap.uid("FETCH", "1200", "(INTERNALDATE FLAGS)")
    assert b"06-May-2021" in answer[0]
    assert rb"\Flagged" in answer[0]


def test_a_server_can_hide_capabilities_and_allow_few_connections(make_dovecot: Callable[..., Dovecot]) -> None:
    server = make_dovecot(max_connections=2, hide=("CONDSTORE", "QRESYNC", "IDLE"), storage="mdbox")
    user = server.user()
    three = over_tls(user)
    with over_tls(user) as one, over_tls(user) as two:
        one.login(user.username, user.password)
        two.login(user.username, user.password)
        capabilities = one.capability()[1][0].split()
        assert b"UIDPLUS" in capabilities
        assert not {b"CONDSTORE", b"QRESYNC", b"IDLE"} & set(capabilities)
        with pytest.raises(imaplib.IMAP4.error, match="connections"):
            three.login(user.username, user.password)
        three.shutdown()
        assert user.uids("INBOX") == [], "the test's own sessions are not counted"


def test_a_changed_password_is_refused_at_the_next_login(dovecot: Dovecot) -> None:
    user = dovecot.user()
    user.set_password("another")
    with over_tls(user) as imap, pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        imap.login(user.username, user.password)


def test_a_restarted_server_is_found_on_the_same_port_with_its_mail(make_dovecot: Callable[..., Dovecot]) -> None:
    server = make_dovecot()
    user = server.user()
    uid = user.append("INBOX", MAIL)
    server.restart()
    assert user.uids("INBOX") == [uid]


def test_a_server_restarted_by_a_thread_outlives_it(make_dovecot: Callable[..., Dovecot]) -> None:
    server = make_dovecot()
    user = server.user()
    thread = threading.Thread(target=server.restart)
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert user.uids("INBOX") == []


def test_a_message_of_any_size_is_appended_without_holding_it(dovecot: Dovecot) -> None:
    user = dovecot.user(storage="mdbox", domain="ourfirm.example")
    uid = user.append_large("INBOX", b"Subject: Big\r\n\r\n", 3_000_000)
    assert user.snapshot()["INBOX"][uid][1] == 3_000_000
    assert user.fetch("INBOX", uid).startswith(b"Subject: Big\r\n\r\nQUJD")
