"""What checks of several keys together have in common: the values read, keys that are needed, a sign-in by token."""

from collections.abc import Iterable, Mapping

from config.model import OAuth
from config.node import Node
from config.reading import Reading

Values = Mapping[str, object]


def need(place: Node, names: Iterable[str], reading: Reading) -> None:
    """Notes every one of these keys that the table lacks."""
    for name in names:
        if name not in place.table():
            reading.note(place, f"{name} is missing", f"write {name} = …")


def oauth_of(place: Node | None, values: Values, reading: Reading) -> OAuth | None:
    """The sign-in by token that applies, None if there is none or it lacks something, which is noted."""
    oauth = values.get("oauth")
    if place is None or not isinstance(oauth, dict):
        return None
    needed = _oauth_needs(str(oauth.get("provider")), str(oauth.get("flow", "device")))
    need(place, needed, reading)
    if oauth.get("provider") == "google" and oauth.get("flow") == "client-credentials":
        reading.note(place, "google has no client-credentials for mail", 'write flow = "device"')
    return OAuth.model_validate(oauth) if all(name in oauth for name in needed) else None


def _oauth_needs(provider: str, flow: str) -> list[str]:
    """The keys without which a sign-in of that kind cannot be tried."""
    needed = ["provider", "client_id"]
    if flow == "client-credentials":
        needed += ["client_secret"] + ["tenant_id"] * (provider == "microsoft")
    if provider == "custom":
        needed += ["token_url", "scope"] + ["device_url"] * (flow == "device")
    return needed
