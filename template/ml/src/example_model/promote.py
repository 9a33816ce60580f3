"""Promotion: copy a version of the model from the catalog of one environment to the one of the next."""

from __future__ import annotations

import argparse
import sys

import mlflow

from example_model.register import LINEAGE, LineageError


def promote(version: str, source: str, target: str) -> str:
    """Copy a version, with the tags that lead back to its code, its data and its run.

    Args:
        version: Version of the model in `source`.
        source: Name of the model, such as `<catalog>.<schema>.example`.
        target: Name that gets a new version; it is made when it is not there.

    Returns:
        The new version of `target`.

    Raises:
        LineageError: The version lacks a lineage tag, so nobody knows what would be promoted.
    """
    client = mlflow.MlflowClient()
    tags = client.get_model_version(source, version).tags
    missing = [tag for tag in LINEAGE if not tags.get(tag)]
    if missing:
        raise LineageError(f"{source} version {version} lacks the tag {', '.join(missing)}.")
    return str(client.copy_model_version(f"models:/{source}/{version}", target).version)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True, help="version to promote")
    parser.add_argument(
        "--from", dest="source", required=True, help="model it is a version of, with catalog and schema"
    )
    parser.add_argument("--to", dest="target", required=True, help="model that gets it, with catalog and schema")
    arguments = parser.parse_args()
    try:
        version = promote(arguments.version, arguments.source, arguments.target)
    except LineageError as fault:
        sys.exit(str(fault))
    print(f"Promoted {arguments.source} version {arguments.version}: it is {arguments.target} version {version}.")


if __name__ == "__main__":
    main()
