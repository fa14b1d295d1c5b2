"""A directory as a list of mailboxes, over the wire: everybody or an error, never a part."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.lists.read import read
from config.model import LdapBase, Made, MailboxList, Member
from config.secrets import Secret
from connectors.errors import ConnectorError, Fatal, NeedsSignIn, Retriable, Unreachable
from connectors.ldap import PAGE, people
from tests.servers.certs import Authority
from tests.servers.ldap import LdapServer
from tests.servers.process import free_port

BASE = "ou=sales,dc=firm"


@pytest.fixture
def server(authority: Authority) -> Iterator[LdapServer]:
    with LdapServer(authority.server) as server:
        server.accounts["cn=crm,dc=firm"] = "open sesame"
        yield server


@pytest.fixture
def source(server: LdapServer, authority: Authority, tmp_path: Path) -> LdapBase:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("open sesame")
    return LdapBase(
        url=server.url,
        base=BASE,
        username="cn=crm,dc=firm",
        password=Secret(file=secret),
        ca_file=authority.ca_file,
    )


def add(server: LdapServer, name: str, **values: list[str]) -> None:
    server.entries[f"cn={name},{BASE}"] = {"objectClass": ["top", "person"], **values}


def test_everybody_with_an_address_below_the_base_is_on_the_list(server: LdapServer, source: LdapBase) -> None:
    add(server, "anna", mail=["anna@firm.example"])
    add(server, "room", description=["no mailbox"])
    server.entries["cn=eva,ou=law,dc=firm"] = {"objectClass": ["person"], "mail": ["eva@firm.example"]}
    one = MailboxList(connector="server", source=source, make=lambda members: Made((), ()))
    assert list(read(one)) == [Member(address="anna@firm.example")]
    assert server.binds == ["cn=crm,dc=firm"]


def test_active_directory_says_which_address_is_the_first_and_which_are_aliases(
    server: LdapServer, source: LdapBase
) -> None:
    proxies = ["smtp:a.smith@firm.example", "SMTP:Anna@firm.example", "X500:/o=Firm/cn=anna", "sip:anna@firm.example"]
    add(server, "anna", mail=["anna@firm.example"], proxyAddresses=proxies)
    assert people(source) == [Member(address="Anna@firm.example", aliases=("a.smith@firm.example",))]


def test_a_long_list_comes_page_by_page_and_whole(server: LdapServer, source: LdapBase) -> None:
    for number in range(PAGE + 1):
        add(server, f"u{number}", mail=[f"u{number}@firm.example"])
    assert len(people(source)) == PAGE + 1
    assert server.searches == [(BASE, PAGE)] * 2


def test_a_list_that_was_cut_off_is_no_list(server: LdapServer, source: LdapBase) -> None:
    for number in range(5):
        add(server, f"u{number}", mail=[f"u{number}@firm.example"])
    server.limit = 3
    with pytest.raises(Fatal, match="hands out a part of the list only"):
        people(source)


def test_a_part_that_lies_on_another_server_makes_no_list(server: LdapServer, source: LdapBase) -> None:
    add(server, "anna", mail=["anna@firm.example"])
    server.references = ["ldap://other.firm.example/ou=sales,dc=firm"]
    with pytest.raises(Fatal, match="refers to another server"):
        people(source)


def test_a_session_that_ends_makes_no_list(server: LdapServer, source: LdapBase) -> None:
    add(server, "anna", mail=["anna@firm.example"])
    server.hangs_up = True
    with pytest.raises(Retriable):
        people(source)


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"username": "cn=nobody,dc=firm"}, NeedsSignIn, "refused the name or the password"),
        ({"username": None, "password": None}, Fatal, "lets this account not search"),
        ({"base": "ou=none,dc=other"}, Fatal, "has no entry ou=none,dc=other"),
        ({"filter": "(mail=*"}, Fatal, "the filter is none"),
        ({"ca_file": None}, Fatal, "is not trusted"),
    ],
)
def test_what_is_wrong_is_told_by_what_to_do(
    server: LdapServer, source: LdapBase, change: dict[str, object], kind: type[ConnectorError], sentence: str
) -> None:
    add(server, "anna", mail=["anna@firm.example"])
    with pytest.raises(kind, match=sentence) as told:
        people(source.model_copy(update=change))
    assert told.value.advice
    assert "open sesame" not in str(told.value)


def test_a_certificate_for_another_host_is_refused_before_the_password_is_sent(
    source: LdapBase, authority: Authority
) -> None:
    with LdapServer(authority.issue("other", names=("other.firm.example",))) as other:
        with pytest.raises(Fatal, match="certificate"):
            people(source.model_copy(update={"url": other.url}))
        assert other.binds == []


def test_a_directory_that_does_not_run_may_be_there_later(source: LdapBase) -> None:
    with pytest.raises(Unreachable):
        people(source.model_copy(update={"url": f"ldaps://127.0.0.1:{free_port()}"}))
