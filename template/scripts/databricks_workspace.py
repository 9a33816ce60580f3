"""The one door to a Databricks workspace, called as whoever is signed in to the Azure CLI."""

import json
from collections.abc import Iterator
from typing import Any

from azure_cli import Failure, az

APPLICATION = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"
"""What tokens for Azure Databricks are made out to, the same in every tenant.
Source: https://learn.microsoft.com/azure/databricks/dev-tools/auth/"""


class Workspace:
    """A Databricks workspace.

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
        words = ["--method", method, "--resource", APPLICATION, "--url", f"{self.host}/api/{path}"]
        return az("rest", *words, *(["--body", json.dumps(body)] if body is not None else []))

    def listed(self, path: str, key: str) -> Iterator[dict[str, Any]]:
        """Every row of a list that comes in pages."""
        token = ""
        while True:
            page = self.call("get", f"{path}?page_token={token}" if token else path) or {}
            yield from page.get(key) or []
            token = page.get("next_page_token") or ""
            if not token:
                return

    def grant(self, location: str, principal: str, privileges: list[str], withheld: list[str]) -> None:
        """Give somebody privileges on an external location, and take others from them."""
        change = {"principal": principal, "add": privileges, **({"remove": withheld} if withheld else {})}
        self.call("patch", f"2.1/unity-catalog/permissions/external_location/{location}", {"changes": [change]})


def workspace_in(resource: str) -> Workspace:
    """The workspace that a resource is.

    Args:
        resource: Its resource id, or the name of the resource group that holds it alone.

    Raises:
        Failure: There is none.
    """
    if not resource.startswith("/"):
        kind = "Microsoft.Databricks/workspaces"
        found = az("resource", "list", "--resource-group", resource, "--resource-type", kind)
        if not found:
            raise Failure(f"There is no Databricks workspace in {resource}: deploy the platform first.")
        resource = found[0]["id"]
    return Workspace(f"https://{az('resource', 'show', '--ids', resource)['properties']['workspaceUrl']}")


def location_name(workload: str, environment: str, container: str) -> str:
    """Name of the external location of a container."""
    return f"{workload}-{environment}-{container}"
