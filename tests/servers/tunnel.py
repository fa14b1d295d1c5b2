"""An HTTP proxy (CONNECT, RFC 9110 section 9.3.6) for names that no resolver knows: all of them lead to one port on
loopback. The client still checks the certificate against the name."""

import select
import socket
import socketserver
import threading
from contextlib import suppress
from types import TracebackType


class Tunnel:
    """asked: the hosts that were asked for, in order. Set `HTTPS_PROXY` to `url`."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.lead = port, self.asked
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> "Tunnel":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    lead: tuple[int, list[str]]


class _Handler(socketserver.StreamRequestHandler):
    server: _Server
    rbufsize = 0  # what follows the header block belongs to the tunnel

    def handle(self) -> None:
        port, asked = self.server.lead
        words = self.rfile.readline(4096).split()
        while self.rfile.readline(4096).strip():
            pass
        asked.append(words[1].decode("ascii").partition(":")[0])
        with socket.create_connection(("127.0.0.1", port)) as far, suppress(ConnectionError):  # either may hang up
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _splice(self.request, far)


def _splice(one: socket.socket, other: socket.socket) -> None:
    """Hands on what either side sends until one of them ends."""
    far_side = {one: other, other: one}
    while True:
        for side in select.select([one, other], [], [])[0]:
            piece = side.recv(65536)
            if not piece:
                return
            far_side[side].sendall(piece)
