"""Every good file is scored; a bad one is named."""

import pandas as pd
from example_model import data
from example_model.score_files import score_files


def test_files_in_files_out(model, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    rows = data.example(rows=20).drop(columns=data.LABEL)
    rows.to_csv(source / "good.csv", index=False)
    rows.drop(columns="site").to_csv(source / "bad.csv", index=False)
    assert score_files(str(model), source, tmp_path / "out") == ["bad.csv: The data lack the column site."]
    assert len(pd.read_csv(tmp_path / "out" / "good.csv")["prediction"]) == 20
    assert not (tmp_path / "out" / "bad.csv").exists()
