"""What servers with a certificate share: an authority of their own, a thread, an end."""

from __future__ import annotations

import socketserver
import ssl
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

import trustme

if TYPE_CHECKING:
    import socket


class Secure:
    """A server on loopback, up while its block lasts; `ca_file` is the authority of its certificate for `host`."""

    host: str

    def __enter__(self) -> Self:
        authority = trustme.CA()
        self._folder = tempfile.TemporaryDirectory()
        self.ca_file = str(Path(self._folder.name) / "ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(self.host).configure_cert(self._context)
        self._stopped = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._folder.cleanup()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def hold(self, channel: socket.socket) -> None:
        """Talk with one client."""
        raise NotImplementedError

    def _handler(self) -> type[socketserver.BaseRequestHandler]:
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    owner.hold(self.request)
                except OSError:  # the client went away, or does not trust us
                    return

        return Handler


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
