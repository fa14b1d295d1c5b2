"""The words of the configuration file: every table, every key, its kind, its default and what it is for.

The checks, the JSON Schema and the editor's completion are all made from these. What the keys of a connector mean
together is decided in `config.mailboxes`. The connectors' own words are in `config.connector_words`.
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
    own_name,
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
        "suggest_contacts": Key(
            kind=yes_no,
            about="Note people you write to who are no contacts, and likely addresses of contacts, to be accepted.",
            default=False,
        ),
        "erased_list": Key(
            kind=path,
            about="Second list of who was erased, in hashes. Default: erased.list beside the key.",
        ),
        "capture_locked": Key(
            kind=yes_no, about="No mailbox may keep more than `capture` says; less it always may.", default=False
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
            kind=choice("read", "wait"),
            about="wait: a mailbox seen first is read only after `crm-agent mailboxes approve`.",
            default="read",
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
        "type": Key(
            kind=choice("caldav", "ics", "own", "none"),
            about="Kind of calendar. own: the mailbox's, the default of graph and exchange. none: no calendar at all.",
        ),
        "url": Key(kind=collection_url, about="caldav: the collection. {address} and {local} are filled in."),
        "username": Key(kind=personal_text, about="caldav: name to sign in with. Default: the mailbox's address."),
        "password": Key(kind=secret, about="caldav: password, by reference."),
        "ca_file": Key(kind=existing_file, about="caldav: certificates of your own authority."),
        "path": Key(kind=path, about="ics: folder that holds one .ics file an item."),
        "name": Key(kind=text, about="own: name of the calendar. Default: the mailbox's main calendar."),
        "create": Key(kind=yes_no, about="own: make the named calendar where it is missing.", default=False),
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

WHO = {
    "address": Key(kind=address, about="The mailbox's address, as its owner writes it.", required=True),
    "aliases": Key(kind=many(own_name), about="Further addresses of the same person, Exchange's /o=… names too."),
}


PUSH = Form(
    about="Exchange Online tells at once of news in a mailbox. Without it mailboxes are polled, with the same result.",
    keys={
        "url": Key(kind=collection_url, about="How Microsoft reaches us: https, a proxy in front of host and port."),
        "host": Key(kind=host, about="Address to listen on.", default="127.0.0.1"),
        "port": Key(kind=whole(1, 65535), about="Port to listen on, without TLS.", default=8423),
    },
)

MAIN = {
    "organisation": ORGANISATION,
    "store": STORE,
    "policy": POLICY,
    "reminders": REMINDERS,
    "push": PUSH,
}
"""The tables of the main file; `connectors` is the list beside them."""
