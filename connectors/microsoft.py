"""Microsoft sign-in through msal: delegated by device code, or the application alone by client credentials.

Imported only when a mailbox needs it: msal costs 0.3 s. Exchange Online takes IMAP from an application only with
IMAP.AccessAsApp and a service principal that has FullAccess on the mailbox.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import msal
import requests

from config.model import OAuth
from connectors.errors import Fatal, NeedsSignIn, Retriable
from connectors.oauth import DevicePrompt, TokenCache, reaching, read_secret, refusal

AUTHORITY = "https://login.microsoftonline.com/"
_DELEGATED = "https://outlook.office.com/IMAP.AccessAsUser.All"
_APPLICATION = "https://outlook.office365.com/.default"
_SIGN_IN = "run `crm-agent sign-in --mailbox ADDRESS`"


def asked(authority: str, step: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """`reaching`, for a step that msal makes: it has an error of its own for a service that is out of order."""
    try:
        return reaching(authority, step)
    except msal.exceptions.MsalServiceError as error:
        raise Retriable(f"the sign-in service {authority} is out of order") from error


def is_passing(error: ValueError) -> bool:
    """Whether msal calls a tenant unknown because the authority was busy for a moment, or a proxy answered instead."""
    inner = error.__context__
    return isinstance(inner, json.JSONDecodeError) or any(f"HTTP status: {one}," in str(inner) for one in (408, 429))


class MicrosoftTokens:
    """See `connectors.oauth.Tokens`. Contacts the authority when first asked, never before."""

    def __init__(self, oauth: OAuth, mailbox: str, cache: TokenCache, session: requests.Session) -> None:
        self._oauth, self._mailbox, self._cache, self._session = oauth, mailbox, cache, session
        self._authority = AUTHORITY + (oauth.tenant_id or "organizations")
        self._alone = oauth.flow == "client-credentials"
        self._scopes = (oauth.scope or (_APPLICATION if self._alone else _DELEGATED)).split()
        self._known = msal.SerializableTokenCache()
        self._app: Any = None  # untyped in msal

    def access_token(self, *, fresh: bool = False) -> str:
        answer = asked(self._authority, lambda: self._for_client(fresh) if self._alone else self._silent(fresh))
        return self._keep(answer)

    def start_device(self) -> DevicePrompt:
        flow = asked(self._authority, lambda: dict(self._application().initiate_device_flow(self._scopes)))
        if "user_code" not in flow:
            raise refusal(str(flow.get("error", "unknown")), device=False)
        left = float(flow.get("expires_at", time.time() + 900)) - time.time()
        return DevicePrompt(
            url=str(flow["verification_uri"]), user_code=str(flow["user_code"]), expires_in=left, state=flow
        )

    def finish_device(self, prompt: DevicePrompt) -> None:
        flow = dict(prompt.state)
        self._keep(asked(self._authority, lambda: dict(self._application().acquire_token_by_device_flow(flow))))

    def _for_client(self, fresh: bool) -> dict[str, Any]:
        app = self._application()
        if fresh:
            app.remove_tokens_for_client()
        return dict(app.acquire_token_for_client(self._scopes))

    def _silent(self, fresh: bool) -> dict[str, Any]:
        app = self._application()
        accounts = app.get_accounts()
        if not accounts:
            raise NeedsSignIn("nobody has signed in to this mailbox yet", advice=_SIGN_IN)
        answer = app.acquire_token_silent_with_error(self._scopes, account=accounts[0], force_refresh=fresh)
        return dict(answer or {"error": "interaction_required"})

    def _application(self) -> Any:  # noqa: ANN401  # untyped in msal
        """One application an instance; made when first needed, for making it asks the authority who it is."""
        if self._app is None:
            if blob := self._cache.load(self._mailbox):
                self._known.deserialize(blob)
            common = {"authority": self._authority, "token_cache": self._known, "http_client": self._session}
            try:
                self._app = self._made(common)
            except ValueError as error:
                if is_passing(error):
                    raise
                raise Fatal("the tenant is not known to Microsoft", advice="check `tenant_id`") from error
        return self._app

    def _made(self, common: dict[str, Any]) -> Any:  # noqa: ANN401  # untyped in msal
        if self._alone:
            return msal.ConfidentialClientApplication(
                self._oauth.client_id, client_credential=read_secret(self._oauth), **common
            )
        return msal.PublicClientApplication(self._oauth.client_id, **common)

    def _keep(self, answer: dict[str, Any]) -> str:
        if self._known.has_state_changed:
            self._cache.save(self._mailbox, self._known.serialize())
            self._known.has_state_changed = False
        if "access_token" not in answer:
            raise refusal(str(answer.get("error", "unknown")), device=not self._alone)
        return str(answer["access_token"])
