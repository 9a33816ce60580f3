"""The policy elements that projects use, and no other: each says which attributes and children it understands."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from generator.gateway_simulation import tokens
from generator.gateway_simulation.call import Call, Returned, as_text
from generator.gateway_simulation.limits import Month, Window, prompt_tokens, used_tokens
from generator.gateway_simulation.messages import Headers, PolicyError, Request, Response, SimulationError, buffered

Run = Callable[[Call, Element], None]


@dataclass(frozen=True)
class Known:
    """An element: what runs it, its attributes, its children (None: any policy)."""

    run: Run
    attributes: frozenset[str]
    children: Mapping[str, "Known"] | None = field(default_factory=dict)


ELEMENTS: dict[str, Known] = {}


def _nothing(call: Call, node: Element) -> None:
    """Children that their parent reads."""


def part(*attributes: str, **children: Known) -> Known:
    """A child that is no policy; names of children with an underscore for the hyphen."""
    return Known(_nothing, frozenset(attributes), {name.replace("_", "-"): known for name, known in children.items()})


def element(name: str, *attributes: str, children: Mapping[str, Known] | None = {}) -> Callable[[Run], Run]:
    """Register what runs an element."""

    def register(run: Run) -> Run:
        ELEMENTS[name] = Known(run, frozenset(attributes), children)
        return run

    return register


def refuse_unknown(nodes: list[Element]) -> None:
    """Look through policies before anything runs.

    Raises:
        SimulationError: There is an element or an attribute that nobody simulates.
    """
    for node in nodes:
        _refuse(node, ELEMENTS, node.tag)


def _refuse(node: Element, known: Mapping[str, Known], place: str) -> None:
    entry = known.get(node.tag)
    if entry is None:
        raise SimulationError(f"The element {place} is not simulated.")
    unknown = sorted(set(node.attrib) - entry.attributes)
    if unknown:
        raise SimulationError(f"The attribute {unknown[0]} of {place} is not simulated.")
    for child in node:
        _refuse(child, ELEMENTS if entry.children is None else entry.children, f"{place}/{child.tag}")


def texts_of(node: Element) -> Iterator[tuple[str, str]]:
    """Every attribute and text below a node, with the kind of value that its place takes."""
    for item in node.iter():
        for name, value in item.attrib.items():
            yield value, "boolean" if name == "condition" else "string"
        yield item.text or "", "string"


# Flow


@element(
    "choose",
    children={"when": Known(_nothing, frozenset({"condition"}), None), "otherwise": Known(_nothing, frozenset(), None)},
)
def choose(call: Call, node: Element) -> None:
    """The first branch whose condition holds."""
    for branch in node:
        if branch.tag == "otherwise" or call.true(branch, "condition"):
            call.run(list(branch))
            return


@element("retry", "condition", "count", "interval", "first-fast-retry", children=None)
def retry(call: Call, node: Element) -> None:
    """Children once, and again while the condition holds; an error counts as the answer that it means."""
    left = int(call.attribute(node, "count"))
    fast = call.true(node, "first-fast-retry")
    while True:
        failed = None
        try:
            call.run(list(node))
        except PolicyError as error:
            failed = error
            call.fail(error)
        if left == 0 or not call.true(node, "condition"):
            break
        left -= 1
        if not fast:
            call.gateway.clock.sleep(float(call.attribute(node, "interval")))
        fast, call.last_error = False, None
    if failed:
        raise failed


SET_STATUS = Known(_nothing, frozenset({"code", "reason"}))
SET_HEADER = Known(_nothing, frozenset({"name", "exists-action"}), {"value": part()})


@element("return-response", children={"set-status": SET_STATUS, "set-header": SET_HEADER, "set-body": part()})
def return_response(call: Call, node: Element) -> None:
    """An answer of the gateway's own; nothing of an earlier one stays."""
    answer = Response(200, "OK", Headers())
    for child in node:
        if child.tag == "set-status":
            answer.status, answer.reason = int(call.attribute(child, "code")), as_text(call.attribute(child, "reason"))
        elif child.tag == "set-header":
            change_header(call, child, answer.headers)
        else:
            answer.chunks = [call.text(child).encode()]
    call.response = answer
    raise Returned


@element("set-variable", "name", "value")
def set_variable(call: Call, node: Element) -> None:
    """A value for later expressions."""
    call.variables[str(node.get("name"))] = call.attribute(node, "value")


# The message


def change_header(call: Call, node: Element, headers: Headers) -> None:
    """One header of a message."""
    name, action = as_text(call.attribute(node, "name")), call.attribute(node, "exists-action", "override")
    values = [call.text(value) for value in node]
    if action == "delete":
        headers.drop(name)
    elif action == "append":
        for value in values:
            headers.add(name, value)
    elif action == "override" or headers.get(name) is None:
        headers.set(name, values)


@element("set-header", "name", "exists-action", children={"value": part()})
def set_header(call: Call, node: Element) -> None:
    """A header of the request, or after the back end of the answer."""
    answered = call.section in ("outbound", "on-error") and call.response
    change_header(call, node, call.response.headers if answered and call.response else call.request.headers)


@element("set-body")
def set_body(call: Call, node: Element) -> None:
    """Another body of the request."""
    if call.section != "inbound":
        raise SimulationError(f"A set-body in {call.section} is not simulated.")
    call.request.body = call.text(node).encode()


@element("rewrite-uri", "template", "copy-unmatched-params")
def rewrite_uri(call: Call, node: Element) -> None:
    """Another path in the back end."""
    path = as_text(call.attribute(node, "template"))
    if "{" in path:
        raise SimulationError("Parameters in the template of rewrite-uri are not simulated.")
    call.path = "/" + path.lstrip("/")
    if not call.true(node, "copy-unmatched-params", "true"):
        call.request.query = ""


# Identity

APPLICATIONS = part(application_id=part())


@element(
    "validate-azure-ad-token",
    "tenant-id",
    "header-name",
    "failed-validation-httpcode",
    "failed-validation-error-message",
    "output-token-variable-name",
    children={"audiences": part(audience=part()), "client-application-ids": APPLICATIONS},
)
def validate_azure_ad_token(call: Call, node: Element) -> None:
    """A token of the tenant, for one of the audiences, that has not expired."""
    header = call.request.headers.get(node.get("header-name", "Authorization")) or ""
    scheme, _, token = header.partition(" ")
    audiences = [call.text(item) for item in node.findall("audiences/audience")]
    applications = [call.text(item) for item in node.findall("client-application-ids/application-id")]
    tenant = as_text(call.attribute(node, "tenant-id"))
    if scheme.lower() != "bearer":
        reason: str | None = "TokenNotPresent"
    else:
        reason = tokens.fault(token, tenant, audiences, applications, call.gateway.clock.now())
    if reason:
        status = int(call.attribute(node, "failed-validation-httpcode", "401"))
        message = as_text(call.attribute(node, "failed-validation-error-message", "Access denied."))
        raise PolicyError(node.tag, reason, message, status)
    variable = node.get("output-token-variable-name")
    if variable:
        call.variables[variable] = {"jwt": tokens.claims_of(token)}


@element("authentication-managed-identity", "resource", "client-id")
def authentication_managed_identity(call: Call, node: Element) -> None:
    """A token of the gateway's identity, in place of the caller's."""
    call.request.headers.set("Authorization", [identity(call, node)])


def identity(call: Call, node: Element) -> str:
    """The header with the token; it says for whom and for what it is."""
    return f"Bearer identity={call.attribute(node, 'client-id')};resource={call.attribute(node, 'resource')}"


# Limits


@element("rate-limit-by-key", "calls", "renewal-period", "counter-key")
def rate_limit_by_key(call: Call, node: Element) -> None:
    """So many calls in a sliding window."""
    period = float(call.attribute(node, "renewal-period"))
    key = (node.tag, as_text(call.attribute(node, "counter-key")))
    with call.gateway.lock:
        window = call.gateway.windows.setdefault(key, Window(period, call.gateway.clock))
        if window.used() >= int(call.attribute(node, "calls")):
            raise _over(call, node, "RateLimitExceeded", "Rate limit is exceeded.", 429, window.wait())
        window.add(1)


@element(
    "llm-token-limit",
    "counter-key",
    "tokens-per-minute",
    "token-quota",
    "token-quota-period",
    "estimate-prompt-tokens",
    "remaining-tokens-header-name",
    "remaining-quota-tokens-header-name",
)
def llm_token_limit(call: Call, node: Element) -> None:
    """So many tokens a minute and a month: the prompt counts before it goes out, the rest when the answer is there."""
    key = (node.tag, as_text(call.attribute(node, "counter-key")))
    rate, quota = int(call.attribute(node, "tokens-per-minute", "0")), int(node.get("token-quota", "0"))
    if quota and node.get("token-quota-period") != "Monthly":
        raise SimulationError("Only a token-quota-period of Monthly is simulated.")
    prompt = prompt_tokens(call.request.body) if call.true(node, "estimate-prompt-tokens") else 0
    with call.gateway.lock:
        window = call.gateway.windows.setdefault(key, Window(60, call.gateway.clock))
        month = call.gateway.months.setdefault(key, Month(call.gateway.clock))
        if quota and month.used() + prompt > quota:
            raise _over(call, node, "TokenQuotaExceeded", "Token quota is exceeded.", 403, month.wait())
        if rate and window.used() + prompt > rate:
            raise _over(call, node, "TokenLimitExceeded", "Token limit is exceeded.", 429, window.wait())
        window.add(prompt)
        month.add(prompt)
        for limit, used, name in ((rate, window, "remaining-tokens"), (quota, month, "remaining-quota-tokens")):
            header = node.get(f"{name}-header-name")
            if header:
                call.announced[header] = str(max(0, limit - used.used()))
    request = call.request.body

    def complete(answer: Response, body: bytes) -> None:
        used = used_tokens(request, body) if answer.status == 200 else 0
        with call.gateway.lock:
            window.add(used - prompt)
            month.add(used - prompt)

    call.completions.append(complete)


def _over(call: Call, node: Element, reason: str, message: str, status: int, wait: int) -> PolicyError:
    call.limited_by = node.tag
    text = f"{message} Try again in {wait} seconds."
    return PolicyError(node.tag, reason, text, status, {"Retry-After": str(wait)})


# What is measured

DIMENSIONS: dict[str, Callable[[Call], str | None]] = {
    "Subscription ID": lambda call: call.subscription,
    "Product ID": lambda call: call.product.name if call.product else None,
    "API ID": lambda call: call.api.name,
    "Operation ID": lambda call: call.operation.id,
}


@element("llm-emit-token-metric", "namespace", children={"dimension": part("name", "value")})
def llm_emit_token_metric(call: Call, node: Element) -> None:
    """Tokens of the answer, by dimensions."""
    dimensions = {}
    for child in node:
        name = str(child.get("name"))
        if child.get("value") is None and name not in DIMENSIONS:
            raise SimulationError(f"The dimension {name} without a value is not simulated.")
        value = DIMENSIONS[name](call) if child.get("value") is None else call.attribute(child, "value")
        dimensions[name] = as_text(value)
    request = call.request.body

    def complete(answer: Response, body: bytes) -> None:
        if answer.status == 200:
            call.gateway.metrics.append((node.get("namespace", ""), dimensions, used_tokens(request, body)))

    call.completions.append(complete)


# The back end


@element("set-backend-service", "backend-id")
def set_backend_service(call: Call, node: Element) -> None:
    """Which back end, or pool of them, is asked."""
    call.backend_id = as_text(call.attribute(node, "backend-id"))


@element("forward-request", "timeout", "buffer-request-body", "buffer-response", "fail-on-error-status-code")
def forward_request(call: Call, node: Element) -> None:
    """Ask the back end; its breaker hears of the answer."""
    service = call.gateway.backend(call.backend_id)
    with call.gateway.lock:
        backend = service.pick()
    if backend is None:
        raise PolicyError(
            node.tag,
            "BackendUnavailable",
            f"Backend pool '{service.name}' is temporarily unavailable.",
            503,
            status_reason=f"Backend pool '{service.name}' is temporarily unavailable",
        )
    call.served_by.append(backend.name)
    headers = Headers(call.request.headers.items())
    outgoing = Request(call.request.method, backend.path + call.path, headers, call.request.body, call.request.query)
    if len(call.served_by) > 1 and not call.true(node, "buffer-request-body"):
        outgoing.body = b""  # It has gone to the first back end.
    try:
        answer = call.gateway.transport.send(backend.name, outgoing, float(call.attribute(node, "timeout", "300")))
    except OSError as error:
        failure = _failure(node, error)
        with call.gateway.lock:
            backend.record(Response(failure.status, failure.reason, Headers()), failure.reason)
        raise failure from error
    with call.gateway.lock:
        backend.record(answer)
    if call.true(node, "buffer-response", "true"):
        answer.chunks = buffered(answer.chunks)
    if call.response:
        call.response.close()
    call.response, call.last_error = answer, None
    if call.true(node, "fail-on-error-status-code") and answer.status >= 400:
        raise PolicyError(node.tag, "ErrorStatusCode", "The back end refused.", answer.status)


def _failure(node: Element, error: OSError) -> PolicyError:
    """A back end that did not answer: what went wrong and the status that stands for it."""
    if isinstance(error, TimeoutError):
        return PolicyError(node.tag, "Timeout", "The operation has timed out.", 504)
    return PolicyError(node.tag, "BackendConnectionFailure", f"Unable to connect: {error}", 500)


SENT = {
    "set-url": part(),
    "set-method": part(),
    "set-header": SET_HEADER,
    "authentication-managed-identity": part("resource", "client-id"),
}


@element("send-request", "mode", "response-variable-name", "timeout", "ignore-error", children=SENT)
def send_request(call: Call, node: Element) -> None:
    """A request of the gateway's own, whose answer becomes a variable."""
    if node.get("mode") != "new":
        raise SimulationError("Only the mode new of send-request is simulated.")
    url, method, headers = "", "GET", Headers()
    for child in node:
        if child.tag == "set-url":
            url = call.text(child)
        elif child.tag == "set-method":
            method = call.text(child)
        elif child.tag == "set-header":
            change_header(call, child, headers)
        else:
            headers.set("Authorization", [identity(call, child)])
    parts = urlsplit(url)
    try:
        outgoing = Request(method, parts.path, headers, b"", parts.query)
        answer = call.gateway.transport.send(parts.netloc, outgoing, float(node.get("timeout", "60")))
    except OSError as error:
        if not call.true(node, "ignore-error"):
            raise _failure(node, error) from error
        call.variables[str(node.get("response-variable-name"))] = None
        return
    seen = {"StatusCode": answer.status, "StatusReason": answer.reason, "Headers": answer.headers.lists()}
    call.variables[str(node.get("response-variable-name"))] = {"response": {**seen, "Body": answer.read().decode()}}


# Values that are kept


@element("cache-lookup-value", "key", "variable-name", "caching-type")
def cache_lookup_value(call: Call, node: Element) -> None:
    """A value that an earlier call has kept; without one there is no variable."""
    value, until = call.gateway.cache.get(as_text(call.attribute(node, "key")), (None, 0.0))
    if until > call.gateway.clock.now():
        call.variables[str(node.get("variable-name"))] = value


@element("cache-store-value", "key", "value", "duration", "caching-type")
def cache_store_value(call: Call, node: Element) -> None:
    """Keep a value for some seconds."""
    until = call.gateway.clock.now() + float(call.attribute(node, "duration"))
    call.gateway.cache[as_text(call.attribute(node, "key"))] = (call.attribute(node, "value"), until)


# What calls say


@element(
    "llm-content-safety",
    "backend-id",
    "shield-prompt",
    "enforce-on-completions",
    "window-size",
    "window-overlap-size",
    children={"categories": part("output-type", category=part("name", "threshold")), "blocklists": part(id=part())},
)
def llm_content_safety(call: Call, node: Element) -> None:
    """Ask the judge of the simulation about the prompt, and later about the answer."""
    call.gateway.backend(as_text(call.attribute(node, "backend-id")))
    blocked = PolicyError(node.tag, "ContentBlocked", "The content was blocked.", 403)
    if call.gateway.judge(call.request.body.decode()):
        raise blocked
    if call.true(node, "enforce-on-completions"):
        call.judged = blocked


@element(
    "llm-semantic-cache-lookup",
    "score-threshold",
    "embeddings-backend-id",
    "embeddings-backend-auth",
    "ignore-system-messages",
    "max-message-count",
    children={"vary-by": part()},
)
def llm_semantic_cache_lookup(call: Call, node: Element) -> None:
    """The answer to the very same messages, within the partition of vary-by: nearness is not simulated."""
    call.gateway.backend(as_text(call.attribute(node, "embeddings-backend-id")))
    partition = json.dumps([call.text(item) for item in node.findall("vary-by")])
    call.cache_key = f"{partition} {json.dumps(json.loads(call.request.body).get('messages'))}"
    answer, until = call.gateway.cache.get(call.cache_key, (None, 0.0))
    if until > call.gateway.clock.now():
        call.response = Response(200, "OK", Headers([("Content-Type", "application/json")]), [answer])
        raise Returned


@element("llm-semantic-cache-store", "duration")
def llm_semantic_cache_store(call: Call, node: Element) -> None:
    """Keep a good answer that is no stream."""
    until = call.gateway.clock.now() + float(call.attribute(node, "duration"))

    def complete(answer: Response, body: bytes) -> None:
        if answer.status == 200 and "event-stream" not in (answer.headers.get("Content-Type") or ""):
            call.gateway.cache[call.cache_key] = (body, until)

    call.completions.append(complete)
