"""Questions about many folders, twenty a request, where the agent says beforehand which folders it will ask about.

Used by a source that was opened just now: one that is kept open polls all folders at once (`connectors.graph.watch`).
"""

from collections.abc import Mapping

from connectors.graph.client import MOST_PARTS, GraphClient, Part
from connectors.graph.faults import Reply


class Together:
    """What was expected, in order, and answers that nobody asked for yet: at most those of one request."""

    def __init__(self, client: GraphClient, prefer: tuple[str, ...]) -> None:
        self._client, self._prefer = client, prefer
        self._expected: dict[str, str] = {}
        self._answers: dict[str, Reply] = {}

    def expect(self, paths: Mapping[str, str]) -> None:
        """Folder -> what will be asked of it."""
        self._expected, self._answers = dict(paths), {}

    def answer(self, folder: str, path: str) -> Reply | None:
        """The answer, once; None if this was not expected, stands alone or is refused: then it is asked by itself.

        Raises ConnectorError.
        """
        if self._expected.get(folder) != path:
            return None
        if folder not in self._answers:
            self._ask(folder)
        del self._expected[folder]
        reply = self._answers.pop(folder, None)
        return reply if reply is not None and reply.ok and isinstance(reply.body, dict) else None

    def _ask(self, folder: str) -> None:
        keys = [folder, *(key for key in self._expected if key != folder)][:MOST_PARTS]
        if len(keys) == 1:
            return
        parts = [Part(id=key, path=self._expected[key], prefer=self._prefer) for key in keys]
        self._answers = self._client.batch(parts)
