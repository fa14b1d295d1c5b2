"""What the servers of the lab have in common: a folder, ports, a process, and that nothing of them stays behind."""

import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from tests.servers.process import NotReady, end, make_folder, remove_folder, spawn, wait_until

_TRIES = 4


class LabServer(ABC):
    """A server program that runs from `begin` to `close`, on ports of 127.0.0.1 that were free when it began."""

    HALT: ClassVar[signal.Signals] = signal.SIGTERM
    """How the program is asked to end, with everything kept."""
    USER: ClassVar[str | None] = None
    """As whom it runs where root starts it."""
    CWD: ClassVar[Path | None] = None

    def __init__(self, name: str) -> None:
        self.folder = make_folder(name)
        self.log = self.folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def begin(self) -> None:
        """Prepare and start; what fails leaves nothing behind. Called once, by whoever makes the server."""
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start on fresh ports; again if another process was quicker to take one."""
        for _ in range(_TRIES):
            self._choose_ports()
            try:
                self.come_back()
            except NotReady as error:
                if "in use" not in str(error):
                    raise
            else:
                return
        raise NotReady(f"no free port in {_TRIES} tries")

    def restart(self) -> None:
        """Break all connections and come back on the same ports, with everything as it was."""
        self.halt()
        self.come_back()

    def halt(self) -> None:
        """The server is gone; what it holds stays."""
        self._end(self.HALT)

    def come_back(self) -> None:
        """After `halt`: on the same ports, with everything as it was."""
        self._configure()
        self._process = spawn(self._command(), self.log, cwd=self.CWD, user=self.USER)
        try:
            wait_until(self._answers, self._process, self.log)
        except NotReady:
            self._end(signal.SIGTERM)
            raise

    def close(self) -> None:
        """End the server and remove its folder."""
        self.halt()
        remove_folder(self.folder)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            end(self._process, how=how)

    def _prepare(self) -> None:  # noqa: B027  # most need nothing
        """Done once, before the first start."""

    def _configure(self) -> None:  # noqa: B027  # some take everything on the command line
        """Done before every start: files that name the ports."""

    @abstractmethod
    def _choose_ports(self) -> None:
        """Set the ports with `free_port`."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """The program and its arguments."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it accepts connections by now."""
