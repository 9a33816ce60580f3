"""What travels: headers, requests, responses, and the faults of policies and of the simulation itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl

from generator.errors import GroundplanError


class SimulationError(GroundplanError):
    """A project uses something that the simulation does not know, so nothing that it says would count."""


class PolicyError(Exception):
    """A policy failed; processing goes on in on-error.

    Args:
        source: The element, such as forward-request.
        reason: Error code, such as BackendConnectionFailure.
        message: For people.
        status: Status code of the answer when on-error makes no other.
        headers: Headers of that answer.
        status_reason: Its reason phrase.
    """

    def __init__(
        self,
        source: str,
        reason: str,
        message: str,
        status: int,
        headers: Mapping[str, str] | None = None,
        status_reason: str = "",
    ) -> None:
        """Keep what on-error may ask for."""
        super().__init__(message)
        self.source, self.reason, self.message, self.status = source, reason, message, status
        self.headers, self.status_reason = dict(headers or {}), status_reason


class Headers:
    """Headers by name, in any case, each with one or several values."""

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        """Take headers as pairs."""
        self._values: dict[str, tuple[str, list[str]]] = {}
        for name, value in items:
            self.add(name, value)

    def get(self, name: str) -> str | None:
        """First value, or None."""
        found = self._values.get(name.lower())
        return found[1][0] if found else None

    def set(self, name: str, values: list[str]) -> None:
        """Replace a header."""
        self._values[name.lower()] = (name, values)

    def add(self, name: str, value: str) -> None:
        """One more value."""
        self._values.setdefault(name.lower(), (name, []))[1].append(value)

    def drop(self, name: str) -> None:
        """Remove a header, if it is there."""
        self._values.pop(name.lower(), None)

    def items(self) -> list[tuple[str, str]]:
        """Pairs, one a value."""
        return [(name, value) for name, values in self._values.values() for value in values]

    def lists(self) -> dict[str, list[str]]:
        """Name -> values."""
        return dict(self._values.values())


@dataclass
class Request:
    """A call: method, path and query as the caller wrote them, headers, body."""

    method: str
    path: str
    headers: Headers
    body: bytes
    query: str = ""

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Parameters of the query."""
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass
class Response:
    """An answer whose body comes in chunks, as the sender sends them."""

    status: int
    reason: str
    headers: Headers
    chunks: Iterable[bytes] = ()
    close: Callable[[], None] = field(default=lambda: None)

    def read(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)


class Transport(Protocol):
    """How the gateway reaches what is behind it."""

    def send(self, target: str, request: Request, timeout: float) -> Response:
        """Send a request.

        Args:
            target: Name of the back end, or the host of an address.
            request: What to send.
            timeout: Seconds until the first byte.

        Raises:
            TimeoutError: Nothing came in time.
            OSError: There is no connection.
        """


def buffered(chunks: Iterable[bytes], size: int = 8192) -> Iterator[bytes]:
    """Chunks put together until there are `size` bytes, as a gateway does that does not stream."""
    held = b""
    for chunk in chunks:
        held += chunk
        if len(held) >= size:
            yield held
            held = b""
    if held:
        yield held
