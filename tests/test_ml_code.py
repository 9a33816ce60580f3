"""The machine learning code of projects as their teams run it: installed, tested, trained, killed, served and asked."""

import ast
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import yaml
from packaging.utils import canonicalize_name

from generator.answers import load
from generator.paths import VARIANTS
from generator.rendering import render
from tests import support

# What each stands for. A worker of its own for each: they share nothing but the cache of packages.
PROJECTS = {
    "default": "a managed endpoint that MLflow serves",
    "kubernetes-models": "Triton on Kubernetes",
    "databricks-first": "a Databricks bundle",
    "prototype-everything": "runs that may be interrupted, a scoring script",
    "training-only": "runs over several nodes",
}
PREDICT = """
import json, sys
import mlflow.sklearn
import pandas as pd
table = json.load(open(sys.argv[1]))["input_data"]
model = mlflow.sklearn.load_model("models:/example/1")
print(json.dumps(model.predict(pd.DataFrame(table["data"], columns=table["columns"])).tolist()))
"""
TRITON = """
import json, sys
import mlflow.sklearn
import numpy as np
import onnxruntime
import pandas as pd
kinds = {"FP32": np.float32, "BYTES": object}
asked = json.load(open(sys.argv[1]))["inputs"]
tensors = {row["name"]: np.array(row["data"], kinds[row["datatype"]]).reshape(row["shape"]) for row in asked}
session = onnxruntime.InferenceSession("model/triton/example/1/model.onnx", providers=["CPUExecutionProvider"])
frame = pd.DataFrame({name: tensor.ravel() for name, tensor in tensors.items()})
print(json.dumps([session.run(["label"], tensors)[0].ravel().tolist(),
                  mlflow.sklearn.load_model("models:/example/1").predict(frame).tolist()]))
"""
COEFFICIENTS = """
import json, sys
import mlflow.sklearn
models = [mlflow.sklearn.load_model(name)["model"] for name in sys.argv[1:]]
print(json.dumps([[model.coef_.tolist(), model.intercept_.tolist()] for model in models]))
"""
# What the runner of these tests lives in must not reach the project.
FOREIGN = ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON", "PORT")
TRACKED = {"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db", "MLFLOW_DISABLE_TELEMETRY": "true"}


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


def exploring(project):
    """Where a project explores on this machine, with its environment installed."""
    uv(project, "venv", "--quiet", "--seed", "--python=python3.11", ".venv/exploration")
    pip = ["pip", "install", "--quiet", f"--python={project.root / '.venv/exploration/bin/python'}"]
    uv(project, *pip, "--requirement=ml/exploration/requirements.txt", "pytest==9.2.0")
    (project.root / ".venv/exploration/installed").touch()
    return project.root / "ml/exploration"


def answer(project, code, *arguments):
    """What a piece of Python prints as JSON, in the environment of the project and beside its models."""
    run = execute(project.local, project.python, "-c", code, *arguments, **TRACKED)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def registry(project, query):
    """Rows of the registry that training writes to."""
    with closing(sqlite3.connect(project.local / "mlflow.db")) as database:
        return database.execute(query).fetchall()


def pins(root):
    lines = (root / "ml/requirements.txt").read_text().splitlines()
    return {line for line in lines if not line.startswith("#")}


def uv(project, *arguments):
    """Run uv in a project."""
    return support.uv(*arguments, cwd=project.root, env=clean())


def install(project):
    """Install the package and its pins; for one project by its own rule, which finds the pins there already."""
    uv(project, "venv", "--quiet", "--seed", "--python=python3.11", ".venv/ml")
    pip = ["pip", "install", "--quiet", f"--python={project.python}"]
    uv(project, *pip, "--requirement=ml/requirements.txt", "--requirement=ml/requirements-test.txt")
    if project.name == "default":
        make(project, ".venv/ml/installed")
    else:
        uv(project, *pip, "--no-deps", "--editable=ml")
        (project.root / ".venv/ml/installed").touch()


def committed(name, root):
    """A project in a repository of its own, installed."""
    render(load(VARIANTS / f"{name}.yml"), root)
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "Start"]):
        subprocess.run(["git", *arguments], cwd=root, check=True)
    project = SimpleNamespace(name=name, root=root, local=root / "ml/.local", python=root / ".venv/ml/bin/python")
    install(project)
    return project


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    """Projects by name, made when first asked for."""
    home, found = tmp_path_factory.mktemp("ml"), {}

    def get(name):
        if name not in found:
            found[name] = committed(name, home / name)
        return found[name]

    return get


def of(*names):
    """Runs of a test, one a project, grouped so that a worker installs a project once."""
    params = [pytest.param(name, marks=pytest.mark.xdist_group(f"ml-{name}")) for name in names]
    return pytest.mark.parametrize("project", params, indirect=True)


@pytest.fixture
def project(projects, request):
    return projects(request.param)


@pytest.fixture
def trained(project):
    """A project whose model is trained, good enough and registered."""
    if not (project.local / "mlflow.db").is_file():
        if project.name == "databricks-first":
            train_as_bundle(project)
        else:
            project.said = make(project, "train-local")
    return project


def train_as_bundle(project):
    """Run the tasks of the bundle one after the other, with this machine in place of volumes and Unity Catalog."""
    bundle = yaml.safe_load((project.root / "ml/resources/training.yml").read_text())
    job = bundle["targets"]["dev"]["resources"]["jobs"]["train_example"]
    (project.local / "raw").mkdir(parents=True)
    make_example = [project.python, "-m", "example_model.prepare", "--make-example", "--raw", "machines.csv"]
    execute(project.local, *make_example, "--prepared", "unused", **TRACKED)
    commit = execute(project.root, "git", "rev-parse", "HEAD").stdout.strip()
    for task in job["tasks"]:
        wheel = task["python_wheel_task"]
        given = {name: here(project, value, commit) for name, value in wheel["named_parameters"].items()}
        script = project.root / ".venv/ml/bin" / wheel["entry_point"]
        run = execute(project.local, script, *(f"--{name}={value}" for name, value in given.items()), **TRACKED)
        assert run.returncode == 0, run.stdout + run.stderr
    for part in ("model", "prepared", "report"):
        (project.local / part).symlink_to(project.local / "runs/1" / part)


def here(project, value, commit):
    """A parameter of the bundle as this machine knows it."""
    known = {
        "{{job.parameters.data}}": str(project.local),
        "{{job.parameters.runs}}": str(project.local / "runs"),
        "{{job.run_id}}": "1",
        "${workspace.file_path}": str(project.root / "ml"),
        "${var.git_sha}": commit,
        "${var.catalog}.${var.schema}.example": "example",
    }
    for name, text in known.items():
        value = value.replace(name, text)
    assert not re.search(r"\$\{|\{\{", value), value
    return value


def listens(port):
    """Whether somebody takes connections on a port: on a busy machine a server starts slowly."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


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
        give_up = time.monotonic() + 300
        while not listens(port) and server.poll() is None and time.monotonic() < give_up:
            time.sleep(0.2)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


@of(*PROJECTS)
def test_its_own_tests_pass(project):
    run = execute(project.root / "ml", project.python, "-m", "pytest", "--quiet", "-rs")
    assert run.returncode == 0, run.stdout + run.stderr
    assert " passed" in run.stdout and "skipped" not in run.stdout


@of(*PROJECTS)
def test_it_has_what_it_pins_and_nothing_that_clashes(project):
    listed = json.loads(uv(project, "pip", "list", "--format=json", "--exclude-editable", f"--python={project.python}"))
    installed = {f"{canonicalize_name(row['name'])}=={row['version']}" for row in listed}
    assert pins(project.root) <= installed
    uv(project, "pip", "check", f"--python={project.python}")


@of(*PROJECTS)
def test_a_good_model_is_registered_with_its_origin(trained):
    minimums = yaml.safe_load((trained.root / "ml/models/example/thresholds.yml").read_text())["minimums"]
    metrics = json.loads((trained.local / "report/metrics.json").read_text())
    assert minimums and all(metrics[name] >= minimum for name, minimum in minimums.items())

    assert registry(trained, "select name, version from model_versions") == [("example", 1)]
    tags = dict(registry(trained, "select key, value from model_version_tags"))
    assert set(tags) == {"data_version", "git_sha", "run_id"}
    assert tags["git_sha"] == execute(trained.root, "git", "rev-parse", "HEAD").stdout.strip()
    assert tags["data_version"] == json.loads((trained.local / "prepared/data.json").read_text())["data_version"]
    assert (tags["run_id"], "FINISHED") in registry(trained, "select run_uuid, status from runs")


@of("default")
def test_a_model_below_the_threshold_stops_at_the_gate(trained):
    thresholds = trained.root / "ml/models/example/thresholds.yml"
    before = thresholds.read_text()
    thresholds.write_text("minimums:\n  recall: 1.01\n")
    try:
        run = execute(trained.root, "make", "train-local")
    finally:
        thresholds.write_text(before)
    assert run.returncode != 0
    assert "The model is not good enough: recall is" in run.stderr and "below 1.01" in run.stderr
    assert registry(trained, "select version from model_versions") == [(1,)]


class Door(BaseHTTPRequestHandler):
    """Stands for what is between callers and the server in Azure: another path, and for MLflow another wrapping."""

    protocol_version = "HTTP/1.1"
    target = ""

    def log_message(self, format, *arguments):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        mlflow = self.target.endswith("/invocations")
        if mlflow:
            body = {"dataframe_split": {key: body["input_data"][key] for key in ("columns", "data")}}
        known = self.path in ("/models/v1/score", "/score")
        request = urllib.request.Request(self.target, json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                status, answer = (200 if known else 404), json.load(response)
        except urllib.error.HTTPError as error:
            status, answer = error.code, error.read().decode()
        except OSError as error:
            status, answer = 503, str(error)
        text = json.dumps(answer["predictions"] if mlflow and status == 200 else answer).encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def door(target):
    """The address of a door before a server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Before", (Door,), {"target": target}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


CONTRACT = """
import json, sys, urllib.request
sys.path.insert(0, "scripts")
import rollout


class Endpoint:
    def call(self, name, request):
        body, kind = request.read_bytes(), {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/score", body, kind)) as answer:
            return json.load(answer)


rollout.evaluate(Endpoint(), "green")
"""
LOAD = ("tests/load/load_test.py", "dev", "--api=models", "--seconds=10")


@of("default", "prototype-everything")
def test_the_server_passes_smoke_contract_and_load(trained):
    """What the pipelines ask of a deployment in Azure holds for the server that runs here."""
    request = trained.root / "ml/models/example/sample-request.json"
    path = "invocations" if trained.name == "default" else "score"
    with served(trained) as port, door(f"http://127.0.0.1:{port}/{path}") as address:
        answered = make(trained, "score-local", f"PORT={port}").splitlines()[-1]
        contract = execute(trained.root, sys.executable, "-c", CONTRACT, address)
        load = execute(trained.root, sys.executable, *LOAD, f"--url={address}", GATEWAY_KEY="nobody asks")
    expected = answer(trained, PREDICT, request)
    assert set(expected) == {0, 1}
    assert ast.literal_eval(answered.removeprefix("Answers: ")) == expected
    assert contract.returncode == 0, contract.stdout + contract.stderr
    assert "green: 10 of 10 answers are right." in contract.stdout
    assert load.returncode == 0, load.stdout + load.stderr


@of("kubernetes-models")
def test_triton_gets_a_model_that_answers_as_the_registered_one_does(trained):
    exported, registered = answer(trained, TRITON, trained.root / "ml/models/example/sample-request.json")
    assert exported == registered and set(exported) == {0, 1}


@of("databricks-first")
def test_training_runs_here_without_the_tasks_of_the_bundle(project):
    elsewhere = project.root / "ml/.elsewhere"
    make(project, "train-local", f"LOCAL={elsewhere}")
    assert registry(SimpleNamespace(local=elsewhere), "select name, version from model_versions") == [("example", 1)]


@of("databricks-first")
def test_the_bundle_runs_from_its_wheel_and_scores_files(trained):
    build = yaml.safe_load((trained.root / "ml/databricks.yml").read_text())["artifacts"]["example_model"]["build"]
    run = execute(trained.root / "ml", trained.python, *build.split()[1:])
    assert run.returncode == 0 and build.startswith("python -m pip wheel"), run.stderr
    assert list((trained.root / "ml/dist").glob("example_model-*.whl"))
    make(trained, "score-files-local")
    assert "prediction" in (trained.local / "predictions/test.csv").read_text().splitlines()[0]


@of("default", "databricks-first")
def test_exploration_tracks_its_first_look_as_a_script_and_as_a_notebook(project):
    folder = exploring(project)
    python = project.root / ".venv/exploration/bin/python"
    run = execute(folder, python, "-m", "pytest", "--quiet", "-rs")
    assert run.returncode == 0 and "skipped" not in run.stdout, run.stdout + run.stderr

    said = make(project, "explore")
    cells = json.loads((folder / "first_look.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    # What it installs is installed.
    magic = ("%pip install", "%restart_python")
    ran = "\n".join(line for cell in code for line in cell.splitlines() if not line.startswith(magic))
    place = {**TRACKED, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/.local/mlflow.db"}
    run = execute(folder, python, "-c", ran, **place)
    assert run.returncode == 0, run.stderr

    with closing(sqlite3.connect(folder / ".local/mlflow.db")) as database:
        query = "select run_uuid, status from runs join experiments using (experiment_id) where experiments.name = ?"
        runs = dict(database.execute(query, ["exploration"]))
        metrics = database.execute("select count(*) from metrics where key like 'importance_%'").fetchone()
    assert list(runs.values()) == ["FINISHED"] * 2 and metrics[0] == 2 * 3
    assert said.splitlines()[-1].removeprefix("Run ") in runs


@of("training-only")
def test_a_distributed_run_takes_two_processes_here(trained):
    assert "mpiexec -n 2" in trained.said
    # Both learn, one of them tracks.
    assert registry(trained, "select count(*) from params where key = 'epochs'") == [(1,)]


@of("prototype-everything")
def test_a_killed_run_resumes_and_ends_as_an_uninterrupted_one(trained):
    def command(name):
        options = ["--prepared=prepared", f"--model={name}", f"--checkpoints={name}-checkpoints", "--epochs=600"]
        return [trained.python, "-m", "example_model.train", *options]

    killed = subprocess.Popen(command("twice"), cwd=trained.local, env=clean(**TRACKED))
    checkpoint = trained.local / "twice-checkpoints/checkpoint.pkl"
    give_up = time.monotonic() + 120
    while not checkpoint.is_file() and killed.poll() is None and time.monotonic() < give_up:
        time.sleep(0.01)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    assert checkpoint.is_file() and not (trained.local / "twice").exists()
    behind = answer(trained, f"import pickle; print(pickle.load(open({str(checkpoint)!r}, 'rb'))[1])")
    assert 0 < behind < 600

    for name in ("twice", "once"):
        run = execute(trained.local, *command(name), **TRACKED)
        assert run.returncode == 0, run.stderr
    twice, once = answer(trained, COEFFICIENTS, "twice", "once")
    assert twice == once
