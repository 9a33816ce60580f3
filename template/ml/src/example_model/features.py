"""From columns of the contract to numbers that a linear model understands."""

from __future__ import annotations

from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from example_model.data import CATEGORY, NUMBERS, SITES


def transformer() -> ColumnTransformer:
    """Return an unfitted transformer. It travels inside the model, so that training and scoring cannot differ."""
    return ColumnTransformer(
        [
            ("numbers", StandardScaler(), [column.name for column in NUMBERS]),
            ("category", OneHotEncoder(categories=[list(SITES)], sparse_output=False), [CATEGORY]),
        ]
    )
