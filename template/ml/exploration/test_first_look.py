"""The first look finds what is in the data, and the run keeps it."""

import first_look
import mlflow


def test_what_was_seen_is_in_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    run = mlflow.MlflowClient().get_run(first_look.look(first_look.example()))
    assert run.data.params["rows"] == "1000"
    assert run.data.metrics["importance_vibration_mm_s"] > run.data.metrics["importance_load_percent"]


def test_the_summary_counts_missing_values():
    frame = first_look.example(rows=10)
    frame.loc[0, "load_percent"] = None
    assert first_look.summary(frame).loc["load_percent", "missing_share"] == 0.1
