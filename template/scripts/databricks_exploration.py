"""Sets what people explore with on Databricks: the cluster policy, who uses it, and the containers that they reach.

Bundles declare jobs and experiments; a cluster policy is none of their resources, and the name of the storage account
is known only once it is there.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import databricks_rest
from azure_cli import Failure, az, exit_code

POLICY = Path(__file__).parents[1] / "ml" / "exploration" / "cluster-policy.json"
CONTAINERS = {"data": ["READ_FILES"], "exploration": ["READ_FILES", "WRITE_FILES"]}
"""Container -> what the group may do with it."""


class Workspace:
    """A Databricks workspace, called as whoever is signed in.

    Args:
        host: Its address, such as https://adb-1234567890123456.7.azuredatabricks.net.
    """

    def __init__(self, host: str) -> None:
        self.host = host.rstrip("/")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call its API.

        Raises:
            Failure: It refuses.
        """
        return databricks_rest.call(self.host, method, path, body)

    def listed(self, path: str, key: str) -> Iterator[dict[str, Any]]:
        """Every row of a list that comes in pages."""
        token = ""
        while True:
            page = self.call("get", f"{path}?page_token={token}" if token else path) or {}
            yield from page.get(key) or []
            token = page.get("next_page_token") or ""
            if not token:
                return


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 when Azure or Databricks refuses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", required=True)
    parser.add_argument("--environment", default="dev")
    parser.add_argument(
        "--host", required=True, help="address of the workspace, such as https://adb-1.2.azuredatabricks.net"
    )
    parser.add_argument("--group", required=True, help="name of the data scientists' group in Databricks")
    options = parser.parse_args(arguments)
    return exit_code(lambda: prepare(Workspace(options.host), options))


def prepare(workspace: Workspace, options: argparse.Namespace) -> None:
    """Set the cluster policy, who uses it, and the containers that they reach."""
    policy = set_policy(workspace, json.loads(POLICY.read_text(encoding="utf-8")))
    share(workspace, policy, options.group)
    account = storage_account(options.workload, options.environment)
    for container, privileges in CONTAINERS.items():
        set_location(workspace, f"{options.workload}-{options.environment}", account, container)
        grant(workspace, f"{options.workload}-{options.environment}-{container}", options.group, privileges)
    print(f"{options.group} explores in {options.host} under the policy {policy}.")


def set_policy(workspace: Workspace, policy: dict[str, Any]) -> str:
    """Make the cluster policy, or bring it up to date.

    Returns:
        Its id.
    """
    body = {**policy, "definition": json.dumps(policy["definition"])}
    known = (workspace.call("get", "2.0/policies/clusters/list") or {}).get("policies") or []
    for row in known:
        if row["name"] == policy["name"]:
            workspace.call("post", "2.0/policies/clusters/edit", {**body, "policy_id": row["policy_id"]})
            return str(row["policy_id"])
    return str(workspace.call("post", "2.0/policies/clusters/create", body)["policy_id"])


def share(workspace: Workspace, policy: str, group: str) -> None:
    """Let the group, and nobody besides administrators, use the policy."""
    row = {"group_name": group, "permission_level": "CAN_USE"}
    workspace.call("put", f"2.0/permissions/cluster-policies/{policy}", {"access_control_list": [row]})


def storage_account(workload: str, environment: str) -> str:
    """Name of the storage account with the containers.

    Raises:
        Failure: There is none.
    """
    found = az("storage", "account", "list", "--resource-group", f"rg-{workload}-{environment}-platform")
    if not found:
        raise Failure(f"No storage account in rg-{workload}-{environment}-platform: deploy the platform first.")
    return str(found[0]["name"])


def set_location(workspace: Workspace, credential: str, account: str, container: str) -> None:
    """Make a container known to Unity Catalog, or bring it up to date; only what is explored with can be written."""
    name = f"{credential}-{container}"
    body = {
        "url": f"abfss://{container}@{account}.dfs.core.windows.net/",
        "credential_name": credential,
        "read_only": "WRITE_FILES" not in CONTAINERS[container],
    }
    locations = "2.1/unity-catalog/external-locations"
    if any(row["name"] == name for row in workspace.listed(locations, "external_locations")):
        workspace.call("patch", f"{locations}/{name}", body)
    else:
        workspace.call("post", locations, {"name": name, **body})


def grant(workspace: Workspace, location: str, group: str, privileges: list[str]) -> None:
    """Give the group these privileges on a location, and no others."""
    others = sorted({"READ_FILES", "WRITE_FILES"} - set(privileges))
    change = {"principal": group, "add": privileges, **({"remove": others} if others else {})}
    workspace.call("patch", f"2.1/unity-catalog/permissions/external_location/{location}", {"changes": [change]})


if __name__ == "__main__":
    sys.exit(main())
