"""Which versions of own models stand behind the endpoints of an environment."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from azure_cli import az  # noqa: E402

API_VERSION = "2026-05-01"
ENDPOINTS = ("onlineendpoints", "batchendpoints")


def model_deployments(stack: Mapping[str, Any]) -> dict[str, str]:
    """Deployments of models: id -> how the platform provisioned it.

    Args:
        stack: The deployment stack of the environment, whose resources the endpoints are.
    """
    found = {}
    for row in stack.get("resources") or []:
        if row["id"].lower().split("/")[-2] in ENDPOINTS:
            listing = f"https://management.azure.com{row['id']}/deployments?api-version={API_VERSION}"
            for item in az("rest", "--method", "get", "--url", listing)["value"]:
                found[item["id"]] = item["properties"]["provisioningState"]
    return found
