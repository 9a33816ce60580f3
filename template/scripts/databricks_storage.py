"""Makes the containers of an environment known to Unity Catalog, as `ml/storage.json` says: volumes lie in them.

Bundles declare volumes. Locations are made here, after their credentials, which only a person may make, and once the
name of the storage account is known.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from azure_cli import Failure, az, exit_code
from databricks_workspace import Workspace, location_name

SETTINGS = Path(__file__).parents[1] / "ml" / "storage.json"
LOCATIONS = "2.1/unity-catalog/external-locations"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 when Azure or Databricks refuses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", required=True)
    parser.add_argument(
        "--host", required=True, help="address of the workspace, such as https://adb-1.2.azuredatabricks.net"
    )
    parser.add_argument(
        "--deployer", required=True, help="who deploys the bundle: an address, a group, an application id"
    )
    options = parser.parse_args(arguments)
    return exit_code(lambda: prepare(Workspace(options.host), options.environment, options.deployer))


def prepare(workspace: Workspace, environment: str, deployer: str) -> None:
    """Make the location of each container, and let whoever deploys make volumes there.

    Raises:
        Failure: The environment has no container for Databricks, or Azure or Databricks refuses.
    """
    settings = json.loads(SETTINGS.read_text(encoding="utf-8"))
    rows = settings["environments"].get(environment)
    if not rows:
        raise Failure(f"No function works on Databricks with the storage of {environment}.")
    workload = settings["workload"]
    account = storage_account(workload, environment)
    known = {row["name"] for row in workspace.listed(LOCATIONS, "external_locations")}
    for row in rows:
        name = location_name(workload, environment, row["container"])
        set_location(workspace, name, known, location(row, f"{workload}-{environment}", account))
        workspace.grant(name, deployer, ["CREATE_EXTERNAL_VOLUME"], [])
        print(f"{name}: {'read' if row['read_only'] else 'read and written'} as {row['component']}")


def storage_account(workload: str, environment: str) -> str:
    """Name of the storage account with the containers.

    Raises:
        Failure: There is none.
    """
    group = f"rg-{workload}-{environment}-platform"
    found = az("storage", "account", "list", "--resource-group", group)
    if not found:
        raise Failure(f"No storage account in {group}: deploy the platform first.")
    return str(found[0]["name"])


def location(row: dict[str, Any], prefix: str, account: str) -> dict[str, Any]:
    """What Unity Catalog is told about a container: where it is, and as whom it is reached."""
    return {
        "url": f"abfss://{row['container']}@{account}.dfs.core.windows.net/",
        "credential_name": f"{prefix}-{row['component']}",
        "read_only": row["read_only"],
    }


def set_location(workspace: Workspace, name: str, known: set[str], body: dict[str, Any]) -> None:
    """Make a location, or bring it up to date."""
    if name in known:
        workspace.call("patch", f"{LOCATIONS}/{name}", body)
    else:
        workspace.call("post", LOCATIONS, {"name": name, **body})


if __name__ == "__main__":
    sys.exit(main())
