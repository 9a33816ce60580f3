"""The exported model answers as the trained one does."""

import numpy as np
import onnxruntime
from example_model import data
from example_model.export import configuration, export
from example_model.train import fit


def test_both_models_agree(tmp_path):
    frame = data.example(rows=300)
    model = fit(frame, epochs=3)
    export(model, tmp_path)
    exported = tmp_path / "example" / "1" / "model.onnx"
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    inputs = {column.name: frame[[column.name]].to_numpy(np.float32) for column in data.NUMBERS}
    inputs[data.CATEGORY] = frame[[data.CATEGORY]].to_numpy(object)
    (answers,) = session.run(["label"], inputs)
    assert (answers == model.predict(frame)).mean() > 0.99


def test_the_configuration_names_every_column():
    assert all(f'"{name}"' in configuration() for name in data.FEATURES)
