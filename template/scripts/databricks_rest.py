"""The REST interface of a Databricks workspace, called as whoever is signed in to Azure."""

import json
from typing import Any

from azure_cli import az

DATABRICKS = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"
"""The application that stands for Azure Databricks in Entra, the same in every tenant.
Source: https://learn.microsoft.com/azure/databricks/dev-tools/auth/"""


def call(host: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Call the interface.

    Args:
        host: Address of the workspace, such as https://adb-1234567890123456.7.azuredatabricks.net.
        method: get, post, put or patch.
        path: What follows /api/, with its version.
        body: What is sent along.

    Raises:
        Failure: It refuses.
    """
    given = ["--body", json.dumps(body)] if body is not None else []
    return az("rest", "--method", method, "--resource", DATABRICKS, "--url", f"{host}/api/{path}", *given)
