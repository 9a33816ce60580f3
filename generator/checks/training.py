"""Training (TRN rows): the pipeline in files, the compute under it, and what its identity may do."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from generator import yaml_text
from generator.checks import Finding, check
from generator.checks.expected import presence
from generator.checks.exploration import COMPUTE, ROLE
from generator.checks.reading import (
    compare,
    decision_table,
    located,
    object_of,
    on_github,
    pipelines,
    text_of,
    value_at,
    verdict,
)
from generator.checks.security import belongs_to, principal, role_id
from generator.evaluation import Environment, Project, Resource

ONLINE_ENDPOINT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
BATCH_ENDPOINT = "Microsoft.MachineLearningServices/workspaces/batchEndpoints"
ACCOUNT = "Microsoft.CognitiveServices/accounts"
CODE = (".yml", ".py", ".txt", ".toml", ".json")
FLOATING = re.compile(r"[\w./-]+[@:]latest\b")
TRAINING_FILE = "ml/resources/training.yml"
WORKSPACE_ROLES = (
    "azureAIAdministrator",
    "keyVaultAdministrator",
    "networkConnectionApprover",
    "storageFileDataPrivilegedContributor",
)
"""Roles of an identity that runs a workspace.
Source: https://learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication"""
SERVERLESS, CLUSTER, RESERVED = "azureml:serverless", "azureml:training-cluster", "azureml:deadline-cluster"


def yaml_file(project: Project, path: str) -> dict[str, Any]:
    """A YAML file of the project; empty when it is missing."""
    body = yaml_text.parse(text_of(project.root / path))
    return body if isinstance(body, dict) else {}


def bundle_resources(project: Project, path: str) -> dict[str, dict[str, Any]]:
    """Resources that a file of the bundle declares: environment -> kinds of resources.

    What stands at the top is in every environment of the bundle; a target of the file has its own besides.
    """
    body = yaml_file(project, path)
    targets = body.get("targets") or {}
    common = body.get("resources")
    places = yaml_file(project, "ml/databricks.yml").get("targets") or {} if common else targets
    found = {}
    for name in places:
        own = value_at(targets, f"{name}.resources") or {}
        found[name] = _merged(common or {}, own)
    return found


def _merged(common: Any, own: Any) -> Any:
    """Two mappings as a bundle merges them: the second one wins."""
    if not (isinstance(common, dict) and isinstance(own, dict)):
        return own
    both = {key: _merged(common[key], own[key]) for key in common.keys() & own.keys()}
    return {**common, **own, **both}


def training_job(project: Project) -> dict[str, Any]:
    """The training job of the bundle, which is the same wherever it is deployed; empty when there is none."""
    found = bundle_resources(project, TRAINING_FILE).values()
    return next((value_at(row, "jobs.train_example") or {} for row in found), {})


def volume_faults(resources: Mapping[str, Any], name: str, container: str) -> Iterator[str]:
    """What is wrong with a volume: it lies in a folder of its container, in the account that the deployment names.

    Source: https://learn.microsoft.com/azure/databricks/volumes/paths
    """
    volume = value_at(resources, f"volumes.{name}") or {}
    root = f"abfss://{container}@${{var.storage_account}}.dfs.core.windows.net/"
    place = str(volume.get("storage_location"))
    if volume.get("volume_type") != "EXTERNAL" or not place.startswith(root) or place == root:
        yield f"make the volume {name} an external one in a folder of the container {container}"


def clusters(environment: Environment) -> list[Resource]:
    """The clusters of Azure Machine Learning in one environment."""
    return [item for item in environment.of_type(COMPUTE) if item.properties.get("computeType") == "AmlCompute"]


def of_training(environment: Environment, name: str) -> list[Resource]:
    """Clusters of this name in one environment."""
    return [item for item in clusters(environment) if item.name.endswith(f"/{name}")]


@check("TRN-01")
def codified(project: Project) -> Iterator[Finding]:
    """TRN-01: training is a pipeline in a file, with a time limit, on the schedule of the answers.

    A search over settings ends trials that fall behind, and ends itself.

    Source: https://learn.microsoft.com/azure/machine-learning/reference-yaml-job-pipeline
    """
    cadence = project.answers["training_cadence"]
    if project.answers["training_platform"] == "databricks":
        job = training_job(project)
        limit, tasks = job.get("timeout_seconds"), len(job.get("tasks") or [])
        cron = str(value_at(job, "schedule.quartz_cron_expression") or "")
        right = {"adhoc": "", "weekly": "0 0 2 ? * MON", "daily": "0 0 2 * * ?"}[cadence]
        path = TRAINING_FILE
    else:
        path = "ml/pipelines/train.yml"
        job = yaml_file(project, path)
        limit, tasks = value_at(job, "jobs.train.limits.timeout"), len(job.get("jobs") or {})
        cron = str(value_at(yaml_file(project, "ml/schedules/train.yml"), "trigger.expression") or "")
        right = {"adhoc": "", "weekly": "0 2 * * 1", "daily": "0 2 * * *"}[cadence]
    faults = [] if isinstance(limit, int) and limit > 0 else ["limit the time of a run"]
    faults += ["make it a job of type pipeline"] if path.endswith("train.yml") and job.get("type") != "pipeline" else []
    faults += [] if tasks >= 4 else ["prepare, train, evaluate and register in steps"]
    faults += [] if cron == right else [f"schedule it with {right!r}, the cadence is {cadence}"]
    yield verdict(path, faults)
    if project.answers["aml_training"]:
        search = value_at(yaml_file(project, "ml/pipelines/sweep.yml"), "jobs.search") or {}
        limits = search.get("limits") or {}
        wanted = ("max_total_trials", "max_concurrent_trials", "trial_timeout", "timeout")
        faults = [f"limit the search with {name}" for name in wanted if not limits.get(name)]
        faults += [] if value_at(search, "early_termination.type") else ["end trials that fall behind early"]
        yield verdict("ml/pipelines/sweep.yml", faults)


@check("TRN-02")
def compute_by_rule(project: Project) -> Iterator[Finding]:
    """TRN-02: pipeline and deployed clusters name the compute of the answers, serverless never with a deadline.

    Distributed runs have their number of nodes; clusters, and runs without one, the size of the table.

    Source: https://learn.microsoft.com/azure/machine-learning/how-to-use-serverless-compute
    """
    yield from presence(project, "Microsoft.MachineLearningServices/workspaces")
    answers = project.answers
    serverless = answers["training_compute"] == "serverless"
    pipeline = yaml_file(project, "ml/pipelines/train.yml")
    wanted = SERVERLESS if serverless else RESERVED if answers["training_deadline_hours"] else CLUSTER
    found = value_at(pipeline, "settings.default_compute")
    faults = [] if found == wanted else [f"set settings.default_compute to {wanted}"]
    deadline = answers["training_deadline_hours"]
    faults += ["use a cluster, the run has a deadline"] if deadline and found == SERVERLESS else []
    yield verdict("ml/pipelines/train.yml", faults)
    component = yaml_file(project, "ml/components/train.yml")
    nodes = value_at(component, "resources.instance_count")
    due = answers["training_nodes"] if answers["training_distributed"] else None
    faults = [] if nodes == due else [f"set resources.instance_count to {due}"]
    faults += [] if bool(component.get("distribution")) == bool(due) else ["set distribution for distributed runs only"]
    yield verdict("ml/components/train.yml", faults)
    kind = "distributed_training" if answers["training_distributed"] else "training"
    size = decision_table("machine-sizes")[kind]["gpu" if answers["training_gpu"] else "cpu"]
    for name, step in (("train", "train"), ("sweep", "search")):
        machine = value_at(yaml_file(project, f"ml/pipelines/{name}.yml"), f"jobs.{step}.resources.instance_type")
        right = size if serverless else None
        faults = [] if machine == right else [f"set resources.instance_type of {step} to {right}"]
        yield verdict(f"ml/pipelines/{name}.yml: size", faults)
    for environment in project.environments.values():
        here = of_training(environment, "training-cluster")
        expected = 0 if serverless or environment.name not in answers["training_environments"] else 1
        faults = [] if len(here) == expected else [f"{len(here)} training clusters, there must be {expected}"]
        yield verdict(f"{environment.name}: training cluster", faults)
        for item in here + of_training(environment, "deadline-cluster"):
            yield compare(environment, item, {"properties.properties.vmSize": size})


@check("TRN-03")
def to_zero(project: Project) -> Iterator[Finding]:
    """TRN-03: every cluster has no node when nobody uses it.

    Source: https://learn.microsoft.com/azure/machine-learning/how-to-create-attach-compute-cluster
    """
    found = list(located(project, COMPUTE))
    yield verdict("clusters", [] if found else ["deploy the workspace of training"])
    allowed = tuple(f"PT{minutes}M" for minutes in range(5, 31))
    path = "properties.properties.scaleSettings"
    for environment in project.environments.values():
        for item in clusters(environment):
            idle = value_at(item.body, f"{path}.nodeIdleTimeBeforeScaleDown")
            others = [] if idle in allowed else ["let nodes go after PT5M to PT30M without work"]
            most = value_at(item.body, f"{path}.maxNodeCount")
            nodes = project.answers["training_nodes"]
            if item.name.endswith(("/training-cluster", "/deadline-cluster")) and most != nodes:
                others.append(f"set maxNodeCount to {nodes}")
            yield compare(environment, item, {f"{path}.minNodeCount": 0}, others)


@check("TRN-05")
def identity_of_training(project: Project) -> Iterator[Finding]:
    """TRN-05: the identity of training reads data and writes models, and holds no role beyond those of its work.

    Serverless jobs run as the identity of their workspace, which runs the workspace besides. Jobs write the storage of
    that workspace too, where they keep outputs and logs, and no other blobs.

    Source: https://learn.microsoft.com/azure/well-architected/ai/architecture-pattern
    """
    roles = decision_table("roles")
    names = (
        "storageBlobDataReader",
        "storageBlobDataContributor",
        "acrPull",
        "azureMlRegistryUser",
        "monitoringMetricsPublisher",
        "storageBlobDelegator",
        *(WORKSPACE_ROLES if project.answers["training_identity"] == "training-workspace" else ()),
    )
    reader, writer = roles["storageBlobDataReader"]["id"], roles["storageBlobDataContributor"]["id"]
    allowed = {roles[name]["id"] for name in names}
    for name in project.answers["training_environments"]:
        environment = project.environments.get(name)
        held = (
            [
                item
                for item in environment.of_type(ROLE)
                if belongs_to(principal(item), project.answers["training_identity"])
            ]
            if environment
            else []
        )
        scopes = {(role_id(item), str(item.scope).rpartition("/")[2].lower()) for item in held}
        faults = [] if (reader, "data") in scopes else ["let it read the container data"]
        faults += [] if (writer, "models") in scopes else ["let it write the container models"]
        faults += ["let it not write the container data"] if (writer, "data") in scopes else []
        faults += _other_blobs(environment, held, reader, writer)
        faults += [f"take the role {guid} from it" for guid in sorted({role_id(item) for item in held} - allowed)]
        yield verdict(f"{name}: identity of training", faults)
    if "training" in project.answers["databricks_connectors"]:
        yield from _volumes(project)


def _volumes(project: Project) -> Iterator[Finding]:
    """On Databricks the job is where training is, on folders of the containers that the identity reaches."""
    found = bundle_resources(project, TRAINING_FILE)
    wanted = project.answers["training_environments"]
    faults = [] if sorted(found) == sorted(wanted) else [f"deploy it to {', '.join(wanted)} and nowhere else"]
    for resources in found.values():
        faults += [*volume_faults(resources, "training", "data"), *volume_faults(resources, "runs", "models")]
    yield verdict(TRAINING_FILE, list(dict.fromkeys(faults)))


def _other_blobs(environment: Environment | None, held: Iterable[Resource], reader: str, writer: str) -> Iterator[str]:
    """Blobs that the identity of training reaches although its work does not ask for them."""
    workspaces = environment.of_type("Microsoft.MachineLearningServices/workspaces") if environment else []
    own = {str(item.properties.get("storageAccount")).lower() for item in workspaces if item.name.endswith("-training")}
    asked = {(reader, "/containers/data"), (writer, "/containers/models")}
    for item in held:
        scope, role = str(item.scope).lower(), role_id(item)
        right = any(role == guid and scope.endswith(end) for guid, end in asked) or scope in own
        if role in (reader, writer) and not right:
            yield f"take its access to {scope.rpartition('/providers/')[2]}"


@check("TRN-06")
def apart_from_inference(project: Project) -> Iterator[Finding]:
    """TRN-06: no resource group holds both an endpoint and a training cluster.

    Source: https://learn.microsoft.com/azure/well-architected/ai/architecture-pattern
    """
    yield from presence(project, "Microsoft.Resources/resourceGroups")
    for environment in project.environments.values():
        training = [
            item
            for item in environment.of_type("Microsoft.MachineLearningServices/workspaces")
            if item.name.endswith("-training")
        ]
        groups = {item.resource_group for item in training}
        groups |= {item.resource_group for item in clusters(environment) if item.name.endswith("/training-cluster")}
        served = {item.resource_group for item in environment.of_type(ONLINE_ENDPOINT, BATCH_ENDPOINT)}
        both = sorted(str(name) for name in groups & served)
        faults = [f"{name} holds training and inference, part them" for name in both]
        due = project.answers["aml_training"] and environment.name in project.answers["training_environments"]
        faults += [] if bool(training) == due else ["keep training in a workspace of its own, where the answers train"]
        yield verdict(f"{environment.name}: training", faults)


@check("TRN-08")
def triggers(project: Project) -> Iterator[Finding]:
    """TRN-08: a schedule, drift and people start training, and what starts it knows its commit.

    Drift is looked for where an endpoint collects data; elsewhere a monitor of the owner calls the pipeline. No action
    group calls it: a webhook of Azure Monitor has neither the token nor the body that a forge asks for.

    Source: https://learn.microsoft.com/azure/well-architected/ai/mlops-genaiops
    """
    answers = project.answers
    watched = bool(
        answers["aml_training"]
        and answers["own_online"]
        and answers["own_model_hosting"] == "managed_endpoint"
        and answers["data_classification"] != "restricted"
        and answers["serving_runtime"] in ("mlflow", "custom")
    )
    path = f"{pipelines(project)}/retrain.yml"
    text = text_of(project.root / path)
    # A parser of YAML 1.1 reads the key `on` as true.
    pipeline = {{"True": "on"}.get(str(key), str(key)): value for key, value in yaml_file(project, path).items()}
    faults = list((_started_on_github if on_github(project) else _started_on_azure_pipelines)(pipeline, watched))
    command = "retrain.py start" if answers["aml_training"] else "retrain.py --workspace"
    faults += [] if f"scripts/{command}" in text else ["start training with scripts/retrain.py"]
    looks = "scripts/retrain.py drift" in text
    faults += [] if looks == watched else ["look for drift exactly where an endpoint collects data"]
    yield verdict(path, faults)
    script = text_of(project.root / "scripts/retrain.py")
    wanted = ["inputs.git_sha", "tags.cause"] if answers["aml_training"] else ["run-now", "idempotency_token"]
    scheduled = answers["training_cadence"] != "adhoc"
    if answers["aml_training"] and scheduled:
        wanted.append("create_job.inputs.git_sha")
    yield verdict("scripts/retrain.py", [f"set {name}" for name in wanted if name not in script])
    if answers["training_platform"] == "databricks":
        job = training_job(project)
        paused = value_at(job, "schedule.pause_status")
        right = "UNPAUSED" if scheduled else None
        faults = [] if paused == right else [f"set pause_status to {right}"]
        starters = [row.get("service_principal_name") for row in job.get("permissions") or []]
        faults += [] if "${var.pipeline}" in starters else ["let the identity of the pipelines start it"]
        yield verdict(TRAINING_FILE, faults)


def _started_on_github(workflow: Mapping[str, Any], watched: bool) -> Iterator[str]:
    started = workflow.get("on") or {}
    if "workflow_dispatch" not in started:
        yield "let people start it (workflow_dispatch)"
    if not value_at(started, "repository_dispatch.types"):
        yield "let a monitor start it (repository_dispatch)"
    if watched and not started.get("schedule"):
        yield "look for drift on a schedule"
    needs = value_at(workflow, "jobs.train.needs")
    if watched and needs != "drift":
        yield "train after the job that looks for drift"


def _started_on_azure_pipelines(pipeline: Mapping[str, Any], watched: bool) -> Iterator[str]:
    if "cause" not in [row.get("name") for row in pipeline.get("parameters") or []]:
        yield "let people and monitors start it with a cause"
    if watched and not pipeline.get("schedules"):
        yield "look for drift on a schedule"
    train: Mapping[str, Any] = next((row for row in pipeline.get("stages") or [] if row.get("stage") == "Train"), {})
    if watched and train.get("dependsOn") != "Drift":
        yield "train after the stage that looks for drift"
    if pipeline.get("trigger") != "none" and "'Manual'" not in str(train.get("condition")):
        yield "start no run for every change"


@check("TRN-09")
def tuned_apart(project: Project) -> Iterator[Finding]:
    """TRN-09: one account for tuning, in dev, in a resource group of its own; deployments that nobody calls go away.

    The preflight of dev asks whether the region tunes models.

    Source: https://learn.microsoft.com/azure/well-architected/ai/application-platform
    """
    for environment in project.environments.values():
        found = [item for item in environment.of_type(ACCOUNT) if str(item.resource_group).endswith("-tuning")]
        wanted = 1 if environment.name == "dev" else 0
        faults = [] if len(found) == wanted else [f"{len(found)} accounts for tuning, there must be {wanted}"]
        yield verdict(f"{environment.name}: account for tuning", faults)
    path = f"{pipelines(project)}/idle-deployments.yml"
    text = text_of(project.root / path)
    group = f"rg-{project.answers['workload']}-dev-tuning"
    faults = [] if "cron:" in text else ["run it on a schedule"]
    clean = f"scripts/idle_deployments.py --resource-group={group} --remove" in text
    faults += [] if clean else [f"remove idle deployments of {group}"]
    yield verdict(path, faults)
    asked = object_of(project.root / "scripts" / "preflight.json").get("tuning")
    faults = [] if asked == ["dev"] else ["ask in dev whether the region tunes models"]
    yield verdict("scripts/preflight.json", faults)
    upload = _calls(project.root / "ml/tuning/submit.py")
    yield verdict("ml/tuning/submit.py", [] if "faults" in upload else ["check the data set before it is sent"])


@check("TRN-04")
def spot_only_when_interruptible(project: Project) -> Iterator[Finding]:
    """TRN-04: spot capacity is for interruptible runs that resume; runs with a deadline have a cluster of their own.

    No cluster is of low priority, and no spot capacity works against a deadline.

    Source: https://learn.microsoft.com/azure/machine-learning/reference-yaml-job-pipeline
    """
    if project.answers["aml_training"]:
        yield from _spot_of_pipelines(project)
        yield from _reserved(project)
    else:
        interruptible = project.answers["training_interruptible"]
        rows = training_job(project).get("job_clusters")
        spot = any("SPOT" in str(value_at(row, "new_cluster.azure_attributes.availability")) for row in rows or [])
        faults = [] if rows and spot == interruptible else ["use spot workers for interruptible runs only"]
        yield verdict(TRAINING_FILE, faults)
    yield from _resumes(project)


def _spot_of_pipelines(project: Project) -> Iterator[Finding]:
    answers = project.answers
    due = answers["training_interruptible"] and answers["training_compute"] == "serverless"
    for path, step in (("ml/pipelines/train.yml", "train"), ("ml/pipelines/sweep.yml", "search")):
        job = value_at(yaml_file(project, path), f"jobs.{step}")
        faults = [] if job else [f"there is no step {step}"]
        spot = value_at(job or {}, "queue_settings.job_tier") == "Spot"
        faults += [] if spot == due else [f"{'use' if due else 'do not use'} job_tier Spot"]
        yield verdict(path, faults)


def _reserved(project: Project) -> Iterator[Finding]:
    """The cluster of runs with a deadline: there exactly when one is asked for, and used by no search."""
    answers = project.answers
    deadline = bool(answers["training_deadline_hours"])
    search = value_at(yaml_file(project, "ml/pipelines/sweep.yml"), "settings.default_compute")
    faults = ["keep the search off the cluster of runs with a deadline"] if search == RESERVED else []
    yield verdict("ml/pipelines/sweep.yml: compute", faults)
    for environment in project.environments.values():
        here = of_training(environment, "deadline-cluster")
        due = int(deadline and environment.name in answers["training_environments"])
        faults = [] if len(here) == due else [f"{len(here)} clusters for runs with a deadline, there must be {due}"]
        yield verdict(f"{environment.name}: deadline", faults)
        for item in clusters(environment):
            yield compare(environment, item, {"properties.properties.vmPriority": "Dedicated"})


def _resumes(project: Project) -> Iterator[Finding]:
    """Code that saves checkpoints and goes on from them, and the folder that outlives an interruption."""
    interruptible = project.answers["training_interruptible"]
    code = project.root / "ml/src/example_model/checkpoint.py"
    faults = [] if code.is_file() == interruptible else ["keep checkpoints for interruptible runs only"]
    yield verdict("ml/src/example_model/checkpoint.py", faults)
    called = _calls(project.root / "ml/src/example_model/train.py")
    wanted = {"load_checkpoint", "save_checkpoint"}
    faults = [f"call {name}" for name in sorted(wanted - called)] if interruptible else []
    faults += [] if interruptible else [f"do not call {name}" for name in sorted(wanted & called)]
    yield verdict("ml/src/example_model/train.py", faults)
    if project.answers["aml_training"]:
        component = yaml_file(project, "ml/components/train.yml")
        folder = value_at(component, "outputs.checkpoints")
        faults = [] if bool(folder) == interruptible else ["give interruptible runs, and only them, checkpoints"]
        if interruptible and value_at(folder or {}, "mode") != "rw_mount":
            faults.append("mount the checkpoints, an upload at the end comes too late")
        used = "--checkpoints ${{outputs.checkpoints}}" in str(component.get("command"))
        faults += [] if used == interruptible else ["pass the checkpoints to the command of interruptible runs"]
        yield verdict("ml/components/train.yml", faults)
        return
    tasks = training_job(project).get("tasks") or []
    train: Mapping[str, Any] = next((task for task in tasks if task.get("task_key") == "train"), {})
    given = "checkpoints" in (value_at(train, "python_wheel_task.named_parameters") or {})
    faults = [] if given == interruptible else ["pass the checkpoints to the task of interruptible runs"]
    faults += ["try an interrupted task again"] if interruptible and not train.get("max_retries") else []
    yield verdict(f"{TRAINING_FILE}: task train", faults)


def _calls(path: Path) -> set[str]:
    """Names of the functions that a file of Python calls."""
    tree = ast.parse(text_of(path))
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {name.id for name in calls if isinstance(name, ast.Name)}


@check("TRN-07")
def lineage(project: Project) -> Iterator[Finding]:
    """TRN-07: the registration step knows commit, data version and run; jobs and environments have pinned versions.

    Source: https://learn.microsoft.com/azure/well-architected/ai/mlops-genaiops
    """
    tree = ast.parse(text_of(project.root / "ml/src/example_model/register.py"))
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    missing = sorted({"git_sha", "data_version", "run_id"} - words)
    yield verdict("ml/src/example_model/register.py", [f"tag the model with {name}" for name in missing])
    for file in sorted((project.root / "ml").rglob("*")):
        if file.is_file() and (file.suffix in CODE or file.name == "Dockerfile"):
            named = FLOATING.search(file.read_text(encoding="utf-8"))
            faults = [f"{named[0]} changes by itself, name a version"] if named else []
            yield verdict(str(file.relative_to(project.root)), faults)
    if not project.answers["aml_training"]:
        return
    image = str(yaml_file(project, "ml/environments/training.yml").get("image"))
    faults = [] if ":" in image and not image.endswith(":latest") else ["pin the tag of the image"]
    yield verdict("ml/environments/training.yml", faults)
    for step in ("prepare", "train", "evaluate", "register"):
        path = f"ml/components/{step}.yml"
        version = str(yaml_file(project, path).get("environment")).rpartition(":")[2]
        yield verdict(path, [] if version.isdigit() else ["name the environment by its version number"])
