"""Envelopes of a folder whose reading ended the last session: finds out which message does that, and gets the others.

Each message is asked for by a command of its own, many in one flight. A server works them off in order, so whatever was
answered before the session ended is not to blame; the next one is asked for alone, and if that ends the session too,
it is kept back. So a bad message costs two sign-ins, however many lie around it. Used by the lanes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.imap.faults import Dropped
from connectors.imap.fetch import Enter, Fetched, Items, envelope, fetch_each, header_items, only
from connectors.message import Envelope, Withheld

FLIGHT = 50
"""Commands in one flight: their lines fit the buffers of any connection."""
MOST_ENDINGS = 6
"""So many sessions may end while a folder is read so: three bad messages. With more it is the server that is ill."""
_BLAMED = "asking for its header ends the session"


@dataclass(kw_only=True)
class _Found:
    """What is known so far. settled: ids that need no further question."""

    envelopes: dict[int, Envelope] = field(default_factory=dict)
    withheld: dict[int, Withheld] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)


class Careful:
    """Reads envelopes as `fetch.fetch_envelopes` does, on as many sessions as it takes, within bounds. One a lane."""

    def __init__(self, enter: Enter) -> None:
        self._enter = enter
        self._endings = 0

    def fetch(self, ids: Sequence[int]) -> Fetched:
        """The envelopes of these ids. Raises Dropped where sessions end too often, or when the folder is opened."""
        found = _Found()
        left = list(ids)
        while left:
            asked = left[:FLIGHT]
            if not self._ask(asked, found):
                self._find_out(asked, found)
            left = [uid for uid in left if uid not in found.settled]
        return Fetched(
            envelopes=[found.envelopes[uid] for uid in ids if uid in found.envelopes],
            withheld=[found.withheld[uid] for uid in ids if uid in found.withheld],
            gone=[uid for uid in ids if uid not in found.envelopes and uid not in found.withheld],
        )

    def _find_out(self, asked: Sequence[int], found: _Found) -> None:
        """The first one that was not answered may have ended the session: it is asked for alone, if it was not yet."""
        suspect = next((uid for uid in asked if uid not in found.settled), None)
        if suspect is None or (len(asked) > 1 and self._ask([suspect], found)):
            return
        if suspect not in found.settled:
            found.withheld[suspect] = Withheld(id=str(suspect), reason=_BLAMED, ended=True)
            found.settled.add(suspect)

    def _ask(self, ids: Sequence[int], found: _Found) -> bool:
        """Whether the session lived through it."""
        session = self._enter()
        items = header_items(session)

        def take(uid: int, answer: Items) -> None:
            one = envelope(uid, answer)
            if one is not None:
                found.envelopes[uid] = one
                found.settled.add(uid)

        try:
            session.burst([b"UID FETCH %d %s" % (uid, items) for uid in ids], only(ids, take))
            silent = [uid for uid in ids if uid not in found.settled]
            refused = fetch_each(session, silent, items, take, found.envelopes)
        except Dropped:
            self._endings += 1
            if self._endings > MOST_ENDINGS:
                raise
            return False
        found.withheld.update({uid: Withheld(id=str(uid), reason=why) for uid, why in refused.items()})
        found.settled.update(ids)
        return True
