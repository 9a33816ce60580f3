"""Removes deployments of tuned models that nobody calls: each one costs by the hour, called or not."""

import argparse
import sys
from datetime import datetime, timedelta
from typing import Any

from azure_cli import Failure, az, exit_code


def idle(account: dict[str, Any], deployments: list[dict[str, Any]], days: int, now: datetime) -> list[str]:
    """Names of the deployments that are older than some days and were not called in them.

    Raises:
        Failure: The account has no metric, so that nobody knows who called.
    """
    calls = requests(account, days)
    old = [row["name"] for row in deployments if created(row) < now - timedelta(days=days)]
    return [name for name in old if not calls.get(name.lower())]


def created(deployment: dict[str, Any]) -> datetime:
    """When a deployment was made. Fractions of a second come with six or seven digits: they do not matter here."""
    return datetime.fromisoformat(f"{deployment['systemData']['createdAt'][:19]}+00:00")


def requests(account: dict[str, Any], days: int) -> dict[str, float]:
    """Number of requests by deployment, in lower case; a deployment that was never called is not in it.

    Raises:
        Failure: There is no such metric.
    """
    span = ["--interval", "P1D", "--offset", f"{days}d", "--aggregation", "Total"]
    which = ["--metrics", "AzureOpenAIRequests", "--filter", "ModelDeploymentName eq '*'"]
    answer = az("monitor", "metrics", "list", "--resource", account["id"], *which, *span)
    if not (answer or {}).get("value"):
        raise Failure(f"{account['name']} has no metric of its requests: nothing is removed.")
    found: dict[str, float] = {}
    for series in answer["value"][0]["timeseries"]:
        names = [row["value"] for row in series["metadatavalues"] if row["name"]["value"] == "modeldeploymentname"]
        for name in names:
            total = sum(point.get("total") or 0 for point in series["data"])
            found[name.lower()] = found.get(name.lower(), 0) + total
    return found


def clean(group: str, days: int, remove: bool, now: datetime) -> None:
    """Look at every account of a resource group; say what is idle, and remove it when told so."""
    for account in az("cognitiveservices", "account", "list", "--resource-group", group) or []:
        where = ["--name", account["name"], "--resource-group", group]
        deployments = az("cognitiveservices", "account", "deployment", "list", *where) or []
        for name in idle(account, deployments, days, now) if deployments else []:
            print(f"{name} was not called for {days} days{': removed' if remove else ''}.")
            if remove:
                az("cognitiveservices", "account", "deployment", "delete", *where, "--deployment-name", name)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; 1 when Azure does not say what is needed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resource-group", required=True, help="resource group of the accounts that tune")
    parser.add_argument("--days", type=int, default=7, help="days without a call")
    parser.add_argument("--remove", action="store_true", help="remove what is idle, instead of naming it")
    options = parser.parse_args(arguments)
    now = datetime.now().astimezone()
    return exit_code(lambda: clean(options.resource_group, options.days, options.remove, now))


if __name__ == "__main__":
    sys.exit(main())
