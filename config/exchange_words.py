"""The words of both Exchange connectors: `graph` for Exchange Online, `exchange` for Exchange Server."""

from config.form import Key, table
from config.kinds import address, choice, text, whole, yes_no
from config.personal import existing_file, graph_url, personal_text, secret, service_url, web_url
from config.words import ANYWHERE, OAUTH

MUST_REFUSE = Key(kind=address, about="A mailbox that must stay closed: `crm-agent doctor` fails if it can be read.")
_ADDRESS_BOOK = {
    "import_contacts": Key(
        kind=yes_no, about="Once a day, make contacts of whoever stands in the mailbox's address book.", default=False
    ),
}
"""What a mailbox with an address book of its own may have."""
_CA_FILE = Key(kind=existing_file, about="Certificates of your own authority, PEM.")

GRAPH_SECRETS = ("certificate", "client_secret", "assertion")
"""How the application proves itself: exactly one of them."""
GRAPH_OWN = {
    "tenant_id": Key(kind=text, about="Id of your tenant, or one of its domains.", required=True),
    "client_id": Key(kind=text, about="Id of the application that you registered there.", required=True),
    "certificate": Key(kind=secret, about="The application's certificate with its private key, PEM, by reference."),
    "passphrase": Key(kind=secret, about="What the private key of `certificate` is locked with."),
    "client_secret": Key(kind=secret, about="Secret of the application, where it has no certificate."),
    "assertion": Key(kind=secret, about="A federated token (workload identity), read anew whenever it is needed."),
    "endpoint": Key(
        kind=graph_url,
        about="Microsoft Graph; another host in a national cloud.",
        default="https://graph.microsoft.com",
    ),
    "authority": Key(kind=web_url, about="Where the application signs in. Default: Microsoft's for the tenant."),
    "ca_file": _CA_FILE,
    "must_refuse": MUST_REFUSE,
}
GRAPH_ANYWHERE = {
    "username": Key(
        kind=personal_text,
        about="What Exchange Online calls the mailbox: user principal name or object id. Default: the address.",
        default="{address}",
    ),
    **ANYWHERE,
    **_ADDRESS_BOOK,
}

EXCHANGE_OWN = {
    "endpoint": Key(
        kind=service_url, about="EWS of your server, such as https://mail.ourfirm.example/EWS/Exchange.asmx."
    ),
    "autodiscover": Key(kind=yes_no, about="Ask for each mailbox where its EWS is, instead.", default=False),
    "auth": Key(kind=choice("ntlm", "basic", "oauth"), about="How the service account signs in.", default="ntlm"),
    "access": Key(
        kind=choice("impersonation", "delegate"),
        about="impersonation: by the role ApplicationImpersonation. delegate: by full access to each mailbox.",
        default="impersonation",
    ),
    "connections": Key(kind=whole(1, 100), about="Sessions to this server for all mailboxes together.", default=8),
    "ca_file": _CA_FILE,
    "must_refuse": MUST_REFUSE,
}
EXCHANGE_ANYWHERE = {
    "username": Key(kind=personal_text, about="Service account: DOMAIN\\\\user or user@domain."),
    "password": Key(kind=secret, about="Its password, by reference."),
    "oauth": Key(kind=table(OAUTH), about=OAUTH.about),
    **ANYWHERE,
    **_ADDRESS_BOOK,
}
