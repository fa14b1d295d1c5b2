"""Fills the folder that pymap serves, before it starts: faster than handing it hundreds of messages by IMAP.

The layout is Maildir++ with Dovecot's `dovecot-uidlist` (version 3), which gives UIDs in the order of arrival, and
`dovecot-keywords`; pymap reads both.
"""

import os
import secrets
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from agent.demo.team import Delivery

KEYWORDS: Final = ("Private", "CRM")
"""IMAP keywords that the folders know; the categories of a default configuration."""
_LETTERS: Final = {"\\Draft": "D", "\\Flagged": "F", "\\Seen": "S", **{w: chr(97 + n) for n, w in enumerate(KEYWORDS)}}


def fill(base: Path, deliveries: Sequence[Delivery]) -> None:
    """Writes every message below `base`/<login>; `deliveries` are in the order of arrival."""
    by_place = sorted(deliveries, key=lambda one: (one.login, one.folder))
    for (login, folder), messages in groupby(by_place, key=lambda one: (one.login, one.folder)):
        home = base / login
        _fill_folder(home if folder == "INBOX" else home / ("." + folder.replace("/", ".")), messages)


def _fill_folder(path: Path, messages: Iterable[Delivery]) -> None:
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True, exist_ok=True)
    names = [_write(path / "cur", number, one) for number, one in enumerate(messages, start=1)]
    validity = secrets.randbelow(2**31 - 1) + 1
    lines = [f"3 V{validity} N{len(names) + 1} G{secrets.token_hex(16)}"]
    lines += [f"{uid} EM{secrets.token_hex(16)} :{name}" for uid, name in enumerate(names, start=1)]
    (path / "dovecot-uidlist").write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    (path / "dovecot-keywords").write_text("".join(f"{n} {word}\n" for n, word in enumerate(KEYWORDS)))
    (path / "maildirfolder").touch()


def _write(cur: Path, number: int, one: Delivery) -> str:
    seconds = int(one.received.timestamp())
    flags = "".join(sorted(_LETTERS[flag] for flag in one.flags))
    name = f"{seconds}.M{number}.demo:2,{flags}"
    path = cur / name
    path.write_bytes(one.raw)
    os.utime(path, (seconds, seconds))
    return name
