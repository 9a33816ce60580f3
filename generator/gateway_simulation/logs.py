"""What the diagnostics of an API keep of a call."""

from typing import TYPE_CHECKING, Any

from generator.gateway_simulation.configuration import Api
from generator.gateway_simulation.messages import Response, SimulationError

if TYPE_CHECKING:
    from generator.gateway_simulation.call import Call

KNOWN = {
    "loggerId",
    "alwaysLog",
    "httpCorrelationProtocol",
    "logClientIp",
    "metrics",
    "sampling",
    "verbosity",
    "frontend",
    "backend",
    "largeLanguageModel",
}


def refuse_unknown_logs(api: Api) -> None:
    """A setting that nobody simulates must not pass in silence.

    Raises:
        SimulationError: There is one.
    """
    for name, properties in api.diagnostics:
        unknown = sorted(set(properties) - KNOWN)
        if unknown:
            raise SimulationError(f"{unknown[0]} of the diagnostic {name} of API {api.name} is not simulated.")


def entries(call: "Call", answer: Response, body: bytes) -> list[dict[str, Any]]:
    """One entry for each diagnostic of the API, as if every call were sampled."""
    return [_entry(call, answer, body, properties, name) for name, properties in call.api.diagnostics]


def _entry(call: "Call", answer: Response, body: bytes, settings: Any, name: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "diagnostic": name,
        "api": call.api.name,
        "operation": call.operation.id,
        "subscription": call.subscription,
        "status": answer.status,
        "error": call.last_error.message if call.last_error else None,
    }
    for side in ("frontend", "backend"):
        for direction, text in (("request", call.original.body), ("response", body)):
            part = ((settings.get(side) or {}).get(direction)) or {}
            kept = int((part.get("body") or {}).get("bytes", 0))
            if kept:
                entry[f"{side} {direction}"] = text[:kept].decode(errors="replace")
    model = settings.get("largeLanguageModel") or {}
    if model.get("logs") == "enabled":
        for direction, text in (("requests", call.original.body), ("responses", body)):
            if (model.get(direction) or {}).get("messages") == "all":
                entry[direction] = text[: int(model[direction]["maxSizeInBytes"])].decode(errors="replace")
    return entry
