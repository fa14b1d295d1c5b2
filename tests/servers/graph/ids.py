"""Ids as Exchange makes them: long, opaque, safe in a URL, and different where only the case of a letter differs."""

import secrets

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Ids:
    """The ids of one mailbox. Two items in a row have ids that differ in nothing but case: clients must not fold it."""

    def __init__(self) -> None:
        self._tag = secrets.token_hex(12)

    def folder(self, number: int) -> str:
        """Of a folder or calendar; it lasts, whatever IdType is preferred."""
        return f"AAMkAD{self._tag}AuAAAAAAD{_code(number)}AAA="

    def item(self, place: int) -> str:
        """The ordinary id: of an item in its place. It ends when the item moves."""
        return f"AAMkAD{self._tag}BGAAAAAAD{_code(place)}AAA="

    def immutable(self, number: int) -> str:
        """The id of an item wherever it is."""
        return f"AAkALg{self._tag}AAAAAAHYQDEapmEc2byACqAC-E_{_code(number)}AAA="

    def attachment(self, item: str, number: int) -> str:
        """Of an attachment of this item."""
        return f"{item[:-1]}ESABAA{_code(number)}="


def _code(number: int) -> str:
    rest, odd = divmod(number, 2)
    code = ""
    for _ in range(7):
        rest, letter = divmod(rest, 26)
        code = _LETTERS[letter] + code
    return code.upper() if odd else code
