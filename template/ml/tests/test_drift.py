"""What moves away from the training data is named, and what does not is left alone."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from example_model import data, drift

NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)
LIMITS = drift.Limits(feature_drift=0.25, answer_drift=0.25, broken_percent=1.0, least_rows=500, window_days=7)


def learned():
    frame = data.example(2000)
    return drift.profile(frame, frame[data.LABEL])


def asked(seed=11):
    frame = data.example(1000, seed)
    return frame[list(data.FEATURES)], frame[[data.LABEL]]


def write(folder, deployment, collection, day, frame):
    """Write rows as the data collector does: one line a call, in a folder for each hour."""
    path = folder / deployment / collection / day / "05"
    path.mkdir(parents=True, exist_ok=True)
    calls = [frame.iloc[start : start + 50] for start in range(0, len(frame), 50)]
    lines = [json.dumps({"specversion": "1.0", "data": json.loads(call.to_json(orient="records"))}) for call in calls]
    (path / "instance.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_profile_holds_shares_and_no_row():
    known = learned()
    for row in known["numbers"].values():
        assert sum(row["shares"]) == pytest.approx(1)
        assert row["shares"] == pytest.approx([1 / len(row["shares"])] * len(row["shares"]), abs=0.02)
    assert set(known["categories"]["site"]) == set(data.SITES)
    assert json.loads(json.dumps(known)) == known


def test_other_rows_of_the_same_kind_are_alike():
    metrics = drift.measure(learned(), *asked())
    assert drift.beyond(metrics, LIMITS) == []
    assert max(value for name, value in metrics.items() if name.startswith("drift_")) < 0.1
    assert {f"drift_{name}" for name in (*data.FEATURES, "answers")} <= metrics.keys()


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("temperature_c", lambda values: values + 15),
        ("age_days", lambda values: values / 3),
        ("site", lambda values: values.where(values != "south", "north")),
    ],
)
def test_a_column_that_moves_is_named(column, change):
    inputs, outputs = asked()
    found = drift.beyond(drift.measure(learned(), inputs.assign(**{column: change(inputs[column])}), outputs), LIMITS)
    assert [text.split()[0] for text in found] == [f"drift_{column}"]


def test_answers_that_move_are_named():
    inputs, outputs = asked()
    found = drift.beyond(drift.measure(learned(), inputs, outputs * 0 + 1), LIMITS)
    assert [text.split()[0] for text in found] == ["drift_answers"]


@pytest.mark.parametrize("value", [None, "hot", 999])
def test_values_that_break_the_contract_are_counted(value):
    inputs, outputs = asked()
    spoilt = inputs.astype({"temperature_c": object})
    spoilt.iloc[:50, 0] = value
    metrics = drift.measure(learned(), spoilt, outputs)
    assert metrics["broken_temperature_c"] == pytest.approx(5)
    assert drift.beyond(metrics, LIMITS) == ["broken_temperature_c 5.00 %"]


def test_a_column_that_nobody_sends_is_broken():
    inputs, outputs = asked()
    metrics = drift.measure(learned(), inputs.drop(columns="load_percent"), outputs)
    assert metrics["broken_load_percent"] == 100 and "drift_load_percent" not in metrics


def test_a_category_that_was_never_seen_is_both():
    inputs, outputs = asked()
    inputs.loc[inputs["site"] == "west", "site"] = "east"
    found = drift.beyond(drift.measure(learned(), inputs, outputs), LIMITS)
    assert [text.split()[0] for text in found] == ["broken_site", "drift_site"]


def test_equal_shares_do_not_differ_and_nothing_is_no_fault():
    assert drift.stability([0.5, 0.5], [0.5, 0.5]) == 0
    assert np.isfinite(drift.stability([1.0, 0.0], [0.0, 1.0]))


def test_what_is_read_is_one_deployment_and_one_week(tmp_path):
    inputs, _ = asked()
    write(tmp_path, "blue", "model_inputs", "2026/12/01", inputs[:100])
    write(tmp_path, "blue", "model_inputs", "2026/11/25", inputs[100:300])
    write(tmp_path, "blue", "model_inputs", "2026/11/24", inputs[300:600])
    write(tmp_path, "green", "model_inputs", "2026/12/01", inputs[600:])
    rows = drift.collected(tmp_path, "blue", "model_inputs", drift.window(NOW, 7))
    assert len(rows) == 300 and list(rows.columns) == list(data.FEATURES)
    assert drift.collected(tmp_path, "red", "model_inputs", drift.window(NOW, 7)).empty


def test_calls_without_rows_are_left_out(tmp_path):
    path = tmp_path / "blue" / "model_inputs" / "2026/12/01/05"
    path.mkdir(parents=True)
    (path / "one.jsonl").write_text('{"data": "https://elsewhere", "datainblob": "true"}\n\n{"data": [1]}\n')
    assert drift.collected(tmp_path, "blue", "model_inputs", drift.window(NOW, 7)).empty


def test_few_rows_say_nothing(tmp_path, capsys):
    model = tmp_path / "model"
    model.mkdir()
    (model / drift.PROFILE).write_text(json.dumps(learned()))
    assert drift.examine(tmp_path, "blue", model, LIMITS, NOW) is None
    assert "0 rows in 7 days" in capsys.readouterr().out


def test_a_model_without_a_profile_is_refused(tmp_path):
    with pytest.raises(drift.NoProfile, match="train it again"):
        drift.examine(tmp_path, "blue", tmp_path, LIMITS, NOW)


@pytest.mark.parametrize("warmer", [0, 15])
def test_the_step_from_files_to_verdict(tmp_path, warmer):
    inputs, outputs = asked()
    write(tmp_path, "blue", "model_inputs", "2026/11/30", inputs.assign(temperature_c=inputs["temperature_c"] + warmer))
    write(tmp_path, "blue", "model_outputs", "2026/11/30", outputs)
    (tmp_path / drift.PROFILE).write_text(json.dumps(learned()))
    metrics = drift.examine(tmp_path, "blue", tmp_path, LIMITS, NOW)
    assert bool(drift.beyond(metrics, LIMITS)) == bool(warmer)
