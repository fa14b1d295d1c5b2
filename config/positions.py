"""On which line each key of a TOML text stands: tomllib gives values without places, and people fix lines.

Reads texts that tomllib accepted, so it only has to find where things begin and end (TOML 1.0.0, https://toml.io).
"""

import re
import tomllib
from bisect import bisect_right

KeyPath = tuple[str | int, ...]
"""Keys and array indexes from the top: `("connectors", 0, "host")`."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_STRINGS = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'  # multi-line basic; may end with two quotes of its own
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_ATOM = re.compile(r"[^,\]}\n#]+")


def lines(text: str) -> dict[KeyPath, int]:
    """The line, counted from 1, where each key or array element is first named, tables and elements included."""
    return _Scan(text.replace("\r\n", "\n")).run()


class _Scan:
    """One walk over one text. `here` is the table that key lines belong to now."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.found: dict[KeyPath, int] = {}
        self.last: dict[KeyPath, int] = {}  # arrays of tables: index of the element that headers now mean
        self.here: KeyPath = ()

    def run(self) -> dict[KeyPath, int]:
        self.skip(_BETWEEN)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                self.header()
            else:
                self.pair(self.here)
            self.skip(_BETWEEN)
        return self.found

    def header(self) -> None:
        """`[a.b]` or `[[a.b]]`: every earlier part that is an array of tables means its last element."""
        array = self.text.startswith("[[", self.at)
        line = self.line()
        self.at += 2 if array else 1
        *parents, name = self.keys()
        self.at += 2 if array else 1
        path: KeyPath = ()
        for part in parents:
            path = self.element((*path, part), line)
        path = (*path, name)
        self.mark(path, line)
        if array:
            self.last[path] = self.last.get(path, -1) + 1
        self.here = self.element(path, line)

    def element(self, path: KeyPath, line: int) -> KeyPath:
        """The path itself, or that of its last element if it is an array of tables."""
        self.mark(path, line)
        if path in self.last:
            path = (*path, self.last[path])
            self.mark(path, line)
        return path

    def pair(self, table: KeyPath) -> None:
        """`a.b = value` inside `table`."""
        line = self.line()
        path = table
        for part in self.keys():
            path = (*path, part)
            self.mark(path, line)
        self.at += 1  # the equals sign
        self.skip(_BLANK)
        self.value(path)

    def keys(self) -> list[str]:
        """A dotted key; leaves the position at what follows it."""
        parts = [self.key()]
        while self.text[self.at] == ".":
            self.at += 1
            parts.append(self.key())
        return parts

    def key(self) -> str:
        self.skip(_BLANK)
        start = self.at
        quoted = self.text[start] in "\"'"
        self.skip(_STRINGS if quoted else _BARE_KEY)
        written = self.text[start : self.at]
        self.skip(_BLANK)
        return str(tomllib.loads(f"k = {written}")["k"]) if quoted else written

    def value(self, path: KeyPath) -> None:
        opening = self.text[self.at]
        if opening == "[":
            self.array(path)
        elif opening == "{":
            self.inline_table(path)
        else:
            self.skip(_STRINGS if opening in "\"'" else _ATOM)

    def array(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while self.ahead() != "]":
            self.mark((*path, index), self.line())
            self.value((*path, index))
            index += 1
            if self.ahead() == ",":
                self.at += 1
        self.at += 1

    def inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while self.ahead() != "}":
            self.pair(path)
            if self.ahead() == ",":
                self.at += 1
        self.at += 1

    def ahead(self) -> str:
        """The next character that counts, past blanks, line ends and comments."""
        self.skip(_BETWEEN)
        return self.text[self.at]

    def skip(self, what: re.Pattern[str]) -> None:
        match = what.match(self.text, self.at)
        if match is not None:
            self.at = match.end()

    def mark(self, path: KeyPath, line: int) -> None:
        self.found.setdefault(path, line)

    def line(self) -> int:
        return bisect_right(self.starts, self.at)
