"""Storage as yourself: data to read, results to keep, files that the team shares.

Every call carries the identity of whoever is signed in with the Azure CLI, never a key and never a shared identity: the
log of the account names the person who read.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any

import pandas as pd
from azure.identity import AzureCliCredential
from azure.storage.blob import BlobClient
from azure.storage.fileshare import ShareClient

DATA, RESULTS, SHARE = "data", "exploration", "team"


def read_table(account: str, path: str, container: str = DATA) -> pd.DataFrame:
    """Read a CSV file of a container.

    Args:
        account: Name of the storage account of the platform.
        path: Path in the container.
        container: The data, or what exploration keeps.
    """
    return pd.read_csv(io.BytesIO(_blob(account, container, path).download_blob().readall()))


def keep_table(account: str, path: str, frame: pd.DataFrame) -> None:
    """Write a CSV file into the container of exploration; the data itself can only be read."""
    _blob(account, RESULTS, path).upload_blob(frame.to_csv(index=False).encode(), overwrite=True)


def _blob(account: str, container: str, path: str) -> Any:
    return BlobClient(f"https://{account}.blob.core.windows.net", container, path, credential=AzureCliCredential())


def team_files(account: str) -> list[str]:
    """Names of what lies at the top of the team's share.

    Args:
        account: Name of the storage account of the workspace.
    """
    return [item["name"] for item in _share(account).list_directories_and_files()]


def take(account: str, name: str, target: Path) -> None:
    """Copy a file of the team's share to this machine."""
    target.write_bytes(_share(account).get_file_client(name).download_file().readall())


def put(account: str, source: Path) -> None:
    """Copy a file of this machine to the team's share."""
    with source.open("rb") as file:
        _share(account).get_file_client(source.name).upload_file(file)


def _share(account: str) -> Any:
    # Without this intent a token is refused: the role of the team is one for whole shares, not for single files.
    return ShareClient(
        f"https://{account}.file.core.windows.net", SHARE, credential=AzureCliCredential(), token_intent="backup"
    )


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Work on the share of the team, as whoever is signed in.")
    parser.add_argument("--account", required=True, help="storage account of the workspace")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what lies at the top of the share")
    for name, text in (("take", "copy a file from the share"), ("put", "copy a file to the share")):
        commands.add_parser(name, help=text).add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    if options.command == "list":
        print("\n".join(team_files(options.account)))
    elif options.command == "take":
        take(options.account, options.file.name, options.file)
    else:
        put(options.account, options.file)


if __name__ == "__main__":
    main()
