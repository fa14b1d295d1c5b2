"""Which conversation a message belongs to, as Exchange tells: by Thread-Index, by References, else a new one."""

import base64
import secrets
from typing import Any

from tests.servers.graph.mime import Parsed

_HEAD = 22


class Conversations:
    """The conversations of one mailbox. The first 22 octets of a conversation index name the thread ([MS-OXOMSG])."""

    def __init__(self) -> None:
        self._index: dict[str, bytes] = {}
        self._ids: dict[bytes, str] = {}

    def place(self, parsed: Parsed) -> dict[str, Any]:
        """conversationId and conversationIndex of a message that came in."""
        index = parsed.index or self._answer_to(parsed.references) or b"\x01" + secrets.token_bytes(_HEAD - 1)
        self._index[parsed.fields["internetMessageId"]] = index
        name = self._ids.setdefault(index[:_HEAD], f"AAQkAD{secrets.token_hex(12)}AQA{secrets.token_hex(10)}=")
        return {"conversationId": name, "conversationIndex": base64.b64encode(index).decode()}

    def _answer_to(self, references: list[str]) -> bytes | None:
        parent = next((self._index[name] for name in reversed(references) if name in self._index), None)
        return parent + secrets.token_bytes(5) if parent else None
