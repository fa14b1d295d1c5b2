"""The words of the configuration file: every table, every key, its kind, its default and what it is for.

The checks, the JSON Schema and the editor's completion are all made from these. What the keys of a connector mean
together is decided in `config.mailboxes`.
"""

from config.combined import folders, working_week
from config.form import Form, Key, many, table
from config.kinds import (
    address,
    address_pattern,
    choice,
    clock,
    day,
    domain,
    host,
    since,
    span,
    text,
    whole,
    yes_no,
    zone,
)
from config.personal import (
    collection_url,
    existing_file,
    path,
    personal_text,
    secret,
    web_url,
)
from config.rules import FEED, MEETINGS, RULE_KEYS

ROLES = ("inbox", "sent", "archive", "all", "drafts", "junk", "trash")
LATER_CONNECTOR_KEYS = frozenset({"mailboxes_from", "must_refuse"})

ORGANISATION = Form(
    about="Your firm.",
    keys={
        "domains": Key(kind=many(domain), about="Your own mail domains. Mail only between these is internal."),
        "timezone": Key(kind=zone, about="IANA time zone that applies where a mailbox names none.", default="UTC"),
        "country": Key(kind=text, about="Country whose public holidays are no working days, such as DE."),
        "working_days": Key(
            kind=working_week,
            about="Days on which work is done.",
            default=["monday", "tuesday", "wednesday", "thursday", "friday"],
        ),
        "closed": Key(kind=many(day), about="Further days on which nobody works."),
    },
)

STORE = Form(
    about="The database.",
    keys={
        "url": Key(
            kind=text,
            about="sqlite:///FILE (a relative one starts at this file's folder) or postgresql+psycopg://USER@HOST/NAME.",
            default="sqlite:///crm-agent.db",
        ),
        "password": Key(kind=secret, about="Password of the PostgreSQL user in the URL."),
        "key": Key(
            kind=secret,
            about="Key for keyed hashes and stored tokens. Default: installation.key beside an SQLite file.",
        ),
    },
)

CATEGORIES = Form(
    about="Outlook categories or IMAP keywords by which a salesperson steers. The agent only reads them.",
    keys={
        "log": Key(kind=text, about="Mail with it is logged.", default="CRM"),
        "private": Key(kind=text, about="Mail with it is never logged.", default="Private"),
        "remove": Key(kind=text, about="Mail with it is taken out of the history.", default="Not CRM"),
    },
)

CAPTURE = choice("metadata", "subject", "full")
SKIPS = ("internal-only", "bulk", "auto-reply", "bounce")
POLICY = Form(
    about="What is kept, who may read it, how long.",
    keys={
        "capture": Key(kind=CAPTURE, about="How much of a matching mail is kept.", default="full"),
        "visible_to": Key(
            kind=choice("owner", "team", "everyone"), about="Who may read another person's text.", default="owner"
        ),
        "create_contacts": Key(
            kind=choice("never", "when-we-write", "always"),
            about="Whether strangers become contacts; never internal, bulk, bounce or role senders.",
            default="never",
        ),
        "skip": Key(kind=many(choice(*SKIPS)), about="Kinds of mail that are not logged.", default=list(SKIPS)),
        "never_log": Key(
            kind=many(address_pattern), about="Addresses whose mail is never logged; * stands for anything."
        ),
        "categories": Key(kind=table(CATEGORIES), about=CATEGORIES.about),
        "match_names": Key(
            kind=choice("log", "review"),
            about="What happens to a full name at the contact's own company domain.",
            default="log",
        ),
        "read_forwards": Key(
            kind=yes_no, about="Look inside forwards from your own people for the customer who wrote.", default=True
        ),
        "newcomers": Key(
            kind=choice("read", later=("wait",)), about="What happens to a mailbox seen first.", default="read"
        ),
        "retention_days": Key(
            kind=whole(0, 36500), about="Days until an interaction is deleted. 0 keeps it for ever.", default=1095
        ),
        "explain_days": Key(
            kind=whole(1, 3650), about="Days until the hashes of skipped mail go; counts stay.", default=90
        ),
        "alert_after": Key(kind=span, about="How far a mailbox may be behind.", default="30m"),
    },
)

REMINDERS = Form(
    about="Which reminders are made, and how they stand in the calendar. A rule that is not named is off.",
    keys={
        "at": Key(kind=clock, about="Time of day of the items, in the mailbox's time zone.", default="08:30"),
        "per_day": Key(kind=whole(1, 100), about="Most items a person and day; the rest is bundled.", default=5),
        "max_age": Key(kind=span, about="Older reasons make no reminder.", default="30d"),
        "meetings": MEETINGS,
        "feed": FEED,
        **RULE_KEYS,
    },
)

OAUTH = Form(
    about="Sign-in by token instead of a password.",
    keys={
        "provider": Key(kind=choice("microsoft", "google", "custom"), about="Whose sign-in."),
        "client_id": Key(kind=text, about="Id of the application registered there."),
        "tenant_id": Key(kind=text, about="Microsoft tenant."),
        "client_secret": Key(kind=secret, about="Secret of the application."),
        "token_url": Key(kind=web_url, about="Token endpoint of a custom provider."),
        "device_url": Key(kind=web_url, about="Device authorisation endpoint of a custom provider."),
        "scope": Key(kind=text, about="Scopes to ask for, separated by blanks."),
        "flow": Key(
            kind=choice("device", "client-credentials"),
            about="device: each person signs in once. client-credentials: the application signs in.",
            default="device",
        ),
    },
)

MASTER = Form(
    about="One technical user that opens other people's mailboxes.",
    keys={
        "username": Key(kind=text, about="Name of the technical user.", required=True),
        "how": Key(
            kind=choice("authzid", "separator"),
            about="authzid: SASL PLAIN on behalf of the mailbox. separator: signs in as user*master.",
            default="authzid",
        ),
        "separator": Key(kind=text, about="What stands between the two names.", default="*"),
    },
)

CALENDAR = Form(
    about="Where reminders are written.",
    keys={
        "type": Key(kind=choice("caldav", "ics", later=("own", "graph", "exchange")), about="Kind of calendar."),
        "url": Key(kind=collection_url, about="caldav: the collection. {address} and {local} are filled in."),
        "username": Key(kind=personal_text, about="caldav: name to sign in with. Default: the mailbox's address."),
        "password": Key(kind=secret, about="caldav: password, by reference."),
        "ca_file": Key(kind=existing_file, about="caldav: certificates of your own authority."),
        "path": Key(kind=path, about="ics: folder that holds one .ics file an item."),
    },
)

ANYWHERE = {
    "timezone": Key(kind=zone, about="IANA time zone of the salesperson. Default: the organisation's."),
    "capture": Key(kind=CAPTURE, about="How much of a matching mail is kept. Default: the policy's."),
    "since": Key(kind=since, about="How far back mail is read: a date, or a span fixed at the first sync."),
    "folders": Key(kind=folders(ROLES), about="Folders to read. Default: all personal ones but Trash, Junk, Drafts."),
    "poll_seconds": Key(kind=whole(5, 86400), about="Seconds between two looks.", default=60),
    "calendar": Key(kind=table(CALENDAR), about=CALENDAR.about),
    "reminders": Key(kind=table(REMINDERS), about="Overrides of [reminders]."),
}
"""Keys of a connector, of its defaults and of a mailbox: the nearest to the mailbox wins."""

IMAP_ANYWHERE = {
    "username": Key(kind=personal_text, about="Name to sign in with. Default: the address.", default="{address}"),
    "password": Key(kind=secret, about="Password, by reference."),
    "oauth": Key(kind=table(OAUTH), about=OAUTH.about),
    **ANYWHERE,
}
MAILDIR_ANYWHERE = {"path": Key(kind=path, about="A Maildir, an mbox file or a folder of .eml files."), **ANYWHERE}

WHO = {
    "address": Key(kind=address, about="The mailbox's address, as its owner writes it.", required=True),
    "aliases": Key(kind=many(address), about="Further addresses of the same person."),
}


def _connector(kind: str, about: str, own: dict[str, Key], anywhere: dict[str, Key]) -> Form:
    defaults = Form(about="Values for all mailboxes of this connector.", keys=anywhere)
    mailbox = Form(about="One mailbox.", keys={**WHO, **anywhere})
    return Form(
        about=about,
        keys={
            "name": Key(kind=text, about="Name of the connector, once in all files.", required=True),
            "type": Key(kind=choice(kind), about="Kind of connector.", required=True),
            **own,
            **anywhere,
            "defaults": Key(kind=table(defaults), about=defaults.about),
            "mailboxes": Key(kind=many(table(mailbox)), about="The mailboxes to read."),
        },
        later=LATER_CONNECTOR_KEYS,
    )


IMAP = _connector(
    "imap",
    "Mailboxes on an IMAP server.",
    {
        "host": Key(kind=host, about="Name of the server.", required=True),
        "port": Key(kind=whole(1, 65535), about="Default: 993 with tls, else 143."),
        "security": Key(kind=choice("tls", "starttls", "none"), about="none is for loopback alone.", default="tls"),
        "ca_file": Key(kind=existing_file, about="Certificates of your own authority, PEM."),
        "master": Key(kind=table(MASTER), about=MASTER.about),
    },
    IMAP_ANYWHERE,
)
MAILDIR = _connector("maildir", "Archives on disk.", {}, MAILDIR_ANYWHERE)

CONNECTORS = {"imap": IMAP, "maildir": MAILDIR}
LATER_CONNECTORS = ("graph", "exchange")

MAIN = {
    "organisation": ORGANISATION,
    "store": STORE,
    "policy": POLICY,
    "reminders": REMINDERS,
}
"""The tables of the main file; `connectors` is the list beside them."""
