"""A trained example, once for all tests, with a tracking store of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from example_model import data
from example_model.prepare import prepare
from example_model.train import Settings, train


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder to work in, in which MLflow tracks."""
    folder = tmp_path_factory.mktemp("workspace")
    before = Path.cwd()
    os.chdir(folder)
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    yield folder
    os.chdir(before)


@pytest.fixture(scope="session")
def prepared(workspace: Path) -> Path:
    """The example data, split."""
    raw = workspace / "raw.csv"
    data.example(rows=1500).to_csv(raw, index=False, lineterminator="\n")
    prepare(raw, workspace / "prepared")
    return workspace / "prepared"


@pytest.fixture(scope="session")
def model(workspace: Path, prepared: Path) -> Path:
    """A trained model."""
    train(prepared, workspace / "model", Settings(epochs=10, git_sha="0" * 40))
    return workspace / "model"
