"""A first look at the data, tracked: what somebody will want to see again later belongs in a run."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split

LABEL = "fails_within_week"
EXPERIMENT = os.environ.get("MLFLOW_EXPERIMENT_NAME", "exploration")


def example(rows: int = 1000, seed: int = 7) -> pd.DataFrame:
    """Make up a table of machines, one a row. The same arguments give the same table."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "temperature_c": random.normal(70, 12, rows).round(1),
            "vibration_mm_s": random.gamma(4, 1.2, rows).round(2),
            "load_percent": random.uniform(10, 110, rows).round(0),
        }
    )
    strain = 0.09 * (frame["temperature_c"] - 70) + 0.8 * (frame["vibration_mm_s"] - 4.8)
    frame[LABEL] = (strain + random.normal(0, 1, rows) > 1.0).astype("int64")
    return frame


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Return, for each column: share of missing values, distinct values, smallest, mean and largest value."""
    numbers = frame.select_dtypes("number")
    return pd.DataFrame(
        {
            "missing_share": frame.isna().mean(),
            "distinct": frame.nunique(),
            "min": numbers.min(),
            "mean": numbers.mean(),
            "max": numbers.max(),
        }
    )


def importance(frame: pd.DataFrame) -> dict[str, float]:
    """Return how much accuracy a quick model loses when a column is shuffled, the most telling column first."""
    columns = frame.drop(columns=LABEL)
    train, test, train_label, test_label = train_test_split(columns, frame[LABEL], random_state=7)
    model = RandomForestClassifier(n_estimators=50, random_state=7).fit(train, train_label)
    lost = permutation_importance(model, test, test_label, n_repeats=5, random_state=7)
    pairs = zip(columns.columns, map(float, lost.importances_mean), strict=True)
    return dict(sorted(pairs, key=lambda pair: -pair[1]))


def look(frame: pd.DataFrame, experiment: str = EXPERIMENT) -> str:
    """Track a first look at a table with the label column.

    Returns:
        The id of the run.
    """
    mlflow.set_experiment(experiment)
    with mlflow.start_run(run_name="first look") as run:
        mlflow.log_params({"rows": len(frame), "columns": frame.shape[1]})
        mlflow.log_metric("positive_share", float(frame[LABEL].mean()))
        mlflow.log_metrics({f"importance_{name}": value for name, value in importance(frame).items()})
        mlflow.log_text(summary(frame).to_csv(), "summary.csv")
    return str(run.info.run_id)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="CSV file; without it an example is made up")
    arguments = parser.parse_args()
    frame = pd.read_csv(arguments.data) if arguments.data else example()
    print(summary(frame).to_string())
    print(f"Run {look(frame)}")


if __name__ == "__main__":
    main()
