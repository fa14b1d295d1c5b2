"""What Entra means by refusing an application, by the number of its error. Pure.

OAuth has one code for all of this (`invalid_client`); the number tells a secret that has ended from one that is wrong.
Called by `connectors.graph.access`.
"""

from collections.abc import Mapping
from typing import Any

from connectors.errors import ConnectorError, NeedsSignIn
from connectors.oauth import refusal

_MEANINGS = {
    7000222: ("the client secret of the application has ended", "make a new one in Entra for `client_secret`"),
    7000215: ("the client secret is not one of the application's", "`client_secret` needs its value, not its id"),
    700027: ("the application's certificate is not known to Entra", "upload it there, and check `certificate`"),
    700016: ("the application is not known in the tenant", "check `client_id` and `tenant_id`"),
    7000112: ("the application is disabled in the tenant", "let the administrator enable it in Entra"),
    700024: ("the application's proof is not valid now", "set this machine's clock, and see that the token is renewed"),
    70021: ("the federated token is of nobody whom the application trusts", "compare its credentials in Entra"),
}
"""AADSTS numbers ("Microsoft Entra authentication and authorization error codes")."""


def number_of(answer: Mapping[str, Any]) -> int:
    """The first number that is known here, 0 if there is none."""
    numbers = answer.get("error_codes")
    return next((one for one in numbers if one in _MEANINGS), 0) if isinstance(numbers, list) else 0


def meaning(code: str, number: int) -> ConnectorError:
    """What the administrator has to do. code: of OAuth."""
    error = refusal(code, device=False)
    if not isinstance(error, NeedsSignIn) or number not in _MEANINGS:
        return error
    sentence, advice = _MEANINGS[number]
    return NeedsSignIn(f"{sentence} (AADSTS{number})", advice=advice)
