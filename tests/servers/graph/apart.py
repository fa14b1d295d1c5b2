"""The simulator in a process of its own, so that a benchmark measures the client and not both in one interpreter.

    with Apart(authority, prepare) as apart:      # prepare(server) runs there once; what it returns is `apart.prepared`
        client.work(apart.prepared)
        counters = apart.call(read_counters)      # read_counters(server) runs there too

Both are functions of a module (the other process imports them), and what they take and return can be pickled.
"""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.servers.certs import Authority, ServerCertificate
from tests.servers.graph.server import GraphServer

_PATIENCE_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a server needs of an authority; it can be handed to another process."""

    server: ServerCertificate
    ca_file: Path


class Apart:
    """See the module. It ends with this process, or when it is left. What breaks there raises here, as RuntimeError."""

    def __init__(self, authority: Authority, prepare: Callable[[GraphServer], object]) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._here, there = spawning.Pipe()
        identity = Identity(server=authority.server, ca_file=authority.ca_file)
        self._process = spawning.Process(target=_serve, args=(identity, there), daemon=True)
        self._process.start()
        there.close()
        self.prepared: Any = self.call(prepare)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def call(self, function: Callable[..., object], *given: object) -> Any:  # noqa: ANN401  # whatever it returns
        """Run `function(server, *given)` there."""
        self._here.send((function, given))
        if not self._here.poll(_PATIENCE_SECONDS):
            raise RuntimeError("the simulator in its own process does not answer")
        failed, result = self._here.recv()
        if failed:
            raise RuntimeError(result)
        return result

    def stop(self) -> None:
        """End the process."""
        self._here.close()
        self._process.join(10)
        self._process.kill()


def _serve(identity: Identity, orders: Connection) -> None:
    """Do what is ordered until nobody is there any more."""
    with GraphServer(identity) as server:
        while True:
            try:
                function, given = orders.recv()
            except EOFError:
                return
            orders.send(_done(server, function, given))


def _done(server: GraphServer, function: Callable[..., object], given: tuple[object, ...]) -> tuple[bool, object]:
    try:
        return False, function(server, *given)
    except Exception as error:  # noqa: BLE001  # it is told to the process that asked
        return True, f"{type(error).__name__}: {error}"
