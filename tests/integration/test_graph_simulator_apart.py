"""The Graph simulator in a process of its own, as benchmarks use it."""

import pytest
import requests

from tests.integration.graph_lab import mail
from tests.servers.certs import Authority
from tests.servers.graph import GraphServer, Tenant
from tests.servers.graph.apart import Apart

_TENANTS: dict[int, Tenant] = {}


def prepare(server: GraphServer) -> tuple[str, str]:
    """A mailbox with three messages; where it is read, and a token."""
    tenant = _TENANTS[server.port] = server.tenant()
    mailbox = tenant.mailbox("anna@firm.example")
    for number in range(3):
        mailbox.deliver(mail(f"mail {number}"))
    return f"{tenant.endpoint}/users/anna@firm.example/messages", tenant.token(tenant.application())


def counters(server: GraphServer, kind: str) -> int:
    """How many requests of a kind there were."""
    return _TENANTS[server.port].requests[kind]


def fail(server: GraphServer) -> None:
    """Something is wrong over there."""
    raise LookupError(f"port {server.port} is odd")


def test_a_server_in_another_process_is_filled_asked_and_ended(authority: Authority) -> None:
    """Functions of this module run there; their results and errors come back; afterwards nobody listens."""
    with Apart(authority, prepare) as apart, requests.Session() as session:
        session.trust_env = False
        url, token = apart.prepared
        headers = {"Authorization": f"Bearer {token}"}
        answer = session.get(url, headers=headers, verify=str(authority.ca_file), timeout=30)
        assert len(answer.json()["value"]) == 3
        assert apart.call(counters, "GET users/*/messages") == 1
        assert _TENANTS == {}
        with pytest.raises(RuntimeError, match="LookupError: port"):
            apart.call(fail)
    with requests.Session() as session, pytest.raises(requests.ConnectionError):
        session.get(url, timeout=5)
