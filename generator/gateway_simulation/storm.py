"""A storm: thousands of calls of several consumers while the members of a pool fail in turn, in virtual time.

The first consumer keeps within its limits, the second takes half as many tokens again as it may, the last makes half as
many calls again. Each member fails for a while, by refusing with a Retry-After, by an error, or by refusing the
connection; then all but the last choice; then all. In between they recover for longer than a breaker stays open. What
counts is how many refusals reach callers while a member could have answered: one that neither fails nor has asked to be
left alone.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field

from generator.evaluation import Environment
from generator.gateway_simulation import tokens
from generator.gateway_simulation.call import Call
from generator.gateway_simulation.clock import VirtualClock
from generator.gateway_simulation.configuration import Api, Operation
from generator.gateway_simulation.messages import Headers, Request, Response, SimulationError
from generator.gateway_simulation.service import Simulation

FAILING_SECONDS = 15.0
RETRY_AFTER_SECONDS = 10
CONSUMERS = 3
KINDS = ("429", "503", "no connection")
ANSWER = b'{"object": "chat.completion", "usage": {"total_tokens": %d}}'


class Weather:
    """Which member fails at a moment, and how; also the way to the members.

    Args:
        members: Names of back ends, first choice first.
        recovery: Seconds between two failures.
        clock: Virtual time.
    """

    def __init__(self, members: list[str], recovery: float, clock: VirtualClock) -> None:
        """Begin with everything well."""
        self.members, self.recovery, self.clock = members, recovery, clock
        self.begin, self.used = clock.now(), 0
        self.asked: dict[str, float] = {}

    def failure(self, member: str) -> str | None:
        """How a member fails now; None when it does not."""
        turn, within = divmod(self.clock.now() - self.begin, FAILING_SECONDS + self.recovery)
        if within < self.recovery:
            return None
        round_, turn = divmod(int(turn), len(self.members) + 2)
        struck = [*([name] for name in self.members), self.members[:-1], self.members][turn]
        kind = "429" if turn >= len(self.members) else KINDS[round_ % len(KINDS)]
        return kind if member in struck else None

    def could_answer(self, member: str) -> bool:
        """Whether a member neither fails nor has asked to be left alone."""
        return self.failure(member) is None and self.clock.now() >= self.asked.get(member, 0.0)

    def send(self, target: str, request: Request, timeout: float) -> Response:
        """Answer as the member would.

        Raises:
            ConnectionRefusedError: The member is gone.
        """
        failure = self.failure(target)
        if failure == "no connection":
            raise ConnectionRefusedError(f"{target} is gone")
        body = json.dumps({"error": {"message": f"{target} is busy"}}).encode()
        if failure == "429":
            self.asked[target] = self.clock.now() + RETRY_AFTER_SECONDS
            headers = Headers([("Retry-After", str(RETRY_AFTER_SECONDS)), ("x-member", target)])
            return Response(429, "Too Many Requests", headers, [body])
        if failure == "503":
            return Response(503, "Service Unavailable", Headers([("x-member", target)]), [body])
        return Response(200, "OK", Headers([("Content-Type", "application/json")]), [ANSWER % self.used])


@dataclass
class Tally:
    """What became of the calls of one consumer.

    Args:
        served: Answers by member.
        refused: Refusals by what the caller saw and why.
        leaked: Refusals and errors of back ends that reached the caller while a member was well.
    """

    calls: int = 0
    served: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    leaked: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True)
class Demand:
    """A consumer: its name, how many calls a minute it makes, and how many tokens each of them takes."""

    name: str
    calls: float
    tokens: int


def storm(environment: Environment, model: str, calls: int = 10_000) -> tuple[list[str], dict[str, Tally]]:
    """Let a storm pass over a gateway.

    Args:
        environment: The evaluated resources.
        model: Which model is asked for.
        calls: How many calls.

    Returns:
        The members, first choice first, and the tally of each consumer.

    Raises:
        SimulationError: There is no gateway, or something that is not simulated.
    """
    clock = VirtualClock()
    with Simulation(environment, Weather([], 0, clock), clock) as gateway:
        api, operation = _target(gateway)
        members, recovery = _members(gateway, api, operation)
        demands = _demands(gateway, api)
        gateway.transport = weather = Weather(members, recovery, clock)
        tallies = {item.name: Tally() for item in demands}
        request = _request(gateway, api, operation)
        debts = dict.fromkeys(tallies, 0.0)
        pause = 60 / sum(item.calls for item in demands)
        for number in range(calls):
            clock.sleep(pause)
            for item in demands:
                debts[item.name] += item.calls * pause / 60
            next_one = max(demands, key=lambda item: debts[item.name])
            debts[next_one.name] -= 1
            weather.used = next_one.tokens
            request.headers.set(_key_name(api), [gateway.keys[next_one.name]])
            question = {"role": "user", "content": f"Is anybody there? {number}"}
            request.body = json.dumps({"model": model, "messages": [question]}).encode()
            answer, call = gateway.carry(request)
            answer.read()
            _count(tallies[next_one.name], weather, answer, call)
    return members, tallies


def _count(tally: Tally, weather: Weather, answer: Response, call: Call | None) -> None:
    tally.calls += 1
    if call and answer.status == 200:
        tally.served[call.served_by[-1] if call.served_by else "cache"] += 1
        return
    limit = call.limited_by if call else ""
    reason = {"": "members", "rate-limit-by-key": "request rate", "llm-token-limit": "tokens"}[limit]
    tally.refused[f"{answer.status} {reason}"] += 1
    if not limit and any(weather.could_answer(member) for member in weather.members):
        tally.leaked[answer.status] += 1


def _target(gateway: Simulation) -> tuple[Api, Operation]:
    """Chat completions when there are any, else the first operation of the first API."""
    for api in gateway.configuration.apis.values():
        for operation in api.operations:
            if operation.id == "createChatCompletion":
                return api, operation
    api = next(iter(gateway.configuration.apis.values()))
    return api, api.operations[0]


def _key_name(api: Api) -> str:
    return api.key_names[0] if api.key_names else "api-key"


def _members(gateway: Simulation, api: Api, operation: Operation) -> tuple[list[str], float]:
    """Back ends of the API, by priority, and how long it takes until every breaker is closed again."""
    pool = gateway.pools.get(_pool(gateway, api, operation))
    if pool:
        found = [item.backend for item in sorted(pool.members, key=lambda item: item.priority)]
    else:
        names = {node.get("backend-id") for nodes in api.policy.values() for top in nodes for node in top.iter()}
        found = [backend for name, backend in gateway.backends.items() if name in names]
    trips = [backend.breaker.trip for backend in found if backend.breaker]
    return [backend.name for backend in found], max(trips, default=60.0) + 5


def _pool(gateway: Simulation, api: Api, operation: Operation) -> str:
    """The pool that the policy chooses for an operation: the last name of one in the first value that has any."""
    for nodes in api.policy.values():
        for top in nodes:
            for node in top.iter("when"):
                if operation.id in node.get("condition", ""):
                    values = [str(item.get("value", "")) for item in node]
                    named = [[name for name in re.split('"', value) if name in gateway.pools] for value in values]
                    return next((names[-1] for names in named if names), "")
    return ""


def _demands(gateway: Simulation, api: Api) -> list[Demand]:
    found = []
    for name, product_name in gateway.configuration.subscriptions.items():
        product = gateway.configuration.products[product_name]
        if api.name in product.apis:
            nodes = [node for top in product.policy["inbound"] for node in top.iter()]
            rates = [int(node.get("calls", "0")) for node in nodes if node.tag == "rate-limit-by-key"]
            limits = [int(node.get("tokens-per-minute", "0")) for node in nodes if node.tag == "llm-token-limit"]
            rate, limit = min(rates, default=600), min(limits, default=0)
            found.append(Demand(name, rate / 2, limit // rate))
    if not found:
        raise SimulationError(f"No consumer may call the API {api.name}: there is no storm without calls.")
    *others, greedy = found[:CONSUMERS]
    hungry = [Demand(item.name, item.calls, 3 * item.tokens) for item in others[1:]]
    return [*others[:1], *hungry, Demand(greedy.name, 3 * greedy.calls, greedy.tokens // 3)]


def _request(gateway: Simulation, api: Api, operation: Operation) -> Request:
    """A call without a body that the policies let through: with a token, if they ask for one."""
    headers = Headers([("Content-Type", "application/json")])
    token = next((node for node in api.policy["inbound"] if node.tag == "validate-azure-ad-token"), None)
    if token is not None:
        audience = str(token.findtext("audiences/audience"))
        lifetime = 365 * 24 * 3600.0
        issued = tokens.issue(str(token.get("tenant-id")), audience, gateway.clock.now(), lifetime)
        headers.set("Authorization", [f"Bearer {issued}"])
    return Request(operation.method, api.path + operation.path, headers, b"")
