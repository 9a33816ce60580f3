"""Compares what a deployment is asked and answers with what its model learned from: drift, and the quality of data."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import yaml

from example_model import data

PROFILE = "profile.json"
BINS = 10
ANSWER = "answers"
# A share of nothing has no logarithm.
LEAST_SHARE = 1e-4


@dataclass(frozen=True)
class Limits:
    """What may differ before somebody is told.

    Args:
        feature_drift: Population stability index of one column.
        answer_drift: Population stability index of the answers.
        broken_percent: Share of the values of a column that break the data contract.
        least_rows: Rows below which nothing is said.
        window_days: Days that are looked at, today included.
    """

    feature_drift: float
    answer_drift: float
    broken_percent: float
    least_rows: int
    window_days: int


class NoProfile(Exception):
    """The model does not know what it learned from."""


def profile(frame: pd.DataFrame, answers: Any) -> dict[str, Any]:
    """Return what a model remembers of the rows that it learned from: shares, and no row.

    Args:
        frame: Rows that passed the data contract.
        answers: What the model answers about them.
    """
    numbers = {}
    for column in data.NUMBERS:
        # Bins that each hold the same number of rows; equal values may leave fewer of them.
        edges = np.unique(np.quantile(frame[column.name], np.linspace(0, 1, BINS + 1)[1:-1]))
        numbers[column.name] = {"edges": edges.tolist(), "shares": _binned(frame[column.name], edges)}
    return {
        "rows": len(frame),
        "numbers": numbers,
        "categories": {data.CATEGORY: _counted(frame[data.CATEGORY]), ANSWER: _counted(pd.Series(answers))},
    }


def _binned(values: pd.Series, edges: Any) -> list[float]:
    """Share of the values in each bin."""
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return [float(count) / len(values) for count in counts]


def _counted(values: pd.Series) -> dict[str, float]:
    """Share of each value."""
    return {str(value): float(share) for value, share in values.value_counts(normalize=True).items()}


def stability(expected: list[float], found: list[float]) -> float:
    """Population stability index of two lists of shares: below 0.1 they are alike, above 0.25 they differ."""
    before = np.maximum(expected, LEAST_SHARE)
    after = np.maximum(found, LEAST_SHARE)
    return float(np.sum((after - before) * np.log(after / before)))


def collected(folder: Path, deployment: str, collection: str, days: Iterator[datetime]) -> pd.DataFrame:
    """Return the rows that the data collector wrote on the given days.

    Args:
        folder: What is collected of an endpoint, as <deployment>/<collection>/<yyyy>/<MM>/<dd>/<HH>/*.jsonl.
        deployment: Name of the deployment.
        collection: model_inputs or model_outputs.
        days: Days to read.
    """
    rows: list[dict[str, Any]] = []
    for day in days:
        for path in sorted((folder / deployment / collection / f"{day:%Y/%m/%d}").rglob("*.jsonl")):
            for line in path.read_text(encoding="utf-8").splitlines():
                batch = json.loads(line).get("data") if line.strip() else None
                # Calls that are too large for a line lie in files of their own, and are left out.
                rows += [row for row in batch if isinstance(row, dict)] if isinstance(batch, list) else []
    return pd.DataFrame(rows)


def measure(known: Mapping[str, Any], inputs: pd.DataFrame, outputs: pd.DataFrame) -> dict[str, float]:
    """Return drift and broken values, by a name such as drift_load_percent or broken_site.

    Args:
        known: Profile of the model.
        inputs: What the deployment was asked, as it came.
        outputs: What it answered; its first column counts.
    """
    metrics = {}
    for column in data.NUMBERS:
        values = pd.to_numeric(_column(inputs, column.name), errors="coerce")
        whole = values[values.between(column.low, column.high)]
        metrics[f"broken_{column.name}"] = _percent(len(values) - len(whole), len(values))
        if len(whole):
            row = known["numbers"][column.name]
            metrics[f"drift_{column.name}"] = stability(row["shares"], _binned(whole, row["edges"]))
    sites = _column(inputs, data.CATEGORY)
    metrics[f"broken_{data.CATEGORY}"] = _percent(int((~sites.isin(data.SITES)).sum()), len(sites))
    metrics[f"drift_{data.CATEGORY}"] = _categories(known["categories"][data.CATEGORY], sites.dropna())
    if len(outputs):
        metrics[f"drift_{ANSWER}"] = _categories(known["categories"][ANSWER], outputs.iloc[:, 0])
    return metrics


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column; empty values for one that nobody sent."""
    return frame[name] if name in frame else pd.Series([None] * len(frame), dtype=object)


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole


def _categories(expected: Mapping[str, float], values: pd.Series) -> float:
    """Population stability index of a column of categories, those that were never seen before included."""
    found = _counted(values)
    names = sorted(expected.keys() | found.keys())
    return stability([expected.get(name, 0.0) for name in names], [found.get(name, 0.0) for name in names])


def beyond(metrics: Mapping[str, float], limits: Limits) -> list[str]:
    """Return the metrics that pass their limit, each with its value."""
    found = []
    for name, value in sorted(metrics.items()):
        broken = name.startswith("broken_")
        limit = limits.answer_drift if name == f"drift_{ANSWER}" else limits.feature_drift
        if value > (limits.broken_percent if broken else limit):
            found.append(f"{name} {value:.2f}{' %' if broken else ''}")
    return found


def window(now: datetime, days: int) -> Iterator[datetime]:
    """Days that are looked at, today first."""
    return (now - timedelta(days=number) for number in range(days))


def examine(folder: Path, deployment: str, model: Path, limits: Limits, now: datetime) -> dict[str, float] | None:
    """Return the metrics of a deployment, or None when too few rows were collected to say anything.

    Raises:
        NoProfile: The model does not know what it learned from.
    """
    if not (model / PROFILE).is_file():
        raise NoProfile(f"The model holds no {PROFILE}: train it again with this code, and roll it out.")
    known = json.loads((model / PROFILE).read_text(encoding="utf-8"))
    inputs = collected(folder, deployment, "model_inputs", window(now, limits.window_days))
    if len(inputs) < limits.least_rows:
        print(f"{len(inputs)} rows in {limits.window_days} days: fewer than {limits.least_rows} say nothing.")
        return None
    outputs = collected(folder, deployment, "model_outputs", window(now, limits.window_days))
    return measure(known, inputs, outputs)


def main() -> None:
    """Run from the command line; a metric beyond its limit makes the run fail, which is what the alert sees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collected", type=Path, required=True, help="folder of what is collected of the endpoint")
    parser.add_argument("--deployment", required=True, help="deployment that answers")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model that it runs")
    parser.add_argument("--model-version", required=True, help="version of that model")
    parser.add_argument("--limits", type=Path, required=True, help="YAML file with what may differ")
    arguments = parser.parse_args()
    limits = Limits(**yaml.safe_load(arguments.limits.read_text(encoding="utf-8")))
    now = datetime.now(UTC)
    try:
        metrics = examine(arguments.collected, arguments.deployment, arguments.model, limits, now)
    except NoProfile as fault:
        sys.exit(str(fault))
    if metrics is None:
        return
    found = beyond(metrics, limits)
    with mlflow.start_run():
        mlflow.log_metrics(metrics)
        if found:
            # What retraining looks for: a version asks once for a successor.
            mlflow.set_tags({"drift": ", ".join(found), "drift_of_version": arguments.model_version})
    if found:
        sys.exit(f"Version {arguments.model_version} no longer sees what it learned from: {', '.join(found)}.")
    print("Within the limits: " + ", ".join(f"{name} {value:.2f}" for name, value in sorted(metrics.items())) + ".")


if __name__ == "__main__":
    main()
