"""The model as Triton loads it: ONNX in a model repository, one tensor a column."""

from __future__ import annotations

from pathlib import Path

from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.pipeline import Pipeline

from example_model.data import CATEGORY, NUMBERS

MODEL_NAME = "example"
# Operator set that every living version of Triton's ONNX back end knows.
OPERATOR_SET = 17


def export(model: Pipeline, folder: Path) -> None:
    """Write a Triton model repository.

    Args:
        model: Fitted pipeline.
        folder: Folder of the repository.
    """
    inputs = [(column.name, FloatTensorType([None, 1])) for column in NUMBERS]
    inputs.append((CATEGORY, StringTensorType([None, 1])))
    converted = to_onnx(model, initial_types=inputs, options={"zipmap": False}, target_opset=OPERATOR_SET)
    home = folder / MODEL_NAME
    (home / "1").mkdir(parents=True, exist_ok=True)
    (home / "1" / "model.onnx").write_bytes(converted.SerializeToString())
    (home / "config.pbtxt").write_text(configuration(), encoding="utf-8")


def configuration() -> str:
    """Return what Triton must know about the model: its tensors, and that it may join requests to batches."""
    tensors = [(column.name, "TYPE_FP32") for column in NUMBERS] + [(CATEGORY, "TYPE_STRING")]
    inputs = ",\n".join(f'  {{ name: "{name}" data_type: {kind} dims: [ 1 ] }}' for name, kind in tensors)
    return "\n".join(
        [
            f'name: "{MODEL_NAME}"',
            'backend: "onnxruntime"',
            "max_batch_size: 64",
            "input [",
            inputs,
            "]",
            "output [",
            '  { name: "label" data_type: TYPE_INT64 dims: [ 1 ] reshape: { shape: [ ] } }',
            "]",
            "dynamic_batching { }",
            "",
        ]
    )
