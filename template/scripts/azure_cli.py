"""The one door to the Azure CLI, so that tests can stand in for Azure."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SIGN_IN = Path(__file__).parent / "sign-in.sh"


class Failure(Exception):
    """What went wrong, in one sentence for the log."""


def az(*arguments: str) -> Any:
    """Run a command of the Azure CLI.

    Returns:
        Its answer, read from JSON; None when it says nothing.

    Raises:
        Failure: The command failed.
    """
    command = ["az", *arguments, "--only-show-errors", "--output", "json"]
    completed = _run(command, capture_output=True, text=True)
    if completed.returncode:
        raise Failure(f"az {' '.join(arguments[:3])}: {completed.stderr.strip()}")
    return json.loads(completed.stdout) if completed.stdout.strip() else None


def show(*arguments: str) -> None:
    """Run a command of the Azure CLI whose text is for people.

    Raises:
        Failure: The command failed.
    """
    if _run(["az", *arguments]).returncode:
        raise Failure(f"az {' '.join(arguments[:3])} failed")


def _run(command: list[str], **options: Any) -> Any:
    try:
        return subprocess.run(command, check=False, **options)
    except FileNotFoundError:
        raise Failure("The Azure CLI is missing: install it, then sign in with az login.") from None


def deployed(environment: str) -> dict[str, Any]:
    """The deployment stack of an environment: its id, what was given to it, what it gave back, and how it stands.

    Raises:
        Failure: The environment is not deployed, or whoever is signed in may not read it.
    """
    found: dict[str, Any] = az("stack", "sub", "show", "--name", f"platform-{environment}")
    # Versions of the CLI differ in whether they unfold the properties.
    return {**found, **found.get("properties", {})}


def deployed_outputs(environment: str) -> dict[str, Any]:
    """What the last deployment of an environment gave back: name -> value."""
    return {name: row["value"] for name, row in deployed(environment)["outputs"].items()}


def send(method: str, address: str, body: Mapping[str, Any]) -> None:
    """Send a request to Azure Resource Manager, with the body in a file: everybody on the machine sees arguments."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(body, file)
        file.flush()
        az("rest", "--method", method, "--uri", address, "--body", f"@{file.name}")


def exit_code(step: Callable[[], None]) -> int:
    """Run a step of a script: 0, or 1 with the reason in the log when it must not go on."""
    try:
        step()
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def sign_in() -> None:
    """Sign in again where tokens of a workflow are to be had; elsewhere the session lasts by itself."""
    if "ACTIONS_ID_TOKEN_REQUEST_URL" in os.environ:
        subprocess.run(["bash", str(SIGN_IN)], check=True)
