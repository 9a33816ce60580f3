"""Real HTTP on this machine: the gateway as a server, and its way to servers that stand for back ends."""

import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from generator.gateway_simulation.messages import Headers, Request, Response, SimulationError

if TYPE_CHECKING:
    from generator.gateway_simulation.service import Simulation

HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
"""Headers of a connection, which the next connection has by itself."""


class LoopbackTransport:
    """Sends requests to servers on this machine.

    Args:
        ports: Name of a back end, or the host of an address -> port.
    """

    def __init__(self, ports: Mapping[str, int]) -> None:
        """Take note of the ports."""
        self.ports = ports

    def send(self, target: str, request: Request, timeout: float) -> Response:
        """Send a request; the chunks of the answer are read as they come.

        Raises:
            SimulationError: No server stands for the target.
            OSError: There is no connection, or no answer in time.
        """
        if target not in self.ports:
            raise SimulationError(f"No server stands for {target}.")
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[target], timeout=timeout)
        path = f"{request.path}?{request.query}" if request.query else request.path
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        connection.request(request.method, path, request.body, headers)
        answer = connection.getresponse()
        pairs = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP]

        def chunks() -> Iterator[bytes]:
            while chunk := answer.read1(65536):
                yield chunk
            connection.close()

        return Response(answer.status, answer.reason, Headers(pairs), chunks(), connection.close)


@contextmanager
def serve(simulation: "Simulation") -> Iterator[int]:
    """The gateway as a server; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

        def answer(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(self.command, path, Headers(self.headers.items()), body, query)
            answer = simulation.handle(request)
            chunks = iter(answer.chunks)
            first = next(chunks, b"")
            self.send_response(answer.status, answer.reason)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while first:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(first), first))
                self.wfile.flush()
                first = next(chunks, b"")
            self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = answer  # noqa: N815 - names that the library looks for

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
