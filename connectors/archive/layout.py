"""What kind of archive a path holds, and which folders are in it. Links are not followed anywhere below the path."""

import re
from dataclasses import dataclass
from pathlib import Path

from config.model import FolderChoice
from connectors.archive.eml import EmlShelf, is_eml
from connectors.archive.maildirs import MaildirShelf
from connectors.archive.mbox import MboxShelf, is_mbox
from connectors.archive.shelf import Shelf, list_folder, plain_id, read_file
from connectors.errors import Fatal, Skippable
from connectors.folders.choice import Seen, choose
from connectors.folders.names import readable
from connectors.message import Folder

DEEPEST = 20
MOST_FOLDERS = 10_000
_KINDS = "a Maildir, an mbox file or a folder of .eml files"
_PARTS = frozenset(("cur", "new", "tmp"))
_ENDING = re.compile(r"\.(?:mbox|mbx|mail)$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder, where it lies, and how to read it."""

    folder: Folder
    path: Path
    shelf: Shelf


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A folder before the choice. names: from the root down; empty for the root itself, which is the inbox."""

    key: str
    names: tuple[str, ...]
    path: Path
    shelf: Shelf


def find_folders(root: Path, choice: FolderChoice) -> list[Place]:
    """The folders to read. Raises Fatal if there is no archive at `root`."""
    found = {each.key: each for each in _find(_check(root))}
    seen = [_seen(each) for each in found.values()]
    chosen = choose(seen, choice, gmail=False, exchange=False)
    return [
        Place(folder=folder, path=found[folder.key].path, shelf=found[folder.key].shelf) for folder in chosen.folders
    ]


def _check(root: Path) -> Path:
    """The root with its own links resolved. Raises Fatal in words."""
    try:
        real = root.resolve(strict=True)
        if real.is_file():
            return real
        list_folder(real)
    except Skippable as error:
        raise Fatal(str(error), advice="let the agent's user read it") from error
    except PermissionError as error:
        raise Fatal(
            f"archive {root} cannot be read: permission denied", advice="let the agent's user read it"
        ) from error
    except (OSError, RuntimeError) as error:
        raise Fatal(f"archive {root} is not there", advice=f"set path to {_KINDS}") from error
    return real


def _find(root: Path) -> list[_Found]:
    if root.is_file():
        return [_find_mbox(root)]
    if (root / "cur").is_dir() or _has_subfolders(root):
        return _find_maildirs(root)
    found = _find_eml(root)
    if not found:
        raise Fatal(f"archive {root} holds no mail", advice=f"set path to {_KINDS}; is the disk mounted?")
    return found


def _find_mbox(path: Path) -> _Found:
    try:
        beginning = read_file(path, 1024)
    except Skippable as error:
        raise Fatal(f"archive {path} cannot be read", advice="let the agent's user read it") from error
    if beginning is None or not is_mbox(beginning[0].lstrip(b"\r\n")):
        raise Fatal(
            f"file {path} is no mbox: its first line is no From line with a date", advice=f"set path to {_KINDS}"
        )
    name = _ENDING.sub("", path.name)
    return _Found(key="mbox", names=() if name.casefold() == "inbox" else (name,), path=path, shelf=MboxShelf(path))


def _has_subfolders(root: Path) -> bool:
    return any((Path(inside) / "cur").is_dir() for inside in _folders_in(root))


def _find_maildirs(root: Path) -> list[_Found]:
    """The root as inbox, Maildir++ folders (`.A.B`) beside its cur, and folders inside one another (Dovecot's fs)."""
    found = [_Found(key="INBOX", names=(), path=root, shelf=MaildirShelf(root))] if (root / "cur").is_dir() else []
    waiting: list[tuple[Path, tuple[str, ...]]] = [(root, ())]
    while waiting and len(found) < MOST_FOLDERS:
        path, names = waiting.pop()
        for entry in _folders_in(path):
            inside = Path(entry)
            own = _names_of(inside.name, top=path == root)
            if not own:
                continue
            if (inside / "cur").is_dir():
                key = plain_id(str(inside.relative_to(root)))
                found.append(_Found(key=key, names=(*names, *own), path=inside, shelf=MaildirShelf(inside)))
            if len(names) < DEEPEST:
                waiting.append((inside, (*names, *own)))
    return found


def _names_of(name: str, *, top: bool) -> tuple[str, ...]:
    """The levels a folder's name stands for; none for what is no mail folder."""
    if name.startswith("."):
        return tuple(readable(level.encode("utf-8", "surrogateescape")) for level in name[1:].split(".")) if top else ()
    return () if name in _PARTS else (readable(name.encode("utf-8", "surrogateescape")),)


def _folders_in(path: Path) -> list[str]:
    """A folder that cannot be listed stops only itself."""
    try:
        return sorted(entry.path for entry in list_folder(path) if entry.is_dir(follow_symlinks=False))
    except Skippable:
        return []


def _find_eml(root: Path) -> list[_Found]:
    """Every folder of .eml files, and empty ones beside them; the root is the inbox. Nothing if there is no .eml."""
    found: list[_Found] = []
    mail = False
    waiting = [root]
    while waiting and len(found) < MOST_FOLDERS:
        path = waiting.pop()
        names = path.relative_to(root).parts
        files = _files_in(path)
        mail = mail or any(map(is_eml, files))
        if not files or not names or any(map(is_eml, files)):
            key = plain_id("/".join(names)) or "INBOX"
            found.append(_Found(key=key, names=tuple(map(plain_id, names)), path=path, shelf=EmlShelf(path)))
        if len(names) < DEEPEST:
            waiting += [Path(inside) for inside in _folders_in(path) if not Path(inside).name.startswith(".")]
    return found if mail else []


def _files_in(path: Path) -> list[str]:
    try:
        return [entry.name for entry in list_folder(path) if not entry.is_dir(follow_symlinks=False)]
    except Skippable:
        return []


def _seen(found: _Found) -> Seen:
    name = "/".join(found.names) or "INBOX"
    role = "inbox" if not found.names else None
    return Seen(
        key=found.key, name=name, path=found.names or ("INBOX",), delimiter="/", role=role, mark=found.shelf.mark()
    )
