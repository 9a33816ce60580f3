"""Back ends with their breakers, and pools with priorities, as the evaluated resources describe them."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generator.evaluation import Environment
from generator.gateway_simulation.clock import Clock, seconds_of
from generator.gateway_simulation.messages import Response, SimulationError

BACKENDS = "Microsoft.ApiManagement/service/backends"
KNOWN = {
    "": {"type", "protocol", "url", "tls", "circuitBreaker", "pool", "title", "description", "credentials"},
    "rule": {"name", "failureCondition", "tripDuration", "acceptRetryAfter"},
    "condition": {"count", "interval", "statusCodeRanges", "errorReasons"},
    "member": {"id", "priority", "weight"},
}


def refuse_unknown(kind: str, name: str, body: Mapping[str, Any]) -> None:
    """A property that nobody simulates must not pass in silence.

    Raises:
        SimulationError: There is one.
    """
    unknown = sorted(set(body) - KNOWN[kind])
    if unknown:
        raise SimulationError(f"Back end {name}: {' and '.join(unknown)} is not simulated.")


class Breaker:
    """Opens after so many failures in an interval, for a time that the back end may ask for.

    Args:
        name: Of the back end, for faults.
        rule: The rule as deployed.
        clock: Seconds.
    """

    def __init__(self, name: str, rule: Mapping[str, Any], clock: Clock) -> None:
        """Read the rule."""
        condition = rule["failureCondition"]
        refuse_unknown("rule", name, rule)
        refuse_unknown("condition", name, condition)
        self.count, self.interval = int(condition["count"]), seconds_of(condition["interval"])
        self.ranges = [(row["min"], row["max"]) for row in condition.get("statusCodeRanges", [])]
        self.reasons = set(condition.get("errorReasons", []))
        self.trip, self.patient = seconds_of(rule["tripDuration"]), bool(rule.get("acceptRetryAfter"))
        self.clock, self.failures, self.open_until = clock, deque[float](), 0.0

    @property
    def open(self) -> bool:
        """Whether the back end is left alone now."""
        return self.clock.now() < self.open_until

    def record(self, response: Response, reason: str = "") -> None:
        """Take note of an answer, or of the error that took its place."""
        failed = any(low <= response.status <= high for low, high in self.ranges) or reason in self.reasons
        if not failed:
            return
        now = self.clock.now()
        self.failures.append(now)
        while self.failures[0] <= now - self.interval:
            self.failures.popleft()
        if len(self.failures) >= self.count:
            asked = response.headers.get("Retry-After") or ""
            wait = float(asked) if self.patient and asked.isdigit() else self.trip
            self.open_until = now + wait
            self.failures.clear()


class Backend:
    """One back end: its name, its address as deployed, its breaker."""

    def __init__(self, name: str, properties: Mapping[str, Any], clock: Clock) -> None:
        """Read the resource."""
        refuse_unknown("", name, properties)
        rules = (properties.get("circuitBreaker") or {}).get("rules") or []
        if len(rules) > 1:
            raise SimulationError(f"Back end {name} has {len(rules)} breaker rules: the gateway takes one.")
        self.name, self.url = name, str(properties["url"])
        self.breaker = Breaker(name, rules[0], clock) if rules else None

    @property
    def available(self) -> bool:
        """Whether it may be called now."""
        return self.breaker is None or not self.breaker.open

    @property
    def path(self) -> str:
        """Path of the address; empty when only a deployment knows the address."""
        return "" if self.url.startswith("[") else "/" + "/".join(self.url.rstrip("/").split("/")[3:])

    def record(self, response: Response, reason: str = "") -> None:
        """Take note of an answer."""
        if self.breaker:
            self.breaker.record(response, reason)

    def pick(self) -> "Backend | None":
        """Itself, or None while its breaker is open."""
        return self if self.available else None


@dataclass
class Member:
    """A back end in a pool; `used` counts its turns."""

    backend: Backend
    priority: int
    weight: int
    used: int = 0


class Pool:
    """Back ends of which the lowest priority number with an available one is asked, by weight."""

    def __init__(self, name: str, members: list[Member]) -> None:
        """Take members as deployed."""
        self.name, self.members = name, members

    def pick(self) -> Backend | None:
        """The next back end, or None when every breaker is open."""
        available = [item for item in self.members if item.backend.available]
        if not available:
            return None
        first = min(item.priority for item in available)
        turn = min((item for item in available if item.priority == first), key=lambda item: item.used / item.weight)
        turn.used += 1
        return turn.backend


def read_backends(environment: Environment, clock: Clock) -> tuple[dict[str, Backend], dict[str, Pool]]:
    """Every back end and every pool of an environment, by name.

    Raises:
        SimulationError: A resource has something that is not simulated, or a pool names nobody.
    """
    found = {item.name.rpartition("/")[2]: item.properties for item in environment.of_type(BACKENDS)}
    single = {
        name: Backend(name, body, clock) for name, body in found.items() if str(body.get("type", "Single")) == "Single"
    }
    pools = {}
    for name, body in found.items():
        if name in single:
            continue
        refuse_unknown("", name, body)
        members = []
        for service in body["pool"]["services"]:
            refuse_unknown("member", name, service)
            member = str(service["id"]).rpartition("/")[2]
            if member not in single:
                raise SimulationError(f"Pool {name} names {member}, which is no back end.")
            members.append(Member(single[member], int(service.get("priority", 1)), int(service.get("weight", 1))))
        pools[name] = Pool(name, members)
    return single, pools
