"""The folder of the demo: an address book, mailboxes, secrets, and a configuration like anybody else's."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from agent.demo.people import OWN_DOMAIN, TEAM, Salesperson, write_contacts
from agent.demo.servers import LOOPBACK, Servers

DAYS_BACK: Final = 75
"""How far back mail is read; the mailboxes go back further, so that some of it lies before the start."""

_HEAD: Final = """\
# The sample team of `crm-agent demo`. It is a configuration like any other: two things are possible only because
# both servers are on this machine, mail without TLS and a calendar by http.

[organisation]
domains  = ["{domain}"]
timezone = "Europe/Berlin"
country  = "DE"

[store]
url = "sqlite:///crm-agent.db"

[policy]
capture   = "full"
never_log = ["*@kanzlei-weiss.example"]

[reminders]
at = "08:30"
waiting_for_them = {{ after = "3 working days" }}
flagged          = {{ after = "3 working days" }}

[[connectors]]
name         = "sample-mail"
type         = "imap"
host         = "{host}"
port         = {port}
security     = "none"
since        = {since:%Y-%m-%d}
poll_seconds = 5
"""

_MAILBOX: Final = """
  [[connectors.mailboxes]]
  address  = "{one.email}"
  username = "{one.login}"
  password = {{ file = "secrets/{one.login}" }}
  timezone = "{one.timezone}"
  [connectors.mailboxes.calendar]
  type     = "caldav"
  url      = "{calendar}"
  username = "{one.login}"
  password = {{ file = "secrets/{one.login}" }}
"""


def write_configuration(folder: Path, servers: Servers, now: datetime) -> Path:
    """crm-agent.toml, contacts.csv and a secret file a person (0600); returns the path of the first."""
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    for login, password in servers.passwords.items():
        path = secrets / login
        path.touch(mode=0o600)
        path.write_text(password + "\n")
    write_contacts(folder / "contacts.csv")
    config = folder / "crm-agent.toml"
    since = now - timedelta(days=DAYS_BACK)
    head = _HEAD.format(domain=OWN_DOMAIN, host=LOOPBACK, port=servers.imap_port, since=since)
    config.write_text(head + "".join(_mailbox(one, servers) for one in TEAM), encoding="utf-8")
    return config


def _mailbox(one: Salesperson, servers: Servers) -> str:
    return _MAILBOX.format(one=one, calendar=servers.calendar_url(one.login))
