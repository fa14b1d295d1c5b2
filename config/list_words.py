"""The words of `mailboxes_from`: a list of mailboxes that somebody else keeps."""

from collections.abc import Collection

from config.form import Form, Key, many, table
from config.kinds import address, span, text, whole
from config.personal import directory_url, existing_file, path, secret
from config.reading import Kind

LDAP = Form(
    about="A directory: everybody with a mail address below one of its entries.",
    keys={
        "url": Key(
            kind=directory_url, about="ldaps://HOST or ldaps://HOST:PORT; ldap:// on loopback alone.", required=True
        ),
        "base": Key(kind=text, about="Entry below which people are looked for.", required=True),
        "filter": Key(kind=text, about="Who counts (RFC 4515).", default="(&(objectClass=person)(mail=*))"),
        "username": Key(kind=text, about="Name to sign in with: a DN or, in Active Directory, user@domain."),
        "password": Key(kind=secret, about="Password, by reference."),
        "ca_file": Key(kind=existing_file, about="Certificates of your own authority, PEM."),
    },
)

_SOURCES = {
    "csv": Key(kind=path, about="File with the columns address, aliases, timezone, capture, since."),
    "ldap": Key(kind=table(LDAP), about=LDAP.about),
    "entra_group": Key(kind=text, about="Object id of a group; members of groups inside it count too."),
}
SOURCES = tuple(_SOURCES)

MAILBOXES_FROM = Form(
    about="A list of mailboxes that somebody else keeps; who joins it is read, who leaves it no more.",
    keys={
        **_SOURCES,
        "exclude": Key(kind=many(address), about="Mailboxes that are never read, listed or not."),
        "every": Key(kind=span, about="How often `crm-agent run` looks at the list.", default="1h"),
        "most_change": Key(
            kind=whole(1, 100_000),
            about="A list with more joiners and leavers at a time changes nothing and alerts.",
            default=10,
        ),
    },
)


def mailboxes_from(sources: Collection[str]) -> Kind:
    """A list by one of these sources; the others are keys that this connector does not know."""
    keys = {name: key for name, key in MAILBOXES_FROM.keys.items() if name not in SOURCES or name in sources}
    return table(Form(about=MAILBOXES_FROM.about, keys=keys))
