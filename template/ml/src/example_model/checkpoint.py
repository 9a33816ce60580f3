"""What survives an interruption: the model and the number of epochs behind it."""

from __future__ import annotations

import pickle
from pathlib import Path

from sklearn.linear_model import SGDClassifier

FILE_NAME = "checkpoint.pkl"


def save_checkpoint(folder: Path, model: SGDClassifier, epochs: int) -> None:
    """Replace the checkpoint in one step: an interruption while writing leaves the former one whole."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{FILE_NAME}.new"
    fresh.write_bytes(pickle.dumps((model, epochs)))
    fresh.replace(folder / FILE_NAME)


def load_checkpoint(folder: Path) -> tuple[SGDClassifier, int] | None:
    """Return the model and its epochs, or nothing when no run was interrupted.

    Only checkpoints of this training are loaded: the folder belongs to the run.
    """
    path = folder / FILE_NAME
    return pickle.loads(path.read_bytes()) if path.is_file() else None
