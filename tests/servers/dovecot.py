"""Dovecot 2.3 in a temporary folder: the IMAP server most of our users' mail lies on.

One instance serves a whole test run; `user()` makes a fresh isolated mailbox in milliseconds. A test that needs a
server with other manners (few connections, missing capabilities, a wrong certificate) starts its own instance.

Hidden capabilities are only not announced: Dovecot still understands the commands. A client that asks for what was not
announced is caught by the proxy's command counters, not by an error.
"""

import grp
import os
import pwd
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.servers.certs import Authority, ServerCertificate
from tests.servers.lab_server import LabServer
from tests.servers.mailuser import BulkMessage, MailUser
from tests.servers.process import ROOT, answers, free_port, program, remove_folder
from tests.servers.tokens import TokenServer

Storage = Literal["maildir", "mdbox"]
_LOCATIONS = {"maildir": "maildir:~/Maildir", "mdbox": "mdbox:~/mdbox"}
_MAIL_ID = 5000
"""Owner of the mail when root starts the server: any id but 0 will do, it needs no entry in the system's list."""

CAPABILITIES = (
    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS "
    "THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED "
    "I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE "
    "SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE"
)
"""What Dovecot 2.3 announces after login."""


@dataclass(frozen=True, kw_only=True)
class DovecotUser(MailUser):
    """A mailbox on a Dovecot of the lab, with what only its administrator can do."""

    server: "Dovecot"

    def set_uidvalidity(self, folder: str, value: int) -> None:
        """Renumber a folder's namespace: same mail and UIDs under another UIDVALIDITY, higher or lower."""
        self.server.doveadm("mailbox", "update", "-u", self.username, "--uid-validity", str(value), folder)

    def set_next_uid(self, folder: str, value: int) -> None:
        """The next message gets at least this UID."""
        self.server.doveadm("mailbox", "update", "-u", self.username, "--min-next-uid", str(value), folder)

    def set_password(self, password: str) -> None:
        """Let the server want another password from now on. This object goes on with the old one."""
        self.server.change_password(self.username, password)

    def kick(self) -> None:
        """The server ends all sessions of this user."""
        self.server.doveadm("kick", self.username, accept=(0, 68))  # 68: nobody was there


class Dovecot(LabServer):
    """A running server.

    max_connections: sessions one user may hold from one address (the distribution's default is 10).
    hide: capabilities to leave out. capabilities: the whole list instead. certificate: another than the authority's.
    storage: default for users. separator: between folder levels. prefix: of the personal namespace ("INBOX/" …).
    plaintext: may passwords be sent without TLS. extra: more lines of configuration.
    """

    def __init__(
        self,
        authority: Authority,
        *,
        max_connections: int = 100,
        hide: Sequence[str] = (),
        capabilities: Sequence[str] | None = None,
        certificate: ServerCertificate | None = None,
        storage: Storage = "maildir",
        separator: str = "/",
        prefix: str = "",
        plaintext: bool = True,
        extra: str = "",
    ) -> None:
        self._binary, self._doveadm = program("dovecot"), program("doveadm")
        program("lmtp", Path("/usr/lib/dovecot"), Path("/usr/libexec/dovecot"))
        self.ca_file, self.host, self.storage = authority.ca_file, "127.0.0.1", storage
        self.master_username, self.master_password = "master", "master-secret"
        super().__init__("dovecot")
        self.tokens = TokenServer(authority)
        self._options = {
            "max_connections": str(max_connections),
            "capability": _capability_line(hide, capabilities),
            "separator": separator,
            "prefix": prefix,
            "disable_plaintext": "no" if plaintext else "yes",
            "extra": extra,
            "ca": str(authority.ca_file),
            "certificate": str((certificate or authority.server).certificate),
            "key": str((certificate or authority.server).key),
        }
        self._users: dict[str, str] = {}
        self.begin()

    def close(self) -> None:
        """See LabServer."""
        super().close()
        self.tokens.stop()

    def user(
        self,
        folders: Sequence[str] = ("Sent",),
        *,
        storage: Storage | None = None,
        password: str = "secret",  # noqa: S107  # of a laboratory user
        name: str = "user",
        domain: str = "lab.example",
    ) -> DovecotUser:
        """A fresh user with INBOX and `folders`. Sent, Drafts, Junk, Trash and Archive carry their special use.

        Username and address differ (`user7`, `user7@lab.example`); both are accepted at login, and any `domain`.
        """
        username = f"{name}{len(self._users) + 1}"
        location = _LOCATIONS[storage or self.storage]
        home = f"{self.folder}/home/{username}"
        self._users[username] = f"{{PLAIN}}{password}:{_mail_owner()}::{home}::userdb_mail={location}"
        self._write_user(username)
        user = DovecotUser(
            server=self,
            host=self.host,
            port=self.imap_port,
            lmtp_port=self.lmtp_port,
            username=username,
            password=password,
            address=f"{username}@{domain}",
        )
        for folder in folders:
            if folder != "INBOX":
                user.create(folder)
        return user

    def change_password(self, username: str, password: str) -> None:
        """See DovecotUser.set_password."""
        self._users[username] = f"{{PLAIN}}{password}:{self._users[username].partition(':')[2]}"
        self._write_user(username)
        time.sleep(1.1)  # the server's memory of the file

    def bulk(self, user: MailUser, folder: str, messages: Iterable[BulkMessage]) -> int:
        """Put tens of thousands of (raw, server time, flags) into a folder; how many."""
        return user.append_many(folder, messages)

    def doveadm(self, *arguments: str, accept: Sequence[int] = (0,)) -> str:
        """Run an administrator's command; its output."""
        command = [self._doveadm, "-c", str(self.folder / "dovecot.conf"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode not in accept:
            raise RuntimeError(f"doveadm {arguments[0]} gave {done.returncode}: {done.stderr}")
        return done.stdout

    def _choose_ports(self) -> None:
        self.imap_port, self.imaps_port, self.lmtp_port = free_port(), free_port(), free_port()

    def _configure(self) -> None:
        for folder in ("run", "state", "home", "users"):
            (self.folder / folder).mkdir(exist_ok=True)
        if ROOT:
            os.chown(self.folder / "home", _MAIL_ID, _MAIL_ID)
        remove_folder(self.folder / "run")  # a stale one costs five seconds
        (self.folder / "dovecot.conf").write_text(self._configuration())
        (self.folder / "oauth.conf").write_text(self._oauth_configuration())

    def _command(self) -> Sequence[str]:
        return [self._binary, "-F", "-c", str(self.folder / "dovecot.conf")]

    def _answers(self) -> bool:
        return answers(self.lmtp_port) and answers(self.imaps_port)

    def _write_user(self, username: str) -> None:
        """One file a user: Dovecot looks at most once a second whether a file it knows has changed."""
        path, new = self.folder / "users" / username, self.folder / "user.new"
        new.write_text(f"{username}:{self._users[username]}\n")
        new.rename(path)

    def _configuration(self) -> str:
        internal = "" if ROOT else _own_ids()
        (self.folder / "masters").write_text(f"{self.master_username}:{{PLAIN}}{self.master_password}\n")
        return internal + _TEMPLATE.format(
            folder=self.folder,
            imap_port=self.imap_port,
            imaps_port=self.imaps_port,
            lmtp_port=self.lmtp_port,
            login_chroot="" if ROOT else "chroot =",
            **self._options,
        )

    def _oauth_configuration(self) -> str:
        return (
            f"introspection_mode = post\nintrospection_url = {self.tokens.introspect_url}\n"
            f"tls_ca_cert_file = {self.ca_file}\nusername_attribute = username\n"
            "active_attribute = active\nactive_value = true\nrawlog_dir =\n"
        )


def _capability_line(hide: Sequence[str], capabilities: Sequence[str] | None) -> str:
    if capabilities is None and not hide:
        return ""
    kept = [c for c in (capabilities or CAPABILITIES.split()) if c not in hide]
    return f"imap_capability = {' '.join(kept)}"


def _own_ids() -> str:
    """Without root every service runs as ourselves."""
    me, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    return f"default_internal_user = {me}\ndefault_internal_group = {group}\ndefault_login_user = {me}\n"


def _mail_owner() -> str:
    return f"{_MAIL_ID}:{_MAIL_ID}" if ROOT else f"{os.geteuid()}:{os.getegid()}"


_TEMPLATE = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
listen = 127.0.0.1
protocols = imap lmtp
first_valid_uid = 1
mail_fsync = never
mail_max_userip_connections = {max_connections}
disable_plaintext_auth = {disable_plaintext}
auth_mechanisms = plain login xoauth2 oauthbearer
auth_master_user_separator = *
auth_username_format = %Ln
auth_failure_delay = 0
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
{capability}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
  mailbox Sent {{
    special_use = \\Sent
  }}
  mailbox Drafts {{
    special_use = \\Drafts
  }}
  mailbox Junk {{
    special_use = \\Junk
  }}
  mailbox Trash {{
    special_use = \\Trash
  }}
  mailbox Archive {{
    special_use = \\Archive
  }}
}}
passdb {{
  driver = passwd-file
  master = yes
  args = {folder}/masters
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth.conf
}}
passdb {{
  driver = passwd-file
  args = {folder}/users/%u
}}
userdb {{
  driver = passwd-file
  args = {folder}/users/%u
}}
service imap-login {{
  {login_chroot}
  service_count = 0
  client_limit = 1000
  process_min_avail = 1
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
service auth {{
  client_limit = 4000
}}
service imap {{
  service_count = 100
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
{extra}
"""
