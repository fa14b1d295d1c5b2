"""The second list of the erased, beside the key: hashes and days alone. Why there are two: `agent.people.erasing`."""

import os
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path

from agent.store.errors import Unfit
from agent.store.hashes import SIZE

LIST = "erased.list"
"""The file's name; it lies beside the key."""


def note(path: Path, hashes: Collection[bytes], now: datetime) -> None:
    """Adds to the list, on disk before it returns. Raises Unfit where the file cannot be written."""
    lines = "".join(f"{one.hex()} {now.date().isoformat()}\n" for one in sorted(hashes))
    try:
        handle = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "a") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Unfit(
            f"{path} cannot be written: {error.strerror}; let the service write there, or name another file as "
            "policy.erased_list: without this list a restored backup would bring erased people back; nothing was erased"
        ) from error


def noted(path: Path) -> frozenset[bytes]:
    """The hashes in the list; none where there is no list. A line cut off by a crash is left out."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise Unfit(f"{path} cannot be read: {error.strerror}; let the service read it") from error
    return frozenset(_hashes(lines))


def _hashes(lines: Iterable[str]) -> Iterable[bytes]:
    for line in lines:
        first = line.partition(" ")[0]
        try:
            one = bytes.fromhex(first)
        except ValueError:
            continue
        if len(one) == SIZE:
            yield one
