"""Lists and sets the flags of the orchestrator, which follows within half a minute and without a deployment.

Only flags that its code knows can be set. Each write holds the whole flag, so that no reader meets half of a change.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from azure_cli import Failure, az, deployed_outputs, exit_code

KNOWN = Path(__file__).parents[1] / "orchestrator" / "src" / "orchestrator" / "flags.json"
PREFIX = ".appconfig.featureflag/"
CONTENT_TYPE = "application/vnd.microsoft.appconfig.ff+json;charset=utf-8"
EVERYBODY_PERCENT = 100


def known() -> dict[str, str]:
    """The flags of the code: name -> what it means when one is on."""
    found: dict[str, str] = json.loads(KNOWN.read_text(encoding="utf-8"))
    return found


def store(environment: str) -> list[str]:
    """Options that name the store of an environment: as whoever is signed in, since the store takes no key.

    Raises:
        Failure: The environment is not deployed.
    """
    return ["--endpoint", deployed_outputs(environment)["orchestratorFlagsUrl"], "--auth-mode", "login"]


def show(place: list[str]) -> str:
    """How each flag stands, as a table."""
    found = {row["name"]: row for row in az("appconfig", "feature", "list", "--all", *place) or [] if not row["label"]}
    lines = []
    for name, meaning in known().items():
        row = found.pop(name, None)
        lines.append(f"{name:24} {_state(row):16} {(row or {}).get('description') or meaning}")
    lines += [f"{name:24} {'unknown':16} No code asks for it." for name in sorted(found)]
    return "\n".join(lines)


def _state(row: Mapping[str, Any] | None) -> str:
    """On for whom."""
    if row is None:
        return "off (not set)"
    if row["state"] != "conditional":
        return str(row["state"])
    filters = (row.get("conditions") or {}).get("client_filters") or []
    audiences = [(item.get("parameters") or {}).get("Audience") or {} for item in filters]
    shares = [item.get("DefaultRolloutPercentage") for item in audiences]
    return f"on for {shares[0]} %" if len(shares) == 1 and shares[0] is not None else "on for some"


def change(place: list[str], options: argparse.Namespace) -> None:
    """Switch a flag on or off, or forget it.

    Raises:
        Failure: The code does not know the flag, or the options make no sense together.
    """
    if options.flag not in known():
        raise Failure(f"The code knows no flag {options.flag}, but {', '.join(known())}.")
    if not options.reason.strip():
        raise Failure("Give the reason: whoever looks at the flag later reads it.")
    if not 1 <= options.percentage <= EVERYBODY_PERCENT:
        raise Failure("The percentage is from 1 to 100; for nobody, switch the flag off.")
    if options.state != "on" and options.percentage != EVERYBODY_PERCENT:
        raise Failure("Only a flag that is on has a percentage.")
    if options.state == "unset":
        az("appconfig", "feature", "delete", "--feature", options.flag, "--yes", *place)
        return
    by = f" ({options.by})" if options.by else ""
    value = json.dumps(flag(options.flag, options.state == "on", options.percentage, f"{options.reason.strip()}{by}"))
    what = ["--key", f"{PREFIX}{options.flag}", "--value", value, "--content-type", CONTENT_TYPE]
    az("appconfig", "kv", "set", "--yes", *what, *place)


def flag(name: str, enabled: bool, percentage: int, description: str) -> dict[str, Any]:
    """A flag as the store keeps it. A percentage is one of callers, each of whom stays in it or outside.

    Source: https://learn.microsoft.com/azure/azure-app-configuration/howto-targetingfilter
    """
    audience = {"Users": [], "Groups": [], "DefaultRolloutPercentage": percentage}
    share = {"name": "Microsoft.Targeting", "parameters": {"Audience": audience}}
    filters = [share] if enabled and percentage < EVERYBODY_PERCENT else []
    return {"id": name, "description": description, "enabled": enabled, "conditions": {"client_filters": filters}}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 when a flag is refused or the store is out of reach."""
    options = parse(arguments)
    return exit_code(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Run the command that the options name, and say how the flags stand."""
    place = store(options.environment)
    if options.command == "set":
        change(place, options)
    print(show(place))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command and its options."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("list", "set"):
        command = commands.add_parser(name)
        command.add_argument("--environment", required=True)
        if name == "set":
            command.add_argument("--flag", required=True)
            command.add_argument("--state", choices=["on", "off", "unset"], required=True)
            command.add_argument("--percentage", type=int, default=EVERYBODY_PERCENT, help="of callers")
            command.add_argument("--reason", required=True)
            command.add_argument("--by", default="", help="who or what asked for it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
