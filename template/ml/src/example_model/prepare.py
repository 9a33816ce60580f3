"""First step: check the raw data against the contract and split them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

from example_model import data

TEST_SHARE = 0.25


def prepare(raw: Path, prepared: Path) -> str:
    """Write `train.csv`, `test.csv` and `data.json` into the folder `prepared`.

    Args:
        raw: CSV file of labelled rows.
        prepared: Folder to fill.

    Returns:
        The version of the data.

    Raises:
        data.DataError: The data break the contract.
    """
    frame = data.check(pd.read_csv(raw))
    # Stratified, so that both parts hold the rare failures; a fixed seed, so that a run can be repeated.
    train, test = train_test_split(frame, test_size=TEST_SHARE, random_state=7, stratify=frame[data.LABEL])
    prepared.mkdir(parents=True, exist_ok=True)
    train.to_csv(prepared / "train.csv", index=False, lineterminator="\n")
    test.to_csv(prepared / "test.csv", index=False, lineterminator="\n")
    version = data.version(raw)
    (prepared / "data.json").write_text(json.dumps({"data_version": version}) + "\n", encoding="utf-8")
    return version


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, help="CSV file of labelled rows")
    parser.add_argument("--prepared", type=Path, required=True, help="folder to fill")
    parser.add_argument("--make-example", action="store_true", help="make up the raw file first")
    arguments = parser.parse_args()
    if arguments.make_example:
        arguments.raw.parent.mkdir(parents=True, exist_ok=True)
        data.example().to_csv(arguments.raw, index=False, lineterminator="\n")
    try:
        version = prepare(arguments.raw, arguments.prepared)
    except data.DataError as fault:
        sys.exit(str(fault))
    print(f"Prepared data version {version}.")


if __name__ == "__main__":
    main()
