"""Serves reminders as links to subscribe to while the daemon runs, as the configuration says at the time.

Beside the passes (`agent.engine.daemon.Beside`). Nothing of an HTTP server is loaded before somebody asks for one.
"""

import threading
from typing import TYPE_CHECKING

import structlog

from agent.store.database import Database
from agent.store.hashes import Hasher
from config.model import Feed, Settings

if TYPE_CHECKING:
    from agent.engine.feed_server import FeedServer

_log = structlog.get_logger(__name__)


class Links:
    """A port that is taken stops nothing: the log says so, and the next reload tries again."""

    def __init__(self, database: Database, hasher: Hasher) -> None:
        self._database, self._hasher = database, hasher
        self._feed: Feed | None = None
        self._server: FeedServer | None = None

    def over(self, settings: Settings) -> None:
        """Serves where these settings say, from now on."""
        feed = settings.reminders.feed
        if self._server is not None and feed == self._feed:
            return
        self.stop(0)
        self._feed = feed
        if feed is not None:
            self._serve(feed)

    def start(self) -> None:
        """It serves since `over`."""

    def stop(self, seconds: float) -> None:
        """Ends at once."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _serve(self, feed: Feed) -> None:
        from agent.engine.feed_server import FeedServer

        try:
            self._server = FeedServer(self._database, self._hasher, feed)
        except OSError as error:
            _log.error("the links to subscribe to cannot be served: is the port taken?", reason=error.strerror)
            return
        threading.Thread(target=self._server.serve_forever, name="feed", daemon=True).start()
