"""The orchestrator of projects as their teams run it: installed from its pins, and tested by its own tests."""

import subprocess

import pytest

from generator.answers import load
from generator.paths import VARIANTS
from generator.rendering import render
from tests.support import uv

WITH_ORCHESTRATOR = ["fine-tuning", "orchestrated-chat"]
CHANGES = {"fine-tuning": {"streaming": False}, "orchestrated-chat": {"streaming": True}}
"""So that both ways to answer, and callers with a token and without, are run."""


@pytest.fixture(scope="module")
def python(tmp_path_factory, rendered_variants):
    """An interpreter with what the service pins, the same in every project."""
    home = tmp_path_factory.mktemp("orchestrator") / "venv"
    pins = [
        f"--requirement={rendered_variants}/orchestrated-chat/orchestrator/requirements{part}.txt"
        for part in ("", "-test")
    ]
    uv("venv", "--quiet", "--python=python3.11", home)
    uv("pip", "install", "--quiet", f"--python={home}/bin/python", *pins)
    return home / "bin" / "python"


@pytest.mark.parametrize("name", WITH_ORCHESTRATOR)
def test_its_own_tests_pass(python, tmp_path, name):
    answers = {**load(VARIANTS / f"{name}.yml"), **CHANGES[name]}
    render(answers, tmp_path / name)
    run = subprocess.run(
        [python, "-m", "pytest", "--quiet", "--no-header", "-p", "no:cacheprovider"],
        cwd=tmp_path / name / "orchestrator",
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr
    assert "passed" in run.stdout and "skipped" not in run.stdout
