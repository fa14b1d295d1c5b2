"""Starting and ending server processes so that nothing is left behind, whatever happens to the test run."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

ROOT = os.geteuid() == 0
_STARTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lab-starter")
_OUTSIDE_PATH = (Path("/usr/sbin"), Path("/usr/local/sbin"))


class Missing(Exception):
    """A server program is not installed; the text names it."""


class NotReady(Exception):
    """A server did not come up; the text holds what it logged."""


def program(name: str, *folders: Path) -> str:
    """Path of an installed program, looked for on PATH, in `folders` and where servers live. Raises Missing."""
    found = shutil.which(name)
    if found:
        return found
    for folder in (*folders, *_OUTSIDE_PATH):
        if os.access(folder / name, os.X_OK):
            return str(folder / name)
    raise Missing(name)


def free_port() -> int:
    """A TCP port that was free a moment ago. Another process may take it: callers start again with new ports."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_folder(name: str) -> Path:
    """A new short folder that servers under other user ids may enter (pytest's are 0700 and too deep for sockets)."""
    folder = Path(tempfile.mkdtemp(prefix=f"lab-{name}-"))
    folder.chmod(0o755)
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a server's folder; files that vanish meanwhile are no error."""
    shutil.rmtree(folder, ignore_errors=True)


def spawn(
    command: Sequence[str], log: Path, *, cwd: Path | None = None, user: str | None = None
) -> subprocess.Popen[bytes]:
    """Start a server that ends when this process does (parent death signal), as `user` if given and we are root.

    The signal is sent when the *thread* ends that started the server, so one thread that lasts starts them all.
    """
    prefix = [program("setpriv"), "--pdeathsig", "TERM"]
    if user is not None and ROOT:
        prefix += ["--reuid", user, "--regid", user, "--init-groups"]
    with log.open("ab") as output:
        return _STARTER.submit(_start, [*prefix, *command], output, cwd).result()


def _start(command: Sequence[str], output: BinaryIO, cwd: Path | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=cwd)


def end(process: subprocess.Popen[bytes], *, how: signal.Signals = signal.SIGTERM, patience: float = 15) -> None:
    """Ask a server to end, wait `patience` seconds, then kill it."""
    if process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    """Does something on loopback accept connections at this port?"""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, *, patience: float = 20) -> None:
    """Poll `ready` until it holds. Raises NotReady with the end of the log if the process dies or time runs out."""
    deadline = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < deadline:
        if ready():
            return
        time.sleep(0.005)
    tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
    raise NotReady(f"exit {process.poll()}: {tail}")
