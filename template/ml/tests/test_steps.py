"""Each step hands the next one what it needs, and stops what must not go on."""

import json
import sys

import mlflow
import pandas as pd
import pytest
from example_model import data, evaluate, prepare
from example_model.features import transformer
from example_model.register import LineageError, register
from example_model.train import fit, write_model


def test_the_split_loses_nothing(prepared):
    train, test = (pd.read_csv(prepared / name) for name in ("train.csv", "test.csv"))
    assert (len(train), len(test)) == (1125, 375)
    assert abs(train[data.LABEL].mean() - test[data.LABEL].mean()) < 0.01


def test_prepare_stops_on_bad_data(tmp_path, monkeypatch):
    raw = tmp_path / "raw.csv"
    data.example(rows=5).drop(columns="site").to_csv(raw, index=False)
    monkeypatch.setattr(sys, "argv", ["prepare", "--raw", str(raw), "--prepared", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="lack the column site"):
        prepare.main()


def test_features_scale_numbers_and_spread_the_category():
    rows = transformer().fit_transform(data.example())
    assert rows.shape[1] == len(data.NUMBERS) + len(data.SITES)
    assert abs(rows[:, 0].mean()) < 1e-9


def test_training_twice_gives_the_same_model():
    frame = data.example(rows=300)
    first, second = fit(frame, epochs=2), fit(frame, epochs=2)
    assert (first.predict(frame) == second.predict(frame)).all()


def test_the_model_is_good_enough(model, prepared, tmp_path):
    thresholds = tmp_path / "thresholds.yml"
    thresholds.write_text("minimums: {accuracy: 0.8, recall: 0.6}\n")
    metrics = evaluate.evaluate(model, prepared, thresholds, tmp_path)
    assert metrics == json.loads((tmp_path / "metrics.json").read_text())


@pytest.mark.parametrize(
    ("minimums", "says"), [({"recall": 1.01}, "recall is .*, below 1.01"), ({"speed": 1}, "speed is not measured")]
)
def test_the_gate_stops(minimums, says):
    with pytest.raises(evaluate.NotGoodEnough, match=says):
        evaluate.gate({"recall": 0.99}, minimums)


def test_a_registered_model_leads_back_to_its_origin(model, tmp_path):
    (tmp_path / "metrics.json").write_text("{}")
    first, second = (register(model, tmp_path, "example") for _ in range(2))
    assert (first, second) == ("1", "2")
    tags = mlflow.MlflowClient().get_model_version("example", "1").tags
    assert tags["git_sha"] == "0" * 40 and len(tags["data_version"]) == 12 and tags["run_id"]
    assert mlflow.pyfunc.load_model("models:/example/1").predict(data.example(rows=3)).shape == (3,)


def test_a_model_that_was_not_evaluated_is_not_registered(model, tmp_path):
    with pytest.raises(LineageError, match="not evaluated"):
        register(model, tmp_path, "example")


def test_a_model_of_unknown_origin_is_not_registered(tmp_path):
    frame = data.example(rows=300)
    write_model(fit(frame, epochs=1), frame, tmp_path / "model", {"git_sha": "0" * 40})
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(LineageError, match="data_version, run_id"):
        register(tmp_path / "model", tmp_path, "example")
