"""The gate between two steps of a rollout: metrics of the platform decide, and where there are none, the answer is no.

A rollout calls `judge`; by hand, `python3 scripts/health_gate.py --help` tells how to ask about the last minutes.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from azure_cli import Failure, az, exit_code

REQUESTS = "RequestsPerMinute"
LATENCY = "RequestLatency_P95"
"""Metrics of Microsoft.MachineLearningServices/workspaces/onlineEndpoints, each with one value a minute."""

LAST_SECONDS = 900
"""The end of the window is judged by itself too: what broke just now is lost in the average of a day."""

Ask = Callable[[str, str, float, float], Any]
"""Metric, filter on its dimensions, start and end in seconds since 1970 -> answer of `az monitor metrics list`."""


@dataclass(frozen=True)
class Limits:
    """What is good enough.

    Args:
        latency_ms: What 95 of 100 answers must not exceed.
        most_failed_percent: Share of answers with an error of the server (5xx) that may be.
        least_requests: With fewer requests nobody knows.
        most_slower_percent: How much slower than the deployment before it may be, beyond `slack_ms`.
        slack_ms: A difference that nobody notices.
    """

    latency_ms: float
    most_failed_percent: float
    least_requests: int = 20
    most_slower_percent: float = 25
    slack_ms: float = 20


@dataclass(frozen=True)
class Sample:
    """What the metrics say about one deployment: requests, those that failed, latency in ms (None without a value)."""

    requests: float
    failed: float
    latency_ms: float | None


def azure_metrics(resource: str) -> Ask:
    """Ask the platform about one endpoint.

    Args:
        resource: Resource id of the endpoint.
    """

    def ask(metric: str, dimensions: str, start: float, end: float) -> Any:
        span = ["--start-time", _utc(start), "--end-time", _utc(end), "--interval", "PT1M"]
        which = ["--metrics", metric, "--aggregation", "Average", "--filter", dimensions]
        return az("monitor", "metrics", "list", "--resource", resource, *which, *span)

    return ask


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def waited(since: float, now: float, minutes: int) -> None:
    """Make sure that a step was watched for its time.

    Raises:
        Failure: Too little has passed.
    """
    passed = int(now - since) // 60
    if passed < minutes:
        raise Failure(f"Only {passed} of {minutes} minutes have passed: the wait of this step is not set up.")


def requests_by_class(ask: Ask, deployment: str, start: float, end: float) -> dict[str, float]:
    """Number of requests by class of their status code, such as 2xx or 5xx."""
    answer = ask(REQUESTS, f"deployment eq '{deployment}' and statusCodeClass eq '*'", start, end)
    found: dict[str, float] = {}
    for series in _series(answer):
        values = {row["name"]["value"].lower(): row["value"] for row in series.get("metadatavalues") or []}
        name = str(values.get("statuscodeclass", "")).lower()
        found[name] = found.get(name, 0) + sum(_values(series))
    return found


def sample(ask: Ask, deployment: str, start: float, end: float) -> Sample:
    """What the metrics of one deployment say about a span of time."""
    classes = requests_by_class(ask, deployment, start, end)
    answer = ask(LATENCY, f"deployment eq '{deployment}'", start, end)
    latencies = [value for series in _series(answer) for value in _values(series)]
    latency = sum(latencies) / len(latencies) if latencies else None
    return Sample(sum(classes.values()), classes.get("5xx", 0), latency)


def _series(answer: Any) -> list[dict[str, Any]]:
    rows = (answer or {}).get("value") or []
    return [series for row in rows for series in row.get("timeseries") or []]


def _values(series: dict[str, Any]) -> list[float]:
    points = series.get("data") or []
    return [point["average"] for point in points if point.get("average") is not None]


def judge(ask: Ask, new: str, old: str, span: tuple[float, float], limits: Limits) -> str:
    """Judge the new deployment: called, sound, as fast as promised, and not slower than the one before.

    Args:
        ask: Where metrics come from.
        new: Deployment that is judged.
        old: Deployment that answered before; empty for none.
        span: Start and end of the time that is judged, in seconds since 1970.
        limits: What is good enough.

    Returns:
        What was found, for the log.

    Raises:
        Failure: It is not good enough, or nothing is known about it.
    """
    start, end = span
    found = sample(ask, new, start, end)
    if found.requests < limits.least_requests or found.latency_ms is None:
        raise Failure(
            f"{new} has {found.requests:.0f} requests and {'no' if found.latency_ms is None else 'a'} latency in the "
            f"metrics, {limits.least_requests} requests are needed: nobody knows whether it is sound."
        )
    _sound(new, found, limits, "")
    before = sample(ask, old, start, end) if old else Sample(0, 0, None)
    if before.latency_ms is not None:
        _not_slower(new, found.latency_ms, old, before.latency_ms, limits)
    if end - start > LAST_SECONDS:
        last = sample(ask, new, end - LAST_SECONDS, end)
        if last.requests >= limits.least_requests:
            _sound(new, last, limits, f" in the last {LAST_SECONDS // 60} minutes")
    share = 100 * found.failed / found.requests
    return f"{new}: {found.requests:.0f} requests, {share:.2f} % failed, 95 of 100 within {found.latency_ms:.0f} ms."


def _sound(name: str, found: Sample, limits: Limits, when: str) -> None:
    share = 100 * found.failed / found.requests
    if share > limits.most_failed_percent:
        raise Failure(f"{share:.2f} % of the requests to {name} failed{when}, {limits.most_failed_percent} % may.")
    if found.latency_ms is not None and found.latency_ms > limits.latency_ms:
        raise Failure(
            f"95 of 100 answers of {name} take {found.latency_ms:.0f} ms{when}, "
            f"{limits.latency_ms:.0f} ms are promised."
        )


def _not_slower(new: str, new_ms: float, old: str, old_ms: float, limits: Limits) -> None:
    most_ms = old_ms * (1 + limits.most_slower_percent / 100) + limits.slack_ms
    if new_ms > most_ms:
        raise Failure(
            f"95 of 100 answers of {new} take {new_ms:.0f} ms, those of {old} {old_ms:.0f} ms: "
            f"more than {most_ms:.0f} ms is too slow beside it."
        )


def main(arguments: list[str] | None = None) -> int:
    """Judge a deployment by its last minutes; 1 when it is not good enough or nothing is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resource", required=True, help="resource id of the endpoint")
    parser.add_argument("--deployment", required=True)
    parser.add_argument("--against", default="", help="deployment that it is compared with")
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--latency-ms", type=float, required=True)
    parser.add_argument("--most-failed-percent", type=float, required=True)
    options = parser.parse_args(arguments)
    now = time.time()
    limits = Limits(options.latency_ms, options.most_failed_percent)
    span = (now - options.minutes * 60, now)
    ask = azure_metrics(options.resource)
    return exit_code(lambda: print(judge(ask, options.deployment, options.against, span, limits)))


if __name__ == "__main__":
    sys.exit(main())
