"""How mailboxes of Exchange are reached: what a connector must say once, and what follows for each of its mailboxes."""

from config.exchange_words import GRAPH_SECRETS
from config.model import ExchangeAccess, GraphAccess
from config.node import Node
from config.reading import Reading
from config.values import Values, need, oauth_of

_ENDPOINT = 'write endpoint = "https://…/EWS/Exchange.asmx" or autodiscover = true'


def check_graph(connector: Node, own: Values, reading: Reading) -> None:
    """Exactly one proof of who the application is, and a passphrase only for a certificate."""
    table = connector.table()
    written = [name for name in GRAPH_SECRETS if name in table]
    if not written:
        what = "has none of certificate, client_secret and assertion"
        reading.note(connector, what, 'write certificate = { file = "…" }')
    for name in written[1:]:
        reading.note(table[name], f"stands beside {written[0]}", "remove one of the two")
    if "passphrase" in table and "certificate" not in table:
        reading.note(table["passphrase"], "unlocks a certificate, and there is none", "remove it")


def graph_access(own: Values, user: str) -> GraphAccess | None:
    """Access by Graph; None if something about the connector is wrong, which was noted."""
    if not {"tenant_id", "client_id"} <= own.keys() or len([one for one in GRAPH_SECRETS if one in own]) != 1:
        return None
    names = ("tenant_id", "client_id", *GRAPH_SECRETS, "passphrase", "endpoint", "authority", "ca_file")
    return GraphAccess.model_validate({"user": user, **{name: own[name] for name in names if name in own}})


def check_exchange(connector: Node, own: Values, reading: Reading) -> None:
    """Exactly one way to find the server."""
    table = connector.table()
    if "endpoint" not in table and not own.get("autodiscover", "autodiscover" in table):
        reading.note(connector, "has neither endpoint nor autodiscover", _ENDPOINT)
    elif "endpoint" in table and own.get("autodiscover"):
        reading.note(table["autodiscover"], "stands beside endpoint", "remove one of the two")


def exchange_access(place: Node, own: Values, values: Values, reading: Reading) -> ExchangeAccess | None:
    """Access by EWS of what applies to a mailbox. `own`: the connector's values, `values`: those of the mailbox."""
    oauth = oauth_of(place.table().get("oauth"), values, reading)
    _check_credentials(place, str(own.get("auth", "ntlm")), reading)
    if ("endpoint" in own) == bool(own.get("autodiscover")):
        return None
    names = ("endpoint", "autodiscover", "auth", "access", "connections", "ca_file")
    return ExchangeAccess.model_validate(
        {
            "user": reading.address,
            "username": values.get("username"),
            "password": values.get("password"),
            "oauth": oauth,
            **{name: own[name] for name in names if name in own},
        }
    )


def _check_credentials(place: Node, auth: str, reading: Reading) -> None:
    """A name and a password, or a token where auth says so; never both."""
    table = place.table()
    if auth == "oauth":
        need(place, ["oauth"], reading)
        if "password" in table:
            reading.note(table["password"], 'is not used with auth = "oauth"', "remove it")
        return
    if "oauth" in table:
        reading.note(table["oauth"], f'is not used with auth = "{auth}"', 'write auth = "oauth", or remove it')
    need(place, ["username", "password"], reading)
