"""Where the running daemon can be found: its owner string in a file beside the database.

A signal goes only to a process that still is the one which wrote the file; a number used again by another process
is left alone.
"""

import contextlib
import os
import signal
from pathlib import Path

from agent.store.owner import is_gone, this_process


def default_path(database_file: Path | None) -> Path | None:
    """Beside an SQLite file; None for PostgreSQL, where `--pid-file` says where."""
    return None if database_file is None else database_file.with_name(database_file.name + ".pid")


def write(path: Path) -> bool:
    """Names this process as the daemon. False if another one that lives is named there already."""
    owner = _owner(path)
    if owner and not is_gone(owner) and owner != this_process():
        return False
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(this_process() + "\n", encoding="utf-8")
    draft.replace(path)
    return True


def remove(path: Path) -> None:
    """Takes this process's name away again."""
    if _owner(path) == this_process():
        with contextlib.suppress(OSError):
            path.unlink()


def ask_reload(path: Path) -> bool:
    """Sends SIGHUP to the daemon named there. False if none runs on this host."""
    owner = _owner(path)
    if not owner or is_gone(owner) or owner.split("|")[:3] != this_process().split("|")[:3]:
        return False
    try:
        os.kill(int(owner.split("|")[3]), signal.SIGHUP)
    except ProcessLookupError:
        return False
    return True


def _owner(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
