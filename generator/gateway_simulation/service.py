"""The gateway: takes a call, runs the policies of its scopes, and keeps what it counts, measures and logs."""

import json
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from threading import Lock
from typing import Any
from xml.etree.ElementTree import Element

from generator.evaluation import Environment
from generator.gateway_simulation.backends import Backend, Pool, read_backends
from generator.gateway_simulation.call import Call, Returned
from generator.gateway_simulation.clock import Clock
from generator.gateway_simulation.configuration import SECTIONS, Api, Operation, Product, read
from generator.gateway_simulation.elements import ELEMENTS, refuse_unknown, texts_of
from generator.gateway_simulation.expressions import Expressions, expressions_of
from generator.gateway_simulation.limits import Month, Window
from generator.gateway_simulation.logs import entries, refuse_unknown_logs
from generator.gateway_simulation.messages import Headers, PolicyError, Request, Response, SimulationError, Transport


class Simulation:
    """The gateway of one environment; use it as a context manager.

    Args:
        environment: The evaluated resources.
        transport: How back ends are reached.
        clock: Seconds.
        judge: Whether the content safety service blocks a text.
        revision: Which revision of an API is current, where it has that one; else the first that is written.

    Raises:
        SimulationError: The environment has no gateway, or something that is not simulated.
    """

    def __init__(
        self,
        environment: Environment,
        transport: Transport,
        clock: Clock,
        judge: Callable[[str], bool] = lambda text: False,
        revision: int | None = None,
    ) -> None:
        """Read everything and refuse what is unknown, before any call."""
        self.transport, self.clock, self.judge = transport, clock, judge
        self.configuration = read(environment, revision)
        self.backends, self.pools = read_backends(environment, clock)
        found = []
        for policy in self.configuration.policies():
            for nodes in policy.values():
                refuse_unknown([node for node in nodes if node.tag != "base"])
                found += [text for node in nodes for text in texts_of(node)]
        for api in self.configuration.apis.values():
            refuse_unknown_logs(api)
        self.expressions = Expressions(expressions_of(found))
        self.keys = {name: f"key-of-{name}" for name in self.configuration.subscriptions}
        self.lock = Lock()
        self.windows: dict[tuple[str, str], Window] = {}
        self.months: dict[tuple[str, str], Month] = {}
        self.cache: dict[str, tuple[Any, float]] = {}
        self.metrics: list[tuple[str, dict[str, str], int]] = []
        self.log: list[dict[str, Any]] = []

    def __enter__(self) -> "Simulation":
        """Start the process that evaluates expressions."""
        self.expressions.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """End it."""
        self.expressions.__exit__(*error)

    def element(self, node: Element) -> Callable[[Call, Element], None]:
        """What runs an element."""
        return ELEMENTS[node.tag].run

    def backend(self, name: str | None) -> Backend | Pool:
        """A back end or a pool.

        Raises:
            SimulationError: Nothing has that name.
        """
        found = self.pools.get(name or "") or self.backends.get(name or "")
        if found is None:
            raise SimulationError(f"There is no back end {name}.")
        return found

    def handle(self, request: Request) -> Response:
        """Carry a call to a back end and its answer back; the chunks of the answer come as they arrive."""
        return self.carry(request)[0]

    def carry(self, request: Request) -> tuple[Response, Call | None]:
        """Like `handle`, and what became of the call; None when it was about no operation."""
        found = self._operation(request)
        if found is None:
            return _refusal(404, "Unable to match incoming request to an operation."), None
        api, operation, path = found
        call = Call(self, request, copy(request), api, operation, path)
        call.request.headers = Headers(request.headers.items())
        refused = self._subscribe(call)
        if refused:
            return refused, call
        self._process(call)
        answer = call.response or Response(200, "OK", Headers())
        for name, value in call.announced.items():
            answer.headers.set(name, [value])
        if call.judged and answer.status == 200:
            answer.chunks = self._judged(call, answer)
        answer.chunks = self._complete(call, answer, answer.chunks)
        return answer, call

    def _operation(self, request: Request) -> tuple[Api, Operation, str] | None:
        for api in self.configuration.apis.values():
            if request.path.startswith(f"{api.path}/"):
                path = request.path.removeprefix(api.path)
                for operation in api.operations:
                    if (operation.method, operation.path) == (request.method, path):
                        return api, operation, path
        return None

    def _subscribe(self, call: Call) -> Response | None:
        """Find out whose key a call has; a refusal when it has none that counts here."""
        if call.api.key_names is None:
            return None
        header, parameter = call.api.key_names
        key = call.request.headers.get(header) or dict(call.request.parameters).get(parameter)
        if key is None:
            return _refusal(401, "Access denied due to missing subscription key.")
        for name, own in self.keys.items():
            product = self.configuration.products[self.configuration.subscriptions[name]]
            if own == key and call.api.name in product.apis:
                call.subscription, call.product = name, product
                return None
        return _refusal(401, "Access denied due to invalid subscription key.")

    def _process(self, call: Call) -> None:
        try:
            try:
                for section in SECTIONS[:3]:
                    self._run(call, section)
            except PolicyError as error:
                call.fail(error)
                self._run(call, "on-error")
        except PolicyError as error:
            call.fail(error)
        except Returned:
            pass

    def _run(self, call: Call, section: str) -> None:
        call.section = section
        call.run(self.effective(call.api, call.product, section))

    def effective(self, api: Api, product: Product | None, section: str) -> list[Element]:
        """Policies of a section, with those of the outer scope in place of each base."""
        nodes = self.configuration.policy[section]
        for policy in (product.policy if product else None, api.policy):
            if policy is not None:
                outer = nodes
                nodes = [item for node in policy[section] for item in (outer if node.tag == "base" else [node])]
        return nodes

    def _judged(self, call: Call, answer: Response) -> Iterable[bytes]:
        """The answer, or the error in its place; a stream ends before the chunk that makes it bad."""
        if "event-stream" in (answer.headers.get("Content-Type") or ""):
            return self._judged_stream(answer.chunks)
        body = answer.read()
        if call.judged and self.judge(body.decode(errors="replace")):
            call.fail(call.judged)
            answer.status, answer.reason = call.judged.status, call.judged.reason
            body = call.response.read() if call.response else b""
        return [body]

    def _judged_stream(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        text = b""
        for chunk in chunks:
            text += chunk
            if self.judge(text.decode(errors="replace")):
                return
            yield chunk

    def _complete(self, call: Call, answer: Response, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The body as it comes; once it is there, tokens are counted and the call is logged."""
        body = []
        try:
            for chunk in chunks:
                body.append(chunk)
                yield chunk
        finally:
            answer.close()
            whole = b"".join(body)
            for complete in call.completions:
                complete(answer, whole)
            with self.lock:
                self.log += entries(call, answer, whole)


def _refusal(status: int, message: str) -> Response:
    body = json.dumps({"statusCode": status, "message": message}).encode()
    return Response(status, message, Headers([("Content-Type", "application/json")]), [body])
