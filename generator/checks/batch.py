"""Batch (BAT rows): batch endpoints and their runs, batch deployments of foundation models, and jobs on Databricks."""

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from generator.checks import Finding, check
from generator.checks.delivery import Step, steps_of
from generator.checks.expected import unevaluated
from generator.checks.inferencing import DEPLOYMENT
from generator.checks.reading import decision_table, on_github, pipelines, text_of, value_at, verdict
from generator.checks.security import ROLE_ASSIGNMENT, principal, role_id
from generator.checks.training import clusters, volume_faults, yaml_file
from generator.evaluation import Environment, Project

DEPLOYMENT_FILE = "ml/batch/deployment.yml"
EXPLICIT = (
    "settings.mini_batch_size",
    "settings.max_concurrency_per_instance",
    "settings.retry_settings.max_retries",
    "settings.retry_settings.timeout",
)
WEEKDAYS = {"daily": "*", "weekly": "1"}
ORDER = ("choose", "create", "score", "switch", "rollback")
BATCH_SKUS = {"global": "GlobalBatch", "data_zone": "DataZoneBatch"}


@check("BAT-01")
def runs_by_themselves(project: Project) -> Iterator[Finding]:
    """BAT-01: the answered cadence starts the default deployment, on a cluster that scales to zero; results stay apart.

    Source: https://learn.microsoft.com/azure/machine-learning/how-to-authenticate-batch-endpoint
    """
    yield from unevaluated(project)
    body = yaml_file(project, DEPLOYMENT_FILE)
    faults = [f"set {path}" for path in EXPLICIT if not value_at(body, path)]
    faults += [] if value_at(body, "settings.error_threshold") == 0 else ["set error_threshold to 0, no file is lost"]
    yield verdict(DEPLOYMENT_FILE, faults)
    name = str(body.get("compute")).removeprefix("azureml:")
    for environment in project.environments.values():
        yield verdict(f"{environment.name}: batch runs", _run_faults(environment, name))
    path = f"{pipelines(project)}/run-batch.yml"
    # A parser of YAML 1.1 reads the key `on` as true.
    pipeline = {{"True": "on"}.get(str(key), str(key)): value for key, value in yaml_file(project, path).items()}
    yield verdict(path, _pipeline_faults(project, pipeline))
    target = [text for text in _texts(project, "scripts/batch_run.py") if "/batch_output/" in text]
    faults = [f"write below the {part}" for part in ("version", "day", "run") if f"{{{part}}}" not in "".join(target)]
    yield verdict("scripts/batch_run.py", faults)


def _run_faults(environment: Environment, name: str) -> Iterator[str]:
    """What keeps a batch run of one environment from its machines or its input."""
    found = [item for item in clusters(environment) if item.name.endswith(f"/{name}")]
    least = [value_at(item.properties, "properties.scaleSettings.minNodeCount") for item in found]
    if least != [0]:
        yield f"deploy the cluster {name} that scales to zero"
    reader = decision_table("roles")["storageBlobDataReader"]["id"].lower()
    reads = [
        item
        for item in environment.of_type(ROLE_ASSIGNMENT)
        if str(item.scope).endswith("/containers/batch-input") and role_id(item) == reader
    ]
    if not any("pipeline" in principal(item) for item in reads):
        yield "let the pipeline read batch-input, the service reads it in the name of who starts a run"


def _pipeline_faults(project: Project, pipeline: Mapping[str, Any]) -> Iterator[str]:
    github = on_github(project)
    started = value_at(pipeline, "on.schedule") if github else pipeline.get("schedules")
    wanted = WEEKDAYS[project.answers["batch_cadence"]]
    if [str(row.get("cron")).split()[-1] for row in started or []] != [wanted]:
        yield f"start it by the answered cadence, {project.answers['batch_cadence']}"
    if not github and not all(row.get("always") is True for row in started or []):
        yield "start it without a change of the code too (always)"
    jobs = list((pipeline.get("jobs") or {}).values()) if github else []
    jobs += [job for stage in pipeline.get("stages") or [] for job in stage.get("jobs") or []]
    scoring = [job for job in jobs if "scripts/batch_run.py" in str(job)]
    if not scoring:
        yield "score with scripts/batch_run.py"
    if not all("-rollout" in str(job.get("environment")) for job in scoring):
        yield "let it run in the -rollout environment, nobody approves it at night"


def _texts(project: Project, path: str) -> Iterator[str]:
    """The texts of a script, those with values in them as they are written."""
    for node in ast.walk(ast.parse(text_of(project.root / path))):
        if isinstance(node, ast.JoinedStr):
            yield ast.unparse(node)


@check("BAT-02")
def tried_before_it_is_the_default(project: Project) -> Iterator[Finding]:
    """BAT-02: a rollout creates, scores by name, then switches; a failure gives the former default back.

    Source: https://learn.microsoft.com/azure/machine-learning/how-to-use-batch-endpoint
    """
    steps = steps_of(project, "rollout-batch")
    path = f"{pipelines(project)}/rollout-batch.yml"
    found = {_words(step)[0]: step for step in steps.values() if _words(step)}
    faults = [f"add the step {name}" for name in ORDER if name not in found]
    for former, name in pairwise(ORDER[:-1]):
        step = found.get(name)
        if step and former in found and found[former].name not in step.needs:
            faults.append(f"let {name} wait for {former}")
    for name, option in (("create", "--new="), ("score", "--new="), ("switch", "--new="), ("rollback", "--old=")):
        if name in found and not any(word.startswith(option) for word in _words(found[name])):
            faults.append(f"give {option} to {name}")
    yield verdict(path, faults)
    functions = {
        node.name: ast.unparse(node)
        for node in ast.walk(ast.parse(text_of(project.root / "scripts/batch_rollout.py")))
        if isinstance(node, ast.FunctionDef)
    }
    faults = [
        f"{name} must not change the default"
        for name in ("create", "score")
        if {"set_default", "--set-default"} & set(re.findall(r"[\w-]+", functions.get(name, "")))
    ]
    faults += [] if "--deployment-name" in functions.get("score", "") else ["score by the name of the deployment"]
    faults += [] if "Completed" in functions.get("score", "") else ["stop when the sample was not scored"]
    faults += [] if "set_default" in functions.get("rollback", "") else ["give the former default back"]
    yield verdict("scripts/batch_rollout.py", faults)


def _words(step: Step) -> list[str]:
    """Words of what a step of a rollout runs."""
    return str(step.values.get("step") or "").split()


@check("BAT-03")
def batch_by_residency(project: Project) -> Iterator[Finding]:
    """BAT-03: each environment has one batch deployment, of the type that keeps the residency.

    Source: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/batch
    """
    wanted = BATCH_SKUS.get(project.answers["data_residency"])
    for environment in project.environments.values():
        found = [str(item.sku.get("name")) for item in environment.of_type(DEPLOYMENT)]
        skus = [name for name in found if name.endswith("Batch")]
        faults = [] if skus == [wanted] else [f"deploy exactly one {wanted or 'nothing'}, there is {skus or 'none'}"]
        yield verdict(f"{environment.name}: batch deployment", faults)


@check("BAT-04")
def job_cluster_of_its_own(project: Project) -> Iterator[Finding]:
    """BAT-04: each task of the batch job runs on a job cluster under a policy, as a service principal.

    Not on an all-purpose cluster, and not as whoever deployed it last; that principal is given the volumes.

    Its volumes are folders of the containers that the identity of batch runs reaches.
    Source: https://learn.microsoft.com/azure/well-architected/service-guides/azure-databricks
    """
    resources = yaml_file(project, "ml/resources/batch.yml").get("resources") or {}
    job = value_at(resources, "jobs.score_files") or {}
    clusters = job.get("job_clusters") or []
    faults = [] if clusters else ["add a job cluster"]
    faults += ["set policy_id"] if not all(value_at(row, "new_cluster.policy_id") for row in clusters) else []
    keys, tasks = {row["job_cluster_key"] for row in clusters}, job.get("tasks") or []
    own = all(task.get("job_cluster_key") in keys and "existing_cluster_id" not in task for task in tasks)
    faults += [] if tasks and own else ["run each task on the job cluster"]
    for name in ("input", "output"):
        faults += volume_faults(resources, f"batch_{name}", f"batch-{name}")
    yield verdict("ml/resources/batch.yml", faults)
