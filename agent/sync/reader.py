"""One thread that owns a mail source, so reading goes on while pages are decided and committed.

A source is used by one thread at a time; everything asked of it runs here, in order. Callers say early what they
will want (`ahead`) and collect it late.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import ParamSpec, TypeVar

from connectors.base import MailSource
from connectors.message import Folder, Message, Page, Withheld

T = TypeVar("T")
P = ParamSpec("P")


class Reader:
    """Runs calls on the source's own thread. Leaving the context waits for the running call, not for queued ones."""

    def __init__(self, source: MailSource) -> None:
        self.source = source
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader")

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def ahead(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Asks now; the answer is collected with `.result()`."""
        return self._thread.submit(call, *args, **kwargs)

    def now(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Asks and waits."""
        return self.ahead(call, *args, **kwargs).result()

    def bodies(self, folder: Folder, validity: str, ids: Sequence[str]) -> Future[list[Message | Withheld]]:
        """All bodies of a page, as one answer."""
        return self.ahead(lambda: list(self.source.bodies(folder, validity, ids)))


class Pages:
    """A lane's pages, one at a time; `want` asks for the next before the last one is done with."""

    def __init__(self, reader: Reader, pages: Callable[[], Iterator[Page]]) -> None:
        self._reader = reader
        self._open = pages
        self._pages: Iterator[Page] | None = None
        self._next: Future[Page | None] | None = None

    def want(self) -> None:
        """Begins to read the next page."""
        if self._next is None:
            self._next = self._reader.ahead(self._step)

    def take(self) -> Page | None:
        """The next page, or None at the end of the lane."""
        self.want()
        assert self._next is not None  # noqa: S101 - `want` has just set it
        page, self._next = self._next.result(), None
        return page

    def _step(self) -> Page | None:
        if self._pages is None:
            self._pages = self._open()
        return next(self._pages, None)
