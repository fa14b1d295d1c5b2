"""Which of the folders are read: a pure decision over what the listing showed and what the admin chose."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from config.model import FolderChoice
from connectors.folders.roles import ALL, ARCHIVE, DRAFTS, ENOUGH, INBOX, JUNK, SENT, TRASH, holds_no_mail, role_by_name
from connectors.message import Folder

_LEFT_OUT = frozenset((TRASH, JUNK, DRAFTS))
_INHERITED = frozenset((TRASH, JUNK))
_ORDER = {INBOX: 0, SENT: 1, ALL: 2, ARCHIVE: 4}
_PROVIDER_ROOTS = frozenset(("[gmail]", "[google mail]"))


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A personal folder that can be opened. path: readable levels below the namespace's prefix."""

    key: str
    name: str
    path: tuple[str, ...]
    delimiter: str
    role: str | None
    mark: str | None


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The folders to read, in reading order, and the configured names that no folder has."""

    folders: tuple[Folder, ...]
    missing: tuple[str, ...]


def choose(seen: Sequence[Seen], choice: FolderChoice, *, gmail: bool, exchange: bool) -> Chosen:
    """gmail: labels are folders there, so All Mail is read once instead. exchange: some folders hold no mail."""
    named = with_roles(seen)
    exchange = exchange or sum(holds_no_mail(f.path[0]) for f in named if len(f.path) == 1) >= ENOUGH
    if choice.names is not None:
        kept = [f for f in named if any(_matches(pattern, f) for pattern in choice.names)]
    elif choice.roles is not None:
        kept = [f for f in named if f.role in choice.roles]
    else:
        kept = _usual(named, gmail=gmail, exchange=exchange)
    kept = [f for f in kept if not any(_matches(pattern, f) for pattern in choice.exclude)]
    missing = [p for p in choice.names or () if not any(_matches(p, f) for f in named)]
    ordered = sorted(kept, key=lambda f: _ORDER.get(f.role or "", 3))
    return Chosen(
        folders=tuple(Folder(key=f.key, name=f.name, role=f.role, mark=f.mark) for f in ordered),
        missing=tuple(missing),
    )


def with_roles(seen: Sequence[Seen]) -> list[Seen]:
    """The folders with a role by name where the server gave none; what lies in the trash is trash."""
    named = [f if f.role else replace(f, role=_by_name(f)) for f in seen]
    roots = {f.path: f.role for f in named if f.role in _INHERITED}
    return [f if f.role else replace(f, role=_inherited(f, roots)) for f in named]


def _by_name(folder: Seen) -> str | None:
    path = folder.path
    if path[:1] and path[0].casefold() in (*_PROVIDER_ROOTS, "inbox") and len(path) > 1:
        path = path[1:]
    return role_by_name(path[0]) if len(path) == 1 else None


def _inherited(folder: Seen, roots: Mapping[tuple[str, ...], str | None]) -> str | None:
    return next((roots[folder.path[:n]] for n in range(1, len(folder.path)) if folder.path[:n] in roots), None)


def _usual(folders: Sequence[Seen], *, gmail: bool, exchange: bool) -> list[Seen]:
    everything = [f for f in folders if f.role == ALL]
    if gmail and everything:
        return everything
    return [
        f
        for f in folders
        if f.role not in _LEFT_OUT and f.role != ALL and not (exchange and f.role is None and holds_no_mail(f.path[0]))
    ]


def _matches(pattern: str, folder: Seen) -> bool:
    """Whether a configured name or glob means this folder: by its whole name or by that below the prefix.

    Case does not count: who leaves out `private*` means `Private` too. Brackets mean themselves: `[Gmail]/All Mail`.
    """
    wanted = unicodedata.normalize("NFC", pattern).casefold().replace("[", "[[]")
    names = (folder.name.casefold(), folder.delimiter.join(folder.path).casefold())
    return any(fnmatchcase(name, wanted) for name in names)
