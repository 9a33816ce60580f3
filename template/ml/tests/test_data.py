"""The data contract refuses what would mislead a model, and says where."""

import pandas as pd
import pytest
from example_model import data


def test_the_example_passes_and_is_the_same_every_time():
    checked = data.check(data.example())
    assert list(checked.columns) == [*data.FEATURES, data.LABEL]
    pd.testing.assert_frame_equal(data.example(), data.example())


def test_both_labels_occur():
    assert 0.1 < data.example()[data.LABEL].mean() < 0.6


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("temperature_c", 400, "from -40 to 200"),
        ("vibration_mm_s", None, "vibration_mm_s"),
        ("load_percent", "high", "'high'"),
        ("site", "moon", "north, south, west"),
        (data.LABEL, 2, "0, 1"),
    ],
)
def test_a_wrong_value_is_named(column, value, says):
    frame = data.example(rows=5).astype({column: object})
    frame.loc[3, column] = value
    with pytest.raises(data.DataError, match="row 3") as fault:
        data.check(frame)
    assert column in str(fault.value) and says in str(fault.value)


def test_a_missing_column_is_named():
    with pytest.raises(data.DataError, match="lack the column site"):
        data.check(data.example(rows=5).drop(columns="site"))


def test_no_rows():
    with pytest.raises(data.DataError, match="no rows"):
        data.check(data.example(rows=5).head(0))


def test_a_request_needs_no_label():
    assert data.LABEL not in data.check(data.example(rows=5), labelled=False)


def test_a_version_names_the_bytes(tmp_path):
    path = tmp_path / "raw.csv"
    path.write_bytes(b"a\n")
    first = data.version(path)
    path.write_bytes(b"b\n")
    assert len(first) == 12 and data.version(path) != first
