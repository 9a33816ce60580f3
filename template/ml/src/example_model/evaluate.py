"""Third step, a gate: measure the model on rows it has never seen, and stop when it is not good enough."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import mlflow
import pandas as pd
import yaml
from sklearn.metrics import accuracy_score, precision_score, recall_score

from example_model import data


class NotGoodEnough(Exception):
    """A metric misses its threshold. The message names it."""


def measure(model_folder: Path, prepared: Path) -> dict[str, float]:
    """Return the metrics of a model on the test rows, each from 0 to 1."""
    frame = data.check(pd.read_csv(prepared / "test.csv"))
    truth = frame[data.LABEL]
    answers = mlflow.pyfunc.load_model(str(model_folder)).predict(frame[list(data.FEATURES)])
    return {
        "accuracy": float(accuracy_score(truth, answers)),
        "precision": float(precision_score(truth, answers, zero_division=0)),
        "recall": float(recall_score(truth, answers, zero_division=0)),
    }


def gate(metrics: dict[str, float], minimums: dict[str, float]) -> None:
    """Stop a model that misses a minimum.

    Raises:
        NotGoodEnough: A metric is below its minimum, or was never measured.
    """
    for name, minimum in minimums.items():
        if name not in metrics:
            raise NotGoodEnough(f"There is a threshold for {name}, but {name} is not measured.")
        if metrics[name] < minimum:
            raise NotGoodEnough(f"The model is not good enough: {name} is {metrics[name]:.3f}, below {minimum}.")


def evaluate(model_folder: Path, prepared: Path, thresholds: Path, report: Path) -> dict[str, float]:
    """Write `metrics.json` into the folder `report`, then apply the gate.

    Raises:
        NotGoodEnough: The model misses a threshold.
    """
    metrics = measure(model_folder, prepared)
    report.mkdir(parents=True, exist_ok=True)
    (report / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    with mlflow.start_run():
        mlflow.log_metrics(metrics)
    gate(metrics, yaml.safe_load(thresholds.read_text(encoding="utf-8"))["minimums"])
    return metrics


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--prepared", type=Path, required=True, help="folder that prepare filled")
    parser.add_argument("--thresholds", type=Path, required=True, help="YAML file with the minimums")
    parser.add_argument("--report", type=Path, required=True, help="folder to fill")
    arguments = parser.parse_args()
    try:
        metrics = evaluate(arguments.model, arguments.prepared, arguments.thresholds, arguments.report)
    except NotGoodEnough as fault:
        sys.exit(str(fault))
    print("Good enough: " + ", ".join(f"{name} {value:.3f}" for name, value in metrics.items()) + ".")


if __name__ == "__main__":
    main()
