"""Sync states: opaque to clients, and refused when they belong to another folder, are damaged or declared void.

A state says up to which change of the mailbox the client knows a folder. While the first listing of a folder goes on,
it also says which items (by the number of their arrival) were listed.
"""

import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass

from tests.servers.ews.soap import Refusal
from tests.servers.ews.store import Box, Folder


@dataclass(frozen=True, kw_only=True)
class State:
    """base: changes up to this number are known. before: of those, arrivals from here on were listed; None for all.

    Where the oldest is listed first it is negative: -before is the first arrival that was not listed.
    """

    base: int = 0
    before: int | None = None

    def listed_to(self, arrival: int) -> "State":
        """The state after a page that ends with this arrival."""
        oldest_first = self.before is not None and self.before < 0
        return State(base=self.base, before=-arrival - 1 if oldest_first else arrival)

    def write(self, box: Box, folder: Folder) -> str:
        """The state as clients keep it."""
        content = json.dumps([box.address, box.epoch, folder.id, self.base, self.before]).encode()
        return b64encode(zlib.crc32(content).to_bytes(4, "big") + zlib.compress(content)).decode()

    @classmethod
    def read(cls, written: str | None, box: Box, folder: Folder) -> "State":
        """A state that a client brings; the beginning if it brings none. Raises Refusal."""
        if not written:
            return cls()
        try:
            octets = b64decode(written, validate=True)
            content = zlib.decompress(octets[4:])
            address, epoch, identity, base, before = json.loads(content)
        except (ValueError, zlib.error):
            raise _void() from None
        if zlib.crc32(content).to_bytes(4, "big") != octets[:4]:
            raise _void()
        if (address, epoch, identity) != (box.address, box.epoch, folder.id):
            raise _void()
        return cls(base=base, before=before)


def _void() -> Refusal:
    return Refusal("ErrorInvalidSyncStateData", "Synchronization state data is corrupt or otherwise invalid.")
