"""The server: TLS, the token endpoint, and `/v1.0` where every request is counted, judged and answered."""

import contextlib
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from cryptography.hazmat.primitives.asymmetric import ec

from tests.servers.certs import ServerCertificate
from tests.servers.graph import refusals, routes
from tests.servers.graph.batch import answer_batch, rest_of_batch
from tests.servers.graph.description import Description
from tests.servers.graph.faults import described
from tests.servers.graph.mailbox import Mailbox
from tests.servers.graph.odata import Call, segments, split_query
from tests.servers.graph.refusals import Refuse
from tests.servers.graph.signin import SignIn
from tests.servers.graph.tenant import Access, Tenant
from tests.servers.graph.web import Answer, Request, WebServer

_VERSION = "/v1.0"
_AT_ONCE = 4


class Certified(Protocol):
    """An authority, as far as a server needs it."""

    @property
    def server(self) -> ServerCertificate:
        """The certificate of the server."""

    @property
    def ca_file(self) -> Path:
        """What clients trust."""


class GraphServer:
    """A running server. url: `https://127.0.0.1:PORT`; endpoint: where `/v1.0` begins.

    description: hold every request and answer against it; what breaks it is found in the tenant's `violations`.
    """

    def __init__(self, authority: Certified, description: Description | None = None) -> None:
        self._description, self._judging = description, threading.Lock()
        self._tenants: dict[str, Tenant] = {}
        self._web = WebServer(authority.server.context(), self._dispatch)
        self.port = self._web.port
        self.url = f"https://127.0.0.1:{self.port}"
        self.endpoint = f"{self.url}{_VERSION}"
        self.ca_file = authority.ca_file
        key = ec.generate_private_key(ec.SECP256R1())
        self._sign_in = SignIn(url=self.url, find=self._tenants.get, key=key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the port and all connections."""
        for tenant in self._tenants.values():
            tenant.notifications.close()
        self._web.stop()

    def tenant(self) -> Tenant:
        """A fresh tenant."""
        tenant = Tenant(self.url, self.endpoint, self._sign_in.issue, self.ca_file)
        self._tenants[tenant.id] = tenant
        return tenant

    def _dispatch(self, request: Request) -> Answer | None:
        if not request.target.startswith(f"{_VERSION}/"):
            return self._sign_in.answer(request)
        try:
            access = self._access(request)
        except Refuse as refusal:
            return refusal.answer()
        return self._on_wire(self._call(request, access))

    def _access(self, request: Request) -> Access:
        """Whose token it is. Raises Refuse."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise refusals.token_refused("Access token is empty.")
        tenant = self._sign_in.owners.get(token)
        access = tenant.tokens.get(token) if tenant else None
        if access is None or access.expires_at <= time.time():
            raise refusals.token_refused()
        return access

    def _call(self, request: Request, access: Access) -> Call:
        path, _, query = request.target.removeprefix(_VERSION).partition("?")
        return Call(
            method=request.method,
            path=path,
            query=split_query(query),
            headers=request.headers,
            body=request.body,
            base=self.endpoint,
            token=access,
        )

    def _on_wire(self, call: Call) -> Answer | None:
        """Answer what came over the wire, unless the network has its way."""
        tenant = call.tenant
        tenant.count_http(f"{call.method} {routes.named(call.method, segments(call.path))}")
        fault = tenant.faults.on_wire(described(call))
        if fault is None:
            answer = self._judged(call)
            wanted = tenant.faults.packed and "gzip" in call.headers.get("accept-encoding", "")
            return answer.packed() if wanted and answer.body else answer
        if fault.kind == "lose-request":
            return None
        if fault.reply is not None:
            return fault.reply
        answer = self._judged(call)
        return None if fault.kind == "lose-answer" else Answer(answer.status, answer.body, answer.headers, fault.octets)

    def _judged(self, call: Call) -> Answer:
        try:
            if call.path == "/$batch" and call.method == "POST":
                call.tenant.faults.on_call(call)
                return self._described(call, answer_batch(call, self._judge))
            if call.path == "/$batch" and call.method == "GET":
                return rest_of_batch(call)
            return self._judge(call)
        except Refuse as refusal:
            return refusal.answer()
        except Exception:  # noqa: BLE001  # whatever else breaks here is our own fault: it is kept, and fails the test
            call.tenant.violations.append(traceback.format_exc())
            return Refuse(500, "generalException", "The simulator failed.").answer()

    def _judge(self, call: Call) -> Answer:
        """One single request, alone or in a batch, held against the description if there is one."""
        try:
            answer = self._work(call)
        except Refuse as refusal:
            answer = refusal.answer()
        return self._described(call, answer)

    def _described(self, call: Call, answer: Answer) -> Answer:
        """The answer; what is wrong with it or with the request is kept for the test."""
        if self._description is not None:
            with self._judging:
                call.tenant.violations += self._description.judge(call, answer)
        return answer

    def _work(self, call: Call) -> Answer:
        """Do what a request asks. Raises Refuse."""
        path = segments(call.path)
        call.tenant.count(f"{call.method} {routes.named(call.method, segments(call.path))}")
        if path and path[0].lower() == "me":
            raise refusals.bad_request("/me request is only valid with delegated authentication flow.")
        route, keys = routes.find(call.method, path)
        if route.where != "mailbox":
            return self._ask_directory(call, route, keys)
        return self._ask_mailbox(call, route, keys)

    def _ask_directory(self, call: Call, route: routes.Route, keys: list[str]) -> Answer:
        call.tenant.faults.on_call(call)
        if route.needs and not call.access.may(route.needs, None):
            raise refusals.privileges_missing()
        return route.handler(call, *keys)

    def _ask_mailbox(self, call: Call, route: routes.Route, keys: list[str]) -> Answer:
        mailbox = _mailbox(call.tenant, keys[0])
        with _one_of_four(call.tenant, mailbox.address):
            call.tenant.faults.on_call(call)
            if not call.access.may(route.needs, mailbox.address):
                raise refusals.access_denied()
            with mailbox.lock:
                return route.handler(call, mailbox, *keys[1:])


def _mailbox(tenant: Tenant, key: str) -> Mailbox:
    user = tenant.users.get(key.lower())
    if user is None:
        raise Refuse(404, "ErrorInvalidUser", f"The requested user '{key}' is invalid.")
    if user.mailbox is None:
        message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
        raise Refuse(404, "MailboxNotEnabledForRESTAPI", message)
    return user.mailbox


@contextlib.contextmanager
def _one_of_four(tenant: Tenant, address: str) -> Iterator[None]:
    """At most four requests of an application work in one mailbox at a time; the fifth is told to come again."""
    try:
        if tenant.enter(address) > _AT_ONCE:
            tenant.throttled[address] += 1
            message = "Application is over its MailboxConcurrency limit."
            raise Refuse(429, "ApplicationThrottled", message, {"Retry-After": "1"})
        yield
    finally:
        tenant.leave(address)
