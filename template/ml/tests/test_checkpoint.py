"""An interrupted run goes on where it stopped, and ends with the same model."""

import numpy as np
import pytest
from example_model import data, train
from example_model.checkpoint import load_checkpoint


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, monkeypatch):
    frame = data.example(rows=300)
    save = train.save_checkpoint

    def save_then_stop(folder, model, epochs):
        save(folder, model, epochs)
        if epochs == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(train, "save_checkpoint", save_then_stop)
    with pytest.raises(KeyboardInterrupt):
        train.fit(frame, epochs=5, checkpoints=tmp_path)
    monkeypatch.setattr(train, "save_checkpoint", save)
    resumed = train.fit(frame, epochs=5, checkpoints=tmp_path)
    whole = train.fit(frame, epochs=5)
    np.testing.assert_array_equal(resumed["model"].coef_, whole["model"].coef_)


def test_nothing_to_resume(tmp_path):
    assert load_checkpoint(tmp_path) is None
