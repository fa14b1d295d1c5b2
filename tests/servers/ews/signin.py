"""Who is it? Basic, NTLM and Bearer, as IIS asks for them in front of EWS.

NTLM signs in a connection, not a request: the answer to the challenge must come on the same connection, and what
follows there needs no more. Sources: RFC 7617, [MS-NTHT], RFC 6750, Microsoft's page on authentication and EWS.
"""

import base64
import binascii
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.servers.ews import ntlm
from tests.servers.ews.calls import Account

_SCHEMES = ("NTLM", "Basic", "Bearer")
# What a bearer token stands for: a login of this server, or None if it stands for nobody.
Introspect = Callable[[str], str | None]


@dataclass(kw_only=True, eq=False)
class Connection:
    """What a TCP connection remembers of a sign-in."""

    challenge: bytes | None = None
    account: Account | None = None
    proven_with: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """account: who it is, None for nobody yet. ask: WWW-Authenticate lines to answer 401 with."""

    account: Account | None = None
    ask: tuple[str, ...] = ()


@dataclass(kw_only=True, eq=False)
class Doorman:
    """Checks credentials. schemes: what is offered. tokens: issued here, with their login and when they end.

    lockout: an account is locked after so many wrong passwords in a row, as domains do; None for never.
    """

    accounts: dict[str, Account]
    certificate: bytes
    schemes: tuple[str, ...] = _SCHEMES
    extended_protection: bool = False
    introspect: Introspect | None = None
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    lockout: int | None = None
    attempts: int = 0
    refused: int = 0

    def check(self, header: str | None, connection: Connection) -> Verdict:
        """Judge a request by its Authorization header."""
        scheme, _, content = (header or "").partition(" ")
        if not header:
            return self._known(connection) or self._ask()
        self.attempts += 1
        if scheme.lower() == "ntlm" and "NTLM" in self.schemes:
            return self._ntlm(content, connection)
        account = None
        if scheme.lower() == "basic" and "Basic" in self.schemes:
            account = self._basic(content)
        elif scheme.lower() == "bearer" and "Bearer" in self.schemes:
            account = self._bearer(content)
        return Verdict(account=account) if account is not None else self._refuse()

    def reset(self) -> None:
        """Usual manners, nothing counted; accounts and tokens stay."""
        self.schemes, self.extended_protection, self.introspect, self.lockout = _SCHEMES, False, None, None
        self.attempts = self.refused = 0

    def find(self, login: str) -> Account | None:
        """The account of a login: an address, a name, or DOMAIN\\name."""
        return self.accounts.get(login.lower().removeprefix(f"{ntlm.DOMAIN.lower()}\\"))

    def _known(self, connection: Connection) -> Verdict | None:
        account = connection.account
        if account is None or account.locked or account.password != connection.proven_with:
            return None
        return Verdict(account=account)

    def _basic(self, content: str) -> Account | None:
        try:
            login, _, password = base64.b64decode(content, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        account = self.find(login)
        return account if account and self._right(account, account.password == password) else None

    def _right(self, account: Account, right: bool) -> bool:
        """Is this the account, now? Counts wrong passwords."""
        account.wrong = 0 if right else account.wrong + 1
        account.locked = account.locked or (self.lockout is not None and account.wrong >= self.lockout)
        return right and not account.locked

    def _bearer(self, token: str) -> Account | None:
        login, ends = self.tokens.get(token, (None, 0.0))
        if login is None and self.introspect is not None:
            login, ends = self.introspect(token), float("inf")
        account = self.find(login) if login and ends > time.time() else None
        return account if account and not account.locked else None

    def _ntlm(self, content: str, connection: Connection) -> Verdict:
        try:
            token = base64.b64decode(content, validate=True)
        except binascii.Error:
            return self._refuse()
        if ntlm.is_negotiate(token):
            message, connection.challenge = ntlm.challenge_message(time.time())
            return Verdict(ask=(f"NTLM {base64.b64encode(message).decode()}",))
        answer, challenge = ntlm.read_answer(token), connection.challenge
        connection.challenge = None
        account = self.find(answer.username) if answer else None
        if answer is None or challenge is None or account is None:
            return self._refuse()
        if not self._right(account, answer.proves(account.password, challenge)) or not self._same_channel(answer):
            return self._refuse()
        connection.account, connection.proven_with = account, account.password
        return Verdict(account=account)

    def _same_channel(self, answer: ntlm.Answer) -> bool:
        return not self.extended_protection or answer.bindings() == ntlm.channel_hash(self.certificate)

    def _refuse(self) -> Verdict:
        self.refused += 1
        return self._ask()

    def _ask(self) -> Verdict:
        return Verdict(ask=tuple(_offers(self.schemes)))


def _offers(schemes: Iterable[str]) -> Iterable[str]:
    words = {"Basic": 'Basic realm="lab"', "Bearer": 'Bearer client_id="00000002-0000-0ff1-ce00-000000000000"'}
    return (words.get(scheme, scheme) for scheme in schemes)
