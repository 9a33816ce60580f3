"""The data contract: what a table must look like before a model learns from it or answers about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

LABEL = "fails_within_week"
SITES = ("north", "south", "west")


class DataError(ValueError):
    """The data break the contract. The message says where, in one sentence."""


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers.

    Args:
        name: Name of the column, with its unit.
        low: Smallest plausible value.
        high: Largest plausible value.
    """

    name: str
    low: float
    high: float


NUMBERS = (
    NumberColumn("temperature_c", -40, 200),
    NumberColumn("vibration_mm_s", 0, 100),
    NumberColumn("load_percent", 0, 120),
    NumberColumn("age_days", 0, 20_000),
)
CATEGORY = "site"
FEATURES = tuple(column.name for column in NUMBERS) + (CATEGORY,)


def check(frame: pd.DataFrame, labelled: bool = True) -> pd.DataFrame:
    """Return the columns of the contract in its order, with its types.

    Args:
        frame: Table with one machine a row. Further columns are dropped.
        labelled: Whether the label must be there.

    Raises:
        DataError: A column is missing, or a value is missing, not a number or out of range.
    """
    wanted = [*FEATURES, LABEL] if labelled else list(FEATURES)
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise DataError(f"The data lack the column {', '.join(missing)}.")
    if frame.empty:
        raise DataError("The data have no rows.")
    checked = frame[wanted].copy()
    for column in NUMBERS:
        checked[column.name] = _numbers(checked[column.name], column)
    checked[CATEGORY] = _one_of(checked[CATEGORY], SITES).astype(str)
    if labelled:
        checked[LABEL] = _one_of(checked[LABEL], (0, 1)).astype("int64")
    return checked


def _numbers(values: pd.Series, column: NumberColumn) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    wrong = ~numbers.between(column.low, column.high)
    if wrong.any():
        raise DataError(
            f"Column {column.name} has {values[wrong].iloc[0]!r} in row {int(np.argmax(wrong))}: "
            f"it takes numbers from {column.low} to {column.high}."
        )
    return numbers


def _one_of(values: pd.Series, allowed: tuple[object, ...]) -> pd.Series:
    wrong = ~values.isin(allowed)
    if wrong.any():
        raise DataError(
            f"Column {values.name} has {values[wrong].iloc[0]!r} in row {int(np.argmax(wrong))}: "
            f"it takes {', '.join(map(str, allowed))}."
        )
    return values


def example(rows: int = 2000, seed: int = 7) -> pd.DataFrame:
    """Make up a labelled table. The same arguments give the same table, on every machine."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "temperature_c": random.normal(70, 12, rows).round(1),
            "vibration_mm_s": random.gamma(4, 1.2, rows).round(2),
            "load_percent": random.uniform(10, 110, rows).round(0),
            "age_days": random.integers(0, 6000, rows).astype(float),
            "site": random.choice(SITES, rows),
        }
    )
    strain = (
        0.09 * (frame["temperature_c"] - 70)
        + 0.8 * (frame["vibration_mm_s"] - 4.8)
        + 0.03 * (frame["load_percent"] - 60)
        + 0.0006 * (frame["age_days"] - 3000)
        + np.where(frame["site"] == "north", 0.8, 0.0)
    )
    frame[LABEL] = (strain + random.normal(0, 1, rows) > 1.0).astype("int64")
    return frame


def version(path: Path) -> str:
    """Return what names these exact bytes: the first 12 hexadecimal digits of their SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
