"""Second look at what would be kept, where a server's pages lack some headers: those filters and threads are read from.

Asked of kept mail alone, because elsewhere it costs a request a message.
"""

from collections.abc import Mapping

from agent.sync.deciding import Deciding, decide
from agent.sync.room import Room
from connectors.base import CompletesHeaders
from connectors.message import Envelope, Folder, Page, Withheld
from matchers.match import Skip


def completed(room: Room, folder: Folder, validity: str, deciding: Deciding) -> tuple[Deciding, Mapping[str, Withheld]]:
    """The page decided on whole envelopes, and what the server kept back of them, by message."""
    source = room.reader.source
    kept = [one.envelope.id for one in deciding.messages if not isinstance(one.decision, Skip)]
    if not kept or not isinstance(source, CompletesHeaders):
        return deciding, {}
    texts = room.capture == "full"
    pages = room.reader.now(lambda: list(source.complete(folder, validity, kept, texts=texts)))
    whole = {envelope.id: envelope for page in pages for envelope in page.envelopes}
    envelopes = [whole.get(one.envelope.id, one.envelope) for one in deciding.messages]
    return decide(room, envelopes), _kept_back(pages, whole, kept)


def _kept_back(pages: list[Page], whole: Mapping[str, Envelope], kept: list[str]) -> dict[str, Withheld]:
    """Whatever came without a word is told as gone: it was listed a moment ago."""
    told = {one.id: one for page in pages for one in page.withheld}
    return {
        id: told.get(id) or Withheld(id=id, reason="it left the folder", gone=True) for id in kept if id not in whole
    }
