"""The words of [[connectors]]: what each type adds to the keys that all of them have."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from config.exchange_words import EXCHANGE_ANYWHERE, EXCHANGE_OWN, GRAPH_ANYWHERE, GRAPH_OWN
from config.form import Form, Key, many, table
from config.kinds import choice, host, text, whole
from config.list_words import MAILBOXES_FROM, mailboxes_from
from config.personal import existing_file, path, personal_text, secret
from config.words import ANYWHERE, MASTER, OAUTH, WHO

IMAP_ANYWHERE = {
    "username": Key(kind=personal_text, about="Name to sign in with. Default: the address.", default="{address}"),
    "password": Key(kind=secret, about="Password, by reference."),
    "oauth": Key(kind=table(OAUTH), about=OAUTH.about),
    **ANYWHERE,
}
IMAP_OWN = {
    "host": Key(kind=host, about="Name of the server.", required=True),
    "port": Key(kind=whole(1, 65535), about="Default: 993 with tls, else 143."),
    "security": Key(kind=choice("tls", "starttls", "none"), about="none is for loopback alone.", default="tls"),
    "ca_file": Key(kind=existing_file, about="Certificates of your own authority, PEM."),
    "master": Key(kind=table(MASTER), about=MASTER.about),
}
MAILDIR_ANYWHERE = {"path": Key(kind=path, about="A Maildir, an mbox file or a folder of .eml files."), **ANYWHERE}


@dataclass(frozen=True, kw_only=True)
class Words:
    """A type of connector. anywhere: keys that a mailbox, the defaults and the connector itself may have."""

    form: Form
    anywhere: Mapping[str, Key]


def _words(
    kind: str,
    about: str,
    own: Mapping[str, Key],
    anywhere: Mapping[str, Key],
    sources: Collection[str] = ("csv", "ldap"),
) -> Words:
    defaults = Form(about="Values for all mailboxes of this connector.", keys=anywhere)
    mailbox = Form(about="One mailbox.", keys={**WHO, **anywhere})
    keys = {
        "name": Key(kind=text, about="Name of the connector, once in all files.", required=True),
        "type": Key(kind=choice(kind), about="Kind of connector.", required=True),
        **own,
        **anywhere,
        "defaults": Key(kind=table(defaults), about=defaults.about),
        "mailboxes": Key(kind=many(table(mailbox)), about="The mailboxes to read."),
        "mailboxes_from": Key(kind=mailboxes_from(sources), about=MAILBOXES_FROM.about),
    }
    return Words(form=Form(about=about, keys=keys), anywhere=anywhere)


CONNECTORS = {
    "imap": _words("imap", "Mailboxes on an IMAP server.", IMAP_OWN, IMAP_ANYWHERE),
    "graph": _words(
        "graph",
        "Mailboxes of Exchange Online, by Microsoft Graph.",
        GRAPH_OWN,
        GRAPH_ANYWHERE,
        sources=("csv", "ldap", "entra_group"),
    ),
    "exchange": _words("exchange", "Mailboxes of Exchange Server, by EWS.", EXCHANGE_OWN, EXCHANGE_ANYWHERE),
    "maildir": _words("maildir", "Archives on disk.", {}, MAILDIR_ANYWHERE),
}
