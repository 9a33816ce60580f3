"""A rollout rehearsed: the rendered pipeline and its scripts against two real scoring servers behind a real splitter.

Jobs of the pipeline run in their order, each as the command that the pipeline gives to its script. Blue and green are
HTTP servers of this machine, and so is the splitter before them, which copies and shares requests as it is told and
notes their status and latency for each minute. Only the clock is not real: waiting moves it and sends requests.

`python -m tests.rehearsal` prints the table of cases.
"""

import contextlib
import copy
import functools
import importlib
import io
import json
import re
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from generator.answers import load, of_project
from generator.checks.delivery import Step, steps_of
from generator.paths import VARIANTS
from generator.rendering import render

MODULES = ("azure_cli", "health_gate", "endpoint", "rollout", "decommission")
RUN = "42"
SPARE_PERCENT = 60
"""So many requests more than the gate asks for."""
LEAST_REQUESTS = 8
LEAST_WHEN_DYING = 3
SLACK_MS = 150
SLOW_SECONDS = 0.3
"""The gate asks for fewer requests and allows for a busier machine than in a project: the rehearsal is quick."""


class Server:
    """A process that answers POST requests over HTTP on a port of this machine, one thread a connection.

    Args:
        answer: Headers and body of a request -> status and body of the answer.
    """

    def __init__(self, answer: Callable[[Mapping[str, str], bytes], tuple[int, bytes]]) -> None:
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while stream.readline():
                headers, body = read_message(stream)
                status, answer = self.answer(headers, body)
                connection.sendall(b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n%s" % (status, len(answer), answer))

    def close(self) -> None:
        """Stop listening."""
        self.listener.close()


def read_message(stream: Any) -> tuple[dict[str, str], bytes]:
    """Headers and body of an HTTP message whose first line was read."""
    headers = {}
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return headers, stream.read(int(headers.get("content-length", 0)))


class Caller:
    """A connection to a server that stays open."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.connection = socket.create_connection(address)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.connection.makefile("rb")

    def post(self, body: bytes, name: str = "") -> tuple[int, bytes]:
        """Status and body of the answer; `name` asks for one deployment."""
        wanted = b"azureml-model-deployment: %s\r\n" % name.encode() if name else b""
        head = b"POST /score HTTP/1.1\r\nHost: rehearsal\r\n%sContent-Length: %d\r\n\r\n" % (wanted, len(body))
        self.connection.sendall(head + body)
        status = int(self.stream.readline().split()[1])
        return status, read_message(self.stream)[1]

    def close(self) -> None:
        """Hang up."""
        self.stream.close()
        self.connection.close()


@dataclass
class Behaviour:
    """How a version of the model behaves.

    Args:
        answers: Whether it answers right when it is called by name.
        slow_from: Share of the traffic, in percent, from which on it is slow; 101 for never.
        errors_from: The same for errors of the server.
    """

    answers: bool = True
    slow_from: int = 101
    errors_from: int = 101


@dataclass
class Minute:
    """What the splitter noted about one deployment in one minute."""

    statuses: dict[int, int] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)


class Crash(BaseException):
    """The process that runs the rollout is gone."""


class Platform:
    """Two scoring servers, the splitter before them, and a clock: what the scripts see as the endpoint.

    Args:
        scripts: Modules of the rendered project.
        behaviour: How green behaves.
    """

    def __init__(self, scripts: SimpleNamespace, behaviour: Behaviour) -> None:
        self.scripts = scripts
        self.behaviour = behaviour
        self.time = 1_000_000.0
        self.traffic: dict[str, int] = {"blue": 100}
        self.copied: dict[str, int] = {}
        self.deployments: dict[str, tuple[int, dict[str, str]]] = {
            "blue": (3, {"deployed_by": "1", "proven_at": "1"}),
        }
        self.minutes: dict[tuple[str, int], Minute] = {}
        self.history: list[dict[str, int]] = [dict(self.traffic)]
        self.silent = False
        self.blind = False
        self.calls = 0
        self.crash_at = 0
        self.kept: dict[str, int] = {}
        cases = json.loads((scripts.root / "ml/models/example/evaluation.json").read_text(encoding="utf-8"))["cases"]
        self.request = json.dumps(cases[0]["request"]).encode()
        self.known = {json.dumps(case["request"]).encode(): case["answers"] for case in cases}

    def after_call(self) -> None:
        """Die when it is time to; every call of the platform ends here, with its effect in place."""
        self.calls += 1
        if self.calls == self.crash_at:
            raise Crash

    def state(self) -> Any:
        self.after_call()
        kind = self.scripts.endpoint.Deployment
        rows = {name: kind(count, dict(tags)) for name, (count, tags) in self.deployments.items()}
        values = {"traffic": dict(self.traffic), "mirror": dict(self.copied), "deployments": rows}
        names = self.scripts.endpoint.State.__dataclass_fields__
        return self.scripts.endpoint.State(**{name: value for name, value in values.items() if name in names})

    def create(self, name: str, release: Any, instances: int) -> None:
        self.deployments[name] = (max(instances, 1), {"deployed_by": release.run, "model_version": release.version})
        self.after_call()

    def watch(self, name: str, instances: int) -> None:
        self.kept[name] = instances
        self.after_call()

    def measure(self, name: str) -> None:
        self.after_call()

    def call(self, name: str, request: Path) -> Any:
        caller = Caller(NETWORK.splitter.address)
        NETWORK.platform = self
        status, body = caller.post(request.read_bytes(), name)
        caller.close()
        self.after_call()
        if status != 200:
            raise self.scripts.azure_cli.Failure(f"az ml online-endpoint invoke: {status}")
        return json.loads(body)

    def give(self, traffic: Mapping[str, int]) -> None:
        self.traffic.update(traffic)
        assert sum(self.traffic.values()) == 100 and traffic.keys() <= self.deployments.keys()
        self.history.append(dict(self.traffic))
        self.after_call()

    def mirror(self, name: str, percent: int) -> None:
        assert not self.traffic.get(name), "the platform takes a copy or a share, not both"
        self.copied[name] = percent
        self.after_call()

    def tag(self, name: str, tags: Mapping[str, str]) -> None:
        count, known = self.deployments[name]
        self.deployments[name] = (count, {**known, **tags})
        self.after_call()

    def delete(self, name: str) -> None:
        assert not self.traffic.get(name)
        del self.deployments[name]
        self.traffic.pop(name, None)
        self.after_call()

    def ask(self, metric: str, dimensions: str, start: float, end: float) -> Any:
        """The noted minutes in the shape of the platform's answer."""
        self.after_call()
        found = re.search(r"deployment eq '(\w+)'", dimensions)
        assert found
        name = found.group(1)
        if self.blind and name == "green":
            return {"value": []}
        rows = [
            row for (who, minute), row in sorted(self.minutes.items()) if who == name and start <= minute * 60 < end
        ]
        if metric == "RequestLatency_P95":
            points = [{"average": p95(row.latencies_ms)} for row in rows if row.latencies_ms]
            return {"value": [{"timeseries": [{"data": points}]}]}
        assert metric == "RequestsPerMinute" and "statusCodeClass eq '*'" in dimensions
        series = []
        for kind in (2, 5):
            points = [
                {"average": float(sum(count for status, count in row.statuses.items() if status // 100 == kind))}
                for row in rows
            ]
            label = {"name": {"value": "statuscodeclass"}, "value": f"{kind}xx"}
            series.append({"metadatavalues": [label], "data": points})
        return {"value": [{"timeseries": series}]}

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += seconds

    def answer(self, name: str, body: bytes) -> tuple[int, bytes]:
        """What a scoring server answers."""
        share = self.traffic.get(name, 0)
        if name == "green":
            if share >= self.behaviour.slow_from:
                time.sleep(SLOW_SECONDS)
            if share >= self.behaviour.errors_from:
                return 500, b"{}"
        rows = self.known[body]
        right = name == "blue" or self.behaviour.answers
        return 200, self._reply(rows if right else [1 - row for row in rows])

    def _reply(self, rows: list[int]) -> bytes:
        """Answers in the shape of the model server."""
        triton = self.scripts.answers["serving_runtime"] == "triton"
        return json.dumps({"outputs": [{"name": "label", "data": rows}]} if triton else rows).encode()

    def live(self, minutes: int) -> None:
        """Let time pass, with callers: enough that every deployment with a share gets what the gate asks for."""
        shares = [share for share in (*self.traffic.values(), *self.copied.values()) if share]
        least = self.scripts.rollout.LEAST_REQUESTS * (100 + SPARE_PERCENT) / min(shares)
        count = 0 if self.silent else int(least) + 1
        NETWORK.platform = self
        caller = Caller(NETWORK.splitter.address)
        start = self.time
        for number in range(count):
            self.time = start + minutes * 60 * number / count
            caller.post(self.request)
        caller.close()
        self.time = start + minutes * 60


def p95(values: list[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


class Network:
    """The processes: blue, green and the splitter. They serve the platform of the case that runs."""

    def __init__(self) -> None:
        self.platform: Platform = None  # type: ignore[assignment]
        self.backends = {name: Server(self._scorer(name)) for name in ("blue", "green")}
        self.callers = {name: Caller(server.address) for name, server in self.backends.items()}
        self.splitter = Server(self._split)
        self.turn = {"traffic": 0, "copy": 0}
        self.lock = threading.Lock()

    def _scorer(self, name: str) -> Callable[[Mapping[str, str], bytes], tuple[int, bytes]]:
        return lambda headers, body: self.platform.answer(name, body)

    def _split(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        with self.lock:
            named = headers.get("azureml-model-deployment")
            if named:
                return self.callers[named].post(body)
            copied = self._choose("copy", self.platform.copied)
            answer = self._forward(self._choose("traffic", self.platform.traffic), body)
            if copied:
                self._forward(copied, body)
            return answer

    def _choose(self, kind: str, shares: Mapping[str, int]) -> str:
        """The deployment whose turn it is: of 100 requests in a row each gets its share. 37 spreads them evenly."""
        self.turn[kind] += 37
        left = self.turn[kind] % 100
        for name, share in shares.items():
            if left < share:
                return name
            left -= share
        return ""

    def _forward(self, name: str, body: bytes) -> tuple[int, bytes]:
        started = time.perf_counter()
        status, answer = self.callers[name].post(body)
        key = (name, int(self.platform.time // 60))
        noted = self.platform.minutes.setdefault(key, Minute())
        noted.statuses[status] = noted.statuses.get(status, 0) + 1
        noted.latencies_ms.append(1000 * (time.perf_counter() - started))
        return status, answer

    def close(self) -> None:
        """End every process."""
        for server in (*self.backends.values(), self.splitter):
            server.close()


NETWORK: Network = None  # type: ignore[assignment]


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """The processes, while they are needed."""
    global NETWORK
    NETWORK = Network()
    try:
        yield NETWORK
    finally:
        NETWORK.close()


def project(variant: str, folder: Path, spoil: Callable[[Path], None] = lambda root: None) -> SimpleNamespace:
    """A rendered variant with its scripts as modules; `spoil` may change its files before."""
    root = folder / variant
    render(load(VARIANTS / f"{variant}.yml"), root)
    spoil(root)
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.path.insert(0, str(root / "scripts"))
    try:
        modules: dict[str, ModuleType] = {name: importlib.import_module(name) for name in MODULES}
    finally:
        sys.path.remove(str(root / "scripts"))
        for name in MODULES:
            sys.modules.pop(name, None)
    scripts = SimpleNamespace(root=root, answers=of_project(root), **modules)
    scripts.rollout.LEAST_REQUESTS = LEAST_REQUESTS
    scripts.rollout.Limits = functools.partial(scripts.health_gate.Limits, slack_ms=SLACK_MS)
    return scripts


@dataclass
class Run:
    """One run of the pipeline: which jobs are done, and what they told the later ones."""

    scripts: SimpleNamespace
    platform: Platform
    steps: dict[str, Step]
    done: dict[str, dict[str, str]] = field(default_factory=dict)
    failed: str = ""
    said: str = ""
    calls_before_back: int = 0

    def go(self) -> None:
        """Run what is not done, in order, up to the first failure; then the way back, as the pipeline would."""
        for name, step in self.steps.items():
            if name in self.done or name == "rollback":
                continue
            if not self._job(name, step):
                self.failed = name
                break
        if self.failed and "choose" in self.done:
            self.back()

    def back(self) -> None:
        """The job that rolls back."""
        self.calls_before_back = self.platform.calls
        assert self._command(self.steps["rollback"], str(self.steps["rollback"].values["step"]))[0] == 0

    def _job(self, name: str, step: Step) -> bool:
        minutes = re.fullmatch(
            r"bake-(\d+)-minutes", str(step.body.get("environment") or step.values.get("environment"))
        )
        if minutes:
            self.platform.live(int(minutes.group(1)))
            self.done[name] = {}
            return True
        if step.values.get("minutes"):
            self.platform.live(int(step.values["minutes"]))
        told: dict[str, str] = {}
        for key in ("check", "step"):
            if step.values.get(key):
                code, text = self._command(step, str(step.values[key]))
                if code:
                    return False
                told |= dict(line.split("=") for line in text.splitlines() if re.match("(old|new)=", line))
        self.done[name] = {**told, "ended": str(int(self.platform.time))}
        return True

    def _command(self, step: Step, text: str) -> tuple[int, str]:
        script = str(step.values["script"]).removesuffix(".py")
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            code = getattr(self.scripts, script).main(self._filled(step, text), lambda *place: self.platform)
        self.said = errors.getvalue().strip() or self.said
        return code, output.getvalue()

    def _filled(self, step: Step, text: str) -> list[str]:
        """Words of a command, with the expressions of the pipeline replaced by their values."""
        chosen = self.done.get("choose", {})
        since = str(step.values.get("since", "")).lower().replace("_", "-")
        values = {
            "${{ inputs.environment }}": "prod",
            "${{ parameters.environment }}": "prod",
            "${{ inputs.version }}": "5",
            "${{ parameters.version }}": "5",
            "${{ parameters.registry }}": "models",
            "${{ github.sha }}": "abc",
            "$(Build.SourceVersion)": "abc",
            "${{ github.run_id }}": RUN,
            "$(Build.BuildId)": RUN,
            "$(old)": chosen.get("old", ""),
            "$(new)": chosen.get("new", ""),
            "$(since)": self.done.get(since, {}).get("ended", ""),
        }
        for expression, value in values.items():
            text = text.replace(expression, value)
        text = re.sub(
            r"\$\{\{ needs\.([\w-]+)\.outputs\.(\w+) \}\}",
            lambda found: self.done[found.group(1)][found.group(2)],
            text,
        )
        assert "$" not in text, text
        return text.split()


def start(scripts: SimpleNamespace, behaviour: Behaviour, pipeline: str = "rollout") -> Run:
    """A run of a pipeline that has not begun."""
    return Run(scripts, Platform(scripts, behaviour), steps_of(scripts, pipeline))  # type: ignore[arg-type]


def resumed(run: Run) -> Run:
    """The same run on a copy of the platform as it was left, with nothing that dies."""
    platform = copy.deepcopy(run.platform, {id(run.scripts): run.scripts})
    platform.crash_at = 0
    return Run(run.scripts, platform, run.steps, copy.deepcopy(run.done))


@dataclass(frozen=True)
class Case:
    """What is rehearsed, and how it must end: the job that fails (empty for none) and a part of what it says."""

    name: str
    behaviour: Behaviour = field(default_factory=Behaviour)
    silent: bool = False
    blind: bool = False
    fails: str = ""
    says: str = ""


CASES = (
    Case("good"),
    Case("wrong when called by name", Behaviour(answers=False), fails="create", says="are right"),
    Case("slow from 10 %", Behaviour(slow_from=10), fails="traffic-50", says="too slow beside it"),
    Case("errors from 50 %", Behaviour(errors_from=50), fails="traffic-100", says="failed"),
    Case("errors from 100 %", Behaviour(errors_from=100), fails="confirm", says="failed"),
    Case("no traffic", silent=True, fails="first check", says="nobody knows"),
    Case("no metrics", blind=True, fails="first check", says="nobody knows"),
)


def first_check(run: Run) -> str:
    """Name of the first job that checks something."""
    return next(name for name, step in run.steps.items() if step.values.get("check"))


def rehearse(scripts: SimpleNamespace, case: Case, pipeline: str = "rollout") -> tuple[Run, list[str]]:
    """Run a case; the faults are what went otherwise than it must."""
    run = start(scripts, case.behaviour, pipeline)
    run.platform.silent, run.platform.blind = case.silent, case.blind
    run.go()
    wanted = first_check(run) if case.fails == "first check" else case.fails
    faults = [] if run.failed == wanted else [f"{run.failed or 'nothing'} failed instead of {wanted or 'nothing'}"]
    if case.says not in run.said:
        faults.append(f"it said {run.said}")
    return run, [*faults, *(ended_well(run) if not case.fails else taken_back(run)), *blue_kept_its_share(run)]


def ended_well(run: Run) -> list[str]:
    """Green has everything and is the last known good one."""
    traffic = {name: share for name, share in run.platform.traffic.items() if share}
    good = run.scripts.rollout.last_good(run.platform.state())
    return [] if traffic == {"green": 100} and good == "green" else [f"it ended with {traffic}, and {good} is good"]


def taken_back(run: Run) -> list[str]:
    """Blue has everything, and green is there for whoever looks for the cause."""
    kept = {"blue", "green"} <= run.platform.deployments.keys()
    return [*blue_has_all(run), *([] if kept else ["a deployment is gone"])]


def blue_has_all(run: Run) -> list[str]:
    """Blue has everything, and nothing is copied."""
    traffic = {name: share for name, share in run.platform.traffic.items() if share}
    copied = {name: share for name, share in run.platform.copied.items() if share}
    return [] if traffic == {"blue": 100} and not copied else [f"it ended with {traffic} and copies {copied}"]


def blue_kept_its_share(run: Run) -> list[str]:
    """Blue's share fell only in the steps of the pipeline, one after the other, each after a check that passed.

    A check of the pipeline stands in the job that moves the traffic, so a job that is done has passed its check.
    """
    shares = [step["percent"] for step in moves(run)]
    lowest, faults = 0, []
    for traffic in run.platform.history[1:]:
        green = traffic.get("green", 0)
        if green > lowest:
            if green != shares[shares.index(lowest) + 1 if lowest else 0]:
                faults.append(f"green went from {lowest} % to {green} %")
            lowest = green
        elif green:
            faults.append(f"green went back to {green} %, not to nothing")
    return faults


def moves(run: Run) -> list[dict[str, int]]:
    """Steps of the traffic that the pipeline names."""
    words = [str(step.values.get("step", "")) for step in run.steps.values()]
    return [
        {"percent": int(found.group(1))} for text in words if (found := re.search(r"^shift.*--percent=(\d+)", text))
    ]


def crashes(scripts: SimpleNamespace) -> Iterator[tuple[int, str, list[str]]]:
    """A rollout that dies after each call of the platform: number of the call, the job, and the faults.

    Each time three things may follow, and all are tried: the pipeline rolls back, somebody runs the failed job again,
    or somebody starts a new run. A good rollout dies on its way, a bad one on its way back.
    """
    for behaviour in (Behaviour(), Behaviour(errors_from=50)):
        whole = start(scripts, behaviour)
        whole.go()
        # On its way, the bad one is as the good one.
        for number in range(whole.calls_before_back + 1, whole.platform.calls + 1):
            run = start(scripts, behaviour)
            run.platform.crash_at = number
            try:
                run.go()
            except Crash:
                left = (name for name in run.steps if name not in run.done and name != "rollback")
                job = "rollback" if run.failed else next(left)
                yield number, job, [*_rolled_back(run), *_run_again(run), *_started_anew(run)]
            else:
                yield number, "nothing", ["it did not die"]


def _rolled_back(run: Run) -> list[str]:
    """The job that rolls back runs whenever a name was chosen; what is proven by then stays."""
    again = resumed(run)
    if "choose" not in again.done or "confirm" in again.done:
        return []
    again.back()
    proven = "proven_at" in again.platform.deployments.get("green", (0, {}))[1]
    faults = ended_well(again) if proven else blue_has_all(again)
    return [f"rollback: {fault}" for fault in faults]


def _run_again(run: Run) -> list[str]:
    """The failed job and those after it: a good rollout reaches its end, a bad one is taken back once more."""
    again = resumed(run)
    again.go()
    good = run.platform.behaviour == Behaviour()
    faults = [*(ended_well(again) if good else taken_back(again)), *blue_kept_its_share(again)]
    return [f"run again: {fault}" for fault in faults]


def _started_anew(run: Run) -> list[str]:
    """A new run first gives everything to the last known good deployment."""
    again = resumed(run)
    again.done = {}
    assert again._job("choose", again.steps["choose"])
    good = run.scripts.rollout.last_good(again.platform.state())
    shared = {name: share for name, share in again.platform.traffic.items() if share}
    copied = any(again.platform.copied.values())
    return [] if shared == {good: 100} and not copied else [f"new run: {shared}, and {good} is good"]


def table(rows: list[tuple[str, str, str, list[str]]]) -> str:
    """Cases as text: project, case, how it ended, what is wrong."""
    lines = [("project", "case", "ended", "verdict")]
    lines += [(where, name, ended, "; ".join(faults) or "as it must") for where, name, ended, faults in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return "\n".join(
        "  ".join((*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[3])) for line in lines
    )


def rehearsal(scripts: SimpleNamespace, name: str, with_crashes: bool) -> list[tuple[str, str, str, list[str]]]:
    """Every case of one project."""
    rows = []
    for pipeline in ("rollout", "emergency-rollout"):
        for case in CASES:
            if pipeline == "rollout" or case.name in ("good", "errors from 50 %", "no metrics"):
                run, faults = rehearse(scripts, case, pipeline)
                ended = f"{run.failed} failed, blue has all" if run.failed else "green has all"
                rows.append((name, f"{case.name}{' (emergency)' if pipeline != 'rollout' else ''}", ended, faults))
    if with_crashes:
        scripts.rollout.LEAST_REQUESTS = LEAST_WHEN_DYING
        found = list(crashes(scripts))
        scripts.rollout.LEAST_REQUESTS = LEAST_REQUESTS
        for job in dict.fromkeys(job for _, job, _ in found):
            faults = [f"call {number}: {fault}" for number, where, texts in found if where == job for fault in texts]
            count = sum(where == job for _, where, _ in found)
            rows.append((name, f"dies in {job}, after each of {count} calls", "resumed or taken back", faults))
    return rows


def main() -> int:
    """Print the table; 1 when a row is wrong."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, network():
        for name, with_crashes in (("default", True), ("kubernetes-models", False)):
            rows += rehearsal(project(name, Path(folder)), name, with_crashes)
    print(table(rows))
    return int(any(faults for *_, faults in rows))


if __name__ == "__main__":
    sys.exit(main())
