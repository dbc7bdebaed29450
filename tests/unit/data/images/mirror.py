"""A server on loopback that stands for where official files are published."""

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Mirror(ThreadingHTTPServer):
    """A server on this machine: path -> the whole reply, as it goes over the wire."""

    replies: dict[str, bytes]
    requested: list[str]
    is_silent: threading.Event  # unset: after the reply a byte comes, and another, without end
    pause = 0.0  # before each, seconds

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        self.server.requested.append(self.path)
        with suppress(OSError):  # the other side has gone
            self.wfile.write(self.server.replies.get(self.path, b"HTTP/1.0 404 Not Found\r\n\r\n"))
            while not self.server.is_silent.wait(self.server.pause):
                self.wfile.write(b"x")

    def log_message(self, *_: object) -> None:
        """Quiet."""


def reply(body: bytes, *, missing: int = 0) -> bytes:
    """A reply that promises ``missing`` bytes more than it has."""
    return b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(body) + missing) + body
