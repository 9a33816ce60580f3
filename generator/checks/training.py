"""Training (TRN rows): the pipeline in files, the compute under it, and what its identity may do."""

import ast
from collections.abc import Iterator
from typing import Any

import yaml

from generator.checks import Finding, check
from generator.checks.expected import presence
from generator.checks.exploration import COMPUTE, ROLE
from generator.checks.reading import compare, decision_table, located, value_at, verdict
from generator.checks.security import belongs_to, principal, role_id
from generator.evaluation import Environment, Project, Resource

ONLINE_ENDPOINT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
BATCH_ENDPOINT = "Microsoft.MachineLearningServices/workspaces/batchEndpoints"
ACCOUNT = "Microsoft.CognitiveServices/accounts"
SERVERLESS, CLUSTER = "azureml:serverless", "azureml:training-cluster"


def yaml_file(project: Project, path: str) -> dict[str, Any]:
    """A YAML file of the project; empty when it is missing."""
    file = project.root / path
    body = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None
    return body if isinstance(body, dict) else {}


def clusters(environment: Environment) -> list[Resource]:
    """The clusters of Azure Machine Learning in one environment."""
    return [item for item in environment.of_type(COMPUTE) if item.properties.get("computeType") == "AmlCompute"]


@check("TRN-01")
def codified(project: Project) -> Iterator[Finding]:
    """TRN-01: training is a pipeline in a file, with a time limit, on the schedule of the answers.

    Source: https://learn.microsoft.com/azure/machine-learning/reference-yaml-job-pipeline
    """
    cadence = project.answers["training_cadence"]
    if project.answers["training_platform"] == "databricks":
        job = value_at(yaml_file(project, "ml/resources/training.yml"), "resources.jobs.train_example") or {}
        limit, tasks = job.get("timeout_seconds"), len(job.get("tasks") or [])
        cron = str(value_at(job, "schedule.quartz_cron_expression") or "")
        right = {"adhoc": "", "weekly": "0 0 2 ? * MON", "daily": "0 0 2 * * ?"}[cadence]
        path = "ml/resources/training.yml"
    else:
        path = "ml/pipelines/train.yml"
        job = yaml_file(project, path)
        limit, tasks = value_at(job, "jobs.train.limits.timeout"), len(job.get("jobs") or {})
        cron = str(value_at(yaml_file(project, "ml/schedules/train.yml"), "trigger.expression") or "")
        right = {"adhoc": "", "weekly": "0 2 * * 1", "daily": "0 2 * * *"}[cadence]
    faults = [] if isinstance(limit, int) and limit > 0 else ["limit the time of a run"]
    faults += [] if tasks >= 4 else ["prepare, train, evaluate and register in steps"]
    faults += [] if cron == right else [f"schedule it with {right!r}, the cadence is {cadence}"]
    yield verdict(path, faults)


@check("TRN-02")
def compute_by_rule(project: Project) -> Iterator[Finding]:
    """TRN-02: pipeline and deployed clusters name the compute of the answers, serverless never with a deadline.

    Distributed runs have their number of nodes, and clusters the size of the table.

    Source: https://learn.microsoft.com/azure/machine-learning/how-to-use-serverless-compute
    """
    yield from presence(project, "Microsoft.MachineLearningServices/workspaces")
    answers = project.answers
    serverless = answers["training_compute"] == "serverless"
    pipeline = yaml_file(project, "ml/pipelines/train.yml")
    wanted = SERVERLESS if serverless else CLUSTER
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
    for environment in project.environments.values():
        here = [item for item in clusters(environment) if item.name.endswith("/training-cluster")]
        expected = 0 if serverless or environment.name not in answers["training_environments"] else 1
        faults = [] if len(here) == expected else [f"{len(here)} training clusters, there must be {expected}"]
        yield verdict(f"{environment.name}: training cluster", faults)
        kind = "distributed_training" if answers["training_distributed"] else "training"
        size = decision_table("machine-sizes")[kind]["gpu" if answers["training_gpu"] else "cpu"]
        for item in here:
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
            if item.name.endswith("/training-cluster") and most != nodes:
                others.append(f"set maxNodeCount to {nodes}")
            yield compare(environment, item, {f"{path}.minNodeCount": 0}, others)


@check("TRN-05")
def identity_of_training(project: Project) -> Iterator[Finding]:
    """TRN-05: the identity of training reads data and writes models, and holds no role beyond those of its work.

    Source: https://learn.microsoft.com/azure/well-architected/ai/architecture-pattern
    """
    roles = decision_table("roles")
    names = (
        "storageBlobDataReader",
        "storageBlobDataContributor",
        "acrPull",
        "azureMlRegistryUser",
        "monitoringMetricsPublisher",
    )
    reader, writer = roles["storageBlobDataReader"]["id"], roles["storageBlobDataContributor"]["id"]
    allowed = {roles[name]["id"] for name in names}
    for name in project.answers["training_environments"]:
        environment = project.environments.get(name)
        held = (
            [item for item in environment.of_type(ROLE) if belongs_to(principal(item), "training")]
            if environment
            else []
        )
        scopes = {(role_id(item), str(item.scope).rpartition("/")[2].lower()) for item in held}
        faults = [] if (reader, "data") in scopes else ["let it read the container data"]
        faults += [] if (writer, "models") in scopes else ["let it write the container models"]
        faults += ["let it not write the container data"] if (writer, "data") in scopes else []
        faults += [f"take the role {guid} from it" for guid in sorted({role_id(item) for item in held} - allowed)]
        yield verdict(f"{name}: identity of training", faults)


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


@check("TRN-09")
def tuned_apart(project: Project) -> Iterator[Finding]:
    """TRN-09: one account for tuning, in dev, in a resource group of its own.

    Source: https://learn.microsoft.com/azure/well-architected/ai/application-platform
    """
    for environment in project.environments.values():
        found = [item for item in environment.of_type(ACCOUNT) if str(item.resource_group).endswith("-tuning")]
        wanted = 1 if environment.name == "dev" else 0
        faults = [] if len(found) == wanted else [f"{len(found)} accounts for tuning, there must be {wanted}"]
        yield verdict(f"{environment.name}: account for tuning", faults)


@check("TRN-04")
def spot_only_when_interruptible(project: Project) -> Iterator[Finding]:
    """TRN-04: spot capacity is for interruptible runs with checkpoints; clusters are dedicated, never low priority.

    Source: https://learn.microsoft.com/azure/machine-learning/reference-yaml-job-pipeline
    """
    answers = project.answers
    interruptible = answers["training_interruptible"]
    if answers["aml_training"]:
        train = value_at(yaml_file(project, "ml/pipelines/train.yml"), "jobs.train") or {}
        spot = value_at(train, "queue_settings.job_tier") == "Spot"
        due = interruptible and answers["training_compute"] == "serverless"
        faults = [] if spot == due else [f"{'use' if due else 'do not use'} job_tier Spot"]
        outputs = value_at(yaml_file(project, "ml/components/train.yml"), "outputs") or {}
        faults += (
            [] if ("checkpoints" in outputs) == interruptible else ["write checkpoints for interruptible runs only"]
        )
        yield verdict("ml/pipelines/train.yml", faults)
    else:
        rows = value_at(yaml_file(project, "ml/resources/training.yml"), "resources.jobs.train_example.job_clusters")
        spot = any("SPOT" in str(value_at(row, "new_cluster.azure_attributes.availability")) for row in rows or [])
        faults = [] if rows and spot == interruptible else ["use spot workers for interruptible runs only"]
        yield verdict("ml/resources/training.yml", faults)
    code = project.root / "ml/src/example_model/checkpoint.py"
    faults = (
        [] if code.is_file() == interruptible else ["keep load and save of checkpoints for interruptible runs only"]
    )
    yield verdict("ml/src/example_model/checkpoint.py", faults)
    for environment in project.environments.values():
        for item in clusters(environment):
            yield compare(environment, item, {"properties.properties.vmPriority": "Dedicated"})


@check("TRN-07")
def lineage(project: Project) -> Iterator[Finding]:
    """TRN-07: the registration step knows commit, data version and run; jobs and environments have pinned versions.

    Source: https://learn.microsoft.com/azure/well-architected/ai/mlops-genaiops
    """
    code = project.root / "ml/src/example_model/register.py"
    tree = ast.parse(code.read_text(encoding="utf-8")) if code.is_file() else ast.Module([], [])
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    missing = sorted({"git_sha", "data_version", "run_id"} - words)
    yield verdict("ml/src/example_model/register.py", [f"tag the model with {name}" for name in missing])
    if not project.answers["aml_training"]:
        return
    image = str(yaml_file(project, "ml/environments/training.yml").get("image"))
    faults = [] if ":" in image and not image.endswith(":latest") else ["pin the tag of the image"]
    yield verdict("ml/environments/training.yml", faults)
    for step in ("prepare", "train", "evaluate", "register"):
        path = f"ml/components/{step}.yml"
        version = str(yaml_file(project, path).get("environment")).rpartition(":")[2]
        yield verdict(path, [] if version.isdigit() else ["name the environment by its version number"])
