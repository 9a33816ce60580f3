"""Sets what people explore with on Databricks: the cluster policy, who uses it, and what they may do with containers.

Bundles declare jobs, volumes and experiments; cluster policies and external locations are none of their resources here.
`databricks_storage.py` makes the locations.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from azure_cli import exit_code
from databricks_workspace import Workspace, location_name

POLICY = Path(__file__).parents[1] / "ml" / "exploration" / "cluster-policy.json"
CONTAINERS = {"data": ["READ_FILES"], "exploration": ["READ_FILES", "WRITE_FILES"]}
"""Container -> what the group may do with it."""


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
    """Set the cluster policy, who uses it, and what they may do with the containers."""
    policy = set_policy(workspace, json.loads(POLICY.read_text(encoding="utf-8")))
    share(workspace, policy, options.group)
    for container, privileges in CONTAINERS.items():
        withheld = sorted({"READ_FILES", "WRITE_FILES"} - set(privileges))
        name = location_name(options.workload, options.environment, container)
        workspace.grant(name, options.group, privileges, withheld)
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


if __name__ == "__main__":
    sys.exit(main())
