"""Which tokens a sign-in takes: Microsoft goes through msal, everyone else through the standard requests.

Called by the IMAP and EWS connectors for every sign-in, and by `crm-agent sign-in` for the device code.
"""

from pathlib import Path

from config.model import OAuth
from connectors.oauth import NoTokens, StandardTokens, TokenCache, Tokens, http_session


def tokens_for(oauth: OAuth, mailbox: str, cache: TokenCache | None = None, ca_file: Path | None = None) -> Tokens:
    """The tokens of `mailbox`. `ca_file`: an authority to trust beside the system's, for a provider of one's own."""
    kept = cache if cache is not None else NoTokens()
    session = http_session(ca_file)
    if oauth.provider == "microsoft" and oauth.token_url is None:
        from connectors.microsoft import MicrosoftTokens  # msal takes 0.3 s: imported where it is used

        return MicrosoftTokens(oauth, mailbox, kept, session)
    return StandardTokens(oauth, mailbox, kept, session)
