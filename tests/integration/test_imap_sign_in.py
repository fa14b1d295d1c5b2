"""Ways to prove who we are, and one clear sentence for each way it fails, against a real Dovecot."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.model import Master, OAuth
from config.secrets import Secret
from connectors.errors import Fatal, NeedsSignIn, Retriable
from connectors.imap import ImapSource, tokens_of
from connectors.oauth import MemoryTokens, StandardTokens
from tests.integration.imap_lab import Lab
from tests.servers.certs import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.imap_proxy import ImapProxy
from tests.servers.process import free_port


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path) as lab:
        yield lab


def test_a_password_beyond_ascii_signs_in(lab: Lab, dovecot: Dovecot) -> None:
    user = dovecot.user((), password="pä$$ wörd")
    assert [folder.role for folder in lab.source(user, dovecot).folders()] == ["inbox"]


def test_a_server_that_knows_us_by_the_way_we_came_is_asked_for_nothing_more(
    lab: Lab, dovecot: Dovecot, proxy: ImapProxy
) -> None:
    """It greets with PREAUTH; behind the proxy its folders are there, and no password was sent."""
    user = dovecot.user()
    proxy.rewrite_server(lambda raw: raw.replace(b"* OK [CAP", b"* PREAUTH [CAP") if b"ready" in raw else raw)
    proxy.answer(rb"^LIST", b"OK done", untagged=b'* LIST () "/" INBOX\r\n')
    source = lab.source(user, dovecot, port=proxy.port)
    assert [folder.role for folder in source.folders()] == ["inbox"]
    assert proxy.logins == 0
    as_master = lab.source(user, dovecot, port=proxy.port, master=Master(username="crm", how="authzid"))
    with pytest.raises(Fatal, match="not as the user of this mailbox"):
        as_master.folders()


def test_login_is_used_where_plain_is_not_offered(lab: Lab, dovecot: Dovecot, proxy: ImapProxy) -> None:
    proxy.hide_capability("AUTH=PLAIN")
    source = lab.source(dovecot.user(), dovecot, port=proxy.port)
    assert source.folders()
    assert (proxy.commands["LOGIN"], proxy.commands["AUTHENTICATE"]) == (1, 0)


def test_starttls_protects_the_password(lab: Lab, dovecot: Dovecot) -> None:
    source = lab.source(dovecot.user(), dovecot, port=dovecot.imap_port, security="starttls")
    assert source.folders()


def test_plain_text_works_on_loopback_and_nowhere_else(lab: Lab, dovecot: Dovecot) -> None:
    user = dovecot.user()
    assert lab.source(user, dovecot, port=dovecot.imap_port, security="none").folders()
    with pytest.raises(Fatal, match="clear text"):
        lab.source(user, dovecot, port=dovecot.imap_port, security="none", host="mail.example").folders()


def test_a_wrong_password_needs_sign_in_and_is_tried_once(lab: Lab, dovecot: Dovecot, proxy: ImapProxy) -> None:
    user = dovecot.user()
    source = lab.source(user, dovecot, port=proxy.port, password=lab.secret("wrong"))
    with pytest.raises(NeedsSignIn, match="refused the credentials") as caught:
        source.folders()
    assert user.username not in str(caught.value)
    assert caught.value.advice
    assert proxy.logins == 1


@pytest.mark.parametrize(
    "reply",
    [
        b"NO [UNAVAILABLE] Temporary authentication failure.",
        b"NO [LIMIT] Too many connections",
        b"NO [INUSE] busy",
        b"NO Maximum number of connections from user+IP exceeded",
        b"NO [ALERT] Too many simultaneous connections. (Failure)",
    ],
)
def test_a_server_that_is_busy_is_not_a_wrong_password(
    lab: Lab, dovecot: Dovecot, proxy: ImapProxy, reply: bytes
) -> None:
    proxy.answer(rb"^(LOGIN|AUTHENTICATE)", reply)
    with pytest.raises(Retriable):
        lab.source(dovecot.user(), dovecot, port=proxy.port).folders()


@pytest.mark.parametrize("reply", [b"NO [AUTHENTICATIONFAILED] no", b"NO [AUTHORIZATIONFAILED] no", b"NO Login failed"])
def test_every_kind_of_refusal_needs_sign_in(lab: Lab, dovecot: Dovecot, proxy: ImapProxy, reply: bytes) -> None:
    proxy.answer(rb"^(LOGIN|AUTHENTICATE)", reply)
    with pytest.raises(NeedsSignIn):
        lab.source(dovecot.user(), dovecot, port=proxy.port).folders()


def test_a_session_that_ends_during_sign_in_is_not_a_wrong_password(
    lab: Lab, dovecot: Dovecot, proxy: ImapProxy
) -> None:
    proxy.cut_on_command(rb"^(LOGIN|AUTHENTICATE)")
    with pytest.raises(Retriable):
        lab.source(dovecot.user(), dovecot, port=proxy.port).folders()


def test_the_real_limit_of_connections_means_later(lab: Lab, make_dovecot: Callable[..., Dovecot]) -> None:
    server = make_dovecot(max_connections=1)
    user = server.user()
    first, second = lab.source(user, server), lab.source(user, server)
    assert first.folders()
    with pytest.raises(Retriable):
        second.folders()
    first.close()
    assert _soon(second)


def _soon(source: ImapSource) -> bool:
    """Whether the source can sign in within some seconds: a server needs a moment to see that a session left."""
    for _ in range(50):
        try:
            return bool(source.folders())
        except Retriable:
            time.sleep(0.1)
    return False


def test_another_authority_is_a_sentence_that_names_ca_file(lab: Lab, dovecot: Dovecot, tmp_path: Path) -> None:
    stranger = Authority(tmp_path).ca_file
    with pytest.raises(Fatal, match="the certificate of ") as caught:
        lab.source(dovecot.user(), dovecot, ca_file=stranger).folders()
    assert str(stranger) in str(caught.value)
    assert "ca_file" in caught.value.advice


def test_a_ca_file_that_is_none_is_said_before_connecting(lab: Lab, dovecot: Dovecot, tmp_path: Path) -> None:
    user = dovecot.user()
    (tmp_path / "text.pem").write_text("no certificate")
    for path in (tmp_path / "absent.pem", tmp_path / "text.pem"):
        with pytest.raises(Fatal, match=path.name):
            lab.source(user, dovecot, ca_file=path).folders()


def test_tls_to_a_plain_port_names_the_setting(lab: Lab, dovecot: Dovecot) -> None:
    with pytest.raises(Fatal, match="does not speak TLS") as caught:
        lab.source(dovecot.user(), dovecot, port=dovecot.imap_port).folders()
    assert "starttls" in caught.value.advice


def test_a_closed_port_and_a_silent_one_are_tried_later(
    lab: Lab, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, port = dovecot.user(), free_port()
    with pytest.raises(Retriable, match=f":{port} refused the connection"):
        lab.source(user, dovecot, port=port).folders()
    monkeypatch.setattr("connectors.imap.connection.CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Retriable, match="did not answer in time"):
        lab.source(user, dovecot, port=silent.getsockname()[1]).folders()


def test_starttls_that_is_not_offered_is_refused_before_the_password(
    lab: Lab, dovecot: Dovecot, proxy: ImapProxy
) -> None:
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_plain_imap, args=(server, received), daemon=True)
        thread.start()
        with pytest.raises(Fatal, match="STARTTLS"):
            lab.source(dovecot.user(), dovecot, port=server.getsockname()[1], security="starttls").folders()
        thread.join(5)
    assert [line for line in received if b"LOGIN" in line or b"AUTHENTICATE" in line] == []


def _plain_imap(server: socket.socket, received: list[bytes]) -> None:
    """An IMAP server without STARTTLS that keeps what it hears."""
    connection, _ = server.accept()
    with connection, connection.makefile("rwb") as stream:
        stream.write(b"* OK ready\r\n")
        stream.flush()
        for line in stream:
            received.append(line)
            tag = line.split(b" ")[0]
            stream.write(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n%s OK done\r\n" % tag)
            stream.flush()


def test_a_secret_that_others_can_read_is_said(lab: Lab, dovecot: Dovecot, tmp_path: Path) -> None:
    path = tmp_path / "open"
    path.write_text("secret")
    path.chmod(0o644)
    with pytest.raises(Fatal, match="chmod 600"):
        lab.source(dovecot.user(), dovecot, password=Secret(file=path)).folders()


@pytest.mark.parametrize("how", ["authzid", "separator"])
def test_a_master_user_opens_another_ones_mailbox(lab: Lab, dovecot: Dovecot, how: str) -> None:
    user = dovecot.user(["Sent", "Only theirs"])
    master = Master(username=dovecot.master_username, how=how)
    source = lab.source(user, dovecot, master=master, password=lab.secret(dovecot.master_password))
    assert "Only theirs" in [folder.name for folder in source.folders()]


def test_a_master_user_who_sees_nothing_is_told_why(lab: Lab, dovecot: Dovecot, proxy: ImapProxy) -> None:
    proxy.empty_list()
    master = Master(username=dovecot.master_username)
    source = lab.source(
        dovecot.user(), dovecot, port=proxy.port, master=master, password=lab.secret(dovecot.master_password)
    )
    with pytest.raises(Retriable, match="master user") as caught:
        source.folders()
    assert "acl" in caught.value.advice


@pytest.fixture
def oauth(dovecot: Dovecot) -> OAuth:
    return OAuth(
        provider="custom",
        client_id=dovecot.tokens.client_id,
        token_url=dovecot.tokens.token_url,
        device_url=dovecot.tokens.device_url,
        scope="mail",
    )


def signed_in(lab: Lab, dovecot: Dovecot, user: object, oauth: OAuth) -> MemoryTokens:
    """Tokens after a device-code sign-in as `user`."""
    cache = MemoryTokens()
    tokens = tokens_of(lab.mailbox(user, dovecot, oauth=oauth), cache)
    assert tokens is not None
    prompt = tokens.start_device()
    dovecot.tokens.approve(prompt.user_code, user.username)  # type: ignore[attr-defined]  # a user of the lab
    tokens.finish_device(prompt)
    return cache


@pytest.mark.parametrize("hidden", ["AUTH=OAUTHBEARER", "AUTH=XOAUTH2"])
def test_a_token_from_a_device_code_signs_in(
    lab: Lab, dovecot: Dovecot, proxy: ImapProxy, oauth: OAuth, hidden: str
) -> None:
    proxy.hide_capability(hidden)
    user = dovecot.user()
    cache = signed_in(lab, dovecot, user, oauth)
    assert lab.source(user, dovecot, port=proxy.port, oauth=oauth, tokens=cache).folders()
    assert proxy.logins == 1


def test_a_refused_token_is_renewed_once(lab: Lab, dovecot: Dovecot, proxy: ImapProxy, oauth: OAuth) -> None:
    user = dovecot.user()
    cache = signed_in(lab, dovecot, user, oauth)
    before = cache.load(user.address)
    dovecot.tokens.expire(user.username)
    assert lab.source(user, dovecot, port=proxy.port, oauth=oauth, tokens=cache).folders()
    assert proxy.logins == 2
    assert cache.load(user.address) != before


def test_a_withdrawn_consent_needs_sign_in_after_one_renewal(
    lab: Lab, dovecot: Dovecot, make_dovecot: Callable[..., Dovecot]
) -> None:
    server = make_dovecot()
    user = server.user()
    oauth = OAuth(
        provider="custom",
        client_id=server.tokens.client_id,
        token_url=server.tokens.token_url,
        device_url=server.tokens.device_url,
    )
    cache = signed_in(lab, server, user, oauth)
    server.tokens.expire()
    server.tokens.deny_refresh()
    with pytest.raises(NeedsSignIn, match="no longer valid") as caught:
        lab.source(user, server, oauth=oauth, tokens=cache).folders()
    assert "sign-in" in caught.value.advice
    assert server.tokens.requests["refresh_token"] == 1


def test_nobody_signed_in_yet_needs_sign_in_without_asking_anyone(lab: Lab, dovecot: Dovecot, oauth: OAuth) -> None:
    asked = sum(dovecot.tokens.requests.values())
    with pytest.raises(NeedsSignIn, match="nobody has signed in"):
        lab.source(dovecot.user(), dovecot, oauth=oauth).folders()
    assert sum(dovecot.tokens.requests.values()) == asked


def test_client_credentials_sign_in_and_are_kept(lab: Lab, make_dovecot: Callable[..., Dovecot]) -> None:
    server = make_dovecot()
    user = server.user()
    server.tokens.client_username = user.username
    oauth = OAuth(
        provider="custom",
        client_id=server.tokens.client_id,
        client_secret=lab.secret(server.tokens.client_secret),
        token_url=server.tokens.token_url,
        flow="client-credentials",
    )
    cache = MemoryTokens()
    for _ in range(2):
        assert lab.source(user, server, oauth=oauth, tokens=cache).folders()
    assert server.tokens.requests["client_credentials"] == 1


def test_a_device_code_that_is_denied_or_unused_needs_sign_in(lab: Lab, dovecot: Dovecot, oauth: OAuth) -> None:
    tokens = tokens_of(lab.mailbox(dovecot.user(), dovecot, oauth=oauth), MemoryTokens())
    assert isinstance(tokens, StandardTokens)
    prompt = tokens.start_device()
    assert prompt.user_code
    assert str(prompt.state["device_code"]) not in repr(prompt)
    dovecot.tokens.deny(prompt.user_code)
    with pytest.raises(NeedsSignIn, match="access_denied"):
        tokens.finish_device(prompt)


def test_a_provider_in_trouble_is_tried_later(lab: Lab, make_dovecot: Callable[..., Dovecot]) -> None:
    server = make_dovecot()
    user = server.user()
    oauth = OAuth(
        provider="custom",
        client_id=server.tokens.client_id,
        token_url=server.tokens.token_url,
        device_url=server.tokens.device_url,
    )
    cache = signed_in(lab, server, user, oauth)
    server.tokens.expire()
    server.tokens.fail_next(1)
    with pytest.raises(Retriable, match="busy"):
        lab.source(user, server, oauth=oauth, tokens=cache).folders()
    assert lab.source(user, server, oauth=oauth, tokens=cache).folders()


def test_closing_gives_every_connection_back(lab: Lab, dovecot: Dovecot) -> None:
    user = dovecot.user()
    lab.source(user, dovecot).folders()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for security, port in (("tls", dovecot.imaps_port), ("starttls", dovecot.imap_port)) * 5:
        source = lab.source(user, dovecot, port=port, security=security)
        source.folders()
        source.close()
        source.close()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
