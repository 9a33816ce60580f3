"""A promoted version is the registered one, and says where it comes from."""

import sys

import mlflow
import pytest
from example_model import data, promote
from example_model.register import LINEAGE, register


def run(monkeypatch, version, source="trained", target="promoted"):
    monkeypatch.setattr(sys, "argv", ["promote", f"--version={version}", f"--from={source}", f"--to={target}"])
    promote.main()


def test_a_version_is_copied_with_its_lineage(model, tmp_path, monkeypatch, capsys):
    (tmp_path / "metrics.json").write_text("{}")
    version = register(model, tmp_path, "trained")
    run(monkeypatch, version)
    run(monkeypatch, version)
    assert capsys.readouterr().out.splitlines()[-1].endswith("it is promoted version 2.")
    client = mlflow.MlflowClient()
    before, after = client.get_model_version("trained", version).tags, client.get_model_version("promoted", "2").tags
    assert {tag: after[tag] for tag in LINEAGE} == {tag: before[tag] for tag in LINEAGE}
    frame = data.example(rows=3)
    answers = [
        mlflow.pyfunc.load_model(f"models:/{name}").predict(frame) for name in (f"trained/{version}", "promoted/2")
    ]
    assert (answers[0] == answers[1]).all()


def test_a_version_of_unknown_origin_stays(model, monkeypatch):
    client = mlflow.MlflowClient()
    client.create_registered_model("unknown")
    client.create_model_version("unknown", str(model), tags={"git_sha": "0" * 40})
    with pytest.raises(SystemExit, match="unknown version 1 lacks the tag data_version, run_id"):
        run(monkeypatch, "1", source="unknown", target="elsewhere")
    assert not client.search_registered_models("name = 'elsewhere'")
