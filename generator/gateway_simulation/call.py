"""One call on its way through the gateway: what policies see of it and what they change."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4
from xml.etree.ElementTree import Element

from generator.gateway_simulation.configuration import Api, Operation, Product
from generator.gateway_simulation.expressions import Thrown
from generator.gateway_simulation.messages import Headers, PolicyError, Request, Response
from generator.tools.expressions import is_expression

if TYPE_CHECKING:
    from generator.gateway_simulation.service import Simulation


class Returned(Exception):  # noqa: N818 - no error: return-response ends the pipeline
    """A policy has answered."""


@dataclass
class Call:
    """State of one call.

    Args:
        gateway: Where it runs.
        original: As the caller sent it.
        request: As policies have changed it.
        api, operation, product, subscription: What it is about; a call without a key has neither of the last two.
        path: Where in the back end it goes.
        number: What tells the call from others.
        served_by: Back ends that were tried, in order; the last one answered.
        limited_by: The element that refused the call, when a limit did.
        completions: Called once the body of the answer is there, with the answer and its body.
        announced: Headers that policies of inbound add to the answer.
        judged: The error in place of an answer whose content is blocked, when answers are looked at.
        cache_key: Under which an answer may be kept.
    """

    gateway: "Simulation"
    original: Request
    request: Request
    api: Api
    operation: Operation
    path: str
    product: Product | None = None
    subscription: str | None = None
    number: UUID = field(default_factory=uuid4)
    variables: dict[str, Any] = field(default_factory=dict)
    response: Response | None = None
    last_error: PolicyError | None = None
    backend_id: str | None = None
    section: str = ""
    served_by: list[str] = field(default_factory=list)
    limited_by: str = ""
    completions: list[Callable[[Response, bytes], None]] = field(default_factory=list)
    announced: dict[str, str] = field(default_factory=dict)
    judged: PolicyError | None = None
    cache_key: str = ""

    def run(self, nodes: list[Element]) -> None:
        """Run policies in order.

        Raises:
            PolicyError: One of them failed.
            Returned: One of them has answered.
        """
        for node in nodes:
            self.gateway.element(node)(self, node)

    def attribute(self, node: Element, name: str, default: str = "") -> Any:
        """Value of an attribute, evaluated if it is an expression."""
        return self.value(node, node.get(name, default))

    def text(self, node: Element) -> str:
        """Text of an element, evaluated if it is an expression."""
        return as_text(self.value(node, (node.text or "").strip()))

    def true(self, node: Element, name: str, default: str = "false") -> bool:
        """Value of an attribute that is a boolean."""
        value = self.attribute(node, name, default)
        return value if isinstance(value, bool) else str(value) == "true"

    def value(self, node: Element, text: str) -> Any:
        """A text, or the value of the expression that it is.

        Raises:
            PolicyError: The expression threw.
        """
        if not is_expression(text):
            return text
        try:
            value, consumed = self.gateway.expressions.evaluate(text, self._context())
        except Thrown as thrown:
            message = f"Expression evaluation failed. {thrown}"
            raise PolicyError(node.tag, "ExpressionValueEvaluationFailure", message, 500) from thrown
        if "Request" in consumed:
            self.request.body = b""
        if "Response" in consumed and self.response:
            self.response.chunks = ()
        return value

    def fail(self, error: PolicyError) -> None:
        """Let an error, and the answer that it means, be seen by the policies that follow."""
        self.last_error = error
        headers = Headers([("Content-Type", "application/json"), *error.headers.items()])
        body = json.dumps({"statusCode": error.status, "message": error.message}).encode()
        self.response = Response(error.status, error.status_reason or error.reason, headers, [body])

    def _context(self) -> dict[str, Callable[[bool], Any]]:
        """What expressions may ask for; the argument says whether bodies are wanted."""
        return {
            "Api": lambda _: {
                "Id": self.api.name,
                "Name": self.api.title,
                "Path": self.api.path,
                "Version": self.api.version,
            },
            "Operation": lambda _: {
                "Id": self.operation.id,
                "Method": self.operation.method,
                "Name": self.operation.id,
            },
            "Product": lambda _: self.product and {"Id": self.product.name, "Name": self.product.name},
            "Subscription": lambda _: self.subscription and {"Id": self.subscription, "Name": self.subscription},
            "LastError": lambda _: self.last_error
            and {
                "Source": self.last_error.source,
                "Reason": self.last_error.reason,
                "Message": self.last_error.message,
                "Section": self.section,
            },
            "Request": self._request,
            "RequestId": lambda _: str(self.number),
            "Response": self._response,
            "Variables": lambda _: self.variables,
        }

    def _request(self, body: bool) -> dict[str, Any]:
        given: dict[str, Any] = {
            "Method": self.request.method,
            "Headers": self.request.headers.lists(),
            "Url": {"Path": self.path, "QueryString": self.request.query},
            "OriginalUrl": {"Path": self.original.path, "QueryString": self.original.query},
        }
        return {**given, "Body": self.request.body.decode(errors="replace") or None} if body else given

    def _response(self, body: bool) -> dict[str, Any] | None:
        if self.response is None:
            return None
        given: dict[str, Any] = {
            "StatusCode": self.response.status,
            "StatusReason": self.response.reason,
            "Headers": self.response.headers.lists(),
        }
        if body:
            self.response.chunks = [self.response.read()]
            given["Body"] = self.response.read().decode() or None
        return given


def as_text(value: Any) -> str:
    """How the gateway writes a value into a header or a body."""
    if isinstance(value, dict) and "json" in value:
        return json.dumps(value["json"])
    return "" if value is None else str(value)
