"""The machine learning code of a project as its team runs it: installed, tested, trained, gated, served and asked."""

import ast
import json
import os
import signal
import socket
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from types import SimpleNamespace

import pytest
import yaml
from packaging.utils import canonicalize_name

from generator.answers import load
from generator.paths import VARIANTS
from generator.rendering import render

pytestmark = pytest.mark.xdist_group("ml-code")

# One is served by MLflow, one by a scoring script. The second pins more than the first: one environment, filled in this
# order, serves both.
NAMES = ("default", "central-platform")
PREDICT = """
import json, sys
import mlflow.sklearn
import pandas as pd
table = json.load(open(sys.argv[1]))["input_data"]
model = mlflow.sklearn.load_model("models:/example/1")
print(json.dumps(model.predict(pd.DataFrame(table["data"], columns=table["columns"])).tolist()))
"""
# What the runner of these tests lives in must not reach the project.
FOREIGN = ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON", "PORT")


def execute(root, *command, **environment):
    """Run a command as the owner of a project would, and return what came of it."""
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=clean(**environment))


def clean(**environment):
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return {name: value for name, value in kept.items() if not name.startswith("MLFLOW_")} | environment


def make(project, *arguments):
    run = execute(project.root, "make", *arguments)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def registry(project, query):
    """Rows of the registry that training writes to."""
    with closing(sqlite3.connect(project.local / "mlflow.db")) as database:
        return database.execute(query).fetchall()


def pins(root):
    lines = (root / "ml/requirements.txt").read_text().splitlines()
    return {line for line in lines if not line.startswith("#")}


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    """Both projects, committed, with one environment between them."""
    home = tmp_path_factory.mktemp("ml")
    (home / "environment").mkdir()
    found = {}
    for name in NAMES:
        root = home / name
        render(load(VARIANTS / f"{name}.yml"), root)
        for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "Start"]):
            subprocess.run(["git", *arguments], cwd=root, check=True)
        (root / ".venv").symlink_to(home / "environment")
        found[name] = SimpleNamespace(root=root, local=root / "ml/.local")
    assert pins(found["default"].root) < pins(found["central-platform"].root)
    return found


@pytest.fixture(scope="module", params=NAMES)
def project(projects, request):
    """A project with its package installed, by its own rule."""
    chosen = projects[request.param]
    (chosen.root / ".venv/ml/installed").unlink(missing_ok=True)
    make(chosen, ".venv/ml/installed")
    return chosen


@pytest.fixture(scope="module")
def trained(project):
    """A project whose model is trained, good enough and registered."""
    make(project, "train-local")
    return project


@contextmanager
def served(project):
    """The model behind its own server, on a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = project.local / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            ["make", "serve-local", f"PORT={port}"],
            cwd=project.root,
            env=clean(),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def test_its_own_tests_pass(project):
    run = execute(project.root / "ml", project.root / ".venv/ml/bin/python", "-m", "pytest", "--quiet", "-rs")
    assert run.returncode == 0, run.stdout + run.stderr
    assert " passed" in run.stdout and "skipped" not in run.stdout


def test_it_has_what_it_pins_and_nothing_that_clashes(project):
    python = project.root / ".venv/ml/bin/python"
    listed = execute(project.root, python, "-m", "pip", "list", "--format", "json", "--exclude-editable")
    installed = {f"{canonicalize_name(row['name'])}=={row['version']}" for row in json.loads(listed.stdout)}
    assert pins(project.root) <= installed
    check = execute(project.root, python, "-m", "pip", "check")
    assert check.returncode == 0, check.stdout


def test_a_good_model_is_registered_with_its_origin(trained):
    minimums = yaml.safe_load((trained.root / "ml/thresholds.yml").read_text())["minimums"]
    metrics = json.loads((trained.local / "report/metrics.json").read_text())
    assert minimums and all(metrics[name] >= minimum for name, minimum in minimums.items())

    assert registry(trained, "select name, version from model_versions") == [("example", 1)]
    tags = dict(registry(trained, "select key, value from model_version_tags"))
    assert set(tags) == {"data_version", "git_sha", "run_id"}
    assert tags["git_sha"] == execute(trained.root, "git", "rev-parse", "HEAD").stdout.strip()
    assert tags["data_version"] == json.loads((trained.local / "prepared/data.json").read_text())["data_version"]
    assert (tags["run_id"], "FINISHED") in registry(trained, "select run_uuid, status from runs")


def test_a_model_below_the_threshold_stops_at_the_gate(trained):
    thresholds = trained.root / "ml/thresholds.yml"
    before = thresholds.read_text()
    thresholds.write_text("minimums:\n  recall: 1.01\n")
    try:
        run = execute(trained.root, "make", "train-local")
    finally:
        thresholds.write_text(before)
    assert run.returncode != 0
    assert "The model is not good enough: recall is" in run.stderr and "below 1.01" in run.stderr
    assert registry(trained, "select version from model_versions") == [(1,)]


def test_the_server_answers_as_the_registered_model_does(trained):
    request = trained.root / "ml/models/example/sample-request.json"
    with served(trained) as port:
        answered = make(trained, "score-local", f"PORT={port}").splitlines()[-1]
    own = execute(
        trained.local,
        trained.root / ".venv/ml/bin/python",
        "-c",
        PREDICT,
        request,
        MLFLOW_TRACKING_URI="sqlite:///mlflow.db",
    )
    expected = json.loads(own.stdout)
    assert set(expected) == {0, 1}
    assert ast.literal_eval(answered.removeprefix("Answers: ")) == expected
