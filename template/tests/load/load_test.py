"""Sends the promised load through the gateway and compares the answers with the targets.

Requests start at a fixed rate, whether or not earlier ones were answered, and their latency counts from when they were
due: a slow platform cannot slow its own test down. targets.json holds what was promised.
"""

import argparse
import http.client
import json
import math
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FOLDER = Path(__file__).parent
PROJECT = FOLDER.parents[1]
sys.path.insert(0, str(PROJECT / "scripts"))

from azure_cli import Failure, az, deployed  # noqa: E402

MOST_THREADS = 400
TIMEOUT_SECONDS = 180


@dataclass(frozen=True)
class Door:
    """Where requests go: address of the gateway, key of the consumer, token of the caller if one is asked for."""

    url: str
    key: str
    token: str = ""


@dataclass(frozen=True)
class Load:
    """What is sent to one API, and what is promised.

    Args:
        api: foundation or models.
        path: Path below the address of the gateway.
        requests_per_minute: How many start in a minute.
        latency_p95_ms: Within how many milliseconds 95 of 100 answers come; the first event, where answers stream.
        failed_percent: How many may fail.
        tokens: Tokens of one request, prompt and answer together; 0 where nobody counts them.
        model: Deployment that is asked; empty for own models.
        streaming: Whether answers stream.
        body: What is sent to own models.
    """

    api: str
    path: str
    requests_per_minute: float
    latency_p95_ms: float
    failed_percent: float
    tokens: int = 0
    model: str = ""
    streaming: bool = False
    body: bytes = b""

    def request(self, number: int) -> bytes:
        """Body of one request; prompts differ, so that no cache answers."""
        if not self.model:
            return self.body
        answer = max(16, self.tokens // 4)
        # A short English word is about one token.
        prompt = f"Request {number}. Continue: " + "load " * max(1, self.tokens - answer - 10)
        content: dict[str, Any] = {"model": self.model, "messages": [{"role": "user", "content": prompt}]}
        content["max_completion_tokens"] = answer
        if self.streaming:
            content |= {"stream": True, "stream_options": {"include_usage": True}}
        return json.dumps(content).encode()


@dataclass(frozen=True)
class Answer:
    """One answer: status (0 for none), milliseconds from when it was due, how late it started, tokens that it cost."""

    status: int
    latency_ms: float
    late_ms: float
    tokens: int = 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 when a target is missed or nothing can be sent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment")
    parser.add_argument("--api", choices=sorted(read_targets()["apis"]), action="append", help="all when left out")
    parser.add_argument("--seconds", type=int, default=120, help="how long requests are sent (default: 120)")
    parser.add_argument("--url", help="address of the gateway; the key is in GATEWAY_KEY, a token in GATEWAY_TOKEN")
    options = parser.parse_args(arguments)
    targets = read_targets()
    missed: list[str] = []
    try:
        for api in options.api or targets["apis"]:
            load = load_of(targets, api, options.environment)
            door = given(options.url) if options.url else find(options.environment, targets["apis"][api]["consumer"])
            answers = send(door, load, options.seconds)
            print(summary(load, answers, options.seconds))
            missed += misses(load, answers)
    except Failure as failure:
        missed.append(str(failure))
    for sentence in missed:
        print(sentence, file=sys.stderr)
    return 1 if missed else 0


def read_targets() -> dict[str, Any]:
    """What was promised."""
    found: dict[str, Any] = json.loads((FOLDER / "targets.json").read_text(encoding="utf-8"))
    return found


def load_of(targets: Mapping[str, Any], api: str, environment: str) -> Load:
    """The load of one API in one environment: the peak, or the share of it that the environment can take."""
    row = targets["apis"][api]
    share = row.get("percent_of_peak", {}).get(environment, 100) / 100
    tokens = row.get("tokens_per_minute", 0) / row["requests_per_minute"]
    return Load(
        api,
        row["path"].replace("<environment>", environment),
        row["requests_per_minute"] * share,
        row["latency_p95_ms"],
        targets["failed_percent"],
        int(tokens),
        row.get("model", ""),
        row.get("streaming", False),
        (PROJECT / row["body"]).read_bytes() if "body" in row else b"",
    )


def given(url: str) -> Door:
    """The door that the command line and the variables of the shell name.

    Raises:
        Failure: There is no key.
    """
    if "GATEWAY_KEY" not in os.environ:
        raise Failure("Set GATEWAY_KEY to the key of a consumer.")
    return Door(url, os.environ["GATEWAY_KEY"], os.environ.get("GATEWAY_TOKEN", ""))


def find(environment: str, consumer: str) -> Door:
    """The door of a deployed environment, from its last deployment.

    Raises:
        Failure: The environment is not deployed, or whoever is signed in may not read the key of the consumer.
    """
    stack = deployed(environment)
    values = {name: row.get("value") for name, row in stack["parameters"].items()}
    outputs = {name: row["value"] for name, row in stack["outputs"].items()}
    name = consumer.replace("<environment>", environment)
    listing = f"{outputs['gatewayId']}/subscriptions/{name}/listSecrets?api-version=2024-05-01"
    key = az("rest", "--method", "post", "--url", listing)["primaryKey"]
    audience = values.get("callerAudience")
    token = az("account", "get-access-token", "--scope", f"{audience}/.default")["accessToken"] if audience else ""
    return Door(outputs["gatewayUrl"], key, token)


def send(door: Door, load: Load, seconds: int) -> list[Answer]:
    """Start requests at the rate of the load for some seconds, and wait for every answer."""
    rate = load.requests_per_minute / 60
    count = max(1, int(rate * seconds))
    # Enough for answers that take four times as long as promised.
    threads = min(MOST_THREADS, count, 4 + math.ceil(rate * load.latency_p95_ms / 1000 * 4))
    own = threading.local()
    start = time.monotonic() + 0.1

    def one(number: int) -> Answer:
        due = start + number / rate
        time.sleep(max(0, due - time.monotonic()))
        return ask(own, door, load, number, due)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(count)))


def ask(own: threading.local, door: Door, load: Load, number: int, due: float) -> Answer:
    """Send one request over the connection of this thread, and read its answer."""
    late = (time.monotonic() - due) * 1000
    headers = {"Content-Type": "application/json", "api-key": door.key}
    if door.token:
        headers["Authorization"] = f"Bearer {door.token}"
    path = urlsplit(door.url).path.rstrip("/") + load.path
    body = load.request(number)
    # A connection that was idle may be closed: a fresh one gets a second try.
    for kept in [True, False] if getattr(own, "connection", None) else [False]:
        try:
            own.connection = own.connection if kept else connect(door.url)
            own.connection.request("POST", path, body, headers)
            response = own.connection.getresponse()
            first, tokens = read(response)
            return Answer(response.status, (first - due) * 1000, late, tokens)
        except (OSError, http.client.HTTPException):
            own.connection = None
    return Answer(0, (time.monotonic() - due) * 1000, late)


def connect(url: str) -> http.client.HTTPConnection:
    """A connection to the gateway."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.netloc, timeout=TIMEOUT_SECONDS)


def read(response: http.client.HTTPResponse) -> tuple[float, int]:
    """Read an answer to its end; when it was there (its first event, when it streams), and what it cost in tokens."""
    if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
        text = response.read()
        return time.monotonic(), used(text)
    first, tokens = 0.0, 0
    for line in response:
        if line.startswith(b"data: {"):
            first = first or time.monotonic()
            tokens = used(line[6:]) or tokens
    return first or time.monotonic(), tokens


def used(text: bytes) -> int:
    """Tokens that an answer says it cost; 0 when it says nothing."""
    try:
        content = json.loads(text)
        return int(content["usage"]["total_tokens"])
    except (ValueError, KeyError, TypeError):
        return 0


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    return sorted(values)[math.ceil(len(values) * 0.95) - 1]


def good(answer: Answer) -> bool:
    """Whether a request was answered."""
    return 200 <= answer.status < 300


def summary(load: Load, answers: Sequence[Answer], seconds: int) -> str:
    """What was measured, for people."""
    latencies = [answer.latency_ms for answer in answers if good(answer)]
    statuses: dict[int, int] = {}
    for answer in answers:
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
    counted = ", ".join(f"{status or 'none'} {count} times" for status, count in sorted(statuses.items()))
    lines = [
        f"{load.api}: {len(answers)} requests in {seconds} s, {load.requests_per_minute:g} a minute",
        f"  status: {counted}",
        f"  p95: {p95(latencies):.0f} ms, promised {load.latency_p95_ms:g} ms" if latencies else "  p95: no answer",
    ]
    tokens = sum(answer.tokens for answer in answers)
    if tokens:
        lines.append(f"  tokens: {tokens / seconds * 60:.0f} a minute")
    return "\n".join(lines)


def misses(load: Load, answers: Sequence[Answer]) -> Iterator[str]:
    """One sentence for each target that was missed."""
    failed = sum(not good(answer) for answer in answers) / len(answers) * 100
    if failed > load.failed_percent:
        yield f"{load.api}: {failed:.2f} % of the requests failed, {load.failed_percent:g} % may."
    answered = [answer for answer in answers if good(answer)]
    if not answered:
        return
    promised = load.latency_p95_ms
    measured = p95([answer.latency_ms for answer in answered])
    if p95([answer.latency_ms - answer.late_ms for answer in answered]) <= promised < measured:
        rate = f"{load.requests_per_minute:g} requests a minute"
        yield f"{load.api}: this machine could not send {rate}, start the test on a bigger one."
    elif measured > promised:
        yield f"{load.api}: 95 of 100 answers took up to {measured:.0f} ms, promised are {promised:g} ms."


if __name__ == "__main__":
    sys.exit(main())
