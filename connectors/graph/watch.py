"""Whether anything happened, in one round trip: the delta links of all folders, twenty a batch.

What the poll was told is kept for the `changes` that follow it, so that news costs no second request. Used while a
source is kept open; a fresh one knows no marks, so that every folder is read once.
"""

import secrets
from dataclasses import dataclass

from connectors.errors import Retriable
from connectors.graph.client import MOST_PARTS, GraphClient, Part
from connectors.graph.faults import BUSY, Reply
from connectors.graph.folders import FolderTree

FOLDERS_EVERY = 5
"""Polls between two looks at the list of folders, where it has no room in the batch."""
_LIST = "folders"


@dataclass(kw_only=True)
class _Watched:
    """base: the link as the agent knows it. newest: the link of the same place that the server named last.

    answer: what the last poll was told, if that is news; quiet: it was told that there is none. Both count once.
    """

    base: str
    newest: str
    mark: int = 0
    answer: Reply | None = None
    quiet: bool = False


class Watch:
    """The links of one mailbox, as far as they were read to in this session."""

    def __init__(self, prefer: tuple[str, ...]) -> None:
        self._prefer = prefer
        self._session = secrets.token_hex(6)
        self._links: dict[str, _Watched] = {}
        self._polls = 0

    def marks(self) -> dict[str, str | None]:
        return {key: f"{self._session}.{watched.mark}" for key, watched in self._links.items()}

    def note(self, folder: str, link: str) -> None:
        """A folder was read up to this link, which the agent will name when it asks for more."""
        mark = self._links[folder].mark if folder in self._links else 0
        self._links[folder] = _Watched(base=link, newest=link, mark=mark)

    def jump(self, folder: str, link: str) -> None:
        """The folder goes on from another link, whose answer nobody has seen."""
        self.note(folder, link)
        self._links[folder].mark += 1

    def forget(self, folder: str) -> None:
        self._links.pop(folder, None)

    def knows(self, folder: str, link: str) -> bool:
        """Whether polls ask what is new from this link on."""
        return folder in self._links and self._links[folder].base == link

    def newest(self, folder: str, link: str) -> tuple[str, Reply | None]:
        """The link to ask instead of `link`, and what the last poll was told there, once."""
        watched = self._links.get(folder)
        if watched is None or watched.base != link:
            return link, None
        answer = watched.answer or (_nothing_new(watched.newest) if watched.quiet else None)
        watched.answer, watched.quiet = None, False
        return watched.newest, answer

    def poll(self, client: GraphClient, tree: FolderTree) -> bool:
        """Asks for news of every folder. False if the list of folders has to be read anew. Raises ConnectorError."""
        self._polls += 1
        folders = [key for key in self._links if key in tree.entries]
        list_too = bool(tree.link) and (len(folders) < MOST_PARTS or self._polls % FOLDERS_EVERY == 0)
        if list_too and len(folders) == MOST_PARTS:
            folders = folders[:-1]  # the list takes its place this time
        parts = [Part(id=_LIST, path=tree.link, prefer=self._prefer)] if list_too else []
        parts += [Part(id=key, path=self._links[key].newest, prefer=self._prefer) for key in folders]
        replies = client.batch(parts)
        for watched in self._links.values():
            watched.quiet = False
        for key in folders:
            self._take(key, replies[key])
        return self._take_list(client, tree, replies.get(_LIST))

    def _take(self, key: str, reply: Reply) -> None:
        """Nothing new moves the link alone; everything else, refusals too, is for `changes` to look at."""
        watched = self._links[key]
        link = reply.body.get("@odata.deltaLink") if reply.ok and isinstance(reply.body, dict) else None
        if link and not reply.body.get("value") and watched.answer is None:
            watched.newest, watched.quiet = str(link), True
        elif watched.answer is None:
            watched.mark += 1
            watched.answer = reply if reply.ok else None

    def _take_list(self, client: GraphClient, tree: FolderTree, reply: Reply | None) -> bool:
        if reply is None:
            return bool(tree.link) or self._polls % FOLDERS_EVERY != 0
        if not reply.ok:
            if reply.status in BUSY:
                raise Retriable(f"Exchange Online is busy (HTTP {reply.status})")
            return False
        tree.take(reply.body)
        if not tree.link and (more := reply.body.get("@odata.nextLink")):
            tree.follow(client, str(more))
        return bool(tree.link)


def _nothing_new(link: str) -> Reply:
    return Reply(status=200, body={"value": [], "@odata.deltaLink": link}, headers={})
