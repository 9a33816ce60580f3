"""Names the compute instances that are due to be made anew.

The image of an instance is as new as the instance: nothing updates it afterwards, and a new image comes every month.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure_cli import Failure, az

API_VERSION = "2026-05-01"


@dataclass(frozen=True)
class Instance:
    """A compute instance.

    Args:
        name: Its name.
        created: When it was made, in UTC.
        outdated: Whether a newer image than its own is out.
    """

    name: str
    created: datetime
    outdated: bool


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 when an instance is due, or when the platform refuses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workload", required=True)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--days", type=int, default=30, help="age at which an instance is due")
    parser.add_argument("--summary", type=Path, help="file that the answer is added to, as Markdown")
    options = parser.parse_args(arguments)
    names = purpose_names(options.workload, options.environment)
    try:
        found = list(instances(*names))
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    due = overdue(found, datetime.now(UTC) - timedelta(days=options.days))
    text = report(due, len(found), options.days, *names)
    print(text)
    if options.summary:
        publish(text, options.summary)
    return 1 if due else 0


def purpose_names(workload: str, environment: str) -> tuple[str, str]:
    """Resource group and workspace of exploration."""
    return f"rg-{workload}-{environment}-exploration", f"mlw-{workload}-{environment}-exploration"


def instances(group: str, workspace: str) -> Iterator[Instance]:
    """Every compute instance of a workspace.

    Raises:
        Failure: The workspace cannot be read.
    """
    url = (
        # The Azure CLI fills in the subscription.
        "/subscriptions/{subscriptionId}"
        f"/resourceGroups/{group}/providers/Microsoft.MachineLearningServices"
        f"/workspaces/{workspace}/computes?api-version={API_VERSION}"
    )
    while url:
        page = az("rest", "--method", "get", "--url", url)
        yield from (_instance(row) for row in page["value"] if row["properties"]["computeType"] == "ComputeInstance")
        url = page.get("nextLink") or ""


def _instance(row: dict[str, Any]) -> Instance:
    properties = row["properties"]
    image = (properties.get("properties") or {}).get("osImageMetadata") or {}
    # Fractions of a second come in a length that not every version of Python reads.
    created = datetime.fromisoformat(properties["createdOn"][:19]).replace(tzinfo=UTC)
    return Instance(row["name"], created, image.get("isLatestOsImageVersion") is False)


def overdue(found: list[Instance], limit: datetime) -> list[Instance]:
    """Those made before a point in time, the oldest first."""
    return sorted((item for item in found if item.created < limit), key=lambda item: item.created)


def report(due: list[Instance], total: int, days: int, group: str, workspace: str) -> str:
    """What to do, as Markdown."""
    if not due:
        return f"None of {total} compute instances in {workspace} is older than {days} days."
    rows = [
        f"| `{item.name}` | {item.created:%Y-%m-%d} | {'a newer one is out' if item.outdated else 'the newest'} |"
        for item in due
    ]
    place = f"--workspace-name {workspace} --resource-group {group}"
    commands = [f"az ml compute delete --yes {place} --name {item.name}" for item in due]
    return "\n".join(
        [
            f"{len(due)} of {total} compute instances in {workspace} are older than {days} days.",
            "",
            "| Instance | Made | Image |",
            "| --- | --- | --- |",
            *rows,
            "",
            "Agree with each person, delete the instance, then run the deployment: it makes the instance anew, from",
            "the image of the month. Files of the workspace and of the share stay; the disk of the instance does not.",
            "",
            "```shell",
            *commands,
            "```",
        ]
    )


def publish(text: str, path: Path) -> None:
    """Add the answer to the summary of the run."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")
    if "TF_BUILD" in os.environ:
        print(f"##vso[task.uploadsummary]{path.resolve()}")


if __name__ == "__main__":
    sys.exit(main())
