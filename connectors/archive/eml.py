"""One folder of .eml files: the id is the file name, the order and the server time are the file's time."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from connectors.archive.shelf import Entry, Piece, list_folder, mark_of, moment, plain_id, read_file
from connectors.message import NO_FLAGS, Flags


class EmlShelf:
    """Reads the files directly in `path`; folders inside are shelves of their own."""

    ordered_by_place = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[str, Path] = {}

    def mark(self) -> str | None:
        return mark_of(self._path)

    def entries(self) -> Sequence[Entry]:
        files: dict[str, Path] = {}
        found: list[Entry] = []
        for entry in list_folder(self._path):
            if not is_eml(entry.name) or not entry.is_file(follow_symlinks=False):
                continue
            try:
                modified = entry.stat(follow_symlinks=False).st_mtime_ns
            except OSError:
                continue
            id = plain_id(entry.name)
            files[id] = Path(entry.path)
            found.append(Entry([modified, id], id))
        self._files = files
        return sorted(found)

    def day(self, id: str) -> date:
        try:
            return moment(self._files[id].stat(follow_symlinks=False).st_mtime).date()
        except (KeyError, OSError):
            return date.max

    def read(self, id: str, limit: int) -> Piece | None:
        path = self._find(id)
        found = read_file(path, limit) if path else None
        if found is None:
            return None
        raw, status = found
        return Piece(raw=raw, size=status.st_size, when=moment(status.st_mtime), flags=NO_FLAGS)

    def flags(self, id: str) -> Flags | None:
        path = self._find(id)
        return NO_FLAGS if path and path.exists() else None

    def _find(self, id: str) -> Path | None:
        """Where the message lies: the id is the file's name unless octets of it had to be written as %XX."""
        if id in self._files or "/" in id or not is_eml(id):
            return self._files.get(id)
        if "%" in id:
            self.entries()
        return self._files.get(id, self._path / id)


def is_eml(name: str) -> bool:
    return name[-4:].lower() == ".eml" and not name.startswith(".")
