"""One small project for each registered tool: it holds; one broken file breaks it, and so does a missing program."""

import json
import os
import shutil
import sys
from dataclasses import dataclass, field

import pytest

from generator import tools
from generator.evaluation import Environment, Project, Resource
from generator.tools import (
    azure_ml_yaml,
    azure_pipelines,
    common,
    coverage,
    databricks,
    diagrams,
    documents,
    expressions,
    kql,
    kubernetes,
    node,
    openapi,
    plain,
    policies,
    python_code,
    services,
    shell,
    workbooks,
    workflows,
)

PROGRAM, MODULE, PYTHON = "program", "module", "python"
"""How a tool is reached: a program, an importable module, or a module that Python runs."""


@dataclass(frozen=True)
class Case:
    """A project for one tool.

    Args:
        tool: Function of the tool.
        good: Files that hold, by path.
        faults: (path, broken text, part of the message): one file that replaces or joins the good ones.
        needs: (how, name) of what it runs; empty for own code.
    """

    tool: object
    good: dict[str, str]
    faults: list[tuple[str, str, str]]
    needs: tuple[str, str] | tuple[()] = field(default=())

    @property
    def name(self):
        return self.tool.__name__


BUNDLE = """\
bundle:
  name: a
include:
  - resources/*.yml
sync:
  exclude: [exploration/**]
variables:
  catalog:
    description: Catalog
targets:
  dev:
    default: true
    variables:
      catalog: x
    resources:
      experiments:
        a:
          name: /Shared/a
          permissions:
            - group_name: b
              level: CAN_EDIT
"""

SERVING = """\
bundle:
  name: b
variables:
  stable_version:
    description: Version
  caller:
    description: Who calls
targets:
  dev:
    default: true
    variables:
      stable_version: "1"
resources:
  model_serving_endpoints:
    a:
      name: a
      config:
        served_entities:
          - name: stable
            entity_name: a.b.c
            entity_version: ${var.stable_version}
      permissions:
        - service_principal_name: ${var.caller}
          level: CAN_QUERY
"""

JOB = """\
targets:
  dev:
    resources:
      volumes:
        a:
          catalog_name: ${var.catalog}
          schema_name: ${resources.schemas.a.name}
          name: a
          volume_type: EXTERNAL
          storage_location: abfss://a@b.dfs.core.windows.net/c
          grants:
            - principal: b
              privileges: [READ_VOLUME]
resources:
  schemas:
    a:
      catalog_name: ${var.catalog}
      name: a
  jobs:
    a:
      name: ${var.catalog}
      schedule:
        quartz_cron_expression: 0 0 3 * * ?
        timezone_id: UTC
        pause_status: PAUSED
      job_clusters:
        - job_cluster_key: one
          new_cluster:
            spark_version: 17.3.x-scala2.13
            num_workers: 0
      tasks:
        - task_key: first
          job_cluster_key: one
          python_wheel_task:
            package_name: a
            entry_point: run
          libraries:
            - requirements: ${workspace.file_path}/requirements.txt
        - task_key: second
          job_cluster_key: one
          depends_on:
            - task_key: first
"""

SCRIPTS = '[project.scripts]\nrun = "a:main"\n'


def diagram(text):
    return f"# Title\n\n```mermaid\n{text}\n```\n"


def notebook(**cell):
    code = {"cell_type": "code", "execution_count": None, "id": "one", "metadata": {}, "outputs": [], "source": "a = 1"}
    return json.dumps({"cells": [{**code, **cell}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def workbook(**item):
    query = {"version": "KqlItem/1.0", "query": "AppRequests\n| count", "queryType": 0}
    return json.dumps({"version": "Notebook/1.0", "items": [{"type": 3, "name": "calls", "content": query, **item}]})


def policy(inbound="", outbound=""):
    return (
        f"<policies><inbound><base />{inbound}</inbound><backend><base /></backend>"
        f"<outbound><base />{outbound}</outbound><on-error><base /></on-error></policies>\n"
    )


ML_SCHEMAS = "https://azuremlschemas.azureedge.net/latest"
PINNED = f"""\
$schema: {ML_SCHEMAS}/commandJob.schema.json
type: command
command: python train.py --rows ${{{{inputs.rows}}}}
code: src
environment: azureml:own:1
compute: azureml:cluster
inputs:
  rows: 10
"""
ENVIRONMENT = f"$schema: {ML_SCHEMAS}/environment.schema.json\nname: train\nversion: '1'\n"
IMAGE = f"{ENVIRONMENT}image: registry.example/base:1\nconda_file: conda.yml\n"
CONDA = "dependencies:\n  - python=3.11\n  - pip:\n      - pandas==2.3.3\n"
COMPONENT = f"""\
$schema: {ML_SCHEMAS}/commandComponent.schema.json
type: command
name: fit
version: "1"
inputs:
  rows:
    type: integer
  rate:
    type: number
    default: 0.1
outputs:
  model:
    type: uri_folder
command: python -m own.fit --rows ${{{{inputs.rows}}}} --rate ${{{{inputs.rate}}}} --model ${{{{outputs.model}}}}
code: src
environment: azureml:own:1
"""
TRAINING = f"""\
$schema: {ML_SCHEMAS}/pipelineJob.schema.json
type: pipeline
inputs:
  rows: 10
settings:
  default_compute: azureml:cluster
jobs:
  search:
    type: sweep
    trial: fit.yml
    inputs:
      rows: ${{{{parent.inputs.rows}}}}
    sampling_algorithm: random
    search_space:
      rate:
        type: choice
        values: [0.1, 0.2]
    objective:
      goal: maximize
      primary_metric: score
    limits:
      max_total_trials: 2
  look:
    type: command
    command: python train.py ${{{{inputs.model}}}}
    code: src
    environment: azureml:own:1
    inputs:
      model: ${{{{parent.jobs.search.outputs.model}}}}
"""
SCHEDULE = f"""\
$schema: {ML_SCHEMAS}/schedule.schema.json
name: nightly
trigger:
  type: cron
  expression: "0 2 * * 1"
create_job:
  type: pipeline
  job: pipeline.yml
"""
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  level: info\n"
API = {
    "openapi": "3.0.3",
    "info": {"title": "Chat", "version": "1"},
    "paths": {"/chat": {"post": {"operationId": "chat", "responses": {"200": {"description": "Answer"}}}}},
}
CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"
WORKFLOW = f"""\
name: Build
on: push
permissions:
  contents: read
jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
      - uses: {CHECKOUT}
        with:
          persist-credentials: false
      - run: echo built
"""
PIPELINE = """\
trigger: none
parameters:
  - name: target
    type: string
    default: dev
stages:
  - stage: Build
    jobs:
      - job: Build
        steps:
          - bash: echo "${{ parameters.target }}"
  - stage: Deploy
    dependsOn: Build
    jobs:
      - job: Deploy
        steps:
          - script: echo built
"""
WORKFLOW_FILE = ".github/workflows/build.yml"
PIPELINE_FILE = ".azuredevops/build.yml"
POLICY_FILE = "gateway/policies/chat.xml"

CASES = [
    Case(documents.check_json, {"a.json": "{}\n"}, [("a.json", '{"a": 1,}\n', "a.json: ")]),
    Case(
        documents.check_yaml,
        {"a.yml": "a: 1\n"},
        [("a.yml", "a: 1\na: 2\n", "a.yml:2:"), ("deep/b.yaml", "a: [1\n", "deep/b.yaml:")],
        (PYTHON, "yamllint"),
    ),
    Case(
        documents.check_markdown,
        {"a.md": "# Title\n\nText.\n"},
        [("a.md", "# Title\n\n## Part\nText.\n", "a.md:3")],
        (PROGRAM, "markdownlint-cli2"),
    ),
    Case(
        documents.check_links,
        {"a.md": "# Title\n\nSee [part](#title).\n"},
        [("a.md", "# Title\n\nSee [it](b.md).\n", "a.md: ")],
        (PROGRAM, "lychee"),
    ),
    Case(
        diagrams.check_diagrams,
        {"a.md": diagram("flowchart TD\n  a --> b")},
        [
            ("a.md", diagram("flowchart TD\n  a --> ["), "a.md:3: "),
            ("b.md", "```mermaid\nflowchart TD\n", "b.md: a mermaid block does not end"),
        ],
        (PROGRAM, "node"),
    ),
    Case(
        python_code.check_python,
        {"a.py": "a = 1\n"},
        [
            ("a.py", "a = (\n", "a.py: does not compile"),
            ("a.py", "a =  1\n", "a.py: run `black"),
            ("src/b.py", "import os\n", "src/b.py:1: `os` imported but unused"),
        ],
        (MODULE, "black"),
    ),
    Case(
        shell.check_scripts,
        {"a.sh": "#!/usr/bin/env bash\necho built\n"},
        [("a.sh", '#!/usr/bin/env bash\na="$1"\necho $a\n', "a.sh: line 3")],
        (PROGRAM, "shellcheck"),
    ),
    Case(plain.check_toml, {"a.toml": "a = 1\n"}, [("a.toml", "a =\n", "a.toml: ")], (MODULE, "tomlkit")),
    Case(
        plain.check_requirements,
        {"requirements.txt": "numpy==2.3.1\n"},
        [
            ("requirements.txt", "numpy>=2\n", "requirements.txt: line 1: numpy has no exact version"),
            ("requirements.txt", "a==1\nA==2\n", "requirements.txt: line 2: A is there twice"),
            ("ml/requirements-test.txt", "# Nothing.\n", "ml/requirements-test.txt: it names no package"),
        ],
        (MODULE, "packaging.requirements"),
    ),
    Case(
        plain.check_notebooks,
        {"a.ipynb": notebook()},
        [
            ("a.ipynb", notebook(execution_count=3), "a.ipynb: cell 1 holds an output"),
            ("a.ipynb", notebook(source="a =  1"), "a.ipynb: cell 1: run `black"),
            ("a.ipynb", notebook(cell_type="tune"), "a.ipynb: "),
        ],
        (MODULE, "nbformat"),
    ),
    Case(
        plain.check_makefiles,
        {"Makefile": ".PHONY: all\nall:\n\techo done\n"},
        [
            ("Makefile", ".PHONY: all\nall: nowhere\n\techo done\n", "Makefile: all: "),
            ("Makefile", ".PHONY: all\nall:\n\techo $(NOBODY)\n", "NOBODY"),
        ],
        (PROGRAM, "make"),
    ),
    Case(
        plain.check_dockerfiles,
        {"Dockerfile": "FROM python:3.13-slim\nRUN echo \\\n  done\n"},
        [
            ("Dockerfile", "FROM python\n", "Dockerfile: image python has no version"),
            ("Dockerfile", "FROM python:latest\n", "Dockerfile: python:latest changes by itself"),
            ("Dockerfile", "FROM python:3.13\nRUNS echo\n", "Dockerfile: RUNS is no instruction"),
        ],
    ),
    Case(
        azure_ml_yaml.check_azure_ml,
        {
            "ml/job.yml": PINNED,
            "ml/src/train.py": "",
            "ml/src/own/fit.py": "",
            "ml/fit.yml": COMPONENT,
            "ml/pipeline.yml": TRAINING,
            "ml/schedule.yml": SCHEDULE,
            "ml/image.yml": IMAGE,
            "ml/conda.yml": CONDA,
            "ml/loose.yml": CONDA.replace("pandas==2.3.3", "pandas"),
        },
        [
            (
                "ml/job.yml",
                PINNED.replace("train.py", "learn.py"),
                "ml/job.yml: the command runs learn.py, which is not",
            ),
            ("ml/job.yml", PINNED.replace("azureml:own:1", "azureml:own"), "ml/job.yml: azureml:own names no version"),
            ("ml/fit.yml", COMPONENT.replace("own.fit", "own.fits"), "ml/fit.yml: the command runs own.fits"),
            ("ml/fit.yml", f"{COMPONENT}retries: 3\n", "ml/fit.yml: a command component has no key retries"),
            ("ml/fit.yml", COMPONENT.replace("default", "defolt"), "ml/fit.yml: input rate has no key defolt"),
            ("ml/fit.yml", COMPONENT.replace("inputs.rate", "inputs.speed"), "ml/fit.yml: there is no input speed"),
            ("ml/pipeline.yml", TRAINING.replace("fit.yml", "gone.yml"), "ml/pipeline.yml: "),
            ("ml/pipeline.yml", TRAINING.replace("  rate:", "  speed:"), "search: the component has no input speed"),
            (
                "ml/pipeline.yml",
                TRAINING.replace("    inputs:\n      rows: ${{parent.inputs.rows}}\n", ""),
                "needs input rows",
            ),
            ("ml/pipeline.yml", TRAINING.replace("jobs.search", "jobs.fit"), "look: there is no job fit"),
            (
                "ml/pipeline.yml",
                TRAINING.replace("outputs.model", "outputs.weights"),
                "job search has no output weights",
            ),
            (
                "ml/pipeline.yml",
                TRAINING.replace("parent.inputs.rows", "parent.inputs.lines"),
                "there is no input lines",
            ),
            ("ml/pipeline.yml", TRAINING.replace("train.py", "gone.py"), "the command runs gone.py"),
            ("ml/schedule.yml", SCHEDULE.replace("pipeline.yml", "gone.yml"), "ml/schedule.yml: "),
            (
                "ml/schedule.yml",
                SCHEDULE.replace("0 2 * * 1", "0 2 * *"),
                "ml/schedule.yml: cron expression '0 2 * *' has 4",
            ),
            ("ml/schedule.yml", SCHEDULE.replace("0 2 * * 1", "0 25 * * 1"), "25 is not between 0 and 23"),
            (
                "ml/image.yml",
                IMAGE.replace("base:1", "base"),
                "ml/image.yml: image registry.example/base names no version",
            ),
            ("ml/image.yml", IMAGE.replace("conda.yml", "loose.yml"), "ml/image.yml: package pandas has no version"),
            (
                "ml/image.yml",
                IMAGE.replace("conda.yml", "{dependencies: [python]}"),
                "ml/image.yml: package python has no",
            ),
            ("ml/job.yml", PINNED.replace("code: src", "code: gone"), "ml/job.yml: "),
            ("ml/job.yml", PINNED.replace("own:1", "own@latest"), "ml/job.yml: own@latest changes by itself"),
            ("ml/job.yml", PINNED.replace("inputs.rows}}", "inputs.lines}}"), "ml/job.yml: there is no input lines"),
            ("ml/environment.yml", ENVIRONMENT, "ml/environment.yml: the environment has neither image nor build"),
            ("ml/x.yml", f"$schema: {ML_SCHEMAS}/nothing.schema.json\n", "ml/x.yml: "),
        ],
        (MODULE, "azure.ai.ml.entities"),
    ),
    Case(
        databricks.check_databricks,
        {
            "ml/databricks.yml": BUNDLE,
            "ml/resources/a.yml": JOB,
            "ml/serving/databricks.yml": SERVING,
            "ml/README.md": "export BUNDLE_VAR_caller=<id>\n",
            "ml/requirements.txt": "",
            "ml/pyproject.toml": SCRIPTS,
        },
        [
            ("ml/README.md", "", "the variable caller has no value"),
            (
                "ml/serving/databricks.yml",
                SERVING.replace("- name: stable", "- title: stable"),
                "title is not known",
            ),
            (
                "ml/serving/databricks.yml",
                SERVING.replace("level: CAN_QUERY", "may: CAN_QUERY"),
                "a permission has a level",
            ),
            ("ml/resources/a.yml", JOB.replace("  dev:", "  prod:"), "prod is no target"),
            ("ml/resources/a.yml", JOB.replace("schemas.a.name", "schemas.b.name"), "schemas.b is referred to"),
            (
                "ml/resources/a.yml",
                JOB.replace("volume_type: EXTERNAL", "volume_type: OTHER"),
                "volume_type is not known",
            ),
            ("ml/resources/a.yml", JOB.replace("privileges:", "rights:"), "a grant has a principal and privileges"),
            ("ml/resources/a.yml", "variables: {}\n" + JOB, "variables belongs into databricks.yml"),
            ("ml/databricks.yml", BUNDLE.replace("default: true", "default: false"), "0 targets are the default"),
            (
                "ml/databricks.yml",
                BUNDLE.replace("      catalog: x\n", "      katalog: x\n"),
                "katalog is not declared",
            ),
            ("ml/databricks.yml", BUNDLE.replace("sync:", "synch:"), "synch is no key"),
            ("ml/databricks.yml", BUNDLE.replace("  catalog:\n", "  other:\n"), "catalog is used and not declared"),
            ("ml/databricks.yml", BUNDLE.replace("name: /Shared/a", "title: /Shared/a"), "title is not known"),
            ("ml/resources/a.yml", JOB.replace("num_workers", "workers"), "workers is not known"),
            (
                "ml/resources/a.yml",
                JOB.replace("pause_status: PAUSED", "pause_status: RESTING"),
                "pause_status is not known",
            ),
            (
                "ml/resources/a.yml",
                JOB.replace("job_cluster_key: one\n          depends", "job_cluster_key: two\n          depends"),
                "no job cluster two",
            ),
            (
                "ml/resources/a.yml",
                JOB.replace("            - task_key: first", "            - task_key: last"),
                "there is no task last",
            ),
            ("ml/resources/a.yml", JOB.replace("entry_point: run", "entry_point: ran"), "no script ran"),
            ("ml/resources/a.yml", JOB.replace("requirements.txt", "gone.txt"), "no file gone.txt"),
            ("ml/resources/a.yml", JOB.replace("  jobs:", "  chores:"), "chores is no kind"),
        ],
        (MODULE, "databricks.sdk.service.jobs"),
    ),
    Case(
        kubernetes.check_kubernetes,
        {"ml/a.yml": CONFIG_MAP},
        [
            ("ml/a.yml", CONFIG_MAP.replace("\ndata:", "\ndate:"), "ml/a.yml: ConfigMap settings"),
            ("ml/a.yml", CONFIG_MAP.replace("ConfigMap", "ConfigMop"), "ml/a.yml: there is no schema"),
        ],
        (MODULE, "kubernetes_validate"),
    ),
    Case(
        workbooks.check_workbooks,
        {"monitoring/workbooks/a.json": workbook()},
        [
            ("monitoring/workbooks/a.json", workbook(type=99), "a.json: calls: type 99"),
            ("monitoring/workbooks/a.json", workbook(name=""), "a.json: item 1: it has no name"),
        ],
    ),
    Case(
        openapi.check_openapi,
        {"gateway/apis/a.json": json.dumps(API)},
        [
            ("gateway/apis/a.json", json.dumps({**API, "info": {"title": "Chat"}}), "gateway/apis/a.json: "),
            ("gateway/apis/a.json", json.dumps(API).replace("operationId", "x-id"), "post /chat has no operationId"),
            ("gateway/apis/b.json", "[]", "gateway/apis/b.json: it holds no definition"),
        ],
        (MODULE, "openapi_spec_validator"),
    ),
    Case(
        workflows.check_workflows,
        {WORKFLOW_FILE: WORKFLOW},
        [
            (WORKFLOW_FILE, WORKFLOW.replace("runs-on", "run-on"), f"{WORKFLOW_FILE}:"),
            (
                WORKFLOW_FILE,
                WORKFLOW.replace(CHECKOUT, "./.github/actions/gone"),
                "./.github/actions/gone does not exist",
            ),
            (
                ".github/actions/a/action.yml",
                "name: A\nruns:\n  using: composite\n  steps: []\n",
                "it has no description",
            ),
        ],
        (PROGRAM, "node"),
    ),
    Case(
        workflows.check_workflow_security,
        {WORKFLOW_FILE: WORKFLOW},
        [(WORKFLOW_FILE, WORKFLOW.replace("echo built", 'echo "${{ github.head_ref }}"'), f"{WORKFLOW_FILE}:")],
        (PROGRAM, "zizmor"),
    ),
    Case(
        workflows.check_workflow_scripts,
        {WORKFLOW_FILE: WORKFLOW},
        [(WORKFLOW_FILE, WORKFLOW.replace("echo built", "echo $HOME/$1"), f"{WORKFLOW_FILE}: build, step 2: line 2")],
        (PROGRAM, "shellcheck"),
    ),
    Case(
        azure_pipelines.check_pipelines,
        {PIPELINE_FILE: PIPELINE},
        [
            (PIPELINE_FILE, PIPELINE.replace("steps:", "stops:"), f"{PIPELINE_FILE}:"),
            (PIPELINE_FILE, PIPELINE.replace("dependsOn: Build", "dependsOn: Test"), "Deploy depends on Test"),
            (PIPELINE_FILE, PIPELINE.replace("parameters.target", "parameters.goal"), "there is no parameter goal"),
            (
                PIPELINE_FILE,
                PIPELINE.replace("- script: echo built", "- template: gone.yml"),
                "gone.yml does not exist",
            ),
        ],
        (MODULE, "check_jsonschema"),
    ),
    Case(
        azure_pipelines.check_pipeline_scripts,
        {PIPELINE_FILE: PIPELINE},
        [(PIPELINE_FILE, PIPELINE.replace("echo built", "echo $1"), f"{PIPELINE_FILE}: script 2: line 2")],
        (PROGRAM, "shellcheck"),
    ),
    Case(
        coverage.check_coverage,
        {"a.md": "# Title\n", ".gitignore": ".venv/\n", "infra/main.bicep": ""},
        [
            ("a.xyz", "", "a.xyz: no tool looks at files of this kind"),
            ("docs/a.xml", "<a />", "docs/a.xml: no tool"),
            ("notes.txt", "", "notes.txt: no tool"),
        ],
    ),
    Case(
        kql.check_queries,
        {
            "monitoring/queries/a.kql": "AppRequests\n| where Success == false\n",
            "monitoring/workbooks/a.json": workbook(),
        },
        [
            ("monitoring/queries/a.kql", "AppRequests\n| where Succes == false\n", "monitoring/queries/a.kql:2: "),
            ("monitoring/queries/a.kql", "AppRequest\n| count\n", "monitoring/queries/a.kql:1: "),
            ("monitoring/queries/b.kql", "\n", "monitoring/queries/b.kql: the query is empty"),
            (
                "monitoring/workbooks/a.json",
                workbook(content={"query": "Nothing"}),
                "monitoring/workbooks/a.json: calls:1",
            ),
        ],
        (PROGRAM, "node"),
    ),
    Case(
        policies.check_policies,
        {POLICY_FILE: policy('<set-variable name="a" value="b" />')},
        [
            (POLICY_FILE, policy("<base>"), f"{POLICY_FILE}:1: not well-formed"),
            (POLICY_FILE, policy('<set-variable nam="a" value="b" />'), f"{POLICY_FILE}:1: set-variable"),
            (POLICY_FILE, policy("<set-everything />"), "does not know set-everything"),
            (POLICY_FILE, policy().replace("<base />", "", 1), "section inbound has 0 <base />"),
            (
                POLICY_FILE,
                policy(outbound='<authentication-managed-identity resource="a" />'),
                "is not allowed in outbound",
            ),
        ],
        (MODULE, "lxml"),
    ),
    Case(
        expressions.check_expressions,
        {POLICY_FILE: policy('<set-variable name="a" value="@(context.Request.Method)" />')},
        [
            (POLICY_FILE, policy('<set-variable name="a" value="@(context.Request.Metod)" />'), f"{POLICY_FILE}:1: "),
            (POLICY_FILE, policy('<choose><when condition="@(1)"><return-response /></when></choose>'), "CS0031"),
        ],
        (PROGRAM, "mcs"),
    ),
]
CACHES = (
    kql._look,
    shell._shellcheck,
    python_code.formatting,
    expressions._compile,
    azure_ml_yaml._loader,
    databricks._class,
)
FAULTS = [pytest.param(case, *fault, id=f"{case.name}-{fault[2]}") for case in CASES for fault in case.faults]


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(case, root):
    return case.tool(Project(root, {}, {}, {}, []) if case.tool in tools.ON_PROJECTS else root)


def test_every_registered_tool_has_a_case():
    checkov = {"check_security"}  # It reads no file: tests/test_tools.py gives it resources.
    registered = {tool.__name__ for tool in (*tools.ON_FILES, *tools.ON_PROJECTS)}
    assert {case.name for case in CASES} == registered - checkov


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_good_files_hold(case, tmp_path):
    write(tmp_path, case.good)
    result = run(case, tmp_path)
    assert (result.verdict, result.faults) == (tools.HOLDS, [])
    assert result.files >= 1


@pytest.mark.parametrize(("case", "path", "text", "says"), FAULTS)
def test_one_broken_file_breaks_and_is_named(case, path, text, says, tmp_path):
    write(tmp_path, {**case.good, path: text})
    result = run(case, tmp_path)
    assert result.verdict == tools.BROKEN
    assert any(path in fault and says in fault for fault in result.faults), result.faults


@pytest.mark.parametrize("case", [case for case in CASES if case.needs], ids=lambda case: case.name)
def test_a_missing_tool_is_broken(case, tmp_path, monkeypatch):
    for cached in CACHES:
        cached.cache_clear()
    monkeypatch.setattr(services, "running", {})
    how, name = case.needs
    if how == PROGRAM:
        program = common.program
        monkeypatch.setattr(
            common, "program", lambda wanted, folder: None if wanted == name else program(wanted, folder)
        )
    elif how == MODULE:
        monkeypatch.setitem(sys.modules, name, None)
    else:
        monkeypatch.setattr(sys, "executable", shutil.which("false"))
    write(tmp_path, case.good)
    result = run(case, tmp_path)
    assert result.verdict == tools.BROKEN
    assert "false failed" in result.faults[0] if how == PYTHON else "is not installed" in result.faults[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_file_means_that_it_does_not_apply(case, tmp_path):
    result = run(case, tmp_path)
    assert (result.verdict, result.files, result.faults) == (tools.ABSENT, 0, [])


def environment(**resources):
    """An environment with resources by type: name and properties."""
    bodies = [
        {"id": name, "type": kind, "name": name, "apiVersion": "2026-01-01", "properties": properties}
        for kind, (name, properties) in resources.items()
    ]
    return Environment("dev", tuple(Resource(body) for body in bodies), {}, [], {})


def test_deployed_policies_name_their_environment_and_named_values(tmp_path):
    deployed = {
        "Microsoft.ApiManagement/service/policies": ("gateway/policy", {"value": policy("<limit />{{missing}}")})
    }
    result = policies.check_policies(Project(tmp_path, {}, {"dev": environment(**deployed)}, {}, []))
    assert result.verdict == tools.BROKEN and result.files == 1
    assert "dev: gateway/policy: there is no named value missing" in result.faults
    assert any("does not know limit" in fault for fault in result.faults)


def test_a_policy_that_fills_itself_in_when_deployed(tmp_path):
    text = "[reduce(createArray(createObject('key', 'path', 'value', reference('x').url)), '{{path}} {{other}}', ...)]"
    deployed = {"Microsoft.ApiManagement/service/policies": ("gateway/policy", {"value": text})}
    result = policies.check_policies(Project(tmp_path, {}, {"dev": environment(**deployed)}, {}, []))
    assert result.faults == ["dev: gateway/policy: there is no named value other"]


def test_queries_of_alert_rules_are_looked_at(tmp_path):
    rule = {"criteria": {"allOf": [{"query": "AppRequests | where Nothing == 1"}]}}
    dev = environment(**{"Microsoft.Insights/scheduledQueryRules": ("errors", rule)})
    result = kql.check_queries(Project(tmp_path, {}, {"dev": dev}, {}, []))
    assert result.verdict == tools.BROKEN
    assert any(fault.startswith("dev: errors 1:1: ") for fault in result.faults), result.faults


def test_a_policy_that_nothing_loads_is_a_fault(tmp_path):
    write(tmp_path, {POLICY_FILE: policy(), "infra/main.bicep": ""})
    result = policies.check_policies(Project(tmp_path, {}, {"dev": environment()}, {}, []))
    assert result.faults == [f"{POLICY_FILE}: no Bicep file loads it"]


def test_a_script_that_ends_is_started_again():
    def ask():
        return node.ask("kql.mjs", ("@kusto/language-service-next",), {"tables": {}, "queries": ["print 1"]})

    assert ask() == [[]]
    services.running[os.getpid(), "kql.mjs"].stop()
    assert ask() == [[]]
