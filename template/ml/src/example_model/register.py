"""Last step: register the model, with tags that lead back to its code, its data and its run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import get_model_info

LINEAGE = ("git_sha", "data_version", "run_id")


class LineageError(ValueError):
    """A model does not say where it comes from."""


def register(model_folder: Path, report: Path, name: str) -> str:
    """Register a model that passed the gate.

    Args:
        model_folder: Folder of the MLflow model.
        report: Folder with the `metrics.json` of the gate.
        name: Name in the registry.

    Returns:
        The new version.

    Raises:
        LineageError: The model lacks a lineage tag, or was not evaluated.
    """
    if not (report / "metrics.json").is_file():
        raise LineageError("The model was not evaluated: metrics.json is missing.")
    metadata = get_model_info(str(model_folder)).metadata or {}
    missing = [tag for tag in LINEAGE if not metadata.get(tag)]
    if missing:
        raise LineageError(f"The model lacks the tag {', '.join(missing)}.")
    tags = {tag: str(metadata[tag]) for tag in LINEAGE}
    client = mlflow.MlflowClient()
    run = client.get_run(tags["run_id"])
    try:
        client.create_registered_model(name)
    except MlflowException as fault:
        if fault.error_code not in ("RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"):
            raise
    registered = client.create_model_version(name, f"{run.info.artifact_uri}/model", run_id=tags["run_id"], tags=tags)
    return str(registered.version)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--report", type=Path, required=True, help="folder that evaluate filled")
    parser.add_argument("--name", required=True, help="name in the registry")
    arguments = parser.parse_args()
    try:
        version = register(arguments.model, arguments.report, arguments.name)
    except LineageError as fault:
        sys.exit(str(fault))
    print(f"Registered {arguments.name} version {version}.")


if __name__ == "__main__":
    main()
