"""Each mistake is one sentence that names the file, the line, the key, what is wrong and what to write."""

import stat
from pathlib import Path

import pytest

from tests.unit.config_room import ANNA, IMAP, Room


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


# the text, then what is told about it, in order
MISTAKES = {
    "unknown key": (
        "[organisation]\ntimezon = 1",
        ["crm-agent.toml:2: organisation.timezon: unknown key timezon, write timezone"],
    ),
    "unknown key like nothing": (
        "[policy]\nxyzzy = 1",
        ["crm-agent.toml:2: policy.xyzzy: unknown key xyzzy, remove it"],
    ),
    "unknown table": (
        "[organization]",
        ["crm-agent.toml:1: organization: unknown key organization, write organisation"],
    ),
    "one connector as a table": (
        "[connectors]\nname = 1",
        ["crm-agent.toml:1: connectors: a table stands where a list of tables belongs, write [[connectors]]"],
    ),
    "a value where a table belongs": (
        "policy = 3",
        ["crm-agent.toml:1: policy: a number stands where a table belongs, write [policy]"],
    ),
    "wrong type": (
        '[reminders]\nper_day = "5"',
        ["crm-agent.toml:2: reminders.per_day: a text stands where a whole number belongs, write one from 1 to 100"],
    ),
    "truth is no number": (
        "[reminders]\nper_day = true",
        [
            "crm-agent.toml:2: reminders.per_day: true or false stands where a whole number belongs, "
            "write one from 1 to 100"
        ],
    ),
    "choice": (
        '[policy]\ncapture = "all"',
        ['crm-agent.toml:2: policy.capture: "all" is none of the choices, write metadata, subject or full'],
    ),
    "in a list, on the element's own line": (
        '[policy]\nskip = [\n  "bulk",\n  "bulky",\n]',
        [
            'crm-agent.toml:4: policy.skip: "bulky" is none of the choices, '
            "write internal-only, bulk, auto-reply or bounce"
        ],
    ),
    "Windows zone": (
        '[organisation]\ntimezone = "W. Europe Standard Time"',
        [
            'crm-agent.toml:2: organisation.timezone: "W. Europe Standard Time" is no IANA time zone, '
            'write "Europe/Berlin"'
        ],
    ),
    "zone with a slip": (
        '[organisation]\ntimezone = "Europe/Berlln"',
        ['crm-agent.toml:2: organisation.timezone: "Europe/Berlln" is no IANA time zone, write "Europe/Berlin"'],
    ),
    "zone that leads out of its folder": (
        '[organisation]\ntimezone = "../../etc/passwd"',
        [
            'crm-agent.toml:2: organisation.timezone: "../../etc/passwd" is no IANA time zone, '
            'write one such as "Europe/Berlin"'
        ],
    ),
    "country": (
        '[organisation]\ncountry = "de"',
        ['crm-agent.toml:2: organisation.country: the holidays of "de" are not known, write "DE"'],
    ),
    "day in quotes": (
        '[organisation]\nclosed = ["2026-12-24"]',
        [
            "crm-agent.toml:2: organisation.closed: a text stands where a day belongs, "
            "write a date without quotes, such as 2026-01-31"
        ],
    ),
    "span": (
        '[policy]\nalert_after = "30 minutes"',
        [
            'crm-agent.toml:2: policy.alert_after: "30 minutes" is no span of time, '
            'write a number and s, m, h, d or w, such as "30m" or "30d"'
        ],
    ),
    "no span at all": (
        '[reminders]\nmax_age = "0d"',
        [
            'crm-agent.toml:2: reminders.max_age: "0d" is no span of time, '
            'write a number and s, m, h, d or w, such as "30m" or "30d"'
        ],
    ),
    "working days": (
        '[reminders]\nflagged = { after = "3d" }',
        ['crm-agent.toml:2: reminders.flagged.after: "3d" is no number of working days, write "3 working days"'],
    ),
    "rule as a number": (
        "[reminders]\nflagged = 3",
        ['crm-agent.toml:2: reminders.flagged: is no rule, write true, false or { after = "3 working days" }'],
    ),
    "clock": ('[reminders]\nat = "8:30"', ['crm-agent.toml:2: reminders.at: "8:30" is no time of day, write "08:30"']),
    "pattern that matches nothing": (
        '[policy]\nnever_log = ["lawyer.example"]',
        [
            'crm-agent.toml:2: policy.never_log: "lawyer.example" can match no address, '
            'write "*@lawyer.example" or an address'
        ],
    ),
    "domain with an at sign": (
        '[organisation]\ndomains = ["@ourfirm.example"]',
        ['crm-agent.toml:2: organisation.domains: "@ourfirm.example" is no domain, write "ourfirm.example"'],
    ),
    "negative retention": (
        "[policy]\nretention_days = -1",
        ["crm-agent.toml:2: policy.retention_days: -1 is out of range, write a number from 0 to 36500"],
    ),
    "rule without settings": (
        "[reminders]\npromise = 3",
        ["crm-agent.toml:2: reminders.promise: is no rule, write true or false"],
    ),
    "more than a locked capture": (
        '[policy]\ncapture = "subject"\ncapture_locked = true\n[[connectors]]\nname = "a"\ntype = "maildir"\n'
        'mailboxes = [{ address = "di@ourfirm.example", path = ".", capture = "full" }]',
        [
            'crm-agent.toml:7: connectors.mailboxes.capture: "full" keeps more than policy.capture, which is locked, '
            'write "subject" or less, or remove it'
        ],
    ),
    "spans by stage": (
        '[reminders]\ngone_quiet = { stages = { lost = false, lead = "soon" } }',
        [
            'crm-agent.toml:2: reminders.gone_quiet.stages.lead: "soon" is no span of time, '
            'write a number and s, m, h, d or w, such as "30m" or "30d"'
        ],
    ),
    "fields as a list": (
        '[reminders]\nkey_date = { fields = ["birthday"] }',
        ['crm-agent.toml:2: reminders.key_date.fields: a list stands where a table belongs, write { name = "30d" }'],
    ),
    "quantile": (
        "[reminders]\nlate_order = { quantile = 1 }",
        ["crm-agent.toml:2: reminders.late_order.quantile: 1 is out of range, write a share from 0.5 to 0.999"],
    ),
    "a feed on a name": (
        '[reminders]\nfeed = { host = "localhost" }',
        ['crm-agent.toml:2: reminders.feed.host: "localhost" is no IP address, write one such as "127.0.0.1"'],
    ),
    "meetings from a server in plain text": (
        '[reminders]\nmeetings = "http://dav.ourfirm.example/anna/"',
        [
            "crm-agent.toml:2: reminders.meetings: http:// would send everything to dav.ourfirm.example "
            "readable by all, write https://"
        ],
    ),
    "type": (
        '[[connectors]]\nname = "x"\ntype = "imaps"',
        ['crm-agent.toml:3: connectors.type: "imaps" is no type of connector, write "imap"'],
    ),
    "no type": (
        '[[connectors]]\nname = "x"',
        ['crm-agent.toml:1: connectors: type is missing, write type = "imap", "graph", "exchange" or "maildir"'],
    ),
    "a technical user without a name": (
        '[[connectors]]\nname = "x"\ntype = "imap"\nhost = "localhost"\nmaster = { username = 0 }\n'
        'mailboxes = [{ address = "di@ourfirm.example", password = { env = "PATH" } }]',
        ["crm-agent.toml:5: connectors.master.username: a number stands where a text belongs, write a text in quotes"],
    ),
    "connector that is no table": (
        "connectors = [3]",
        ["crm-agent.toml:1: connectors: is no connector, write [[connectors]]"],
    ),
    "syntax": ("[policy]\ncapture = full\n", ["crm-agent.toml:2: this is not TOML: invalid value"]),
    "key twice": ("a = 1\na = 2\n", ["crm-agent.toml:2: this is not TOML: cannot overwrite a value"]),
    "brackets without end": ("a = " + "[" * 5000, ["crm-agent.toml: brackets or dotted keys are nested too deeply"]),
    "dots without end": ("[" + "a." * 20000 + "b]", ["crm-agent.toml: brackets or dotted keys are nested too deeply"]),
}


@pytest.mark.parametrize(("text", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_each_mistake_has_its_sentence(room: Room, text: str, told: list[str]) -> None:
    assert room.told(text) == told


# what is added to a sound connector of one mailbox, on line 7, or to its mailbox, from line 10 on
SERVER_MISTAKES = {
    "plain text off loopback": (
        'security = "none"',
        "",
        [
            "crm-agent.toml:7: connectors.security: mail and passwords would reach imap.ourfirm.example in plain text, "
            'write "tls" or "starttls"'
        ],
    ),
    "ca file": (
        'ca_file = "none.pem"',
        "",
        ["crm-agent.toml:7: connectors.ca_file: there is no file none.pem that can be read, write the path of one"],
    ),
    "port": (
        "port = 70000",
        "",
        ["crm-agent.toml:7: connectors.port: 70000 is out of range, write a number from 1 to 65535"],
    ),
    "poll": (
        "poll_seconds = 0",
        "",
        ["crm-agent.toml:7: connectors.poll_seconds: 0 is out of range, write a number from 5 to 86400"],
    ),
    "folders as a text": (
        'folders = "INBOX"',
        "",
        ['crm-agent.toml:7: connectors.folders: a text stands where a list belongs, write ["INBOX"]'],
    ),
    "role": (
        'folders = { roles = ["outbox"] }',
        "",
        [
            'crm-agent.toml:7: connectors.folders.roles: "outbox" is none of the choices, '
            "write inbox, sent, archive, all, drafts, junk or trash"
        ],
    ),
    "secret in plain text": (
        "",
        'password = "hunter2"',
        [
            "crm-agent.toml:10: connectors.mailboxes.password: a secret in plain text, "
            'write { env = "NAME" }, { file = "…" } or { keyring = "service/user" }'
        ],
    ),
    "secret by two references": (
        "",
        'password = { env = "A", file = "b" }',
        [
            "crm-agent.toml:10: connectors.mailboxes.password: is no reference to one secret, "
            'write { env = "NAME" }, { file = "…" } or { keyring = "service/user" }'
        ],
    ),
    "secret not set": (
        "",
        'password = { env = "CRM_TEST_UNSET" }',
        [
            "crm-agent.toml:10: connectors.mailboxes.password: environment variable CRM_TEST_UNSET is not set: "
            "set it for the service, or use a file"
        ],
    ),
    "secret file missing": (
        "",
        'password = { file = "none" }',
        [
            "crm-agent.toml:10: connectors.mailboxes.password: secret file none cannot be read: "
            "No such file or directory; make it a file of one line that the service alone can read (chmod 600)"
        ],
    ),
    "secret file of others": (
        "",
        'password = { file = "open" }',
        [
            "crm-agent.toml:10: connectors.mailboxes.password: secret file open can be read by others: "
            "run chmod 600 open"
        ],
    ),
    "keyring without user": (
        "",
        'password = { keyring = "service" }',
        [
            "crm-agent.toml:10: connectors.mailboxes.password: names no keyring entry, "
            'write { keyring = "service/user" }'
        ],
    ),
    "password and token": (
        "",
        'password = { file = "secret" }\noauth = { provider = "google", client_id = "c" }',
        ["crm-agent.toml:11: connectors.mailboxes.oauth: stands beside a password, remove one of the two"],
    ),
    "token without what it needs": (
        "",
        'oauth = { provider = "microsoft", client_id = "c", flow = "client-credentials" }',
        [
            "crm-agent.toml:10: connectors.mailboxes.oauth: client_secret is missing, write client_secret = …",
            "crm-agent.toml:10: connectors.mailboxes.oauth: tenant_id is missing, write tenant_id = …",
        ],
    ),
    "master with token": (
        'master = { username = "crm" }',
        'oauth = { provider = "google", client_id = "c" }',
        [
            "crm-agent.toml:10: connectors.mailboxes.oauth: a master user signs in by password, "
            "write its password instead"
        ],
    ),
    "alias of itself": (
        "",
        'aliases = ["ANNA@ourfirm.example"]',
        [
            'crm-agent.toml:10: connectors.mailboxes.aliases: "ANNA@ourfirm.example" is named already at '
            "crm-agent.toml:9, name it once"
        ],
    ),
    "calendar without type": (
        "",
        "calendar = { url = 'https://dav.example/a/' }",
        ["crm-agent.toml:10: connectors.mailboxes.calendar: type is missing, write type = …"],
    ),
    "calendar without url": (
        "",
        "calendar = { type = 'caldav' }",
        ["crm-agent.toml:10: connectors.mailboxes.calendar: url is missing, write url = …"],
    ),
    "calendar of its own, where there is none": (
        "",
        "calendar = { type = 'own' }",
        [
            "crm-agent.toml:10: connectors.mailboxes.calendar: only graph and exchange mailboxes have a calendar of "
            "their own, write caldav or ics"
        ],
    ),
    "calendar with another one's key": (
        "",
        "calendar = { type = 'ics', path = 'a', url = 'https://dav.example/a/' }",
        ["crm-agent.toml:10: connectors.mailboxes.calendar.url: url does not belong to ics calendars, remove it"],
    ),
    "calendar in plain text": (
        "",
        "calendar = { type = 'caldav', url = 'http://dav.example/a/' }",
        [
            "crm-agent.toml:10: connectors.mailboxes.calendar.url: http:// would send everything to dav.example "
            "readable by all, write https://"
        ],
    ),
    "name in the url": (
        "",
        "calendar = { type = 'caldav', url = 'https://anna:pw@dav.example/a/' }",
        [
            "crm-agent.toml:10: connectors.mailboxes.calendar.url: holds a name or password, "
            "write them as username = … and password = { env = … }"
        ],
    ),
    "unknown placeholder": (
        "",
        "calendar = { type = 'caldav', url = 'https://dav.example/{user}/' }",
        [
            "crm-agent.toml:10: connectors.mailboxes.calendar.url: unknown placeholder {user}, "
            "write {address} or {local}"
        ],
    ),
}


@pytest.mark.parametrize(("server", "mailbox", "told"), SERVER_MISTAKES.values(), ids=SERVER_MISTAKES.keys())
def test_each_mistake_about_a_mailbox_has_its_sentence(
    room: Room, monkeypatch: pytest.MonkeyPatch, server: str, mailbox: str, told: list[str]
) -> None:
    monkeypatch.delenv("CRM_TEST_UNSET", raising=False)
    room.secret("open", "x", stat.S_IRUSR | stat.S_IROTH)
    assert room.told(IMAP + (server or "# sound") + ANNA + mailbox) == told


def test_a_secret_in_plain_text_is_never_repeated(room: Room) -> None:
    text = IMAP + ANNA + 'password = "hunter2"\n[store]\nurl = "postgresql+psycopg://u:hunter2@h/d"\nkey = "hunter2"'
    told = room.told(text)
    assert len(told) == 3
    assert not any("hunter2" in sentence for sentence in told)


def test_a_connector_that_lacks_what_it_needs_is_told_at_its_heading(room: Room) -> None:
    assert room.told('\n[[connectors]]\ntype = "imap"\n') == [
        "crm-agent.toml:2: connectors: host is missing, write host = …",
        "crm-agent.toml:2: connectors: name is missing, write name = …",
    ]
    assert room.told(IMAP.replace("password", "#") + ANNA) == [
        'crm-agent.toml:8: connectors.mailboxes: has neither password nor oauth, write password = { env = "NAME" }'
    ]


def test_one_mistake_that_touches_many_mailboxes_is_told_once(room: Room) -> None:
    boxes = "".join(f'[[connectors.mailboxes]]\naddress = "u{n}@x.example"\n' for n in range(50))
    told = room.told(IMAP.replace('file = "secret"', 'env = "CRM_TEST_UNSET"') + boxes)
    assert len(told) == 1
    assert told[0].startswith("crm-agent.toml:6: connectors.password: environment variable CRM_TEST_UNSET is not set")
