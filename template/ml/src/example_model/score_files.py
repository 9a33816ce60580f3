"""Batch scoring: every CSV file of a folder, each into a file of the same name."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import mlflow
import pandas as pd

from example_model import data


def score_files(model_uri: str, source: Path, target: Path) -> list[str]:
    """Write each file of `source` with a column `prediction` into `target`.

    Args:
        model_uri: Model, such as `models:/<name>/<version>`.
        source: Folder of CSV files with the columns of the data contract.
        target: Folder to fill.

    Returns:
        One sentence for each file that breaks the contract; the others are scored all the same.
    """
    model = mlflow.pyfunc.load_model(model_uri)
    target.mkdir(parents=True, exist_ok=True)
    faults = []
    for path in sorted(source.glob("*.csv")):
        frame = pd.read_csv(path)
        try:
            checked = data.check(frame, labelled=False)
        except data.DataError as fault:
            faults.append(f"{path.name}: {fault}")
            continue
        frame.assign(prediction=model.predict(checked)).to_csv(target / path.name, index=False, lineterminator="\n")
    return faults


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="model, such as models:/<name>/<version>")
    parser.add_argument("--input", type=Path, required=True, help="folder of CSV files")
    parser.add_argument("--output", type=Path, required=True, help="folder to fill")
    arguments = parser.parse_args()
    faults = score_files(arguments.model, arguments.input, arguments.output)
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
