"""Switches a deployment of the online endpoint off: proven unused, without traffic, watched, and only then deleted."""

import argparse
import sys
from collections.abc import Callable

from azure_cli import Failure, exit_code
from endpoint import AzureEndpoint, Endpoint
from health_gate import requests_by_class, waited
from rollout import last_good

Connect = Callable[[str, str], Endpoint]


def unused(endpoint: Endpoint, name: str, start: float, end: float) -> None:
    """Make sure that nobody needs a deployment.

    Raises:
        Failure: It is the last known good one, has traffic, was called, or the metrics say nothing at all.
    """
    state = endpoint.state()
    good = last_good(state)
    if name == good:
        raise Failure(f"{name} is the last known good deployment: roll another one out first.")
    if state.traffic.get(name):
        raise Failure(f"{name} has {state.traffic[name]} % of the traffic.")
    called = sum(requests_by_class(endpoint.ask, name, start, end).values())
    if called:
        raise Failure(f"{name} was called {called:.0f} times: somebody still names it.")
    if not sum(requests_by_class(endpoint.ask, good, start, end).values()):
        raise Failure(f"The metrics know of no request, not even to {good}: nobody knows whether {name} is used.")
    print(f"Nobody called {name} in {(end - start) / 60:.0f} minutes.")


def disable(endpoint: Endpoint, name: str) -> None:
    """Take a deployment out of the traffic, so that only its name reaches it."""
    state = endpoint.state()
    if name in state.traffic:
        endpoint.give({**state.traffic, name: 0})
    print(f"{name} gets no traffic.")


def delete(endpoint: Endpoint, name: str, since: float, minutes: int) -> None:
    """Delete a deployment that was without traffic and without callers for long enough.

    Raises:
        Failure: Somebody needs it, or too little time has passed.
    """
    now = endpoint.now()
    waited(since, now, minutes)
    if name not in endpoint.state().deployments:
        print(f"{name} is gone already.")
        return
    unused(endpoint, name, since, now)
    endpoint.delete(name)
    print(f"{name} is deleted.")


def main(arguments: list[str] | None = None, connect: Connect = AzureEndpoint) -> int:
    """Run one step; 1 when it must not go on."""
    options = parse(arguments)
    if options.command == "delete" and options.confirm != options.name:
        print(f"Nothing is deleted: --confirm must repeat the name {options.name}.", file=sys.stderr)
        return 1
    if not options.name:
        print("There was no deployment before: nothing to switch off.")
        return 0
    return exit_code(lambda: run(connect(options.workload, options.environment), options))


def run(endpoint: Endpoint, options: argparse.Namespace) -> None:
    """Run the command that the options name."""
    if options.command == "unused":
        now = endpoint.now()
        unused(endpoint, options.name, now - options.minutes * 60, now)
    elif options.command == "disable":
        disable(endpoint, options.name)
    else:
        delete(endpoint, options.name, options.since, options.minutes)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command and its options."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("unused", "disable", "delete"):
        command = commands.add_parser(name)
        command.add_argument("--workload", required=True)
        command.add_argument("--environment", required=True)
        command.add_argument("--name", required=True, choices=["blue", "green", ""])
        if name != "disable":
            command.add_argument("--minutes", type=int, required=True, help="how long nobody may have called it")
        if name == "delete":
            command.add_argument("--since", type=float, required=True, help="seconds since 1970")
            command.add_argument("--confirm", default="", help="the name once more")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
