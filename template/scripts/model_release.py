"""Lets a chat model take the place of another: by its name first, then a growing share of chat, and back at a doubt.

The deployment writes a revision of the API for each share and says in its description which one; this moves which of
them is current. The pipeline runs one command in each of its jobs.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure_cli import Failure, az, exit_code
from gateway_revision import Api

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "contract"), str(TESTS / "evaluation")]

import contract_test  # noqa: E402
import evaluation_test  # noqa: E402
from caller import find  # noqa: E402

TOLD = re.compile(r"chat is (?P<present>\S+), and (?P<successor>\S+) for (?P<percent>\d+) %")
"""How the deployment describes the revisions of a change."""
REQUESTS = "AzureOpenAIRequests"
WHOLE_ANSWER = "AzureOpenAITTLTInMS"
FIRST_TOKEN = "AzureOpenAITimeToResponse"
"""Metrics of Microsoft.CognitiveServices/accounts. The platform has the last one for provisioned deployments only."""
LAST_SECONDS = 900
"""The end of the window is judged by itself too: what broke just now is lost in the sum of a day."""


@dataclass(frozen=True)
class Change:
    """A change of the chat model that the deployment has prepared.

    Args:
        present: Model that answers before.
        successor: Model that takes its place.
        shares: Number of each revision -> share of chat, in percent, that the successor gets in it.
    """

    present: str
    successor: str
    shares: dict[int, int]

    def revision(self, percent: int) -> int:
        """Number of the revision with a share.

        Raises:
            Failure: The deployment has written none.
        """
        for number, share in self.shares.items():
            if share == percent:
                return number
        raise Failure(f"No revision gives {self.successor} {percent} % of chat: deploy with the steps of the pipeline.")


@dataclass(frozen=True)
class Limits:
    """What is good enough.

    Args:
        longest_ms: What an answer must not take on average: the first token where answers stream, else the whole.
        streams: Whether answers stream.
        most_failed_percent: Share of calls with an error of the service (5xx) that may be.
        least_requests: With fewer calls nobody knows.
        most_slower_percent: How much longer whole answers may take than those of the present model.
    """

    longest_ms: float
    streams: bool
    most_failed_percent: float
    least_requests: int
    most_slower_percent: float


Ask = Callable[[str, str, str, tuple[float, float]], Any]
"""Metric, aggregation, filter on its dimensions, start and end in seconds since 1970 -> time series of all accounts."""


def changes_of(api: Api) -> list[Change]:
    """Every change that the deployment has prepared, the newest last: each begins where the successor gets no share."""
    found: list[Change] = []
    for number, text in sorted(api.told().items()):
        row = TOLD.fullmatch(text)
        if row and (row["percent"] == "0" or not found):
            found.append(Change(row["present"], row["successor"], {}))
        if row:
            found[-1].shares[number] = int(row["percent"])
    return found


def change_of(api: Api, number: int) -> Change:
    """The change to which a revision belongs.

    Raises:
        Failure: It belongs to none.
    """
    for change in changes_of(api):
        if number in change.shares:
            return change
    raise Failure(
        f"Revision {number} knows no successor: name one in chatModels of the parameter file, "
        "raise foundation in gateway/revisions.json, and deploy."
    )


def choose(api: Api) -> tuple[int, int]:
    """The revision that answers, and the first one of the change.

    Raises:
        Failure: There is no change, it is done, or a release of it has not ended.
    """
    change, old = change_of(api, max(api.revisions())), api.current()
    new, percent = change.revision(0), change.shares.get(old, 0)
    if percent == 100:
        raise Failure(f"{change.successor} answers all calls to chat already: name it as current in chatModels.")
    if percent:
        raise Failure(
            f"Revision {old} gives {change.successor} {percent} % of chat: a release of it has not ended. "
            f"If none is running, take the share back by release-gateway.yml with revision {new}, and start again."
        )
    print(f"{change.successor} takes the place of {change.present}.", file=sys.stderr)
    return old, new


def test(change: Change, environment: str) -> None:
    """Ask the successor by its name, where callers do not: what the contract promises, and what it should know.

    Raises:
        Failure: An answer breaks the contract, or too few are right.
    """
    row = contract_test.contracts()["foundation"]
    door = find(environment, row["consumer"])
    path = row["path"].replace("<environment>", environment) + f";rev={change.revision(0)}"
    faults = []
    for case in [case for case in row["cases"] if case["operation"] == "createChatCompletion"]:
        named = case["status"] == 200 or case.get("anonymous")
        asked = {**case, "body": {**case["body"], "model": change.successor}} if named else case
        reply = contract_test.ask(door, path + case["path"], asked)
        faults += [f"{case['name']}: {fault}" for fault in contract_test.breaches(asked, reply)]
    if faults:
        raise Failure(f"{change.successor} breaks the contract:\n" + "\n".join(faults))
    print(f"{change.successor} keeps the contract.")
    evaluation_test.evaluate(door, f"{path}/chat/completions", change.successor)


def move(api: Api, change: Change, target: int, former: list[int], run: str) -> None:
    """Make a revision of the change the current one.

    Raises:
        Failure: Neither that revision nor the one before it is current: somebody else moved.
    """
    current = api.current()
    if current == target:
        return
    if current not in former:
        raise Failure(f"Revision {current} is current, which this release did not make so: nothing is moved.")
    api.release(target, run)
    print(f"{change.successor} answers {change.shares[target]} % of the calls to chat.")


def before(change: Change, percent: int) -> int:
    """The revision from which a share is reached."""
    return change.revision(max(share for share in change.shares.values() if share < percent))


def accounts(group: str) -> Ask:
    """Ask the platform about every account of a resource group.

    Args:
        group: Resource group of the accounts of foundation models.
    """

    def ask(metric: str, aggregation: str, dimensions: str, span: tuple[float, float]) -> Any:
        start, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) for seconds in span)
        which = ["--metrics", metric, "--aggregation", aggregation, "--filter", dimensions, "--top", "100"]
        when = ["--interval", "PT1M", "--start-time", start, "--end-time", end]
        found = []
        for account in az("cognitiveservices", "account", "list", "--resource-group", group) or []:
            answer = az("monitor", "metrics", "list", "--resource", account["id"], *which, *when)
            found += [series for row in (answer or {}).get("value") or [] for series in row.get("timeseries") or []]
        return found

    return ask


def values(series: dict[str, Any], aggregation: str) -> list[float]:
    """What a time series holds, one value a minute."""
    key = aggregation.lower()
    return [point[key] for point in series.get("data") or [] if point.get(key) is not None]


def calls(ask: Ask, model: str, span: tuple[float, float]) -> tuple[float, float]:
    """How many calls a model got, and how many of them ended with an error of the service."""
    total = failed = 0.0
    for series in ask(REQUESTS, "Total", f"ModelDeploymentName eq '{model}' and StatusCode eq '*'", span):
        names = {row["name"]["value"].lower(): row["value"] for row in series.get("metadatavalues") or []}
        count = sum(values(series, "Total"))
        total += count
        failed += count if str(names.get("statuscode", "")).startswith("5") else 0
    return total, failed


def latency(ask: Ask, metric: str, model: str, span: tuple[float, float]) -> float | None:
    """The average of the minutes in which a model answered; None when nothing was measured."""
    found = ask(metric, "Average", f"ModelDeploymentName eq '{model}'", span)
    minutes = [value for series in found for value in values(series, "Average")]
    return sum(minutes) / len(minutes) if minutes else None


def judge(ask: Ask, change: Change, percent: int, span: tuple[float, float], limits: Limits) -> str:
    """Judge the successor: asked, sound, as fast as promised, and not much slower than the present model.

    Returns:
        What was found, in one line.

    Raises:
        Failure: It is not good enough, or nothing is known about it.
    """
    name = change.successor
    total, failed = calls(ask, name, span)
    if total < limits.least_requests:
        raise Failure(
            f"{name} got {total:.0f} calls, {limits.least_requests} are needed to know. "
            "Only who asks for chat is shared. Where nobody does, run the load test during the watch time."
        )
    for count, errors, when in ((total, failed, ""), (*calls(ask, name, (span[1] - LAST_SECONDS, span[1])), " lately")):
        share = 100 * errors / count if count else 0
        if share > limits.most_failed_percent:
            raise Failure(f"{share:.2f} % of the calls of {name} failed{when}, {limits.most_failed_percent} % may.")
    whole = latency(ask, WHOLE_ANSWER, name, span)
    if whole is None:
        raise Failure(f"There is no latency of {name}: nobody knows how long its answers take.")
    promised = latency(ask, FIRST_TOKEN, name, span) if limits.streams else whole
    if promised is not None and promised > limits.longest_ms:
        what = "The first token" if limits.streams else "An answer"
        raise Failure(f"{what} of {name} takes {promised:.0f} ms on average, {limits.longest_ms:.0f} ms may.")
    compare(name, whole, change.present, latency(ask, WHOLE_ANSWER, change.present, span), percent, limits)
    return f"{name}: {total:.0f} calls, {100 * failed / total:.2f} % failed, {whole:.0f} ms on average."


def compare(name: str, whole: float, present: str, other: float | None, percent: int, limits: Limits) -> None:
    """Compare whole answers of the same time.

    Raises:
        Failure: The successor is too slow, or there is nothing to compare with although the present model answers too.
    """
    if other is None:
        if percent < 100:
            raise Failure(f"There is no latency of {present}, with which {name} is compared.")
        return
    most = other * (1 + limits.most_slower_percent / 100)
    if whole > most:
        raise Failure(f"An answer of {name} takes {whole:.0f} ms, of {present} {other:.0f} ms: {most:.0f} ms may be.")


def check(api: Api, ask: Ask, options: argparse.Namespace, now: float) -> None:
    """Judge the successor by the time since the last step.

    Raises:
        Failure: Too little time has passed, another revision is current, or the successor is not good enough.
    """
    passed = int(now - options.since) // 60
    if passed < options.minutes:
        raise Failure(f"Only {passed} of {options.minutes} minutes have passed: the wait of this step is not set up.")
    change = change_of(api, options.new)
    current = api.current()
    if current != change.revision(options.percent):
        raise Failure(f"Revision {current} is current, which this release did not make so.")
    names = ("longest_ms", "streams", "most_failed_percent", "least_requests", "most_slower_percent")
    limits = Limits(**{name: getattr(options, name) for name in names})
    print(judge(ask, change, options.percent, (options.since, now), limits))


def finish(api: Api, change: Change) -> None:
    """Say what is left to do; the present model stays until nobody asks for it.

    Raises:
        Failure: The successor does not get all calls to chat.
    """
    if api.current() != change.revision(100):
        raise Failure(f"{change.successor} does not get all calls to chat.")
    print(f"{change.successor} answers chat; {change.present} stays, and answers whoever names it.")


def rollback(api: Api, old: int, new: int) -> None:
    """Make the revision of before the current one again, if this release has made one current.

    Raises:
        Failure: Somebody else has made another one current.
    """
    current = api.current()
    if current != old:
        if current not in change_of(api, new).shares:
            raise Failure(f"Revision {current} is current, which this release did not make so: nothing is moved.")
        api.release(old, "Rollback")
    print(f"Revision {old} of {api.name} answers, as before.")


def main(arguments: list[str] | None = None) -> int:
    """Run one step; 1 when it must not go on."""
    options = parse(arguments)
    return exit_code(lambda: run(Api(options.environment, options.api), options))


def run(api: Api, options: argparse.Namespace) -> None:
    """Run the command that the options name."""
    if options.command == "choose":
        old, new = choose(api)
        print(f"old={old}\nnew={new}")
    elif options.command == "rollback":
        rollback(api, options.old, options.new)
    elif options.command == "check":
        group = f"rg-{options.workload}-{options.environment}-foundation"
        check(api, accounts(group), options, time.time())
    else:
        step(api, change_of(api, options.new), options)


def step(api: Api, change: Change, options: argparse.Namespace) -> None:
    """Run a step between choice and end."""
    notes = f"{change.successor} for {change.present}"
    if options.command == "test":
        test(change, options.environment)
    elif options.command == "offer":
        move(api, change, options.new, [options.old], notes)
    elif options.command == "shift":
        move(api, change, change.revision(options.percent), [before(change, options.percent)], notes)
    else:
        finish(api, change)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command and its options."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("choose", "test", "offer", "shift", "check", "finish", "rollback"):
        command = commands.add_parser(name)
        command.add_argument("--workload", required=True)
        command.add_argument("--environment", required=True)
        command.add_argument("--api", required=True, help="name of the API on the gateway")
        if name != "choose":
            command.add_argument("--old", type=int, required=True, help="revision that answered before the release")
            command.add_argument("--new", type=int, required=True, help="first revision of the change")
        if name in ("shift", "check"):
            command.add_argument("--percent", type=int, required=True, help="share of chat")
        if name == "check":
            command.add_argument("--since", type=float, required=True, help="seconds since 1970")
            command.add_argument("--minutes", type=int, required=True)
            command.add_argument("--longest-ms", type=float, required=True)
            command.add_argument("--streams", action="store_true", help="the first token counts, not the whole answer")
            command.add_argument("--most-failed-percent", type=float, required=True)
            command.add_argument("--least-requests", type=int, default=20)
            command.add_argument("--most-slower-percent", type=float, default=50)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
